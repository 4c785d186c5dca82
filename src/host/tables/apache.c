/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apache httpd: a row for what counts for all of it, one for each server (the virtual hosts, or where
 * there is none the main server), and one for each section about directories or addresses that says
 * what may be done there.
 */
#include "base/num.h"
#include "base/vec.h"
#include "host/apache_answer.h"
#include "host/apache_edit.h"
#include "host/apache_exposed.h"
#include "host/apache_headers.h"
#include "host/apache_tls.h"

enum {
	CONTEXT,
	NAME,
	LISTEN,
	SCOPE,
	TLS,
	PLAIN,
	SERVER_TOKENS,
	SERVER_SIGNATURE,
	TRACE_ENABLE,
	SSL_PROTOCOLS,
	SSL_CIPHERS,
	HEADERS,
	OPTIONS,
	ALLOW_OVERRIDE,
	ACCESS_LOG,
	ERROR_LOG,
	MAX_BODY,
	TIMEOUT,
	REQUEST_TIMEOUT,
	ROOT,
	PASSES,
	STATUS,
	RESTRICTED,
	MODSECURITY,
	EXPOSED,
	OPEN_KEYS,
	USER,
	MODULES,
	WRITABLE,
};

static const struct column columns[] = {
	[CONTEXT] = {"context", TYPE_STRING, "main, server or section", COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "The server's name, or the section with its argument",
			  COLUMN_LABEL},
	[LISTEN] = {"listen", TYPE_LIST, "Addresses of the server, as they are written", 0},
	[SCOPE] = {"scope", TYPE_STRING,
			   "From where it can be reached at most: loopback, private or public", 0},
	[TLS] = {"tls", TYPE_BOOL, "The server takes TLS (SSLEngine)", 0},
	[PLAIN] =
		{"plain", TYPE_STRING,
		 "What a request without TLS gets: application, files, redirect (to https) or refused; "
		 "absent: it takes TLS only",
		 0},
	[SERVER_TOKENS] = {"server_tokens", TYPE_STRING,
					   "How much of the version is told, in lower case; of main", COLUMN_SETTABLE},
	[SERVER_SIGNATURE] = {"server_signature", TYPE_STRING,
						  "Is the version below pages that Apache makes: on, "
						  "off, email",
						  COLUMN_SETTABLE},
	[TRACE_ENABLE] = {"trace_enable", TYPE_STRING, "Are TRACE requests answered: on, off, extended",
					  COLUMN_SETTABLE},
	[SSL_PROTOCOLS] = {"ssl_protocols", TYPE_LIST,
					   "Versions of TLS that are on; of servers with TLS", COLUMN_SETTABLE},
	[SSL_CIPHERS] = {"ssl_ciphers", TYPE_LIST,
					 "Ciphers, as they are written, split at the colons; of servers "
					 "with TLS; absent: as OpenSSL has it",
					 0},
	[HEADERS] = {"headers", TYPE_LIST,
				 "Headers that the server sets on all that it answers, as \"name: value\", the "
				 "name in lower case",
				 0},
	[OPTIONS] = {"options", TYPE_LIST, "Options in force in the section, in lower case", 0},
	[ALLOW_OVERRIDE] = {"allow_override", TYPE_LIST, "What .htaccess may say there, in lower case",
						0},
	[ACCESS_LOG] = {"access_log", TYPE_LIST, "Where requests are logged", 0},
	[ERROR_LOG] = {"error_log", TYPE_STRING, "Where errors are logged", 0},
	[MAX_BODY] = {"limit_request_body", TYPE_SIZE,
				  "The largest body of a request; 0: any; absent: as Apache was "
				  "built",
				  0},
	[TIMEOUT] = {"timeout", TYPE_DURATION, "Longest silence", COLUMN_SETTABLE},
	[REQUEST_TIMEOUT] = {"request_timeout", TYPE_BOOL,
						 "Slow requests are given up (mod_reqtimeout, mod_qos)", 0},
	[ROOT] = {"root", TYPE_STRING, "Directory of the files", 0},
	[PASSES] = {"passes", TYPE_LIST,
				"Where requests are passed on to; \"code\" for what is run in Apache itself", 0},
	[STATUS] = {"status", TYPE_BOOL,
				"The section shows Apache's own state (server-status, server-info)", 0},
	[RESTRICTED] = {"restricted", TYPE_BOOL, "Not everybody is let in", 0},
	[MODSECURITY] = {"modsecurity", TYPE_STRING,
					 "Does ModSecurity stop requests: on, detectiononly, off", 0},
	[EXPOSED] = {"exposed", TYPE_LIST,
				 "Repositories, dumps and files with secrets in the root that a request would "
				 "get",
				 0},
	[OPEN_KEYS] = {"open_keys", TYPE_LIST, "Private keys that the worker's user may read", 0},
	[USER] = {"user", TYPE_STRING, "User of the workers; of main", 0},
	[MODULES] = {"modules", TYPE_LIST,
				 "Modules of note that are loaded: cgi, dav, info, php, status, userdir and "
				 "the like; of main",
				 0},
	[WRITABLE] = {"writable", TYPE_LIST,
				  "Files of the configuration, and directories that hold them, that the "
				  "worker's user may write; of main",
				  0},
	{0},
};

