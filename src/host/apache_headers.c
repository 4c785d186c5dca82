/* SPDX-License-Identifier: Apache-2.0 */
#include "host/apache_headers.h"

#include "base/vec.h"
#include "host/apache_answer.h"
#include "host/apache_request.h"

#define MAX_HEADERS 256
#define MAX_SECTIONS 64 /* with headers, of one server */
#define MAX_DEPTH 64    /* of a root, to find out what .htaccess may do there */

struct headers {
	struct {
		struct str text;
		bool always; /* Apache keeps two lists, and sends both */
	} * p;
	size_t n, cap;
};

/* --- what is said ---------------------------------------------------------------------------- */

static bool lets_override(const struct directive *override, const struct directive *list)
{
	for (size_t i = 0; override && i < override->n_args; i++)
		if (str_is_nocase(override->args[i], "all") || str_is_nocase(override->args[i], "fileinfo"))
			return true;
	for (size_t i = 0; list && i < list->n_args; i++)
		if (str_is_nocase(list->args[i], "Header"))
			return true;
	return false;
}

static bool is_location(const struct directive *d)
{
	return apache_is(d, "Location") || apache_is(d, "LocationMatch");
}

static void keep(struct arena *arena, struct apache_directives *list, const struct directive *d,
				 struct apache_headers_said *said)
{
	if (list->n < MAX_SECTIONS)
		*vec_push(arena, list) = d;
	else
		said->why = "too many sections set headers";
}

/* Pictures and scripts that distributions ship are no pages. */
static bool is_shipped(struct str path)
{
	return str_starts(path, "/usr/share/apache2/") || str_starts(path, "/usr/share/httpd/") ||
		   str_starts(path, "/usr/share/javascript");
}

static void note_alias(struct arena *arena, const struct directive *d,
					   struct apache_headers_said *said)
{
	struct str to = d->args[d->n_args > 1];

	if (said->elsewhere.n >= MAX_SECTIONS)
		said->passed_on = true;
	else if (!is_shipped(to))
		*vec_push(arena, &said->elsewhere) = to;
}

/* Which requests are answered from elsewhere than the root? */
static void note_elsewhere(struct arena *arena, const struct directive *d,
						   struct apache_headers_said *said)
{
	static const char *const aliases[] = {"Alias",           "AliasMatch",
										  "ScriptAlias",     "ScriptAliasMatch",
										  "WSGIScriptAlias", "WSGIScriptAliasMatch"};
	bool excepted = false;

	for (size_t i = 0; d->n_args && i < ARRAY_LEN(aliases); i++)
		if (apache_is(d, aliases[i]))
			note_alias(arena, d, said);
	if (apache_is(d, "RewriteRule"))
		said->passed_on |= d->n_args > 2 && str_has(d->args[2], "P");
	if (!apache_is(d, "ProxyPass") && !apache_is(d, "ProxyPassMatch"))
		return;
	for (size_t i = 0; i < d->n_args; i++)
		excepted |= str_is(d->args[i], "!");
	said->passed_on |= !excepted;
	said->all_passed_on |= !excepted && apache_is(d, "ProxyPass") && str_is(directive_arg(d), "/");
}

static void note_section(struct arena *arena, const struct directive *section,
						 struct apache_headers_said *said)
{
	bool any = false;

	for (const struct directive *d = section->first; d; d = d->next) {
		any |= apache_is(d, "Header");
		if (is_location(section))
			note_elsewhere(arena, d, said);
	}
	if (any)
		keep(arena, &said->sections, section, said);
	if (apache_is(section, "Directory") && section->n_args == 1 && str_is_glob(section->args[0]) &&
		lets_override(apache_last(section, "AllowOverride"),
					  apache_last(section, "AllowOverrideList")))
		keep(arena, &said->patterns, section, said);
}

static void note(struct arena *arena, const struct directive *server,
				 struct apache_headers_said *said)
{
	for (const struct directive *d = server->first; d; d = d->next) {
		if (apache_is_section(d))
			note_section(arena, d, said);
		else if (apache_is(d, "Header"))
			*vec_push(arena, &said->headers) = d;
		else
			note_elsewhere(arena, d, said);
	}
}

void apache_headers_init(struct apache_headers *h, struct apache *apache,
						 const struct map *directories)
{
	*h = (struct apache_headers){.apache = apache, .directories = directories};
	map_init(&h->overrides, apache->arena);
	note(apache->arena, &apache->main, &h->all);
}

/* --- one directive --------------------------------------------------------------------------- */

