/* SPDX-License-Identifier: Apache-2.0 */
#include "host/postgres.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/glob.h"

#define MAX_DEPTH 10 /* CONF_FILE_MAX_DEPTH of utils/conffiles.h */
#define MAX_FILES 256
#define MAX_BYTES ((size_t)4 << 20)

struct reader {
	struct host *host;
	struct arena *arena;
	struct pg_cluster *cluster;
	unsigned files;
	size_t bytes;
};

/* --- one line ------------------------------------------------------------------------------------ */

struct line {
	struct str rest, key, value; /* key: absent on a line that says nothing */
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(struct str *s)
{
	while (s->n && strchr(" \t\r", s->p[0]))
		s->p++, s->n--;
}

static struct str take(struct str *s, size_t n)
{
	struct str taken = {s->p, n};

	s->p += n;
	s->n -= n;
	return taken;
}

/* A name, or one with the prefix of an extension. */
static struct str take_key(struct str *s)
{
	size_t n = 0;

	if (s->n && is_letter(s->p[0]))
		while (n < s->n &&
			   (is_letter(s->p[n]) || is_digit(s->p[n]) || s->p[n] == '$' || s->p[n] == '.'))
			n++;
	return take(s, n);
}

static char unescaped(struct str *s)
{
	static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
	const char *at = s->p[0] ? strchr(letters, s->p[0]) : NULL;
	unsigned code = 0;
	size_t n = 0;

	while (n < 3 && n < s->n && s->p[n] >= '0' && s->p[n] <= '7')
		code = code * 8 + (unsigned)(s->p[n++] - '0');
	if (n) {
		(void)take(s, n);
		return (char)code;
	}
	(void)take(s, 1);
	return at ? means[at - letters] : s->p[-1];
}

/* 'text', in which '' and \' are a quote. False when it does not end on its line. */
static bool take_quoted(struct arena *a, struct str *s, struct str *ret)
{
	char *p = arena_alloc(a, s->n + 1);
	size_t n = 0;

	(void)take(s, 1);
	while (s->n) {
		char c = take(s, 1).p[0];

		if (c == '\\') {
			if (!s->n)
				return false;
			c = unescaped(s);
		} else if (c == '\'') {
			if (!s->n || s->p[0] != '\'') {
				*ret = (struct str){p, n};
				return true;
			}
			(void)take(s, 1);
		}
		p[n++] = c;
	}
	return false;
}

static bool take_value(struct arena *a, struct str *s, struct str *ret)
{
	size_t n = 0;

	if (s->n && s->p[0] == '\'')
		return take_quoted(a, s, ret);
	while (n < s->n && (is_letter(s->p[n]) || is_digit(s->p[n]) || strchr("+-._:/", s->p[n])))
		n++;
	*ret = take(s, n);
	return n > 0;
}

/* "key = value  # comment", where the sign may be left out. False: the server would not take it. */
static bool parse_line(struct arena *a, struct str text, struct line *ret)
{
	*ret = (struct line){.rest = text};
	skip_blanks(&ret->rest);
	if (!ret->rest.n || ret->rest.p[0] == '#')
		return true;
	ret->key = take_key(&ret->rest);
	skip_blanks(&ret->rest);
	if (str_skip(&ret->rest, "="))
		skip_blanks(&ret->rest);
	if (!ret->key.n || !take_value(a, &ret->rest, &ret->value))
		return false;
	skip_blanks(&ret->rest);
	ret->key = str_lower(a, ret->key);
	return !ret->rest.n || ret->rest.p[0] == '#';
}

/* --- files -------------------------------------------------------------------------------------- */

static void read_file(struct reader *, const char *path, bool optional, unsigned depth);

const char *postgres_path(struct arena *a, const char *file, struct str path)
{
	const char *slash = strrchr(file, '/');

	if (str_starts(path, "/") || !slash)
		return str_dup(a, path);
	return arena_printf(a, "%.*s/%.*s", (int)(slash - file), file, (int)MIN(path.n, (size_t)4096),
						path.p);
}

static void read_dir(struct reader *r, const char *path, unsigned depth)
{
	struct path_stat st;
	struct err err = {0};
	struct str *files;
	size_t n;

	if (!r->cluster->dropins)
		r->cluster->dropins = path;
	/* A directory that is not there is an error to the server. */
	if (host_stat(r->host, path, true, &st, &err) < 0 ||
		host_list_files(r->host, path, ".conf", r->arena, &files, &n, &err) < 0) {
		settings_gap(&r->cluster->settings, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(r->arena, files[i]), false, depth + 1);
}

static void take_line(struct reader *r, struct str text, struct from from, unsigned depth)
{
	struct settings *s = &r->cluster->settings;
	struct line line;

	if (!parse_line(r->arena, text, &line))
		settings_gap(s, "%s:%u: the server cannot read this line", from.path, from.line);
	else if (!line.key.n)
		return;
	else if (str_is(line.key, "include") || str_is(line.key, "include_if_exists"))
		read_file(r, postgres_path(r->arena, from.path, line.value), line.key.n > 7, depth + 1);
	else if (str_is(line.key, "include_dir"))
		read_dir(r, postgres_path(r->arena, from.path, line.value), depth);
	else
		settings_put(s, line.key, line.value, from);
}

static void read_file(struct reader *r, const char *path, bool optional, unsigned depth)
{
	struct settings *s = &r->cluster->settings;
	struct str text, line;
	struct err err = {0};
	unsigned number = 0;
	int e;

	if (depth > MAX_DEPTH || r->files++ >= MAX_FILES || r->bytes > MAX_BYTES) {
		settings_gap(s, "%s: too many includes", path);
		return;
	}
	e = settings_read(r->host, r->arena, path, &text, &err);
	if (e < 0) {
		if (e != -ENOENT || !optional)
			settings_gap(s, "%s", err.msg);
		return;
	}
	r->bytes += text.n;
	while (str_line(&text, &line))
		take_line(r, line, FROM(path, ++number), depth);
}

/* --- values as the server shows them ------------------------------------------------------------ */

bool postgres_bool(struct str s, bool *ret)
{
	static const struct {
		const char *word;
		size_t least;
		bool means;
	} words[] = {{"true", 1, true},   {"yes", 1, true}, {"on", 2, true},   {"1", 1, true},
				 {"false", 1, false}, {"no", 1, false}, {"off", 2, false}, {"0", 1, false}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (s.n >= words[i].least && s.n <= strlen(words[i].word) &&
			strncasecmp(s.p, words[i].word, s.n) == 0) {
			*ret = words[i].means;
			return true;
		}
	return false;
}

enum kind { TEXT, WORD, BOOL, MODE, SECONDS, MILLISECONDS };

static const struct known {
	const char *key, *value; /* the default; NULL: there is none that holds everywhere */
	enum kind kind;
	unsigned since; /* the first version that has it; 0: all do */
} known[] = {
	{"archive_mode", "off", WORD, 0},
	{"authentication_timeout", "60", SECONDS, 0},
	{"data_directory_mode", NULL, MODE, 0},
	{"db_user_namespace", "off", BOOL, 0},
	{"fsync", "on", BOOL, 0},
	{"idle_in_transaction_session_timeout", "0", MILLISECONDS, 0},
	{"listen_addresses", "localhost", TEXT, 0},
	{"log_connections", "off", WORD, 0},
	{"log_destination", "stderr", WORD, 0},
	{"log_disconnections", "off", BOOL, 0},
	{"log_file_mode", "0600", MODE, 0},
	{"log_hostname", "off", BOOL, 0},
	{"log_line_prefix", "%m [%p] ", TEXT, 0},
	{"log_min_duration_statement", "-1", MILLISECONDS, 0},
	{"log_min_error_statement", "error", WORD, 0},
	{"log_min_messages", "warning", WORD, 0},
	{"log_statement", "none", WORD, 0},
	{"logging_collector", "off", BOOL, 0},
	{"password_encryption", "scram-sha-256", WORD, 14},
	{"port", "5432", TEXT, 0},
	{"row_security", "on", BOOL, 0},
	{"shared_preload_libraries", "", TEXT, 0},
	{"ssl", "off", BOOL, 0},
	{"ssl_min_protocol_version", "TLSv1.2", TEXT, 13},
	{"ssl_prefer_server_ciphers", "on", BOOL, 0},
	{"statement_timeout", "0", MILLISECONDS, 0},
	{"unix_socket_group", "", TEXT, 0},
	{"unix_socket_permissions", "0777", MODE, 0},
};

/* Settings of numbers may be octal ("0700"), hexadecimal or decimal. */
static struct str mode_value(struct arena *a, struct str s)
{
	uint64_t number = 0;
	unsigned mode = 0;

	if (s.n > 1 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
		if (num_hex(s, 07777, &number) < 0)
			return s;
	} else if (s.n && s.p[0] == '0') {
		if (num_mode(s, &mode) < 0)
			return s;
		number = mode;
	} else if (num_u64(s, 0, 07777, &number) < 0) {
		return s;
	}
	return str_of(arena_printf(a, "%04llo", (unsigned long long)number));
}

static struct str time_value(struct arena *a, struct str s, int64_t unit_us)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {{"us", 1},         {"ms", 1000},      {"s", 1000000},
				 {"min", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
	struct str digits = {s.p, 0}, unit;
	int64_t number;

	while (digits.n < s.n && (is_digit(s.p[digits.n]) || s.p[digits.n] == '-'))
		digits.n++;
	unit = str_trim((struct str){s.p + digits.n, s.n - digits.n});
	if (!unit.n || num_i64(digits, -INT32_MAX, INT32_MAX, &number) < 0)
		return s;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_is(unit, units[i].name))
			return str_of(arena_printf(a, "%lld", (long long)(number * units[i].us / unit_us)));
	return s;
}

static struct str shown(struct arena *a, enum kind kind, struct str value)
{
	bool yes;

	switch (kind) {
	case WORD:
	case BOOL:
		if (postgres_bool(value, &yes))
			return yes ? STR("on") : STR("off");
		return str_lower(a, value);
	case MODE:
		return mode_value(a, value);
	case SECONDS:
		return time_value(a, value, 1000000);
	case MILLISECONDS:
		return time_value(a, value, 1000);
	default:
		return value;
	}
}

static void normalise(struct pg_cluster *c)
{
	struct settings *s = &c->settings;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct setting *setting = map_get(&s->by_key, str_of(known[i].key));
		/* Before there was one, the weaker held: md5 up to 13, TLS 1.0 up to 12. */
		bool has = known[i].value && (!known[i].since || c->version >= known[i].since);

		if (setting)
			setting->value = shown(s->arena, known[i].kind, setting->value);
		else if (has)
			settings_put(s, str_of(known[i].key), str_of(known[i].value), (struct from){0});
		else if (known[i].value && c->version)
			settings_put(s, str_of(known[i].key), known[i].since == 14 ? STR("md5") : STR("TLSv1"),
						 (struct from){0});
	}
}

/* --- clusters ----------------------------------------------------------------------------------- */

static bool is_network(struct str addresses)
{
	struct str address;

	while (str_cut(&addresses, ',', &address)) {
		address = str_trim(address);
		if (str_is(address, "*") || settings_is_network(address))
			return true;
	}
	return false;
}

/* What is given on the command line has the last word. */
static void look_for_options(struct reader *r)
{
	const char *path = postgres_path(r->arena, r->cluster->config, STR("pg_ctl.conf"));
	struct settings *s = &r->cluster->settings;
	struct str text, line;
	struct err err = {0};
	unsigned number = 0;
	int e = host_read(r->host, path, r->arena, &text, &err);

	if (e < 0 && e != -ENOENT)
		settings_gap(s, "%s", err.msg);
	while (e == 0 && str_line(&text, &line)) {
		struct line option;

		number++;
		if (!parse_line(r->arena, line, &option) || (option.key.n && option.value.n))
			settings_gap(s, "%s:%u: the server is given options", path, number);
	}
}

static struct pg_cluster *add_cluster(struct arena *a, struct pg_clusters *all, const char *config,
									  const char *name, unsigned version)
{
	struct pg_cluster *c = vec_push(a, all);

	*c = (struct pg_cluster){.name = name, .config = config, .version = version};
	settings_init(&c->settings, a);
	return c;
}

static void read_cluster(struct host *host, struct arena *a, struct pg_cluster *c)
{
	struct reader r = {.host = host, .arena = a, .cluster = c};
	struct str data;

	read_file(&r, c->config, false, 0);
	data = settings_get(&c->settings, "data_directory");
	if (data.n)
		c->data = str_dup(a, data);
	if (c->data)
		read_file(&r, arena_printf(a, "%s/postgresql.auto.conf", c->data), true, 0);
	look_for_options(&r);
	normalise(c);
	c->network = is_network(settings_get(&c->settings, "listen_addresses"));
}

/* "/etc/postgresql/VERSION/NAME/postgresql.conf" */
static int find_debian(struct host *host, struct arena *a, struct pg_clusters *all, struct err *err)
{
	static const char top[] = "/etc/postgresql/";
	struct str *paths;
	size_t n;
	int r = host_glob(host, a, STR("/etc/postgresql/*/*/postgresql.conf"), &paths, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct str rest = {paths[i].p + sizeof(top) - 1, paths[i].n - (sizeof(top) - 1)}, version,
				   name;
		struct path_stat st;
		struct err ignored = {0};
		uint64_t number;
		const char *program;

		str_cut(&rest, '/', &version);
		str_cut(&rest, '/', &name);
		if (num_u64(version, 1, 999, &number) < 0)
			number = 0;
		program = arena_printf(a, "/usr/lib/postgresql/%s/bin/postgres", str_dup(a, version));
		/* Its configuration stays behind when the package is removed. */
		if (host_stat(host, program, true, &st, &ignored) != -ENOENT)
			add_cluster(a, all, str_dup(a, paths[i]),
						arena_printf(a, "%s/%s", str_dup(a, version), str_dup(a, name)),
						(unsigned)number);
	}
	return r;
}

static unsigned version_in(struct host *host, struct arena *a, const char *data)
{
	struct str text, line = STR("");
	struct err err = {0};
	uint64_t version;

	if (host_read(host, arena_printf(a, "%s/PG_VERSION", data), a, &text, &err) < 0)
		return 0;
	(void)str_line(&text, &line);
	return num_u64(str_trim(line), 1, 999, &version) == 0 ? (unsigned)version : 0;
}

/* Data directories that hold their configuration, where other distributions and packages have them. */
static int find_data(struct host *host, struct arena *a, struct pg_clusters *all, struct err *err)
{
	static const char *const patterns[] = {
		"/var/lib/pgsql/data/postgresql.conf", "/var/lib/pgsql/*/data/postgresql.conf",
		"/var/lib/postgres/data/postgresql.conf", "/var/lib/postgresql/*/data/postgresql.conf",
		"/var/lib/postgresql/data/postgresql.conf"};
	int r = 0;

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(patterns); k++) {
		struct str *paths;
		size_t n;

		r = host_glob(host, a, str_of(patterns[k]), &paths, &n, err);
		for (size_t i = 0; r == 0 && i < n; i++) {
			const char *data =
				str_dup(a, (struct str){paths[i].p, paths[i].n - strlen("/postgresql.conf")});

			add_cluster(a, all, str_dup(a, paths[i]), data, version_in(host, a, data))->data = data;
		}
	}
	return r;
}

int postgres_read(struct host *host, struct arena *a, struct pg_clusters *ret, struct err *err)
{
	int r;

	*ret = (struct pg_clusters){0};
	r = find_debian(host, a, ret, err);
	if (r == 0)
		r = find_data(host, a, ret, err);
	for (size_t i = 0; r == 0 && i < ret->n; i++)
		read_cluster(host, a, &ret->p[i]);
	return r;
}

const struct started postgres_started = {
	.programs = STARTED("postgres", "postmaster", "pg_ctlcluster", "pg_ctl"),
	.checks = STARTED("-C", "-V", "--version", "--check", "--boot", "--single"),
	.units = STARTED("postgresql.service", "postgresql@*.service", "postgresql-*.service"),
	.needed =
		STARTED("--skip-systemctl-redirect * start",
				"-D * -c config_file=/etc/postgresql/*/*/postgresql.conf", "-D /var/lib/pgsql/data",
				"-D /var/lib/pgsql/*/data", "-D /var/lib/pgsql/data/", "-D /var/lib/pgsql/*/data/",
				"-D /var/lib/postgres/data", "-D /var/lib/postgresql/data",
				"-D /var/lib/postgresql/*/data", "-D /var/lib/postgresql/*/data/"),
};
