/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx: a row for what counts for all of it, one for each server, and one for each location that sets
 * something of its own, with what is in force there.
 */
#include "base/num.h"
#include "base/vec.h"
#include "host/account.h"
#include "host/address.h"
#include "host/docroot.h"
#include "host/dpkg.h"
#include "host/edit.h"
#include "host/nginx_scope.h"
#include "host/secret.h"
#include "host/table.h"

#define MAIN_FILE NGINX_DIRECTORY "nginx.conf"
#define DROP_IN_DIRECTORY NGINX_DIRECTORY "conf.d/"
#define DROP_IN DROP_IN_DIRECTORY "00-revet.conf"
#define MAX_LOCATED 2000 /* private paths whose location is looked for */

enum {
	CONTEXT,
	NAME,
	PROTOCOL,
	SERVER_NAMES,
	LISTEN,
	SCOPE,
	TLS,
	PLAIN,
	LOCATION,
	SERVER_TOKENS,
	SSL_PROTOCOLS,
	SSL_CIPHERS,
	HEADERS,
	AUTOINDEX,
	ACCESS_LOG,
	ERROR_LOG,
	MAX_BODY,
	BODY_TIMEOUT,
	HEADER_TIMEOUT,
	ROOT,
	ALIAS,
	PASSES,
	REDIRECTS,
	STATUS,
	RESTRICTED,
	MODSECURITY,
	EXPOSED,
	OPEN_KEYS,
	USER,
	WRITABLE,
};

static const struct column columns[] = {
	[CONTEXT] = {"context", TYPE_STRING, "main, server or location", COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "The server's first name and, of a location, what it is for",
			  COLUMN_LABEL},
	[PROTOCOL] = {"protocol", TYPE_STRING, "http, stream or mail; absent: main", 0},
	[SERVER_NAMES] = {"server_names", TYPE_LIST, "Names that the server answers to", 0},
	[LISTEN] = {"listen", TYPE_LIST, "Addresses that the server listens on, as they are written",
				0},
	[SCOPE] =
		{"scope", TYPE_STRING,
		 "From where the server can be reached at most: loopback (also a Unix socket), private "
		 "or public",
		 0},
	[TLS] = {"tls", TYPE_BOOL, "The server takes TLS on some address", 0},
	[PLAIN] =
		{"plain", TYPE_STRING,
		 "What a request without TLS gets: application, files, redirect (to https) or refused; "
		 "absent: the server takes TLS only",
		 0},
	[LOCATION] = {"location", TYPE_STRING, "What the location is for, with its = ~ ~* or ^~", 0},
	[SERVER_TOKENS] = {"server_tokens", TYPE_STRING, "Is the version told: on, off, build",
					   COLUMN_SETTABLE},
	[SSL_PROTOCOLS] = {"ssl_protocols", TYPE_LIST, "Versions of TLS; of servers with TLS",
					   COLUMN_SETTABLE},
	[SSL_CIPHERS] = {"ssl_ciphers", TYPE_LIST,
					 "Ciphers, as they are written, split at the colons; of "
					 "servers with TLS",
					 COLUMN_SETTABLE},
	[HEADERS] = {"headers", TYPE_LIST,
				 "Headers that are added, as \"name: value\", the name in lower "
				 "case",
				 0},
	[AUTOINDEX] = {"autoindex", TYPE_STRING, "Are directories listed: on, off", COLUMN_SETTABLE},
	[ACCESS_LOG] = {"access_log", TYPE_LIST, "Where requests are logged, or off", 0},
	[ERROR_LOG] = {"error_log", TYPE_LIST, "Where errors are logged", 0},
	[MAX_BODY] = {"client_max_body_size", TYPE_SIZE, "The largest body of a request; 0: any", 0},
	[BODY_TIMEOUT] = {"client_body_timeout", TYPE_DURATION, "Longest silence in a request's body",
					  COLUMN_SETTABLE},
	[HEADER_TIMEOUT] = {"client_header_timeout", TYPE_DURATION,
						"Longest time for a request's header", COLUMN_SETTABLE},
	[ROOT] = {"root", TYPE_STRING, "Directory of the files", 0},
	[ALIAS] = {"alias", TYPE_STRING, "What the location's own name is replaced by", 0},
	[PASSES] =
		{"passes", TYPE_LIST,
		 "Where the location passes requests on to, as "
		 "\"http://10.0.0.5:80\" or \"fastcgi://unix:/run/php.sock\"; upstreams are resolved",
		 0},
	[REDIRECTS] = {"redirects", TYPE_LIST, "Where the server or location itself sends clients to",
				   0},
	[STATUS] = {"status", TYPE_BOOL, "The location shows nginx's own state (stub_status, api)", 0},
	[RESTRICTED] = {"restricted", TYPE_BOOL,
					"Not everybody is let in: by address, a password, a "
					"certificate, or because it is only reached from the host itself",
					0},
	[MODSECURITY] = {"modsecurity", TYPE_STRING, "Does ModSecurity look at requests: on, off", 0},
	[EXPOSED] = {"exposed", TYPE_LIST,
				 "Repositories, dumps and files with secrets in the server's "
				 "root that a request would get",
				 0},
	[OPEN_KEYS] = {"open_keys", TYPE_LIST, "Private keys that the worker's user may read", 0},
	[USER] = {"user", TYPE_STRING, "User of the workers; of main; absent: as nginx was built", 0},
	[WRITABLE] = {"writable", TYPE_LIST,
				  "Files of the configuration, and directories that hold them, "
				  "that the worker's user may write; of main",
				  0},
	{0},
};

