/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of MariaDB's and MySQL's server: the groups of my.cnf that it reads. */
#include <ctype.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/settings.h"

#define MAX_DEPTH 10
#define MAX_FILES 256
#define MAX_BYTES ((size_t)4 << 20)

static const struct column columns[] = {
	SETTINGS_COLUMNS("mariadb or mysql", 0),
	{0},
};

struct reader {
	struct host *host;
	struct settings s;
	bool mariadb;
	bool versioned; /* the group is for one version */
	unsigned files;
	size_t bytes;
};

/* --- names ------------------------------------------------------------------------------------------ */

/* The groups that the server reads. Those with a version are for servers of that one. */
static bool is_group(struct reader *r, struct str group)
{
	static const char *const both[] = {"mysqld", "server", NULL};
	static const char *const maria[] = {"mysqld",        "server", "mariadb", "mariadbd",
										"client-server", "galera", NULL};
	const char *const *names = r->mariadb ? maria : both;

	for (; *names; names++) {
		struct str rest = group;

		r->versioned = str_skip(&rest, *names) && rest.n > 1 && rest.p[0] == '-' &&
					   rest.p[1] >= '0' && rest.p[1] <= '9';
		if (r->versioned || str_is(group, *names))
			return true;
	}
	return false;
}

/* Options whose own names begin with "skip-". */
static bool is_skip(struct str key)
{
	return str_is_one_of(key, NAMES("skip-grant-tables", "skip-networking", "skip-name-resolve",
									"skip-show-database", "skip-host-cache", "skip-slave-start",
									"skip-replica-start"));
}

