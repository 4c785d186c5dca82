/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx: a row for what counts for all of it, one for each server, and one for each location that sets
 * something of its own, with what is in force there.
 */
#include "base/num.h"
#include "base/vec.h"
#include "host/nginx_answer.h"
#include "host/nginx_edit.h"
#include "host/nginx_exposed.h"
#include "host/nginx_headers.h"
#include "host/nginx_tls.h"

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

struct reading {
	struct web web;
	struct arena *arena;
	struct rows *rows;
	struct nginx_config config;
	struct nginx_passes passes;
	struct nginx_tls tls;
};

/* --- settings -------------------------------------------------------------------------------- */

static void set_word(struct row *row, int column, const struct directive *d, const char *usual)
{
	struct str value = d ? directive_arg(d) : str_of(usual);

	if (value.p && str_has_char(value, '$'))
		row_unknown(row, column, "it is a variable");
	else
		row_str(row, column, value);
	web_row_from(row, column, d);
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
	web_row_from(row, column, d);
}

static void set_one(struct reading *r, struct row *row, int column, const char *item)
{
	struct str *items = arena_new(r->arena, struct str, 1);

	*items = str_of(item);
	row_list(row, column, items, 1);
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
	web_row_from(row, column, group->p[group->n - 1]);
}

static void set_headers(struct reading *r, struct row *row, const struct nginx_scope *s)
{
	struct web_list headers = {0};

	nginx_headers(r->arena, s, &headers);
	web_row_list(row, HEADERS, &headers);
	web_row_from(row, HEADERS, nginx_scope_last(s, NGINX_HEADERS));
}

static void set_tls(struct reading *r, struct row *row, const struct nginx_scope *s)
{
	const struct directive *protocols = nginx_scope_last(s, NGINX_SSL_PROTOCOLS),
						   *ciphers = nginx_scope_last(s, NGINX_SSL_CIPHERS);
	const struct nginx_group *commands = &s->set[NGINX_SSL_COMMANDS];
	struct web_list versions = {0}, suites = {0}, keys = {0};

	nginx_tls_protocols(&r->tls, protocols, &versions);
	web_row_list(row, SSL_PROTOCOLS, &versions);
	web_row_from(row, SSL_PROTOCOLS, protocols);
	web_split(r->arena, ciphers && ciphers->n_args ? ciphers->args[0] : STR(NGINX_BUILT_IN_CIPHERS),
			  ':', &suites);
	web_row_list(row, SSL_CIPHERS, &suites);
	web_row_from(row, SSL_CIPHERS, ciphers);
	if (nginx_tls_is_commanded(commands, NAMES("Protocol", "MinProtocol", "MaxProtocol")))
		row_unknown(row, SSL_PROTOCOLS, "ssl_conf_command says what is in force");
	if (nginx_tls_is_commanded(commands, NAMES("CipherString", "Ciphersuites")))
		row_unknown(row, SSL_CIPHERS, "ssl_conf_command says what is in force");
	nginx_tls_keys(&r->web, &s->set[NGINX_SSL_KEYS], &keys);
	web_row_list(row, OPEN_KEYS, &keys);
}

