/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apache httpd: a row for what counts for all of it, one for each server (the virtual hosts, or where
 * there is none the main server), and one for each section about directories or addresses that says
 * what may be done there.
 */
#include "base/num.h"
#include "base/regex.h"
#include "base/vec.h"
#include "host/account.h"
#include "host/address.h"
#include "host/apache_config.h"
#include "host/docroot.h"
#include "host/edit.h"
#include "host/secret.h"
#include "host/table.h"

#define DEBIAN_OWN "/etc/apache2/conf-enabled/zz-revet.conf"
#define REDHAT_OWN "/etc/httpd/conf.d/zz-revet.conf"
#define MAX_LOOKED 2000 /* private paths that are looked at in all */

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
				 "Headers that the server sets, as \"name: value\", the name in lower case", 0},
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

struct strs {
	struct str *p;
	size_t n, cap;
};

struct reading {
	struct host *host;
	struct arena *arena;
	struct rows *rows;
	struct apache_config config;
	struct account worker;
	struct directive main; /* what is said for all, without the virtual hosts */
	struct map main_last;  /* of it, by name in lower case: the directive that holds */
	struct {
		const struct directive **p;
		size_t n, cap;
	} hosts;
	struct map directories; /* of the main server: path to section */
	size_t looked;
};

static bool is(const struct directive *d, const char *name)
{
	return str_is_nocase(d->name, name);
}

/* The last one of the block itself, not of the sections in it. */
static const struct directive *last(const struct directive *block, const char *name)
{
	const struct directive *found = NULL;

	for (const struct directive *d = block->first; d; d = d->next)
		if (!d->is_block && is(d, name) && d->n_args)
			found = d;
	return found;
}

/* What the server says, else what is said for all. */
static const struct directive *in_force(const struct reading *r, const struct directive *server,
										const char *name)
{
	const struct directive *own = last(server, name);

	return own ? own : map_get(&r->main_last, str_lower(r->arena, str_of(name)));
}

static void set_from(struct row *row, int column, const struct directive *d)
{
	row_from(row, column, FROM(d->file, d->line));
}

static void set_word(struct reading *r, struct row *row, int column, const struct directive *d,
					 const char *usual)
{
	struct str value = d ? str_lower(r->arena, directive_arg(d)) : str_of(usual);

	if (value.p && str_has(value, "${"))
		row_unknown(row, column, "it is a variable that is not known");
	else
		row_str(row, column, value);
	if (d)
		set_from(row, column, d);
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
	if (d)
		set_from(row, column, d);
}

/* --- TLS ------------------------------------------------------------------------------------- */