static void drop(struct headers *headers, struct str name, bool always)
{
	size_t kept = 0;

	for (size_t k = 0; k < headers->n; k++) {
		struct str text = headers->p[k].text;
		bool same = headers->p[k].always == always && text.n > name.n && text.p[name.n] == ':' &&
					memcmp(text.p, name.p, name.n) == 0;

		if (!same)
			headers->p[kept++] = headers->p[k];
	}
	headers->n = kept;
}

/* `env=NAME` and `expr=...`: what holds for pages, or for TLS where there is nothing else, holds for
 * what the rules are about. */
static bool holds(struct str condition, bool tls)
{
	if (!str_starts(condition, "env=") && !str_starts(condition, "expr="))
		return true;
	return str_has(condition, "CONTENT_TYPE") ||
		   (tls && str_has(condition, "HTTPS") && !str_has_char(condition, '!'));
}

static bool adds(struct str action)
{
	return str_is_nocase(action, "set") || str_is_nocase(action, "add") ||
		   str_is_nocase(action, "append") || str_is_nocase(action, "merge") ||
		   str_is_nocase(action, "setifempty");
}

/* whole: it holds for all of the server; else only what it takes away counts. */
static void obey(struct arena *arena, const struct directive *d, bool tls, bool whole,
				 struct headers *headers)
{
	bool always = d->n_args && str_is_nocase(d->args[0], "always");
	size_t i = always || (d->n_args && str_is_nocase(d->args[0], "onsuccess"));
	struct str action, name;

	if (i + 1 >= d->n_args)
		return;
	action = d->args[i];
	name = str_lower(arena, d->args[i + 1]);
	if (str_ends(name, ":"))
		name.n--;
	if (str_is_nocase(action, "unset"))
		drop(headers, name, always);
	if (i + 2 >= d->n_args || !adds(action) ||
		!holds(i + 3 < d->n_args ? d->args[i + 3] : STR(""), tls))
		return;
	if (str_is_nocase(action, "set"))
		drop(headers, name, always);
	if (!whole || headers->n >= MAX_HEADERS)
		return;
	vec_push(arena, headers)->text =
		str_of(arena_printf(arena, "%.*s: %s", STR_ARG(name), str_dup(arena, d->args[i + 2])));
	headers->p[headers->n - 1].always = always;
}

/* --- sections -------------------------------------------------------------------------------- */

/* Do requests get anywhere that is not below the path? */
static bool is_left(const struct apache_headers_said *said, struct str path)
{
	for (size_t i = 0; i < said->elsewhere.n; i++)
		if (!apache_is_below(said->elsewhere.p[i], path))
			return true;
	return said->passed_on;
}

/* The shortest first; of one length in the order in which they stand. */
static void add_directories(struct arena *arena, const struct apache_headers_said *said,
							struct str root, struct apache_directives *ret)
{
	for (size_t i = 0; i < said->sections.n; i++) {
		const struct directive *d = said->sections.p[i];
		struct str path = apache_without_slash(directive_arg(d));
		size_t at = ret->n;

		if (!apache_is(d, "Directory") || d->n_args != 1 || !apache_is_below(root, path))
			continue;
		vec_push(arena, ret);
		for (; at && apache_without_slash(ret->p[at - 1]->args[0]).n > path.n; at--)
			ret->p[at] = ret->p[at - 1];
		ret->p[at] = d;
	}
}

static void obey_directories(const struct apache_headers *h, const struct apache_headers_said *own,
							 struct str root, bool tls, struct headers *headers)
{
	struct apache_directives about = {0};

	add_directories(h->apache->arena, &h->all, root, &about);
	add_directories(h->apache->arena, own, root, &about);
	vec_each(&about, section)
	{
		struct str path = (*section)->args[0];
		bool whole = !is_left(&h->all, path) && !is_left(own, path);

		for (const struct directive *d = (*section)->first; d; d = d->next)
			if (apache_is(d, "Header"))
				obey(h->apache->arena, d, tls, whole, headers);
	}
}

/* "/", or an expression that fits everything. */
static bool is_whole_location(const struct directive *section)
{
	struct str what = section->n_args ? section->args[section->n_args - 1] : STR("");

	if (!is_location(section))
		return false;
	if (apache_is(section, "Location") && section->n_args == 1)
		return str_is(what, "/");
	return apache_is_all(what);
}

static void obey_locations(const struct apache_headers *h, const struct apache_headers_said *said,
						   bool tls, struct headers *headers)
{
	for (size_t i = 0; i < said->sections.n; i++)
		if (is_whole_location(said->sections.p[i]))
			for (const struct directive *d = said->sections.p[i]->first; d; d = d->next)
				if (apache_is(d, "Header"))
					obey(h->apache->arena, d, tls, true, headers);
}