static void set_in_force(struct reading *r, struct row *row, const struct nginx_server *server,
						 const struct nginx_scope *s)
{
	row_strz(row, PROTOCOL, server->protocol);
	row_strz(row, SCOPE, web_reach_name(server->reach));
	row_bool(row, TLS, server->tls);
	set_first_args(r, row, ERROR_LOG, &s->set[NGINX_ERROR_LOG]);
	set_first_args(r, row, ACCESS_LOG, &s->set[NGINX_ACCESS_LOG]);
	row_bool(row, RESTRICTED, nginx_scope_restricts(s) || server->reach == WEB_LOOPBACK);
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

static void set_own(struct reading *r, struct row *row, const struct nginx_server *server,
					const struct directive *block)
{
	struct web_list passes = {0}, redirects = {0};

	nginx_redirects(r->arena, block, &redirects);
	row_list(row, REDIRECTS, redirects.p, redirects.n);
	row_bool(row, STATUS, false);
	for (const struct directive *d = block->first; d; d = d->next) {
		if (str_is(d->name, "alias"))
			set_word(row, ALIAS, d, NULL);
		if (str_is(d->name, "stub_status") || str_is(d->name, "api") || str_is(d->name, "status") ||
			str_is(d->name, "vhost_traffic_status_display"))
			row_bool(row, STATUS, true);
	}
	if (!nginx_passes_find(&r->passes, server->protocol, block, &passes))
		return;
	if (passes.why)
		row_unknown(row, PASSES, passes.why);
	else if (passes.n)
		row_list(row, PASSES, passes.p, passes.n);
	else
		set_one(r, row, PASSES, "code");
}

/* --- rows ------------------------------------------------------------------------------------ */

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

/* `if` within a location sets headers and logs anew for the requests that it is for. */
static void add_conditional(struct reading *r, const struct nginx_server *server, const char *what,
							const struct directive *d, const struct nginx_scope *outer)
{
	struct nginx_scope scope;
	struct row *row;

	nginx_scope_enter(r->arena, outer, d, &scope);
	if (nginx_scope_last(&scope, NGINX_HEADERS) == nginx_scope_last(outer, NGINX_HEADERS) &&
		nginx_scope_last(&scope, NGINX_ACCESS_LOG) == nginx_scope_last(outer, NGINX_ACCESS_LOG))
		return;
	row = rows_add(r->rows, FROM(d->file, d->line));
	row_strz(row, CONTEXT, "location");
	row_strz(row, NAME, arena_printf(r->arena, "%s %s if", server->name, what));
	row_strz(row, LOCATION, arena_printf(r->arena, "%s if", what));
	set_in_force(r, row, server, &scope);
}

static void add_locations(struct reading *r, const struct nginx_server *server,
						  const struct directive *block, const struct nginx_scope *outer)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct nginx_scope scope;
		struct row *row;
		const char *what;

		if (!nginx_is_location(d) || !d->n_args)
			continue;
		nginx_scope_enter(r->arena, outer, d, &scope);
		what = d->n_args > 1 ? arena_printf(r->arena, "%s %s", str_dup(r->arena, d->args[0]),
											str_dup(r->arena, d->args[1]))
							 : str_dup(r->arena, d->args[0]);
		if (is_of_interest(d)) {
			row = rows_add(r->rows, FROM(d->file, d->line));
			row_strz(row, CONTEXT, "location");
			row_strz(row, NAME, arena_printf(r->arena, "%s %s", server->name, what));
			row_strz(row, LOCATION, what);
			set_in_force(r, row, server, &scope);
			set_own(r, row, server, d);
		}
		for (const struct directive *inner = d->first; inner; inner = inner->next)
			if (nginx_is_conditional(inner))
				add_conditional(r, server, what, inner, &scope);
		add_locations(r, server, d, &scope);
	}
}

static void add_server(struct reading *r, const struct directive *block, const char *protocol,
					   const struct nginx_scope *outer)
{
	static const char *const answers[] = {"refused", "redirect", "files", "application"};
	struct row *row = rows_add(r->rows, FROM(block->file, block->line));
	struct web_list exposed = {0};
	struct nginx_server s;

	nginx_server_read(r->arena, block, protocol, outer, &s);
	row_strz(row, CONTEXT, "server");
	row_strz(row, NAME, s.name);
	web_row_list(row, SERVER_NAMES, &s.names);
	web_row_list(row, LISTEN, &s.listen);
	set_in_force(r, row, &s, &s.in_force);
	set_own(r, row, &s, block);
	if (s.tls)
		set_tls(r, row, &s.in_force);
	if (strcmp(protocol, "http") != 0)
		return;
	if (s.plain)
		row_strz(row, PLAIN, answers[nginx_plain_answer(&r->passes, &s)]);
	if (nginx_exposed(&r->web, &r->passes, &s, &exposed))
		web_row_list(row, EXPOSED, &exposed);
	add_locations(r, &s, block, &s.in_force);
}