static void set_protocols(struct reading *r, struct row *row, const struct directive *d)
{
	static const char *const names[] = {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
	bool on[ARRAY_LEN(names)] = {false, true, true, true, true};
	struct strs items = {0};

	for (size_t i = 0; d && i < d->n_args; i++) {
		struct str word = d->args[i];
		bool minus = str_skip(&word, "-"), plus = str_skip(&word, "+");
		bool all = str_is_nocase(word, "all");

		if (!minus && !plus)
			memset(on, 0, sizeof(on));
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			if ((all && (k || minus)) || str_is_nocase(word, names[k]))
				on[k] = !minus;
	}
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if (on[k])
			*vec_push(r->arena, &items) = str_of(names[k]);
	row_list(row, SSL_PROTOCOLS, items.p, items.n);
	if (d)
		set_from(row, SSL_PROTOCOLS, d);
}

static void set_ciphers(struct reading *r, struct row *row, const struct directive *d)
{
	struct str list = d ? d->args[d->n_args - 1] : STR_ABSENT, item;
	struct strs items = {0};

	if (!d)
		return;
	while (str_cut(&list, ':', &item))
		if (item.n)
			*vec_push(r->arena, &items) = item;
	row_list(row, SSL_CIPHERS, items.p, items.n);
	set_from(row, SSL_CIPHERS, d);
}

static void set_keys(struct reading *r, struct row *row, const struct directive *server)
{
	struct strs open = {0};
	struct err err = {0};
	bool failed = false;

	for (const struct directive *d = server->first; d; d = d->next) {
		int may;

		if (!is(d, "SSLCertificateKeyFile") || !directive_arg(d).n || *directive_arg(d).p != '/')
			continue;
		may = account_may(r->host, &r->worker, str_dup(r->arena, directive_arg(d)), ACCOUNT_READ,
						  r->arena, &err);
		failed |= may < 0;
		if (may > 0)
			*vec_push(r->arena, &open) = directive_arg(d);
	}
	if (failed && !open.n)
		row_unknown(row, OPEN_KEYS, arena_strdup(r->arena, err.msg));
	else
		row_list(row, OPEN_KEYS, open.p, open.n);
}

/* --- who is let in --------------------------------------------------------------------------- */

enum access { ACCESS_UNSAID, ACCESS_ALL, ACCESS_SOME, ACCESS_NONE };

/* Several Require lines let in whom any of them does; within <RequireAll> a condition limits it. */
static enum access access_of(const struct directive *block)
{
	enum access access = ACCESS_UNSAID;

	for (const struct directive *d = block->first; d; d = d->next) {
		enum access one = ACCESS_UNSAID;

		if (d->is_block && (is(d, "RequireAny") || is(d, "RequireAll")))
			one = access_of(d);
		else if (is(d, "Require") && d->n_args > 1 && str_is_nocase(d->args[0], "all"))
			one = str_is_nocase(d->args[1], "granted") ? ACCESS_ALL : ACCESS_NONE;
		else if (is(d, "Require") && d->n_args)
			one = ACCESS_SOME;
		if (one == ACCESS_UNSAID)
			continue;
		if (access == ACCESS_UNSAID)
			access = one;
		else
			access = is(block, "RequireAll") ? MAX(access, one) : MIN(access, one);
	}
	return access;
}

/* --- sections -------------------------------------------------------------------------------- */

static bool is_section(const struct directive *d)
{
	return d->is_block && (is(d, "Directory") || is(d, "DirectoryMatch") || is(d, "Location") ||
						   is(d, "LocationMatch") || is(d, "Files") || is(d, "FilesMatch"));
}

static struct str without_slash(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* Those about one directory, in their order. */
#define MAX_SAME 64
struct sections {
	const struct directive **p;
	size_t n, cap;
};

static void find_directories(struct reading *r, const struct directive *server, struct map *ret)
{
	map_init(ret, r->arena);
	for (const struct directive *d = server->first; d; d = d->next) {
		struct sections *list;
		struct str path;

		if (!d->is_block || !is(d, "Directory") || d->n_args != 1)
			continue;
		path = without_slash(d->args[0]);
		list = map_get(ret, path);
		if (!list) {
			list = arena_new(r->arena, struct sections, 1);
			map_put(ret, path, list);
		}
		if (list->n < MAX_SAME)
			*vec_push(r->arena, list) = d;
	}
}

static const char *const option_names[] = {
	"execcgi",    "followsymlinks",      "includes", "includesnoexec", "indexes",
	"multiviews", "symlinksifownermatch"};

/* Words with a sign add to or take from what is in force, others replace it. */
static void apply_options(const struct directive *section, unsigned *options)
{
	const struct directive *d = last(section, "Options");

	for (size_t i = 0; d && i < d->n_args; i++) {
		struct str word = d->args[i];
		bool minus = str_skip(&word, "-"), plus = str_skip(&word, "+");

		if (!minus && !plus && i == 0)
			*options = 0;
		for (size_t k = 0; k < ARRAY_LEN(option_names); k++) {
			bool meant =
				str_is_nocase(word, option_names[k]) || (str_is_nocase(word, "all") && k != 5);

			if (meant && minus)
				*options &= ~(1U << k);
			else if (meant)
				*options |= 1U << k;
		}
	}
}

struct inherited {
	unsigned options;
	const struct directive *override, *says_options;
	enum access access;
};

static void inherit(struct inherited *in, const struct directive *section)
{
	const struct directive *override = last(section, "AllowOverride"),
						   *options = last(section, "Options");
	enum access access = access_of(section);

	apply_options(section, &in->options);
	in->override = override ? override : in->override;
	in->says_options = options ? options : in->says_options;
	in->access = access != ACCESS_UNSAID ? access : in->access;
}

static void inherit_from(const struct map *directories, struct str path,
						 const struct directive *until, struct inherited *in)
{
	const struct sections *list = map_get(directories, path);

	for (size_t i = 0; list && i < list->n && list->p[i] != until; i++)
		inherit(in, list->p[i]);
}

/* What is said of the directories above, from the top, and of the same one before: of each what the
 * main server says, then what the virtual host does. */
static void inherit_above(const struct reading *r, const struct map *own,
						  const struct directive *section, struct inherited *in)
{
	struct str path = without_slash(section->args[0]);

	for (size_t i = 0; i <= path.n; i++) {
		struct str above = {path.p, i ? i : MIN((size_t)1, path.n)};

		if ((i && i < path.n && path.p[i] != '/') || (path.n <= 1 && i))
			continue;
		inherit_from(&r->directories, above, section, in);
		if (own != &r->directories)
			inherit_from(own, above, section, in);
	}
}

static void set_options(struct reading *r, struct row *row, const struct inherited *in)
{
	struct strs options = {0}, override = {0};

	for (size_t k = 0; k < ARRAY_LEN(option_names); k++)
		if (in->options & 1U << k)
			*vec_push(r->arena, &options) = str_of(option_names[k]);
	row_list(row, OPTIONS, options.p, options.n);
	if (in->says_options)
		set_from(row, OPTIONS, in->says_options);
	if (!in->override)
		*vec_push(r->arena, &override) = STR("none");
	for (size_t i = 0; in->override && i < in->override->n_args; i++)
		*vec_push(r->arena, &override) = str_lower(r->arena, in->override->args[i]);
	row_list(row, ALLOW_OVERRIDE, override.p, override.n);
	if (in->override)
		set_from(row, ALLOW_OVERRIDE, in->override);
}

static bool shows_state(const struct directive *section)
{
	const struct directive *d = last(section, "SetHandler");

	return d && (str_is_nocase(directive_arg(d), "server-status") ||
				 str_is_nocase(directive_arg(d), "server-info"));
}

static void add_section(struct reading *r, const struct directive *section, const struct map *own,
						const char *server)
{
	struct inherited in = {.options = 1U << 1, .access = ACCESS_UNSAID};
	bool is_directory = is(section, "Directory");
	struct row *row;

	if (!last(section, "Options") && !last(section, "AllowOverride") &&
		!last(section, "SetHandler"))
		return;
	if (is_directory && section->n_args == 1)
		inherit_above(r, own, section, &in);
	inherit(&in, section);
	row = rows_add(r->rows, FROM(section->file, section->line));
	row_strz(row, CONTEXT, "section");
	row_strz(
		row, NAME,
		arena_printf(r->arena, "%s%s%s %s", server, *server ? " " : "",
					 str_dup(r->arena, section->name),
					 section->n_args ? str_dup(r->arena, section->args[section->n_args - 1]) : ""));
	if (is_directory || is(section, "DirectoryMatch"))
		set_options(r, row, &in);
	row_bool(row, STATUS, shows_state(section));
	row_bool(row, RESTRICTED, in.access == ACCESS_SOME || in.access == ACCESS_NONE);
}

/* --- headers --------------------------------------------------------------------------------- */

static void drop_header(struct strs *headers, const char *name)
{
	size_t kept = 0;

	for (size_t k = 0; k < headers->n; k++) {
		struct str rest = headers->p[k];

		if (!str_skip(&rest, name) || !str_starts(rest, ": "))
			headers->p[kept++] = headers->p[k];
	}
	headers->n = kept;
}

static void add_headers(struct reading *r, const struct directive *block, struct strs *ret)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		size_t i = 0;
		struct str action, name;

		if (!is(d, "Header") || d->n_args < 2)
			continue;
		if (str_is_nocase(d->args[0], "always") || str_is_nocase(d->args[0], "onsuccess"))
			i++;
		if (i + 1 >= d->n_args)
			continue;
		action = d->args[i];
		name = str_lower(r->arena, d->args[i + 1]);
		if (str_ends(name, ":"))
			name.n--;
		if (str_is_nocase(action, "unset")) {
			drop_header(ret, str_dup(r->arena, name));
			continue;
		}
		if (i + 2 < d->n_args && ret->n < 256 &&
			(str_is_nocase(action, "set") || str_is_nocase(action, "add") ||
			 str_is_nocase(action, "append") || str_is_nocase(action, "merge") ||
			 str_is_nocase(action, "setifempty")))
			*vec_push(r->arena, ret) = str_of(arena_printf(r->arena, "%.*s: %s", STR_ARG(name),
														   str_dup(r->arena, d->args[i + 2])));
	}
}

