/* SPDX-License-Identifier: Apache-2.0 */
/* Where apt gets packages from: sources.list(5), one-line and deb822. */
#include "host/table.h"

#include <ctype.h>

#include "base/vec.h"
#include "host/apt_conf.h"
#include "host/apt_priority.h"
#include "host/conf.h"
#include "host/dpkg.h"
#include "host/secret.h"

enum {
	FILE_,
	TYPE,
	URI,
	SCHEME,
	SUITE,
	COMPONENTS,
	SIGNED_BY,
	TRUSTED,
	INSECURE,
	UNDATED,
	SECURITY,
	ENABLED,
	PRIORITY,
	OUTRANKED
};

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "Where it is configured", 0},
	[TYPE] = {"type", TYPE_STRING, "deb or deb-src", 0},
	[URI] = {"uri", TYPE_STRING, "Of the archive", COLUMN_KEY | COLUMN_LABEL},
	[SCHEME] = {"scheme", TYPE_STRING, "Of the URI: https, http, file, cdrom, mirror+https, ...",
				0},
	[SUITE] = {"suite", TYPE_STRING, "Suite, or a path that ends in a slash", COLUMN_LABEL},
	[COMPONENTS] = {"components", TYPE_LIST, "main, contrib, ...", 0},
	[SIGNED_BY] =
		{"signed_by", TYPE_STRING,
		 "Key files or fingerprints that it must be signed with, \"inline\" for a key in the "
		 "file itself; absent: any key that apt trusts will do",
		 0},
	[TRUSTED] = {"trusted", TYPE_BOOL, "Used without a valid signature (trusted=yes)", 0},
	[INSECURE] = {"insecure", TYPE_BOOL,
				  "Used without a signature, or with a weak one, when there is no better one "
				  "(allow-insecure=yes, allow-weak=yes, allow-downgrade-to-insecure=yes)",
				  0},
	[UNDATED] = {"undated", TYPE_BOOL,
				 "Its lists are taken however old they are (check-valid-until=no)", 0},
	[SECURITY] = {"security", TYPE_BOOL,
				  "Its suite is the one for security updates of the release that is installed", 0},
	[ENABLED] = {"enabled", TYPE_BOOL, "False: switched off with Enabled: no", 0},
	[PRIORITY] =
		{"priority", TYPE_INT,
		 "What /etc/apt/preferences and APT::Default-Release give all of its packages; absent: "
		 "nothing, so 500 unless the archive itself asks for less",
		 0},
	[OUTRANKED] =
		{"outranked", TYPE_BOOL,
		 "Of a security suite: do these priorities put what is installed, or the release itself, "
		 "before its fixes?",
		 0},
	{0},
};

/* What all rows of one line or paragraph share, and the lists that they are the product of. */
struct source {
	struct from from;
	struct str types, uris, suites, components, signed_by;
	bool trusted, insecure, undated, enabled;
	struct str codename; /* of the release; absent: not known */
};

typedef VEC(struct str) strings;

static strings words(struct arena *a, struct str text)
{
	strings list = {0};
	struct str line, word;

	while (str_line(&text, &line)) {
		if (str_starts(line, "#")) /* a comment among continuation lines */
			continue;
		while (str_word(&line, &word))
			*vec_push(a, &list) = word;
	}
	return list;
}

static struct str scheme_of(struct str uri)
{
	struct str scheme = STR_ABSENT;

	if (str_has_char(uri, ':'))
		(void)str_cut(&uri, ':', &scheme);
	return scheme;
}

/* The release's own suite, by its codename or by how far back it is. */
static bool is_release(struct str suite, struct str codename)
{
	return str_is_one_of(suite, NAMES("stable", "oldstable", "oldoldstable", "testing")) ||
		   (codename.n && str_eq(suite, codename));
}

/* bookworm-security; up to Debian 10 buster/updates. */
static bool is_security(struct str suite, struct str codename)
{
	static const char *const endings[] = {"-security", "/updates"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		struct str head = suite;

		if (!str_ends(suite, endings[i]))
			continue;
		head.n -= strlen(endings[i]);
		if (!codename.n || is_release(head, codename))
			return true;
	}
	return false;
}

static void add_row(struct rows *rows, const struct source *s, struct str type, struct str uri,
					struct str suite, const strings *components)
{
	struct row *row = rows_add(rows, s->from);

	row_strz(row, FILE_, s->from.path);
	row_str(row, TYPE, type);
	row_str(row, URI, secret_masked_urls(rows->arena, uri));
	row_str(row, SCHEME, scheme_of(uri));
	row_str(row, SUITE, suite);
	if (components->n)
		row_list(row, COMPONENTS, components->p, components->n);
	row_str(row, SIGNED_BY, s->signed_by);
	row_bool(row, TRUSTED, s->trusted);
	row_bool(row, INSECURE, s->insecure);
	row_bool(row, UNDATED, s->undated);
	row_bool(row, SECURITY, is_security(suite, s->codename));
	row_bool(row, ENABLED, s->enabled);
}