/* What a request gets, the weightier behind. */
enum answer { ANSWER_REFUSED, ANSWER_REDIRECT, ANSWER_FILES, ANSWER_APPLICATION };

struct reading {
	struct host *host;
	struct arena *arena;
	struct rows *rows;
	struct nginx_config config;
	struct account worker;
	struct map upstreams;  /* by name: the block */
	struct map targets;    /* by scheme and address: struct strs */
	struct map roots;      /* by path: struct strs */
	struct map keys;       /* by path: "" or the path; NULL: not looked at yet */
	const char *protocols; /* the built-in ssl_protocols; NULL: not known */
	size_t located;
};

struct strs {
	struct str *p;
	size_t n, cap;
	const char *why; /* not known; NULL: it is */
};

struct server {
	const struct directive *block;
	const char *protocol, *name, *scope;
	struct nginx_scope in_force;
	bool tls, plain;
};

static bool is_location(const struct directive *d)
{
	return d->is_block && str_is(d->name, "location");
}

static bool is_conditional(const struct directive *d)
{
	return d->is_block && (str_is(d->name, "if") || str_is(d->name, "limit_except"));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* --- settings -------------------------------------------------------------------------------- */

static void set_from(struct row *row, int column, const struct directive *d)
{
	row_from(row, column, FROM(d->file, d->line));
}

static void set_word(struct row *row, int column, const struct directive *d, const char *usual)
{
	struct str value = d ? directive_arg(d) : str_of(usual);

	if (value.p && str_has_char(value, '$'))
		row_unknown(row, column, "it is a variable");
	else
		row_str(row, column, value);
	if (d)
		set_from(row, column, d);
}

/* nginx's "1m", "90s", "500ms"; without a unit seconds. */
static int time_of(struct str text, int64_t *ret)
{
	uint64_t ms;

	if (!str_ends(text, "ms"))
		return num_duration(text, ret);
	if (num_u64((struct str){text.p, text.n - 2}, 0, INT64_MAX / 2, &ms) < 0)
		return -EINVAL;
	*ret = (int64_t)((ms + 999) / 1000);
	return 0;
}

static void set_number(struct row *row, int column, const struct directive *d, int64_t usual,
					   int (*parse)(struct str, int64_t *))
{
	int64_t number = usual;

	if (d && (!directive_arg(d).p || parse(directive_arg(d), &number) < 0))
		row_unknown(row, column, "it is a variable or nothing that is understood");
	else
		row_int(row, column, number);
	if (d)
		set_from(row, column, d);
}

static void set_one(struct reading *r, struct row *row, int column, const char *item)
{
	struct str *items = arena_new(r->arena, struct str, 1);

	*items = str_of(item);
	row_list(row, column, items, 1);
}

/* Every argument of the last one. */
static void set_args(struct row *row, int column, const struct directive *d)
{
	row_list(row, column, d->args, d->n_args);
	set_from(row, column, d);
}

static void set_first_args(struct reading *r, struct row *row, int column,
						   const struct nginx_group *group)
{
	struct str *items = arena_new(r->arena, struct str, group->n);

	for (size_t i = 0; i < group->n; i++)
		items[i] = group->p[i]->n_args ? group->p[i]->args[0] : STR("");
	if (!group->n)
		return;
	row_list(row, column, items, group->n);
	set_from(row, column, group->p[group->n - 1]);
}

static void add_header(struct reading *r, struct strs *to, struct str name, struct str value)
{
	if (value.n)
		*vec_push(r->arena, to) =
			str_of(arena_printf(r->arena, "%s: %s", str_dup(r->arena, str_lower(r->arena, name)),
								str_dup(r->arena, value)));
}

/* more_set_headers takes "Name: value" words, with options between that say for which answers. */
static void add_more_headers(struct reading *r, struct strs *to, const struct directive *d)
{
	for (size_t i = 0; i < d->n_args; i++) {
		struct str value = d->args[i], name;

		if (str_starts(value, "-"))
			i++;
		else if (str_cut(&value, ':', &name) && value.p)
			add_header(r, to, str_trim(name), str_trim(value));
	}
}

static void set_headers(struct reading *r, struct row *row, const struct nginx_scope *s)
{
	const struct nginx_group *added = &s->set[NGINX_HEADERS], *more = &s->set[NGINX_MORE_HEADERS];
	struct strs headers = {0};

	for (size_t i = 0; i < added->n; i++)
		if (added->p[i]->n_args > 1)
			add_header(r, &headers, added->p[i]->args[0], added->p[i]->args[1]);
	for (size_t i = 0; i < more->n; i++)
		add_more_headers(r, &headers, more->p[i]);
	row_list(row, HEADERS, headers.p, headers.n);
	if (added->n)
		set_from(row, HEADERS, added->p[added->n - 1]);
}

/* --- TLS ------------------------------------------------------------------------------------- */

/* Which versions are on when nothing says so has changed twice: nginx 1.23.4 and 1.27.3. */
static const char *built_in_protocols(struct reading *r)
{
	static const char *const packages[] = {"nginx", "nginx-core", "nginx-light", "nginx-full",
										   "nginx-extras"};
	struct dpkg_db db = {0};
	struct err ignored = {0};

	if (dpkg_read(r->host, r->arena, &db, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		const struct dpkg_package *p = dpkg_installed(&db, packages[i]);

		if (!p)
			continue;
		if (dpkg_version_cmp(p->version, STR("1.27.3")) >= 0)
			return "TLSv1.2 TLSv1.3";
		return dpkg_version_cmp(p->version, STR("1.23.4")) >= 0 ? "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"
																: "TLSv1 TLSv1.1 TLSv1.2";
	}
	return NULL;
}

static void split(struct reading *r, struct str text, char c, struct strs *ret)
{
	struct str item;

	while (str_cut(&text, c, &item))
		if (item.n)
			*vec_push(r->arena, ret) = item;
}

static void set_ciphers(struct reading *r, struct row *row, const struct directive *d)
{
	struct strs items = {0};

	split(r, d && d->n_args ? d->args[0] : STR("HIGH:!aNULL:!MD5"), ':', &items);
	row_list(row, SSL_CIPHERS, items.p, items.n);
	if (d)
		set_from(row, SSL_CIPHERS, d);
}

static void set_tls(struct reading *r, struct row *row, const struct nginx_scope *s)
{
	const struct directive *protocols = nginx_scope_last(s, NGINX_SSL_PROTOCOLS);
	struct strs usual = {0};

	set_ciphers(r, row, nginx_scope_last(s, NGINX_SSL_CIPHERS));
	if (protocols) {
		set_args(row, SSL_PROTOCOLS, protocols);
		return;
	}
	if (!r->protocols)
		r->protocols = built_in_protocols(r);
	if (!r->protocols) {
		row_unknown(row, SSL_PROTOCOLS,
					"it is not set, and what nginx then does is a matter of its "
					"version, which is not known");
		return;
	}
	split(r, str_of(r->protocols), ' ', &usual);
	row_list(row, SSL_PROTOCOLS, usual.p, usual.n);
}

/* Whether the workers may read it, asked once for each file. NULL: they may not. */
static const char *open_key(struct reading *r, struct str path, const char **why)
{
	struct err err = {0};
	char *known = map_get(&r->keys, path);
	int may;

	if (known)
		return *known ? known : NULL;
	may = account_may(r->host, &r->worker, str_dup(r->arena, path), ACCOUNT_READ, r->arena, &err);
	if (may < 0) {
		*why = arena_strdup(r->arena, err.msg);
		return NULL;
	}
	known = may ? str_dup(r->arena, path) : arena_strdup(r->arena, "");
	map_put(&r->keys, path, known);
	return may ? known : NULL;
}

static void set_keys(struct reading *r, struct row *row, const struct nginx_group *keys)
{
	struct strs open = {0};
	const char *why = NULL;

	for (size_t i = 0; i < keys->n; i++) {
		struct str path = directive_arg(keys->p[i]);
		const char *found;

		if (!path.n || str_has_char(path, '$') || str_starts(path, "data:") ||
			str_starts(path, "engine:") || str_starts(path, "store:"))
			continue;
		if (*path.p != '/')
			path = str_of(arena_printf(r->arena, NGINX_DIRECTORY "%s", str_dup(r->arena, path)));
		found = open_key(r, path, &why);
		if (found)
			*vec_push(r->arena, &open) = str_of(found);
	}
	if (why && !open.n)
		row_unknown(row, OPEN_KEYS, why);
	else
		row_list(row, OPEN_KEYS, open.p, open.n);
}

/* --- where requests go ----------------------------------------------------------------------- */

static const char *scheme_of(struct str directive)
{
	static const char *const passes[][2] = {
		{"proxy_pass", "http"}, {"fastcgi_pass", "fastcgi"}, {"uwsgi_pass", "uwsgi"},
		{"scgi_pass", "scgi"},  {"grpc_pass", "grpc"},       {"memcached_pass", "memcached"},
	};

	for (size_t i = 0; i < ARRAY_LEN(passes); i++)
		if (str_is(directive, passes[i][0]))
			return passes[i][1];
	return NULL;
}

/* "http://unix:/run/x:/path" names a socket, anything else a host up to the next slash. */
static struct str host_part(struct str url)
{
	struct str host;

	if (str_starts(url, "unix:")) {
		struct str rest = {url.p + 5, url.n - 5}, socket;

		str_cut(&rest, ':', &socket);
		return (struct str){url.p, socket.n + 5};
	}
	return str_cut(&url, '/', &host) ? host : STR("");
}

/* An upstream's servers, or the address itself. Kept for each scheme and address, for thousands of
 * locations may go to one upstream of thousands. */
static struct strs *target(struct reading *r, const char *scheme, struct str address)
{
	const struct directive *upstream = map_get(&r->upstreams, address);
	struct str id = secret_masked_urls(
		r->arena, str_of(arena_printf(r->arena, "%s://%s", scheme, str_dup(r->arena, address))));
	struct strs *list = map_get(&r->targets, id);

	if (list)
		return list;
	list = arena_new(r->arena, struct strs, 1);
	map_put(&r->targets, id, list);
	if (str_has_char(address, '$'))
		list->why = "where it passes requests on to is a variable";
	for (const struct directive *d = upstream ? upstream->first : NULL; d; d = d->next)
		if (str_is(d->name, "server"))
			*vec_push(r->arena, list) = str_of(
				arena_printf(r->arena, "%s://%s", scheme, str_dup(r->arena, directive_arg(d))));
	if (!upstream)
		*vec_push(r->arena, list) = id;
	return list;
}

static struct strs *target_of(struct reading *r, const struct directive *d, const char *protocol)
{
	const char *scheme = scheme_of(d->name);
	struct str url = directive_arg(d);
	const char *separator;

	if (!scheme || !url.p)
		return NULL;
	if (strcmp(protocol, "http") != 0)
		return target(r, "tcp", url);
	separator = memmem(url.p, url.n, "://", 3);
	if (separator && !memchr(url.p, '$', (size_t)(separator - url.p))) {
		scheme =
			str_dup(r->arena, str_lower(r->arena, (struct str){url.p, (size_t)(separator - url.p)}));
		url.n -= (size_t)(separator + 3 - url.p);
		url.p = separator + 3;
	}
	return target(r, scheme, host_part(url));
}

static bool runs_code(struct str name)
{
	return str_starts(name, "content_by_lua") || str_is(name, "js_content") ||
		   str_is(name, "perl") || str_is(name, "passenger_enabled");
}

/* What the block passes on by itself or under conditions, not in its locations. */
static bool find_passes(struct reading *r, const struct server *server,
						const struct directive *block, struct strs *ret)
{
	bool any = false;

	for (const struct directive *d = block->first; d; d = d->next) {
		struct strs *to = d->is_block ? NULL : target_of(r, d, server->protocol);

		if (is_conditional(d))
			any |= find_passes(r, server, d, ret);
		any |= to || runs_code(d->name);
		if (!to)
			continue;
		if (to->why)
			ret->why = to->why;
		if (!ret->n) /* what is kept for all is shared, and never changed */
			*ret = (struct strs){to->p, to->n, to->n, ret->why};
		else
			for (size_t i = 0; i < to->n; i++)
				*vec_push(r->arena, ret) = to->p[i];
	}
	return any;
}

/* --- what is answered ------------------------------------------------------------------------ */

static bool is_flag(const struct directive *d, const char *a, const char *b)
{
	struct str last = d->n_args ? d->args[d->n_args - 1] : STR("");

	return str_is(last, a) || str_is(last, b);
}

/* The URL that `return` or `rewrite` sends the client to; absent: it sends nobody anywhere. */
static struct str sent_to(const struct directive *d)
{
	if (str_is(d->name, "return")) {
		if (d->n_args == 1 && str_has(d->args[0], "://"))
			return d->args[0];
		return d->n_args > 1 && str_starts(d->args[0], "3") ? d->args[1] : STR_ABSENT;
	}
	if (str_is(d->name, "rewrite") && d->n_args > 1 &&
		(is_flag(d, "redirect", "permanent") || str_starts(d->args[1], "http") ||
		 str_starts(d->args[1], "$scheme")))
		return d->args[1];
	return STR_ABSENT;
}

static void find_redirects(struct reading *r, const struct directive *block, struct strs *ret)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct str to = d->is_block ? STR_ABSENT : sent_to(d);

		if (is_conditional(d))
			find_redirects(r, d, ret);
		if (to.p)
			*vec_push(r->arena, ret) = secret_masked_urls(r->arena, to);
	}
}