/* --- what is answered ------------------------------------------------------------------------ */

static bool is_https(struct str url)
{
	return str_starts(url, "https://");
}

static bool is_all(struct str pattern)
{
	return str_is(pattern, "/") || str_is(pattern, "^") || str_is(pattern, "^/") ||
		   str_is(pattern, ".*") || str_is(pattern, "^/?(.*)") || str_is(pattern, "^/?(.*)$") ||
		   str_is(pattern, "^(.*)$") || str_is(pattern, "^/(.*)$") || str_is(pattern, "(.*)") ||
		   str_is(pattern, "^.*$") || str_is(pattern, "^/(.*)") || str_is(pattern, "^(.*)");
}

/* Does it send every request on to https? A RewriteCond in front may well except some: then only the
 * usual ones, on TLS and the host's name, are taken for none. */
static bool redirects_all(const struct reading *r, const struct directive *server)
{
	const struct directive *engine = in_force(r, server, "RewriteEngine");
	bool excepted = false;

	for (const struct directive *d = server->first; d; d = d->next) {
		if ((is(d, "Redirect") || is(d, "RedirectMatch") || is(d, "RedirectPermanent")) &&
			d->n_args > 1 && is_https(d->args[d->n_args - 1]) && is_all(d->args[d->n_args - 2]))
			return true;
		if (is(d, "RewriteCond") && d->n_args > 1)
			excepted |= !str_has(d->args[0], "HTTPS") && !str_has(d->args[0], "SERVER_PORT") &&
						!str_has(d->args[0], "SERVER_NAME") && !str_has(d->args[0], "HTTP_HOST") &&
						!str_has(d->args[1], "acme-challenge") && !str_has(d->args[0], "SCHEME");
		if (!is(d, "RewriteRule"))
			continue;
		if (engine && str_is_nocase(directive_arg(engine), "on") && d->n_args > 1 && !excepted &&
			is_all(d->args[0]) && is_https(d->args[1]))
			return true;
		excepted = false;
	}
	return false;
}