/* --- .htaccess ------------------------------------------------------------------------------- */

/* "": it is not there; else why it matters. */
static const char *file_matters(struct apache_headers *h, struct str root, struct str name)
{
	struct arena *arena = h->apache->arena;
	char *path = arena_printf(arena, "%s/%s", str_dup(arena, root), str_dup(arena, name));
	const char *known = map_get(&h->overrides, str_of(path));
	struct path_stat st;
	struct err err = {0};
	int r;

	if (known)
		return known;
	r = host_stat(h->apache->web.host, path, true, &st, &err);
	if (r == -ENOENT || r == -ENOTDIR)
		known = "";
	else if (r < 0)
		known = arena_strdup(arena, err.msg);
	else
		known = arena_printf(arena, "%s may set headers", path);
	map_put(&h->overrides, str_of(path), (void *)known);
	return known;
}

static bool may_override(const struct apache_headers *h, const struct apache_headers_said *own,
						 const struct map *directories, struct str root)
{
	const struct apache_headers_said *both[] = {&h->all, own};
	struct apache_inherited in = {0};
	size_t depth = 0;

	for (size_t i = 0; i < root.n; i++)
		depth += root.p[i] == '/';
	if (depth > MAX_DEPTH)
		return true;
	apache_inherit_above(h->directories, directories, root, NULL, &in);
	if (lets_override(in.override, in.override_list))
		return true;
	for (size_t k = 0; k < ARRAY_LEN(both); k++)
		for (size_t i = 0; i < both[k]->patterns.n; i++)
			if (str_glob(
					arena_printf(h->apache->arena, "%s*",
								 str_dup(h->apache->arena,
										 apache_without_slash(both[k]->patterns.p[i]->args[0]))),
					root))
				return true;
	return false;
}

/* Why headers are a matter of a file in the root; NULL: they are not. */
static const char *overridden(struct apache_headers *h, const struct directive *server,
							  const struct apache_headers_said *own, const struct map *directories,
							  struct str root)
{
	const struct directive *d = apache_in_force(h->apache, server, "AccessFileName");
	static const struct str usual = {".htaccess", sizeof(".htaccess") - 1};
	const struct str *names = d ? d->args : &usual;

	for (size_t i = 0; i < MIN(d ? d->n_args : 1, (size_t)8); i++) {
		const char *why = file_matters(h, root, names[i]);

		if (*why)
			return may_override(h, own, directories, root) ? why : NULL;
	}
	return NULL;
}

/* --- all of a server ------------------------------------------------------------------------- */

static void obey_all(const struct apache_headers *h, const struct apache_headers_said *own,
					 struct str root, bool tls, struct headers *headers)
{
	for (size_t i = 0; i < h->all.headers.n; i++)
		obey(h->apache->arena, h->all.headers.p[i], tls, true, headers);
	for (size_t i = 0; i < own->headers.n; i++)
		obey(h->apache->arena, own->headers.p[i], tls, true, headers);
	if (root.p)
		obey_directories(h, own, root, tls, headers);
	obey_locations(h, &h->all, tls, headers);
	obey_locations(h, own, tls, headers);
}

void apache_headers(struct apache_headers *h, const struct directive *server, const struct map *own,
					struct web_list *ret)
{
	const struct directive *root = apache_in_force(h->apache, server, "DocumentRoot"),
						   *tls = apache_in_force(h->apache, server, "SSLEngine");
	struct str path = root ? apache_without_slash(directive_arg(root)) : STR_ABSENT;
	struct apache_headers_said said = {0};
	struct headers headers = {0};

	if (server != &h->apache->main)
		note(h->apache->arena, server, &said);
	/* No directory is about what another server answers, or about a root that is not known. */
	if (h->all.all_passed_on || said.all_passed_on || !str_starts(path, "/") || str_has(path, "${"))
		path = STR_ABSENT;
	ret->why = h->all.why ? h->all.why : said.why;
	obey_all(h, &said, path, tls && str_is_nocase(directive_arg(tls), "on"), &headers);
	if (path.p && (headers.n || map_get(&h->apache->config.modules, STR("headers_module"))))
		ret->why = ret->why ? ret->why : overridden(h, server, &said, own, path);
	for (size_t i = 0; !ret->why && i < headers.n; i++)
		*vec_push(h->apache->arena, ret) = headers.p[i].text;
}