struct reading {
	struct apache apache;
	struct arena *arena;
	struct rows *rows;
	struct map directories; /* of the main server: path to section */
	struct apache_headers headers;
};

/* --- settings -------------------------------------------------------------------------------- */

static void set_word(struct reading *r, struct row *row, int column, const struct directive *d,
					 const char *usual)
{
	struct str value = d ? str_lower(r->arena, directive_arg(d)) : str_of(usual);

	if (value.p && str_has(value, "${"))
		row_unknown(row, column, "it is a variable that is not known");
	else
		row_str(row, column, value);
	web_row_from(row, column, d);
}

static void set_number(struct row *row, int column, const struct directive *d, int64_t usual)
{
	uint64_t n;

	if (!d && usual >= 0)
		row_int(row, column, usual);
	else if (d && num_u64(directive_arg(d), 0, INT64_MAX, &n) == 0)
		row_int(row, column, (int64_t)n);
	else if (d)
		row_unknown(row, column, "it is no number");
	web_row_from(row, column, d);
}

static void set_tls(struct reading *r, struct row *row, const struct directive *server)
{
	const struct directive *protocols = apache_in_force(&r->apache, server, "SSLProtocol"),
						   *ciphers = apache_in_force(&r->apache, server, "SSLCipherSuite");
	struct web_list versions = {0}, suites = {0}, keys = {0};

	apache_tls_protocols(r->arena, protocols, &versions);
	web_row_list(row, SSL_PROTOCOLS, &versions);
	web_row_from(row, SSL_PROTOCOLS, protocols);
	if (ciphers) {
		web_split(r->arena, ciphers->args[ciphers->n_args - 1], ':', &suites);
		web_row_list(row, SSL_CIPHERS, &suites);
		web_row_from(row, SSL_CIPHERS, ciphers);
	}
	if (apache_in_force(&r->apache, server, "SSLOpenSSLConfCmd")) {
		row_unknown(row, SSL_PROTOCOLS, "SSLOpenSSLConfCmd says what is in force");
		row_unknown(row, SSL_CIPHERS, "SSLOpenSSLConfCmd says what is in force");
	}
	apache_tls_keys(&r->apache.web, server, &keys);
	web_row_list(row, OPEN_KEYS, &keys);
}

static void add_logs(struct reading *r, const struct directive *block, struct web_list *ret)
{
	for (const struct directive *d = block->first; d; d = d->next)
		if ((apache_is(d, "CustomLog") || apache_is(d, "TransferLog")) && d->n_args)
			*vec_push(r->arena, ret) = d->args[0];
}