/* Everywhere below: in a Directory, a Location, a Proxy. */
static void find_passes(struct reading *r, const struct directive *block, struct strs *ret)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		struct str to = STR_ABSENT;

		if (d->is_block && !is(d, "VirtualHost"))
			find_passes(r, d, ret);
		else if ((is(d, "ProxyPass") || is(d, "ProxyPassMatch")) && d->n_args)
			to = d->n_args > 1 && (str_starts(d->args[0], "/") || str_starts(d->args[0], "^"))
					 ? d->args[1]
					 : d->args[0];
		else if (is(d, "BalancerMember"))
			to = directive_arg(d);
		else if (is(d, "SetHandler") && str_starts(directive_arg(d), "proxy:"))
			to = (struct str){d->args[0].p + 6, d->args[0].n - 6};
		else if (is(d, "RewriteRule") && d->n_args > 2 && str_has(d->args[2], "P"))
			to = d->args[1];
		else if (is(d, "WSGIScriptAlias") || is(d, "ScriptAlias") || is(d, "PassengerAppRoot"))
			to = STR("code");
		if (to.n && !str_is(to, "!") && !str_starts(to, "balancer:") && ret->n < 4096)
			*vec_push(r->arena, ret) = secret_masked_urls(r->arena, to);
	}
}

static enum access root_access(const struct directive *server)
{
	enum access access = ACCESS_UNSAID;

	for (const struct directive *d = server->first; d; d = d->next)
		if (d->is_block && is(d, "Location") && str_is(directive_arg(d), "/") &&
			access_of(d) != ACCESS_UNSAID)
			access = access_of(d);
	return access;
}

static const char *plain_answer(struct reading *r, const struct directive *server,
								const struct strs *passes)
{
	if (redirects_all(r, server))
		return "redirect";
	if (root_access(server) == ACCESS_NONE)
		return "refused";
	/* Without a root of its own it has what Apache was built with, which no distribution ships. */
	return passes->n ? "application" : in_force(r, server, "DocumentRoot") ? "files" : "refused";
}

/* --- what lies about in the root ------------------------------------------------------------- */

struct look {
	struct reading *r;
	struct str path;     /* of the request */
	const char *file;    /* in the file system */
	const char *unknown; /* why it cannot be told */
	enum access access;
};

static bool regex_fits(struct look *l, struct str pattern, struct str subject)
{
	struct regex *regex;
	struct err err = {0};
	int fits = pattern.n > 2048 ? -E2BIG : regex_compile(l->r->arena, pattern, &regex, &err);

	if (fits == 0)
		fits = regex_match(regex, subject);
	if (fits < 0)
		l->unknown = "a regular expression cannot be used";
	return fits > 0;
}

static struct str base_name(const char *file)
{
	return str_of(strrchr(file, '/') + 1);
}

static struct str directory_of(const char *file)
{
	return (struct str){file, (size_t)(strrchr(file, '/') - file)};
}

static bool is_below(struct str path, struct str prefix)
{
	prefix = without_slash(prefix);
	return (prefix.n == 1 && *prefix.p == '/') ||
		   (path.n >= prefix.n && prefix.n && memcmp(path.p, prefix.p, prefix.n) == 0 &&
			(path.n == prefix.n || path.p[prefix.n] == '/'));
}