static void add_servers(struct reading *r, const struct directive *top,
						const struct nginx_scope *outer)
{
	struct nginx_scope scope;

	nginx_passes_upstreams(&r->passes, top);
	nginx_scope_enter(r->arena, outer, top, &scope);
	for (const struct directive *d = top->first; d; d = d->next)
		if (d->is_block && str_is(d->name, "server"))
			add_server(r, d,
					   str_is(top->name, "http")   ? "http"
					   : str_is(top->name, "mail") ? "mail"
												   : "stream",
					   &scope);
}

static void add_main(struct reading *r)
{
	struct row *row = rows_add(r->rows, FROM(NGINX_MAIN_FILE, 0));
	const struct directive *user = NULL;
	struct web_list writable = {0};

	row_strz(row, CONTEXT, "main");
	row_strz(row, NAME, "nginx");
	for (const struct directive *d = r->config.root.first; d; d = d->next)
		if (str_is(d->name, "user") && d->n_args)
			user = d;
	if (user)
		set_word(row, USER, user, NULL);
	web_find_worker(&r->web, user ? user->args[0] : STR_ABSENT,
					user && user->n_args > 1 ? user->args[1] : STR_ABSENT);
	web_writable(&r->web, r->config.files, r->config.n_files, &writable);
	web_row_list(row, WRITABLE, &writable);
}

static int read_nginx(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const programs[] = {"/usr/sbin/nginx", "/usr/bin/nginx",
										   "/usr/local/sbin/nginx", "/usr/local/nginx/sbin/nginx"};
	struct reading r = {.arena = rows->arena, .rows = rows};
	struct nginx_scope scope = {0};
	int result = web_is_installed(host, programs, ARRAY_LEN(programs), err);

	if (result <= 0)
		return result;
	result = nginx_config_read(host, rows->arena, &r.config, err);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	web_init(&r.web, host, rows->arena);
	nginx_passes_init(&r.passes, rows->arena);
	r.tls.web = &r.web;
	add_main(&r);
	nginx_scope_enter(rows->arena, &scope, &r.config.root, &scope);
	for (const struct directive *d = r.config.root.first; d; d = d->next)
		if (d->is_block &&
			(str_is(d->name, "http") || str_is(d->name, "stream") || str_is(d->name, "mail")))
			add_servers(&r, d, &scope);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

static int set_nginx(struct host *host, const struct wish *wish, struct edits *edits,
					 struct err *err)
{
	const struct value *cell;

	if (wish->column < 0 || !wish->row || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "what should not be there is taken out by hand");
	cell = &wish->row->cells[wish->column];
	return nginx_edit(host, edits, columns[wish->column].name,
					  edit_text(edits, wish, wish->column == SSL_CIPHERS ? ":" : " "),
					  FROM(cell->from, cell->line), err);
}

static const struct table nginx = {
	.name = "nginx",
	.doc = "Servers and locations of nginx with what is in force in each, from " NGINX_MAIN_FILE
		   " and what it "
		   "includes; nothing is there unless nginx is installed",
	.columns = columns,
	.read = read_nginx,
	.loaded =
		LOADED_BY(.units = STARTED("nginx.service"), .workers = STARTED("nginx: worker process")),
	.started =
		&(const struct started){
			.programs = STARTED("nginx"),
			.checks = STARTED("-t", "-T", "-v", "-V", "-s", "-h"),
			.units = STARTED("nginx.service"),
			.usual = STARTED("-c /etc/nginx/nginx.conf", "-q", "-g daemon on; master_process on;",
							 "-g daemon on;", "-g daemon off;", "-g daemon off; master_process on;",
							 "-g pid /run/nginx.pid; error_log stderr;", "-e stderr"),
		},
	.set = set_nginx,
	.fix = "set it in " NGINX_DROP_IN ", or where it stands, and reload nginx",
	.cost = 3,
};
TABLE(nginx);