static void set_logs(struct reading *r, struct row *row, const struct directive *server)
{
	struct web_list logs = {0};

	add_logs(r, server, &logs);
	if (!logs.n)
		add_logs(r, &r->apache.main, &logs);
	row_list(row, ACCESS_LOG, logs.p, logs.n);
	set_word(r, row, ERROR_LOG, apache_in_force(&r->apache, server, "ErrorLog"), "logs/error_log");
}

static bool gives_up_slow_requests(struct reading *r, const struct directive *server)
{
	const struct directive *d = apache_in_force(&r->apache, server, "RequestReadTimeout");

	if (map_get(&r->apache.config.modules, STR("qos_module")))
		return true;
	if (!map_get(&r->apache.config.modules, STR("reqtimeout_module")))
		return false;
	for (size_t i = 0; d && i < d->n_args; i++)
		if (str_is_nocase(d->args[i], "header=0"))
			return false;
	return true;
}

static void set_protection(struct reading *r, struct row *row, const struct directive *server)
{
	const struct directive *engine = apache_in_force(&r->apache, server, "SecRuleEngine");
	bool loaded = map_get(&r->apache.config.modules, STR("security2_module")) != NULL;

	set_word(r, row, MODSECURITY, loaded ? engine : NULL, "off");
	row_bool(row, REQUEST_TIMEOUT, gives_up_slow_requests(r, server));
	set_number(row, TIMEOUT, apache_in_force(&r->apache, server, "Timeout"), 60);
	set_number(row, MAX_BODY, apache_in_force(&r->apache, server, "LimitRequestBody"), -1);
	set_word(r, row, SERVER_SIGNATURE, apache_in_force(&r->apache, server, "ServerSignature"),
			 "off");
	set_word(r, row, TRACE_ENABLE, apache_in_force(&r->apache, server, "TraceEnable"), "on");
}

/* --- sections -------------------------------------------------------------------------------- */

static void set_options(struct reading *r, struct row *row, const struct apache_inherited *in)
{
	struct web_list options = {0}, override = {0};

	for (size_t k = 0; k < APACHE_OPTIONS; k++)
		if (in->options & 1U << k)
			*vec_push(r->arena, &options) = str_of(apache_options[k]);
	row_list(row, OPTIONS, options.p, options.n);
	web_row_from(row, OPTIONS, in->says_options);
	if (!in->override)
		*vec_push(r->arena, &override) = STR("none");
	for (size_t i = 0; in->override && i < in->override->n_args; i++)
		*vec_push(r->arena, &override) = str_lower(r->arena, in->override->args[i]);
	row_list(row, ALLOW_OVERRIDE, override.p, override.n);
	web_row_from(row, ALLOW_OVERRIDE, in->override);
}

static bool shows_state(const struct directive *section)
{
	const struct directive *d = apache_last(section, "SetHandler");

	return d && (str_is_nocase(directive_arg(d), "server-status") ||
				 str_is_nocase(directive_arg(d), "server-info"));
}

static void add_section(struct reading *r, const struct directive *section, const struct map *own,
						const char *server)
{
	struct apache_inherited in = {.options = APACHE_FOLLOW_SYMLINKS};
	bool is_directory = apache_is(section, "Directory");
	struct row *row;

	if (!apache_last(section, "Options") && !apache_last(section, "AllowOverride") &&
		!apache_last(section, "SetHandler"))
		return;
	if (is_directory && section->n_args == 1)
		apache_inherit_above(&r->directories, own, section->args[0], section, &in);
	apache_inherit(&in, section);
	row = rows_add(r->rows, FROM(section->file, section->line));
	row_strz(row, CONTEXT, "section");
	row_strz(
		row, NAME,
		arena_printf(r->arena, "%s%s%s %s", server, *server ? " " : "",
					 str_dup(r->arena, section->name),
					 section->n_args ? str_dup(r->arena, section->args[section->n_args - 1]) : ""));
	if (is_directory || apache_is(section, "DirectoryMatch"))
		set_options(r, row, &in);
	row_bool(row, STATUS, shows_state(section));
	row_bool(row, RESTRICTED, in.access == APACHE_SOME || in.access == APACHE_NONE);
}