/* Of `<Directory ~ "expression">` as well. */
static bool section_fits(struct look *l, const struct directive *d)
{
	bool tilde = d->n_args > 1 && str_is(d->args[0], "~");
	struct str what = d->n_args ? d->args[d->n_args - 1] : STR("");

	if (is(d, "FilesMatch") || (is(d, "Files") && tilde))
		return regex_fits(l, what, base_name(l->file));
	if (is(d, "DirectoryMatch") || (is(d, "Directory") && tilde))
		return regex_fits(l, what, directory_of(l->file));
	if (is(d, "LocationMatch") || (is(d, "Location") && tilde))
		return regex_fits(l, what, l->path);
	if (is(d, "Files"))
		return str_glob(str_dup(l->r->arena, what), base_name(l->file));
	if (is(d, "Location"))
		return is_below(l->path, what);
	return str_is_glob(what) ? str_glob(str_dup(l->r->arena, what), directory_of(l->file))
							 : is_below(directory_of(l->file), what);
}

static unsigned rank_of(const struct directive *d)
{
	if (is(d, "Directory") && !(d->n_args > 1))
		return 0;
	if (is(d, "Directory") || is(d, "DirectoryMatch"))
		return 1;
	return is(d, "Files") || is(d, "FilesMatch") ? 2 : 3;
}

/* Sections apply by kind, those about directories the shortest first; within a kind those of the main
 * server come first. The last that says anything decides. */
static void look_at(struct look *l, const struct directive *block, unsigned rank, size_t *longest)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		enum access access;

		if (!is_section(d) || rank_of(d) != rank)
			continue;
		access = access_of(d);
		for (const struct directive *inner = d->first; inner && access == ACCESS_UNSAID;
			 inner = inner->next)
			if (is_section(inner) && section_fits(l, d) && section_fits(l, inner))
				access = access_of(inner);
		if (access == ACCESS_UNSAID || !section_fits(l, d))
			continue;
		if (rank == 0 && directive_arg(d).n < *longest)
			continue;
		if (rank == 0)
			*longest = directive_arg(d).n;
		l->access = access;
	}
}

static bool answers_otherwise(struct look *l, const struct directive *block)
{
	for (const struct directive *d = block->first; d; d = d->next) {
		if (is(d, "RedirectMatch") && d->n_args > 1 &&
			regex_fits(l, d->args[d->n_args > 2], l->path))
			return true;
		if (is(d, "RedirectMatch") && d->n_args == 2 && str_starts(d->args[0], "4") &&
			regex_fits(l, d->args[1], l->path))
			return true;
		if (is(d, "ProxyPass") && str_is(directive_arg(d), "/"))
			return true;
		if (is(d, "RewriteRule"))
			l->unknown = "private files lie in the root, and what rewriting does with requests for "
						 "them is not known";
	}
	return false;
}

static bool is_served(struct reading *r, const struct directive *server, struct str path,
					  const char *root, const char **unknown)
{
	struct look l = {.r = r,
					 .path = path,
					 .access = ACCESS_ALL,
					 .file = arena_printf(r->arena, "%s%s", root, str_dup(r->arena, path))};
	bool otherwise = answers_otherwise(&l, server);

	if (server != &r->main)
		otherwise |= answers_otherwise(&l, &r->main);
	for (unsigned rank = 0; rank < 4; rank++) {
		size_t longest = 0;

		look_at(&l, &r->main, rank, &longest);
		if (server != &r->main)
			look_at(&l, server, rank, &longest);
	}
	if (l.access == ACCESS_ALL && !otherwise && l.unknown)
		*unknown = l.unknown;
	return l.access == ACCESS_ALL && !otherwise;
}

static void set_exposed(struct reading *r, struct row *row, const struct directive *server)
{
	const struct directive *d = in_force(r, server, "DocumentRoot");
	struct str root = d ? without_slash(directive_arg(d)) : STR_ABSENT;
	struct strs exposed = {0};
	struct str *paths;
	struct err err = {0};
	const char *unknown = NULL;
	size_t n;

	if (!root.n || redirects_all(r, server))
		return;
	if (*root.p != '/' || str_has(root, "${")) {
		row_unknown(row, EXPOSED, "the root is not known");
		return;
	}
	if (docroot_private(r->host, str_dup(r->arena, root), r->arena, &paths, &n, &err) < 0) {
		row_unknown(row, EXPOSED, arena_strdup(r->arena, err.msg));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (++r->looked > MAX_LOOKED)
			unknown = "too many private files lie about";
		else if (is_served(r, server, paths[i], str_dup(r->arena, root), &unknown))
			*vec_push(r->arena, &exposed) = paths[i];
	}
	if (unknown)
		row_unknown(row, EXPOSED, unknown);
	else
		row_list(row, EXPOSED, exposed.p, exposed.n);
}

/* --- servers --------------------------------------------------------------------------------- */

static const char *const scopes[] = {"loopback", "private", "public"};