static bool is_everything(struct str pattern)
{
	static const char *const patterns[] = {"^",    ".*",    "(.*)",   "^.*",
										   "^.*$", "^(.*)", "^(.*)$", "^/(.*)$"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (str_is(pattern, patterns[i]))
			return true;
	return false;
}

/* Behind `break`, or a rewrite that ends with it or with `last`, what follows is not done; under a
 * condition too, for some. */
static bool may_end(const struct directive *d)
{
	if (!d->is_block)
		return str_is(d->name, "break") ||
			   (str_is(d->name, "rewrite") && is_flag(d, "last", "break"));
	if (is_conditional(d))
		for (const struct directive *inner = d->first; inner; inner = inner->next)
			if (may_end(inner))
				return true;
	return false;
}

/* Does the block send or turn away every request itself? Only what holds without a condition counts. */
static bool answers_all(const struct directive *block, enum answer *ret)
{
	for (const struct directive *d = block->first; d && !may_end(d); d = d->next) {
		struct str to = d->is_block ? STR_ABSENT : sent_to(d);

		*ret = ANSWER_REFUSED;
		if (str_is(d->name, "ssl_reject_handshake") && str_is(directive_arg(d), "on"))
			return true;
		if (to.p && str_starts(to, "https://"))
			*ret = ANSWER_REDIRECT;
		if (str_is(d->name, "return")) {
			if (str_starts(directive_arg(d), "2"))
				*ret = ANSWER_FILES;
			return true;
		}
		if (*ret == ANSWER_REDIRECT && is_everything(directive_arg(d)))
			return true;
	}
	return false;
}

/* Only for the proof of a certificate authority, or for requests that nginx makes itself? */
static bool is_for_nobody(const struct directive *location)
{
	for (size_t i = 0; i < location->n_args; i++)
		if (str_has(location->args[i], "/.well-known/acme-challenge"))
			return true;
	for (const struct directive *d = location->first; d; d = d->next)
		if (str_is(d->name, "internal"))
			return true;
	return false;
}

/* With the locations that are nested in it, for which it does not speak. */
static enum answer answer_of(struct reading *r, const struct server *server,
							 const struct directive *location, const struct nginx_scope *outer)
{
	struct nginx_scope scope;
	struct strs ignored = {0};
	enum answer answer;

	nginx_scope_enter(r->arena, outer, location, &scope);
	if (!answers_all(location, &answer)) {
		answer = find_passes(r, server, location, &ignored) ? ANSWER_APPLICATION : ANSWER_FILES;
		if (is_for_nobody(location) || nginx_scope_restricts(&scope))
			answer = ANSWER_REFUSED;
	}
	for (const struct directive *d = location->first; d; d = d->next)
		if (is_location(d))
			answer = MAX(answer, answer_of(r, server, d, &scope));
	return answer;
}

/* A condition that is only met without TLS, and sends the client to https. */
static bool sends_plain_away(const struct directive *server)
{
	for (const struct directive *d = server->first; d; d = d->next) {
		enum answer answer;

		if (d->is_block && str_is(d->name, "if") && d->n_args &&
			(str_has(d->args[0], "$scheme") || str_has(d->args[0], "$https") ||
			 str_has(d->args[0], "$server_port")) &&
			answers_all(d, &answer) && answer == ANSWER_REDIRECT)
			return true;
	}
	return false;
}

/* certbot writes `if ($host = NAME) { return 301 https://...; } return 404;`. */
static bool sends_some_away(const struct directive *server)
{
	for (const struct directive *d = server->first; d; d = d->next) {
		enum answer answer;

		if (d->is_block && str_is(d->name, "if") && answers_all(d, &answer) &&
			answer == ANSWER_REDIRECT)
			return true;
	}
	return false;
}

static enum answer plain_answer(struct reading *r, const struct server *server)
{
	enum answer answer = ANSWER_REFUSED, all;
	bool has_root = false;

	if (sends_plain_away(server->block))
		return ANSWER_REDIRECT;
	if (answers_all(server->block, &all))
		return all == ANSWER_REFUSED && sends_some_away(server->block) ? ANSWER_REDIRECT : all;
	for (const struct directive *d = server->block->first; d; d = d->next) {
		if (!is_location(d))
			continue;
		has_root |=
			d->n_args && (str_is(d->args[0], "/") ||
						  (d->n_args > 1 && str_is(d->args[1], "/") && !str_is(d->args[0], "=")));
		answer = MAX(answer, answer_of(r, server, d, &server->in_force));
	}
	/* What no location is for comes from the server's own root. */
	return has_root || nginx_scope_restricts(&server->in_force) ? answer
																: MAX(answer, ANSWER_FILES);
}

/* --- what lies about in the root ------------------------------------------------------------- */

static struct strs *private_files(struct reading *r, struct str root)
{
	struct strs *list = map_get(&r->roots, root);
	struct err err = {0};

	if (list)
		return list;
	list = arena_new(r->arena, struct strs, 1);
	map_put(&r->roots, root, list);
	if (docroot_private(r->host, str_dup(r->arena, root), r->arena, &list->p, &list->n, &err) < 0)
		list->why = arena_strdup(r->arena, err.msg);
	return list;
}

static void enter_all(struct reading *r, const struct server *server, const struct directive *block,
					  struct nginx_scope *scope)
{
	if (block == server->block)
		return;
	enter_all(r, server, block->parent, scope);
	nginx_scope_enter(r->arena, scope, block, scope);
}

/* 1: who asks for the path gets the file; 0: not; or negative errno. */
static int is_served(struct reading *r, const struct server *server, struct str path,
					 struct err *err)
{
	const struct directive *location, *root = nginx_scope_last(&server->in_force, NGINX_ROOT);
	struct nginx_scope scope = server->in_force;
	struct strs ignored = {0};
	enum answer answer;
	int result;

	if (++r->located > MAX_LOCATED)
		return err_set(err, E2BIG, "too many private files lie about");
	result = nginx_locate(r->arena, server->block, path, &location, err);
	if (result < 0)
		return result;
	if (!location)
		return !nginx_scope_restricts(&scope);
	if (answers_all(location, &answer) || find_passes(r, server, location, &ignored))
		return 0;
	for (const struct directive *d = location->first; d; d = d->next)
		if (str_is(d->name, "internal") || str_is(d->name, "alias"))
			return 0;
	enter_all(r, server, location, &scope);
	return !nginx_scope_restricts(&scope) && nginx_scope_last(&scope, NGINX_ROOT) == root;
}

static bool may_refuse(const struct directive *server)
{
	for (const struct directive *d = server->first; d; d = d->next)
		if ((d->is_block && str_is(d->name, "if")) || str_is(d->name, "rewrite"))
			return true;
	return false;
}

static void set_exposed(struct reading *r, struct row *row, const struct server *server)
{
	const struct directive *root = nginx_scope_last(&server->in_force, NGINX_ROOT);
	struct strs *there, exposed = {0};
	struct err err = {0};
	enum answer answer;

	if (!root || answers_all(server->block, &answer))
		return;
	if (!str_starts(directive_arg(root), "/") || str_has_char(directive_arg(root), '$')) {
		row_unknown(row, EXPOSED, "the root is a variable");
		return;
	}
	there = private_files(r, directive_arg(root));
	for (size_t i = 0; i < there->n; i++) {
		int served = is_served(r, server, there->p[i], &err);

		if (served < 0)
			there->why = arena_strdup(r->arena, err.msg);
		if (served > 0)
			*vec_push(r->arena, &exposed) = there->p[i];
	}
	if (exposed.n && may_refuse(server->block))
		row_unknown(row, EXPOSED,
					"private files lie in the root, and what conditions and rewrites do "
					"with requests for them is not known");
	else if (there->why && !exposed.n)
		row_unknown(row, EXPOSED, there->why);
	else
		row_list(row, EXPOSED, exposed.p, exposed.n);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void set_in_force(struct reading *r, struct row *row, const struct server *server,
						 const struct nginx_scope *s)
{
	row_strz(row, PROTOCOL, server->protocol);
	row_strz(row, SCOPE, server->scope);
	row_bool(row, TLS, server->tls);
	set_first_args(r, row, ERROR_LOG, &s->set[NGINX_ERROR_LOG]);
	set_first_args(r, row, ACCESS_LOG, &s->set[NGINX_ACCESS_LOG]);
	row_bool(row, RESTRICTED, nginx_scope_restricts(s) || strcmp(server->scope, "loopback") == 0);
	if (strcmp(server->protocol, "http") != 0)
		return;
	if (!s->set[NGINX_ACCESS_LOG].n)
		set_one(r, row, ACCESS_LOG, "logs/access.log");
	set_word(row, SERVER_TOKENS, nginx_scope_last(s, NGINX_SERVER_TOKENS), "on");
	set_word(row, AUTOINDEX, nginx_scope_last(s, NGINX_AUTOINDEX), "off");
	set_word(row, MODSECURITY, nginx_scope_last(s, NGINX_MODSECURITY), "off");
	set_word(row, ROOT, nginx_scope_last(s, NGINX_ROOT), NULL);
	set_number(row, MAX_BODY, nginx_scope_last(s, NGINX_MAX_BODY), 1 << 20, num_size);
	set_number(row, BODY_TIMEOUT, nginx_scope_last(s, NGINX_BODY_TIMEOUT), 60, time_of);
	set_number(row, HEADER_TIMEOUT, nginx_scope_last(s, NGINX_HEADER_TIMEOUT), 60, time_of);
	set_headers(r, row, s);
}

static void set_own(struct reading *r, struct row *row, const struct server *server,
					const struct directive *block)
{
	struct strs passes = {0}, redirects = {0};

	find_redirects(r, block, &redirects);
	row_list(row, REDIRECTS, redirects.p, redirects.n);
	row_bool(row, STATUS, false);
	for (const struct directive *d = block->first; d; d = d->next) {
		if (str_is(d->name, "alias"))
			set_word(row, ALIAS, d, NULL);
		if (str_is(d->name, "stub_status") || str_is(d->name, "api") || str_is(d->name, "status") ||
			str_is(d->name, "vhost_traffic_status_display"))
			row_bool(row, STATUS, true);
	}
	if (!find_passes(r, server, block, &passes))
		return;
	if (passes.why)
		row_unknown(row, PASSES, passes.why);
	else if (passes.n)
		row_list(row, PASSES, passes.p, passes.n);
	else
		set_one(r, row, PASSES, "code");
}

/* Does a location that only says how its files are found get a row? It is as its server. */
static bool is_of_interest(const struct directive *location)
{
	static const char *const usual[] = {"try_files", "index",   "expires", "default_type",
										"etag",      "include", "location"};

	for (const struct directive *d = location->first; d; d = d->next) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(usual) && !known; i++)
			known = str_is(d->name, usual[i]);
		if (!known)
			return true;
	}
	return false;
}