/* --- servers --------------------------------------------------------------------------------- */

static const char *label_of(struct reading *r, const struct directive *server)
{
	const struct directive *name = apache_last(server, "ServerName");
	bool is_main = server == &r->apache.main;
	const char *label = arena_printf(
		r->arena, "%s%s%s", name ? str_dup(r->arena, directive_arg(name)) : "",
		name || is_main ? "" : "_",
		server->n_args ? arena_printf(r->arena, " %s", str_dup(r->arena, server->args[0])) : "");

	return *label ? label : "main server";
}

static void set_answers(struct reading *r, struct row *row, const struct directive *server,
						bool takes_tls)
{
	const struct map *modules = &r->apache.config.modules;
	struct web_list passes = {0}, exposed = {0};

	apache_passes(r->arena, server, &passes);
	if (map_get(modules, STR("php_module")) || map_get(modules, STR("php7_module")))
		*vec_push(r->arena, &passes) = STR("code");
	if (passes.n)
		web_row_list(row, PASSES, &passes);
	if (!takes_tls)
		row_strz(row, PLAIN, apache_plain_answer(&r->apache, server, &passes));
	if (apache_exposed(&r->apache, server, &exposed))
		web_row_list(row, EXPOSED, &exposed);
}

static void add_server(struct reading *r, const struct directive *server)
{
	const struct directive *root = apache_in_force(&r->apache, server, "DocumentRoot"),
						   *tls = apache_in_force(&r->apache, server, "SSLEngine");
	bool is_main = server == &r->apache.main,
		 takes_tls = tls && str_is_nocase(directive_arg(tls), "on");
	struct row *row = rows_add(r->rows, is_main ? FROM(r->apache.config.files[0].p, 0)
												: FROM(server->file, server->line));
	const char *label = label_of(r, server);
	struct web_list listen = {0}, headers = {0};
	enum web_reach reach = apache_listen(&r->apache, server, &listen);
	struct map own;

	row_strz(row, CONTEXT, "server");
	row_strz(row, NAME, label);
	web_row_list(row, LISTEN, &listen);
	row_strz(row, SCOPE, web_reach_name(reach));
	row_bool(row, TLS, takes_tls);
	row_bool(row, RESTRICTED, apache_root_access(server) > APACHE_ALL || reach == WEB_LOOPBACK);
	if (takes_tls)
		set_tls(r, row, server);
	set_logs(r, row, server);
	set_protection(r, row, server);
	set_word(r, row, ROOT, root, NULL);
	if (root)
		row_str(row, ROOT, directive_arg(root));
	set_answers(r, row, server, takes_tls);
	apache_directories_find(r->arena, server, &own);
	apache_headers(&r->headers, server, &own, &headers);
	web_row_list(row, HEADERS, &headers);
	for (const struct directive *d = server->first; d; d = d->next)
		if (apache_is_section(d) && !is_main)
			add_section(r, d, &own, label);
}

/* --- all of it ------------------------------------------------------------------------------- */

static void set_modules(struct reading *r, struct row *row)
{
	static const char *const notable[] = {"autoindex", "cgi",     "cgid",          "dav",
										  "dav_fs",    "headers", "include",       "info",
										  "php",       "proxy",   "proxy_connect", "rewrite",
										  "security2", "ssl",     "status",        "userdir"};
	struct web_list loaded = {0};

	for (size_t i = 0; i < ARRAY_LEN(notable); i++)
		if (map_get(&r->apache.config.modules,
					str_of(arena_printf(r->arena, "%s_module", notable[i]))))
			*vec_push(r->arena, &loaded) = str_of(notable[i]);
	row_list(row, MODULES, loaded.p, loaded.n);
}