static size_t scope_of(struct str address)
{
	struct str host;
	const char *scope;

	if (str_skip(&address, "["))
		str_cut(&address, ']', &host);
	else
		str_cut(&address, ':', &host);
	scope = str_is_nocase(host, "localhost") ? "loopback" : address_scope(host);
	if (!scope || strcmp(scope, "public") == 0)
		return 2;
	return strcmp(scope, "loopback") != 0;
}

/* "8080", "10.0.0.1:80", "[::1]:80": of the whole server; a virtual host answers no more than it says,
 * and no more than is listened on. */
static size_t listens(const struct reading *r, struct str port)
{
	size_t widest = 0;

	for (const struct directive *d = r->main.first; d; d = d->next) {
		struct str address = directive_arg(d);
		const char *colon;

		if (!is(d, "Listen") || !address.n)
			continue;
		colon = memrchr(address.p, ':', address.n);
		if (port.n &&
			!str_eq(port, colon
							  ? (struct str){colon + 1, (size_t)(address.p + address.n - colon) - 1}
							  : address))
			continue;
		widest = MAX(widest, colon ? scope_of(address) : (size_t)2);
	}
	return widest;
}

static struct str port_of(struct str address)
{
	const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
	struct str port =
		colon ? (struct str){colon + 1, (size_t)(address.p + address.n - colon) - 1} : STR("");

	return str_is(port, "*") || str_has_char(port, ']') ? STR("") : port;
}

/* What is listened on and no virtual host is for: there the main server answers. */
static struct strs left_over(struct reading *r)
{
	struct strs left = {0};
	struct map ports;

	map_init(&ports, r->arena);
	for (size_t k = 0; k < r->hosts.n; k++)
		for (size_t i = 0; i < r->hosts.p[k]->n_args; i++)
			map_put(&ports, port_of(r->hosts.p[k]->args[i]), r);
	for (const struct directive *d = r->main.first; d && !map_get(&ports, STR("")); d = d->next) {
		struct str address = directive_arg(d);

		if (is(d, "Listen") && address.n &&
			!map_get(&ports, memchr(address.p, ':', address.n) ? port_of(address) : address))
			*vec_push(r->arena, &left) = address;
	}
	return left;
}

static void set_listen(struct reading *r, struct row *row, const struct directive *server)
{
	struct strs addresses = {0};
	size_t scope = 0;

	if (server == &r->main)
		addresses = left_over(r);
	for (size_t i = 0; server == &r->main && i < addresses.n; i++)
		scope =
			MAX(scope, memchr(addresses.p[i].p, ':', addresses.p[i].n) ? scope_of(addresses.p[i])
																	   : (size_t)2);
	for (size_t i = 0; server != &r->main && i < server->n_args; i++) {
		*vec_push(r->arena, &addresses) = server->args[i];
		scope = MAX(scope, MIN(scope_of(server->args[i]), listens(r, port_of(server->args[i]))));
	}
	row_list(row, LISTEN, addresses.p, addresses.n);
	row_strz(row, SCOPE, scopes[scope]);
}

static void add_logs(struct reading *r, const struct directive *block, struct strs *ret)
{
	for (const struct directive *d = block->first; d; d = d->next)
		if ((is(d, "CustomLog") || is(d, "TransferLog")) && d->n_args)
			*vec_push(r->arena, ret) = d->args[0];
}

static void set_logs(struct reading *r, struct row *row, const struct directive *server)
{
	struct strs logs = {0};

	add_logs(r, server, &logs);
	if (!logs.n)
		add_logs(r, &r->main, &logs);
	row_list(row, ACCESS_LOG, logs.p, logs.n);
	set_word(r, row, ERROR_LOG, in_force(r, server, "ErrorLog"), "logs/error_log");
}

static bool gives_up_slow_requests(struct reading *r, const struct directive *server)
{
	const struct directive *d = in_force(r, server, "RequestReadTimeout");

	if (map_get(&r->config.modules, STR("qos_module")))
		return true;
	if (!map_get(&r->config.modules, STR("reqtimeout_module")))
		return false;
	for (size_t i = 0; d && i < d->n_args; i++)
		if (str_is_nocase(d->args[i], "header=0"))
			return false;
	return true;
}

static void set_protection(struct reading *r, struct row *row, const struct directive *server)
{
	const struct directive *engine = in_force(r, server, "SecRuleEngine");
	bool loaded = map_get(&r->config.modules, STR("security2_module")) != NULL;

	set_word(r, row, MODSECURITY, loaded ? engine : NULL, "off");
	row_bool(row, REQUEST_TIMEOUT, gives_up_slow_requests(r, server));
	set_number(row, TIMEOUT, in_force(r, server, "Timeout"), 60);
	set_number(row, MAX_BODY, in_force(r, server, "LimitRequestBody"), -1);
	set_word(r, row, SERVER_SIGNATURE, in_force(r, server, "ServerSignature"), "off");
	set_word(r, row, TRACE_ENABLE, in_force(r, server, "TraceEnable"), "on");
}