static void add_locations(struct reading *r, const struct server *server,
						  const struct directive *block, const struct nginx_scope *outer)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct nginx_scope scope;
		struct row *row;
		const char *what;

		if (!is_location(d) || !d->n_args)
			continue;
		nginx_scope_enter(r->arena, outer, d, &scope);
		if (is_of_interest(d)) {
			what = d->n_args > 1 ? arena_printf(r->arena, "%s %s", str_dup(r->arena, d->args[0]),
												str_dup(r->arena, d->args[1]))
								 : str_dup(r->arena, d->args[0]);
			row = rows_add(r->rows, FROM(d->file, d->line));
			row_strz(row, CONTEXT, "location");
			row_strz(row, NAME, arena_printf(r->arena, "%s %s", server->name, what));
			row_strz(row, LOCATION, what);
			set_in_force(r, row, server, &scope);
			set_own(r, row, server, d);
		}
		add_locations(r, server, d, &scope);
	}
}

static const char *wider(const char *a, const char *b)
{
	static const char *const order[] = {"loopback", "private", "public"};
	size_t i = 0, k = 0;

	while (strcmp(order[i], a) != 0)
		i++;
	while (strcmp(order[k], b) != 0)
		k++;
	return order[MAX(i, k)];
}

/* "80", "*:80", "10.0.0.1:80", "[::1]:80", "localhost", "unix:/run/x". */
static const char *listen_scope(struct str address)
{
	struct str host;
	const char *scope;

	if (str_starts(address, "unix:"))
		return "loopback";
	if (str_skip(&address, "["))
		str_cut(&address, ']', &host);
	else
		str_cut(&address, ':', &host);
	if (str_is_nocase(host, "localhost"))
		return "loopback";
	scope = address_scope(host);
	if (scope && strcmp(scope, "link-local") == 0)
		return "private";
	return scope ? scope : "public";
}