static void add_main(struct reading *r)
{
	const struct apache_config *config = &r->apache.config;
	struct row *row = rows_add(r->rows, FROM(config->files[0].p, 0));
	const struct directive *user = apache_last(&r->apache.main, "User"),
						   *group = apache_last(&r->apache.main, "Group");
	struct web_list writable = {0};

	row_strz(row, CONTEXT, "main");
	row_strz(row, NAME, "apache");
	set_word(r, row, USER, user, NULL);
	set_word(r, row, SERVER_TOKENS, apache_last(&r->apache.main, "ServerTokens"), "full");
	set_modules(r, row);
	web_find_worker(&r->apache.web, user ? directive_arg(user) : STR_ABSENT,
					group ? directive_arg(group) : STR_ABSENT);
	web_writable(&r->apache.web, config->files, config->n_files, &writable);
	web_row_list(row, WRITABLE, &writable);
}

static bool main_answers(const struct apache *a)
{
	struct web_list left = {0};

	apache_listen(a, &a->main, &left);
	return left.n > 0;
}

static int read_apache(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const programs[] = {"/usr/sbin/apache2", "/usr/sbin/httpd",
										   "/usr/bin/httpd"};
	struct reading r = {.arena = rows->arena, .rows = rows};
	int result = web_is_installed(host, programs, ARRAY_LEN(programs), err);

	if (result <= 0)
		return result;
	result = apache_read(host, rows->arena, &r.apache, err);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	apache_directories_find(rows->arena, &r.apache.main, &r.directories);
	apache_headers_init(&r.headers, &r.apache, &r.directories);
	add_main(&r);
	for (const struct directive *d = r.apache.main.first; d; d = d->next)
		if (apache_is_section(d))
			add_section(&r, d, &r.directories, "");
	for (size_t i = 0; i < r.apache.hosts.n; i++)
		add_server(&r, r.apache.hosts.p[i]);
	if (main_answers(&r.apache))
		add_server(&r, &r.apache.main);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

static const char *directive_name(int column)
{
	switch (column) {
	case SERVER_TOKENS:
		return "ServerTokens";
	case SERVER_SIGNATURE:
		return "ServerSignature";
	case TRACE_ENABLE:
		return "TraceEnable";
	case TIMEOUT:
		return "Timeout";
	default:
		return "SSLProtocol";
	}
}

static int set_apache(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	const char *value;

	if (wish->column < 0 || !wish->row || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "what should not be there is taken out by hand");
	/* Of several versions only words with a sign add up. */
	if (wish->column == SSL_PROTOCOLS)
		value = arena_printf(edits->arena, "-all +%s",
							 str_dup(edits->arena, edit_text(edits, wish, " +")));
	else
		value = str_dup(edits->arena, edit_text(edits, wish, " "));
	return apache_edit(host, edits, directive_name(wish->column), value, err);
}

static const struct table apache = {
	.name = "apache",
	.doc = "Servers and sections of Apache httpd with what is in force in each, from "
		   "/etc/apache2/apache2.conf or /etc/httpd/conf/httpd.conf and what it includes; "
		   "nothing is there unless Apache is installed",
	.columns = columns,
	.read = read_apache,
	.loaded = LOADED_BY(.units = STARTED("apache2.service", "httpd.service"),
						.written = STARTED("/run/apache2/apache2.pid", "/run/httpd/httpd.pid")),
	.started =
		&(const struct started){
			.programs = STARTED("apache2", "httpd", "apachectl", "apache2ctl"),
			.checks = STARTED("-t", "-S", "-M", "-v", "-V", "-l", "-L", "configtest"),
			.units = STARTED("apache2.service", "httpd.service"),
			.usual = STARTED("start", "-k start", "-DFOREGROUND", "-D FOREGROUND",
							 "-d /etc/apache2", "-d /etc/httpd", "-f /etc/apache2/apache2.conf",
							 "-f /etc/httpd/conf/httpd.conf"),
			.variables = STARTED("APACHE_CONFDIR", "APACHE_ENVVARS", "APACHE_ARGUMENTS",
								 "APACHE_HTTPD", "HTTPD"),
		},
	.set = set_apache,
	.fix = "set it in " APACHE_DEBIAN_OWN " and reload Apache",
	.cost = 3,
};
TABLE(apache);