/* A paragraph means every combination of its types, URIs and suites. */
static void add_source(struct rows *rows, const struct source *s)
{
	strings types = words(rows->arena, s->types), uris = words(rows->arena, s->uris);
	strings suites = words(rows->arena, s->suites);
	strings components = words(rows->arena, s->components);

	if (!types.n || !uris.n || !suites.n) {
		rows_gap(rows, "%s:%u: a source without type, URI or suite", s->from.path, s->from.line);
		return;
	}
	if (types.n > 64 || uris.n > 64 || suites.n > 64) {
		rows_gap(rows, "%s:%u: a source of too many combinations", s->from.path, s->from.line);
		return;
	}
	for (size_t t = 0; t < types.n; t++)
		for (size_t u = 0; u < uris.n; u++)
			for (size_t i = 0; i < suites.n; i++)
				add_row(rows, s, types.p[t], uris.p[u], suites.p[i], &components);
}

static bool is_insecure(struct str option)
{
	return str_is_nocase(option, "allow-insecure") || str_is_nocase(option, "allow-weak") ||
		   str_is_nocase(option, "allow-downgrade-to-insecure");
}

/* --- one-line style ------------------------------------------------------------------------ */

static void set_option(struct source *s, struct str option)
{
	struct str name;

	if (!str_cut(&option, '=', &name) || !option.p)
		return;
	if (str_is_nocase(name, "signed-by"))
		s->signed_by = option;
	else if (str_is_nocase(name, "trusted"))
		s->trusted = apt_bool(option, false);
	else if (str_is_nocase(name, "check-valid-until"))
		s->undated = !apt_bool(option, true);
	else if (is_insecure(name))
		s->insecure = s->insecure || apt_bool(option, false);
}

/* What is before a '#' outside brackets and quotes, where apt ends the line. */
static struct str without_comment(struct str line)
{
	const char *hash = line.n ? memchr(line.p, '#', line.n) : NULL;

	return hash ? (struct str){line.p, (size_t)(hash - line.p)} : line;
}

/* The URI of a CD has blanks, in brackets: cdrom:[Debian 12.5 - Release]/ */
static struct str take_uri(struct str *line)
{
	struct str uri = STR_ABSENT, rest = str_trim(*line);
	const char *end;

	if (!str_starts(rest, "cdrom:[")) {
		(void)str_word(line, &uri);
		return uri;
	}
	end = memchr(rest.p, ']', rest.n);
	uri.p = rest.p;
	uri.n = end ? (size_t)(end - rest.p) + 1 : rest.n;
	while (uri.n < rest.n && !isspace((unsigned char)rest.p[uri.n]))
		uri.n++;
	*line = (struct str){rest.p + uri.n, rest.n - uri.n};
	return uri;
}

static bool is_type(struct str s)
{
	return str_is(s, "deb") || str_is(s, "deb-src");
}

/* deb [signed-by=FILE trusted=yes] URI SUITE COMPONENT... */
static void read_line(struct rows *rows, struct from from, struct str codename, struct str line)
{
	struct source s = {.from = from, .enabled = true, .codename = codename};
	struct str options, word;
	strings components;

	line = str_trim(without_comment(line));
	if (!line.n)
		return;
	(void)str_word(&line, &s.types);
	line = str_trim(line);
	if (str_skip(&line, "[")) {
		(void)str_cut(&line, ']', &options);
		while (str_word(&options, &word))
			set_option(&s, word);
		if (!line.p)
			line = STR("");
	}
	word = take_uri(&line);
	if (!is_type(s.types) || !str_word(&line, &s.suites) || !word.n) {
		rows_gap(rows, "%s:%u: not a line that apt understands", from.path, from.line);
		return;
	}
	components = words(rows->arena, line);
	add_row(rows, &s, s.types, word, s.suites, &components);
}

static void read_list(struct rows *rows, const char *path, struct str codename, struct str text)
{
	struct str line;

	for (unsigned number = 1; str_line(&text, &line); number++)
		read_line(rows, FROM(path, number), codename, line);
}

/* --- deb822 ---------------------------------------------------------------------------------- */