static void add_server(struct reading *r, const struct directive *server)
{
	const struct directive *name = last(server, "ServerName"),
						   *tls = in_force(r, server, "SSLEngine");
	bool is_main = server == &r->main, takes_tls = tls && str_is_nocase(directive_arg(tls), "on");
	struct row *row = rows_add(
		r->rows, FROM(is_main ? r->config.files[0].p : server->file, is_main ? 0 : server->line));
	const char *label = arena_printf(
		r->arena, "%s%s%s", name ? str_dup(r->arena, directive_arg(name)) : "",
		name || is_main ? "" : "_",
		server->n_args ? arena_printf(r->arena, " %s", str_dup(r->arena, server->args[0])) : "");
	struct strs passes = {0}, headers = {0};
	struct map own;

	row_strz(row, CONTEXT, "server");
	row_strz(row, NAME, *label ? label : "main server");
	set_listen(r, row, server);
	row_bool(row, TLS, takes_tls);
	if (takes_tls) {
		set_protocols(r, row, in_force(r, server, "SSLProtocol"));
		set_ciphers(r, row, in_force(r, server, "SSLCipherSuite"));
		set_keys(r, row, server);
	}
	add_headers(r, &r->main, &headers);
	if (!is_main)
		add_headers(r, server, &headers);
	row_list(row, HEADERS, headers.p, headers.n);
	set_logs(r, row, server);
	set_protection(r, row, server);
	set_word(r, row, ROOT, in_force(r, server, "DocumentRoot"), NULL);
	if (in_force(r, server, "DocumentRoot"))
		row_str(row, ROOT, directive_arg(in_force(r, server, "DocumentRoot")));
	find_passes(r, server, &passes);
	if (map_get(&r->config.modules, STR("php_module")) ||
		map_get(&r->config.modules, STR("php7_module")))
		*vec_push(r->arena, &passes) = STR("code");
	if (passes.n)
		row_list(row, PASSES, passes.p, passes.n);
	if (!takes_tls)
		row_strz(row, PLAIN, plain_answer(r, server, &passes));
	row_bool(row, RESTRICTED,
			 root_access(server) > ACCESS_ALL ||
				 strcmp(scopes[0], str_dup(r->arena, row->cells[SCOPE].string)) == 0);
	set_exposed(r, row, server);
	find_directories(r, server, &own);
	for (const struct directive *d = server->first; d; d = d->next)
		if (is_section(d) && !is_main)
			add_section(r, d, &own, label);
}

/* --- all of it ------------------------------------------------------------------------------- */

static void set_writable(struct reading *r, struct row *row)
{
	struct strs found = {0};
	struct map seen;
	struct err err = {0};
	bool failed = false;

	map_init(&seen, r->arena);
	for (size_t i = 0; i < r->config.n_files; i++) {
		struct str path = r->config.files[i];
		struct str both[] = {path, directory_of(path.p)};

		for (size_t k = 0; k < ARRAY_LEN(both); k++) {
			int may;

			if (!both[k].n || map_put(&seen, both[k], r))
				continue;
			may = account_may(r->host, &r->worker, str_dup(r->arena, both[k]), ACCOUNT_WRITE,
							  r->arena, &err);
			failed |= may < 0;
			if (may > 0)
				*vec_push(r->arena, &found) = both[k];
		}
	}
	if (failed && !found.n)
		row_unknown(row, WRITABLE, arena_strdup(r->arena, err.msg));
	else
		row_list(row, WRITABLE, found.p, found.n);
}

static void set_modules(struct reading *r, struct row *row)
{
	static const char *const notable[] = {"autoindex", "cgi",     "cgid",          "dav",
										  "dav_fs",    "headers", "include",       "info",
										  "php",       "proxy",   "proxy_connect", "rewrite",
										  "security2", "ssl",     "status",        "userdir"};
	struct strs loaded = {0};

	for (size_t i = 0; i < ARRAY_LEN(notable); i++)
		if (map_get(&r->config.modules, str_of(arena_printf(r->arena, "%s_module", notable[i]))))
			*vec_push(r->arena, &loaded) = str_of(notable[i]);
	row_list(row, MODULES, loaded.p, loaded.n);
}