static void read_listen(struct server *server, const struct directive *d)
{
	bool tls = false;

	for (size_t i = 1; i < d->n_args; i++)
		tls |= str_is(d->args[i], "ssl") || str_is(d->args[i], "quic");
	server->scope = wider(server->scope, listen_scope(directive_arg(d)));
	server->tls |= tls;
	server->plain |= !tls;
}

static void read_server(struct reading *r, struct server *s, struct strs *names,
						struct strs *listen)
{
	for (const struct directive *d = s->block->first; d; d = d->next) {
		if (str_is(d->name, "server_name"))
			for (size_t i = 0; i < d->n_args; i++)
				*vec_push(r->arena, names) = d->args[i];
		if (!str_is(d->name, "listen") || !d->n_args)
			continue;
		*vec_push(r->arena, listen) = d->args[0];
		read_listen(s, d);
	}
	if (!listen->n) {
		*vec_push(r->arena, listen) = STR("80");
		s->plain = true;
		s->scope = "public";
	}
	/* Until 1.25.1 this made all of a server's addresses TLS. */
	for (const struct directive *d = s->block->first; d; d = d->next)
		if (str_is(d->name, "ssl") && str_is(directive_arg(d), "on")) {
			s->tls = true;
			s->plain = false;
		}
	s->name = arena_printf(r->arena, "%s:%s",
						   str_dup(r->arena, names->n && names->p[0].n ? names->p[0] : STR("_")),
						   str_dup(r->arena, listen->p[0]));
}