/* The beginning of a name will do where no other option begins like that. */
static struct str whole_name(struct str key)
{
	static const struct {
		const char *name;
		size_t least;
	} names[] = {
		{"skip-grant-tables", 6}, {"skip-networking", 8},  {"bind-address", 5},
		{"local-infile", 6},      {"secure-file-priv", 9}, {"require-secure-transport", 11},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (key.n >= names[i].least && key.n < strlen(names[i].name) &&
			memcmp(key.p, names[i].name, key.n) == 0)
			return str_of(names[i].name);
	return key;
}

/* Of an option that may be a number 1 and 0 are no truth values. */
static bool truth(struct str key, struct str value, bool *ret)
{
	static const char *const yes[] = {"on", "true", "yes", "1"}, *const no[] = {"off", "false",
																				"no", "0"};
	bool is_switch = str_starts(key, "skip-") || str_starts(key, "disable-") ||
					 str_starts(key, "enable-") || str_is(key, "local-infile") ||
					 str_is(key, "require-secure-transport") || str_is(key, "symbolic-links");

	for (size_t i = 0; i < ARRAY_LEN(yes) - !is_switch; i++)
		if (str_is_nocase(value, yes[i]) || str_is_nocase(value, no[i])) {
			*ret = str_is_nocase(value, yes[i]);
			return true;
		}
	return false;
}

/* "loose_skip_NAME": the name as the manual has it, and the value turned round where a prefix does.
 * MariaDB takes capitals for small letters; to MySQL they make another name. */
static void put(struct reader *r, struct str name, struct str value, struct from from)
{
	char *p = str_dup(r->s.arena, name);
	struct str key = {p, name.n};
	bool yes = true, is_truth;

	for (size_t i = 0; i < name.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z' && !r->mariadb)
			settings_gap(&r->s, "%s:%u: a name with capitals", from.path, from.line);
		p[i] = p[i] == '_' ? '-' : (char)tolower((unsigned char)p[i]);
	}
	(void)str_skip(&key, "loose-");
	key = whole_name(key);
	is_truth = !value.p || truth(key, value, &yes);
	if (!is_skip(key) && (str_skip(&key, "skip-") || str_skip(&key, "disable-"))) {
		yes = value.p && is_truth ? !yes : false;
		is_truth = true;
	} else {
		(void)str_skip(&key, "enable-");
	}
	/* A key alone is an option without a value, or one that is switched on. */
	settings_put(&r->s, key, is_truth ? (yes ? STR("ON") : STR("OFF")) : value, from);
}

/* --- files ------------------------------------------------------------------------------------------- */

static void read_file(struct reader *, const char *path, unsigned depth);

static void read_dir(struct reader *r, const char *path, unsigned depth)
{
	struct path_stat st;
	struct str *files;
	struct err err = {0};
	size_t n;

	if (host_stat(r->host, path, true, &st, &err) < 0 ||
		host_list_all_files(r->host, path, ".cnf", r->s.arena, &files, &n, &err) < 0) {
		settings_gap(&r->s, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(r->s.arena, files[i]), depth + 1);
}

/* Up to a '#' outside quotes. */
static struct str without_comment(struct str s)
{
	char quote = '\0';

	for (size_t i = 0; i < s.n; i++) {
		if (quote && s.p[i] == '\\')
			i++;
		else if (quote ? s.p[i] == quote : s.p[i] == '"' || s.p[i] == '\'')
			quote = quote ? '\0' : s.p[i];
		else if (!quote && s.p[i] == '#')
			return (struct str){s.p, i};
	}
	return s;
}

static void take_line(struct reader *r, struct str line, bool ours, struct from from)
{
	struct str key = STR("");

	line = without_comment(line);
	if (!ours || !str_cut(&line, '=', &key) || !str_trim(key).n)
		return;
	if (r->versioned)
		settings_gap(&r->s, "%s:%u: a setting for one version", from.path, from.line);
	put(r, str_trim(key), line.p ? str_unquoted(str_trim(line), "\"'") : STR_ABSENT, from);
}

static bool is_include(struct reader *r, struct str line, unsigned depth)
{
	struct str word = STR(""), path = line;

	(void)str_word(&path, &word);
	path = str_trim(path);
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (str_is(word, "!includedir"))
		read_dir(r, str_dup(r->s.arena, path), depth);
	else if (str_is(word, "!include"))
		read_file(r, str_dup(r->s.arena, path), depth + 1);
	else
		return false;
	return true;
}

static void read_file(struct reader *r, const char *path, unsigned depth)
{
	struct str text, line, group;
	struct err err = {0};
	unsigned number = 0;
	bool ours = false;
	int e;

	if (depth > MAX_DEPTH || r->files++ >= MAX_FILES || r->bytes > MAX_BYTES) {
		settings_gap(&r->s, "%s: too many includes", path);
		return;
	}
	e = settings_read(r->host, r->s.arena, path, &text, &err);
	if (e < 0) {
		if (e != -ENOENT || depth)
			settings_gap(&r->s, "%s", err.msg);
		return;
	}
	r->bytes += text.n;
	while (str_line(&text, &line)) {
		number++;
		line = str_trim(line);
		if (!line.n || line.p[0] == '#' || line.p[0] == ';' || is_include(r, line, depth))
			continue;
		if (str_skip(&line, "["))
			ours = str_cut(&line, ']', &group) && is_group(r, str_trim(group));
		else
			take_line(r, line, ours, FROM(path, number));
	}
}

/* --- what it means -------------------------------------------------------------------------------------- */

/* What SET PERSIST has written comes after all files. */
static void look_for_persisted(struct reader *r)
{
	struct str data = settings_get(&r->s, "datadir");
	const char *path = arena_printf(r->s.arena, "%.*s/mysqld-auto.cnf",
									STR_ARG(data.n ? data : STR("/var/lib/mysql")));
	struct path_stat st;
	struct err err = {0};
	int e = host_stat(r->host, path, true, &st, &err);

	if (e == 0)
		settings_gap(&r->s, "%s has settings of SET PERSIST", path);
	else if (e != -ENOENT && e != -ENOTDIR)
		settings_gap(&r->s, "%s", err.msg);
}

static bool is_network(const struct settings *s)
{
	struct str addresses = settings_get(s, "bind-address"), address;

	if (str_is(settings_get(s, "skip-networking"), "ON"))
		return false;
	if (!addresses.n)
		return true;
	while (str_cut(&addresses, ',', &address))
		if (str_is(str_trim(address), "*") || settings_is_network(str_trim(address)))
			return true;
	return false;
}

static int read_mysql(struct host *host, struct rows *rows, struct err *err _unused_)
{
	static const char *const maria[] = {"mariadbd", NULL}, *const oracle[] = {"mysqld", NULL};
	static const char *const both[][2] = {{"skip-grant-tables", "OFF"},
										  {"skip-networking", "OFF"},
										  {"require-secure-transport", "OFF"},
										  {"bind-address", NULL},
										  {"ssl-cert", NULL},
										  {"ssl-key", NULL},
										  {"log-error", NULL},
										  {NULL, NULL}};
	static const char *const of_maria[][2] = {
		{"local-infile", "ON"}, {"secure-file-priv", ""}, {NULL, NULL}};
	static const char *const of_mysql[][2] = {{"local-infile", "OFF"}, {NULL, NULL}};
	static const char *const files[] = {"/etc/my.cnf", "/etc/mysql/my.cnf"};
	struct reader r = {.host = host, .mariadb = settings_has_program(host, maria)};

	if (!r.mariadb && !settings_has_program(host, oracle))
		return 0;
	settings_init(&r.s, rows->arena);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		read_file(&r, files[i], 0);
	if (!r.mariadb)
		look_for_persisted(&r);
	settings_defaults(&r.s, both);
	settings_defaults(&r.s, r.mariadb ? of_maria : of_mysql);
	settings_rows(rows, &r.s, r.mariadb ? "mariadb" : "mysql", files[1], is_network(&r.s));
	return 0;
}

static const struct table mysql = {
	.name = "mysql",
	.doc =
		"Settings of the server of MariaDB or MySQL: the groups of my.cnf and its includes that it "
		"reads, as the next start would take them; names with dashes, switches as ON and OFF",
	.columns = columns,
	.read = read_mysql,
	.loaded = LOADED_BY(.units = STARTED("mariadb.service", "mysql.service", "mysqld.service"),
						.own = STARTED("*/mysqld-auto.cnf"), .at_start = true),
	.started =
		&(const struct started){
			.programs = STARTED("mariadbd", "mysqld", "mysqld_safe", "mariadbd-safe"),
			.checks = STARTED("--help", "--version", "--print-defaults", "-V"),
			.units = STARTED("mariadb.service", "mysql.service", "mysqld.service"),
			.usual =
				STARTED("--defaults-file=/etc/mysql/my.cnf", "--defaults-file=/etc/my.cnf",
						"--basedir=/usr", "--datadir=/var/lib/mysql", "--plugin-dir=/usr/*",
						"--user=mysql", "--pid-file=*", "--socket=/run/mysqld/mysqld.sock",
						"--socket=/var/run/mysqld/mysqld.sock",
						"--socket=/var/lib/mysql/mysql.sock", "--log-error=*", "--skip-log-error",
						"--daemonize", "--wsrep[-_]start[-_]position=*", "--wsrep-new-cluster",
						"$VAR", "$_WSREP_NEW_CLUSTER", "$_WSREP_START_POSITION"),
		},
	.multi = true,
};
TABLE(mysql);