static void add_main(struct reading *r)
{
	struct row *row = rows_add(r->rows, FROM(r->config.files[0].p, 0));
	const struct directive *user = last(&r->main, "User"), *group = last(&r->main, "Group");
	struct passwd_db db;
	struct err err = {0};

	row_strz(row, CONTEXT, "main");
	row_strz(row, NAME, "apache");
	set_word(r, row, USER, user, NULL);
	set_word(r, row, SERVER_TOKENS, last(&r->main, "ServerTokens"), "full");
	set_modules(r, row);
	r->worker.uid = ACCOUNT_ANYBODY;
	if (passwd_read(r->host, r->arena, &db, &err) < 0) {
		row_unknown(row, WRITABLE, "/etc/passwd could not be read");
		return;
	}
	r->worker = account_named(&db, user ? directive_arg(user) : STR_ABSENT,
							  group ? directive_arg(group) : STR_ABSENT, r->arena);
	set_writable(r, row);
}

static bool is_installed(struct host *host)
{
	static const char *const programs[] = {"/usr/sbin/apache2", "/usr/sbin/httpd",
										   "/usr/bin/httpd"};
	struct path_stat st;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (host_stat(host, programs[i], true, &st, &ignored) == 0)
			return true;
	return false;
}

/* Thousands of virtual hosts each look at what is said for all, so these are kept apart. */
static void part(struct reading *r)
{
	map_init(&r->main_last, r->arena);
	for (const struct directive *d = r->config.root.first; d; d = d->next) {
		struct directive *copy;

		if (d->is_block && is(d, "VirtualHost")) {
			*vec_push(r->arena, &r->hosts) = d;
			continue;
		}
		copy = arena_new(r->arena, struct directive, 1);
		*copy = *d;
		copy->next = NULL;
		directive_append(&r->main, copy);
		if (!d->is_block && d->n_args)
			map_put(&r->main_last, str_lower(r->arena, d->name), copy);
	}
}

static int read_apache(struct host *host, struct rows *rows, struct err *err)
{
	struct reading r = {.host = host, .arena = rows->arena, .rows = rows};
	int result;

	if (!is_installed(host))
		return 0;
	result = apache_config_read(host, rows->arena, &r.config, err);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	part(&r);
	find_directories(&r, &r.main, &r.directories);
	add_main(&r);
	for (const struct directive *d = r.main.first; d; d = d->next)
		if (is_section(d))
			add_section(&r, d, &r.directories, "");
	for (size_t i = 0; i < r.hosts.n; i++)
		add_server(&r, r.hosts.p[i]);
	if (left_over(&r).n)
		add_server(&r, &r.main);
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

/* One that comes behind the own file, and so has the last word; NULL: none does. */
static const struct directive *comes_later(const struct directive *root, const char *name,
										   const char *own)
{
	struct str directory = {own, (size_t)(strrchr(own, '/') + 1 - own)};
	bool passed = false;

	for (const struct directive *d = root->first; d; d = d->next) {
		bool beside = strncmp(d->file, directory.p, directory.n) == 0;

		passed |= beside;
		if (!d->is_block && is(d, name) && (beside ? strcmp(d->file, own) > 0 : passed))
			return d;
		if (d->is_block && is(d, "VirtualHost") && last(d, name))
			return last(d, name);
	}
	return NULL;
}

static int set_apache(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	const char *name = directive_name(wish->column), *own, *line;
	const struct directive *later;
	struct apache_config config;
	bool debian;
	int r;

	if (wish->column < 0 || !wish->row || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "what should not be there is taken out by hand");
	r = apache_config_read(host, edits->arena, &config, err);
	if (r < 0)
		return r;
	debian = strcmp(config.directory, "/etc/httpd/") != 0;
	own = debian ? DEBIAN_OWN : REDHAT_OWN;
	later = comes_later(&config.root, name, own);
	if (later)
		return err_set(err, ENOTSUP, "%s:%u has the last word on %s: change it by hand",
					   later->file, later->line, name);
	/* Of several versions only words with a sign add up. */
	if (wish->column == SSL_PROTOCOLS)
		line = arena_printf(edits->arena, "%s -all +%s", name,
							str_dup(edits->arena, edit_text(edits, wish, " +")));
	else
		line = arena_printf(edits->arena, "%s %s", name,
							str_dup(edits->arena, edit_text(edits, wish, " ")));
	edit_key(edits, own, EDIT_LINES, NULL, str_of(line), STR("1"));
	edit_reload(edits, debian ? "apache2.service" : "httpd.service");
	return 0;
}

static const struct table apache = {
	.name = "apache",
	.doc = "Servers and sections of Apache httpd with what is in force in each, from "
		   "/etc/apache2/apache2.conf or "
		   "/etc/httpd/conf/httpd.conf and what it includes; nothing is there unless Apache is "
		   "installed",
	.columns = columns,
	.read = read_apache,
	.set = set_apache,
	.fix = "set it in " DEBIAN_OWN " and reload Apache",
	.cost = 3,
};
TABLE(apache);