static void add_server(struct reading *r, const struct directive *block, const char *protocol,
					   const struct nginx_scope *outer)
{
	static const char *const answers[] = {"refused", "redirect", "files", "application"};
	struct server s = {.block = block, .protocol = protocol, .scope = "loopback"};
	struct strs names = {0}, listen = {0};
	struct row *row = rows_add(r->rows, FROM(block->file, block->line));

	nginx_scope_enter(r->arena, outer, block, &s.in_force);
	read_server(r, &s, &names, &listen);
	row_strz(row, CONTEXT, "server");
	row_strz(row, NAME, s.name);
	row_list(row, SERVER_NAMES, names.p, names.n);
	row_list(row, LISTEN, listen.p, listen.n);
	set_in_force(r, row, &s, &s.in_force);
	set_own(r, row, &s, block);
	if (s.tls) {
		set_tls(r, row, &s.in_force);
		set_keys(r, row, &s.in_force.set[NGINX_SSL_KEYS]);
	}
	if (strcmp(protocol, "http") != 0)
		return;
	if (s.plain)
		row_strz(row, PLAIN, answers[plain_answer(r, &s)]);
	set_exposed(r, row, &s);
	add_locations(r, &s, block, &s.in_force);
}

static void find_upstreams(struct reading *r, const struct directive *block)
{
	for (struct directive *d = block->first; d; d = d->next)
		if (d->is_block && str_is(d->name, "upstream") && d->n_args)
			map_put(&r->upstreams, d->args[0], d);
}