static void set_field(struct source *s, struct str name, struct str value)
{
	static const struct {
		const char *name;
		size_t offset;
	} lists[] = {
		{"Types", offsetof(struct source, types)},
		{"URIs", offsetof(struct source, uris)},
		{"Suites", offsetof(struct source, suites)},
		{"Components", offsetof(struct source, components)},
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (str_is_nocase(name, lists[i].name))
			*(struct str *)(void *)((char *)s + lists[i].offset) = value;
	if (str_is_nocase(name, "Signed-By"))
		s->signed_by = str_has(value, "-----BEGIN") ? STR("inline") : deb822_first_line(value);
	else if (str_is_nocase(name, "Trusted"))
		s->trusted = apt_bool(deb822_first_line(value), false);
	else if (str_is_nocase(name, "Check-Valid-Until"))
		s->undated = !apt_bool(deb822_first_line(value), true);
	else if (is_insecure(name))
		s->insecure = s->insecure || apt_bool(deb822_first_line(value), false);
	else if (str_is_nocase(name, "Enabled"))
		s->enabled = apt_bool(deb822_first_line(value), false);
}

static void read_deb822(struct rows *rows, const char *path, struct str codename, struct str text)
{
	struct deb822 d = {text, 1};
	struct deb822_field field;

	while (deb822_paragraph(&d)) {
		struct source s = {.enabled = true, .codename = codename};

		while (deb822_field(&d, &field)) {
			if (!s.from.path)
				s.from = FROM(path, field.line);
			if (field.value.p)
				set_field(&s, field.name, field.value);
			else
				rows_gap(rows, "%s:%u: not a field", path, field.line);
		}
		if (s.from.path)
			add_source(rows, &s);
	}
}

/* --- files ----------------------------------------------------------------------------------- */

static void read_file(struct host *host, struct rows *rows, struct str codename, const char *path)
{
	struct err err = {0};
	struct str text;
	int r = host_read(host, path, rows->arena, &text, &err);

	if (r == -ENOENT)
		return;
	if (r < 0)
		rows_gap(rows, "%s", err.msg);
	else if (str_ends(str_of(path), ".sources"))
		read_deb822(rows, path, codename, text);
	else
		read_list(rows, path, codename, text);
}

/* apt passes over names with other characters, such as those that editors leave. */
static bool is_part(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	if (*name == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.:", *name))
			return false;
	return true;
}

static struct str codename_of(struct host *host, struct arena *a)
{
	struct conf conf = {0};
	struct err ignored = {0};
	const struct conf_item *item;
	struct str name;

	(void)conf_read(host, a, "/etc/os-release", CONF_EQUALS, &conf, &ignored);
	item = conf_last(&conf, NULL, "VERSION_CODENAME");
	name = item ? item->value : STR_ABSENT;
	if (str_skip(&name, "\"") && str_ends(name, "\""))
		name.n--;
	return name;
}

static struct apt_suite suite_of(const struct row *row, struct str codename)
{
	const struct value *cells = row->cells;
	const struct value *components = &cells[COMPONENTS];

	return (struct apt_suite){
		.uri = cells[URI].string,
		.suite = cells[SUITE].string,
		.component = components->state == VALUE_ABSENT ? STR("")
					 : components->list.n == 1         ? components->list.items[0]
													   : STR_ABSENT,
		.in_use = cells[ENABLED].number && str_is(cells[TYPE].string, "deb"),
		.security = cells[SECURITY].number,
		.release = is_release(cells[SUITE].string, codename),
	};
}

static void set_priorities(struct host *host, struct rows *rows, struct str codename)
{
	struct apt_suite *all = arena_new(rows->arena, struct apt_suite, rows->n);

	for (size_t i = 0; i < rows->n; i++)
		all[i] = suite_of(rows->p[i], codename);
	apt_prioritise(host, rows->arena, all, rows->n);
	for (size_t i = 0; i < rows->n; i++) {
		if (all[i].unknown)
			row_unknown(rows->p[i], PRIORITY, all[i].unknown);
		else if (all[i].priority)
			row_int(rows->p[i], PRIORITY, all[i].priority);
		if (all[i].security && all[i].rank_unknown)
			row_unknown(rows->p[i], OUTRANKED, all[i].rank_unknown);
		else if (all[i].security)
			row_bool(rows->p[i], OUTRANKED, all[i].outranked);
	}
}

static int read_apt_sources(struct host *host, struct rows *rows, struct err *err _unused_)
{
	static const char *const suffixes[] = {".list", ".sources"};

	struct str codename = codename_of(host, rows->arena);
	struct apt_conf conf;
	const char *elsewhere;

	apt_conf_read(host, rows->arena, &conf);
	elsewhere = conf.gap ? conf.gap : apt_conf_elsewhere(&conf, rows->arena);
	if (elsewhere)
		rows_gap(rows, "%s", elsewhere);
	read_file(host, rows, codename, "/etc/apt/sources.list");
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct str *files;
		size_t n;

		if (host_list_files(host, "/etc/apt/sources.list.d", suffixes[i], rows->arena, &files, &n,
							err) < 0) {
			rows_gap(rows, "%s", err->msg);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			if (is_part(files[k].p))
				read_file(host, rows, codename, files[k].p);
	}
	set_priorities(host, rows, codename);
	return 0;
}

static const struct table apt_sources = {
	.name = "apt_sources",
	.doc = "Package sources of apt, one for each type, URI and suite",
	.columns = columns,
	.read = read_apt_sources,
	.multi = true,
};
TABLE(apt_sources);