static void add_servers(struct reading *r, const struct directive *top,
						const struct nginx_scope *outer)
{
	struct nginx_scope scope;

	find_upstreams(r, top);
	nginx_scope_enter(r->arena, outer, top, &scope);
	for (const struct directive *d = top->first; d; d = d->next)
		if (d->is_block && str_is(d->name, "server"))
			add_server(r, d,
					   str_is(top->name, "http")   ? "http"
					   : str_is(top->name, "mail") ? "mail"
												   : "stream",
					   &scope);
}

/* Every file and every directory that holds one. */
static void set_writable(struct reading *r, struct row *row)
{
	struct strs found = {0};
	struct map seen;
	struct err err = {0};
	bool failed = false;
	int may;

	map_init(&seen, r->arena);
	for (size_t i = 0; i < r->config.n_files; i++) {
		struct str path = r->config.files[i];
		const char *slash = memrchr(path.p, '/', path.n);
		struct str both[] = {path, {path.p, (size_t)(slash - path.p)}};

		for (size_t k = 0; k < ARRAY_LEN(both); k++) {
			if (!both[k].n || map_put(&seen, both[k], r))
				continue;
			may = account_may(r->host, &r->worker, str_dup(r->arena, both[k]), ACCOUNT_WRITE,
							  r->arena, &err);
			if (may > 0)
				*vec_push(r->arena, &found) = both[k];
			failed |= may < 0;
		}
	}
	if (failed && !found.n)
		row_unknown(row, WRITABLE, arena_strdup(r->arena, err.msg));
	else
		row_list(row, WRITABLE, found.p, found.n);
}

static void add_main(struct reading *r)
{
	struct row *row = rows_add(r->rows, FROM(MAIN_FILE, 0));
	const struct directive *user = NULL;
	struct str group = STR_ABSENT;
	struct passwd_db db;
	struct err err = {0};
	bool has_accounts = passwd_read(r->host, r->arena, &db, &err) == 0;

	row_strz(row, CONTEXT, "main");
	row_strz(row, NAME, "nginx");
	for (const struct directive *d = r->config.root.first; d; d = d->next)
		if (str_is(d->name, "user") && d->n_args)
			user = d;
	if (user) {
		set_word(row, USER, user, NULL);
		group = user->n_args > 1 ? user->args[1] : STR_ABSENT;
	}
	r->worker.uid = ACCOUNT_ANYBODY;
	if (has_accounts)
		r->worker = account_named(&db, user ? directive_arg(user) : STR_ABSENT, group, r->arena);
	if (has_accounts)
		set_writable(r, row);
	else
		row_unknown(row, WRITABLE, "/etc/passwd could not be read");
}

/* A configuration that a removed package has left behind is nobody's. */
static bool is_installed(struct host *host)
{
	static const char *const programs[] = {"/usr/sbin/nginx", "/usr/bin/nginx",
										   "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"};
	struct path_stat st;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (host_stat(host, programs[i], true, &st, &ignored) == 0)
			return true;
	return false;
}

static int read_nginx(struct host *host, struct rows *rows, struct err *err)
{
	struct reading r = {.host = host, .arena = rows->arena, .rows = rows};
	struct nginx_scope scope = {0};
	int result;

	if (!is_installed(host))
		return 0;
	result = nginx_config_read(host, rows->arena, &r.config, err);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	map_init(&r.upstreams, rows->arena);
	map_init(&r.targets, rows->arena);
	map_init(&r.roots, rows->arena);
	map_init(&r.keys, rows->arena);
	add_main(&r);
	nginx_scope_enter(rows->arena, &scope, &r.config.root, &scope);
	for (const struct directive *d = r.config.root.first; d; d = d->next)
		if (d->is_block &&
			(str_is(d->name, "http") || str_is(d->name, "stream") || str_is(d->name, "mail")))
			add_servers(&r, d, &scope);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* Is what stands in conf.d read, and in the block of all servers? */
static bool reads_drop_ins(const struct nginx_config *config)
{
	for (const struct directive *http = config->root.first; http; http = http->next)
		for (const struct directive *d = str_is(http->name, "http") ? http->first : NULL; d;
			 d = d->next)
			if (str_is(d->name, "include") &&
				(str_is(directive_arg(d), DROP_IN_DIRECTORY "*.conf") ||
				 str_is(directive_arg(d), "conf.d/*.conf")))
				return true;
	return false;
}

/* Is the line the directive and nothing else, but for a comment? That is put into *ret. */
static bool stands_alone(struct str line, const char *name, struct str *ret)
{
	struct str rest = str_trim(line), words;

	if (!str_skip(&rest, name) || !rest.n || !is_blank(*rest.p) || !str_cut(&rest, ';', &words) ||
		!rest.p || str_has_char(words, '"') || str_has_char(words, '\'') ||
		str_has_char(words, '#'))
		return false;
	*ret = rest;
	rest = str_trim(rest);
	return !rest.n || *rest.p == '#';
}

static int set_in_place(struct host *host, struct edits *edits, const struct from *from,
						const char *name, const char *wanted, struct err *err)
{
	struct str text, line = STR_ABSENT, comment, target;
	struct err ignored;
	const char *path = from->path;
	int r = host_read(host, path, edits->arena, &text, err);

	if (r < 0)
		return r;
	for (unsigned n = 0; n < from->line && str_line(&text, &line); n++)
		;
	if (!stands_alone(line, name, &comment))
		return err_set(err, ENOTSUP, "%s:%u is changed by hand", path, from->line);
	if (host_readlink(host, path, edits->arena, &target, &ignored) == 0) {
		if (!str_starts(target, "/"))
			return err_set(err, ENOTSUP, "%s is a link: change line %u by hand", path, from->line);
		path = str_dup(edits->arena, target);
	}
	edit_line(edits, path, from->line, line,
			  str_of(arena_printf(edits->arena, "%.*s%s%.*s", (int)(str_trim(line).p - line.p),
								  line.p, wanted, STR_ARG(comment))));
	return 0;
}

static int set_nginx(struct host *host, const struct wish *wish, struct edits *edits,
					 struct err *err)
{
	struct nginx_config config;
	const char *name, *wanted;
	struct from from;
	int r;

	if (wish->column < 0 || !wish->row || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "what should not be there is taken out by hand");
	name = columns[wish->column].name;
	wanted = arena_printf(
		edits->arena, "%s %s;", name,
		str_dup(edits->arena, edit_text(edits, wish, wish->column == SSL_CIPHERS ? ":" : " ")));
	from = (struct from){wish->row->cells[wish->column].from, wish->row->cells[wish->column].line};
	if (from.path) {
		r = set_in_place(host, edits, &from, name, wanted, err);
	} else {
		r = nginx_config_read(host, edits->arena, &config, err);
		if (r == 0 && !reads_drop_ins(&config))
			return err_set(err, ENOTSUP,
						   MAIN_FILE " does not read " DROP_IN_DIRECTORY "*.conf: set %s "
									 "in its http block",
						   name);
		if (r == 0)
			edit_key(edits, DROP_IN, EDIT_LINES, NULL, str_of(wanted), STR("1"));
	}
	if (r == 0)
		edit_reload(edits, "nginx.service");
	return r;
}

static const struct table nginx = {
	.name = "nginx",
	.doc = "Servers and locations of nginx with what is in force in each, from " MAIN_FILE
		   " and what it "
		   "includes; nothing is there unless nginx is installed",
	.columns = columns,
	.read = read_nginx,
	.set = set_nginx,
	.fix = "set it in " DROP_IN ", or where it stands, and reload nginx",
	.cost = 3,
};
TABLE(nginx);
