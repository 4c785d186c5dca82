/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PHP behind web servers: php.ini and conf.d of each version and interface, the pools of php-fpm, and
 * what Apache's configuration sets for the module in it.
 * The command line's own settings are left out: nobody outside reaches it.
 */
#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/apache_config.h"
#include "host/conf.h"
#include "host/edit.h"
#include "host/glob.h"
#include "host/table.h"
#include "host/web.h"

#define OWN "99-revet.ini"

#define MAX_FILES 256 /* of pools */

enum { KEY, VALUE, WHERE, DIRECTORY };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING,
			 "Name of the setting; pool.listen and pool.user are those of php-fpm's pools",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value, PHP's own when nothing sets it; of flags on or off",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	[WHERE] = {"where", TYPE_STRING, "Version, interface and pool: \"8.2 fpm www\"", COLUMN_LABEL},
	[DIRECTORY] = {"directory", TYPE_STRING, "Where its further settings are read", 0},
	{0},
};

/* What rules ask for, with what PHP does when nobody says anything (main.c, session.c). */
static const struct {
	const char *name, *usual;
	bool flag;
	bool system; /* php_flag and php_value do not reach it, only those of the administrator */
} settings[] = {
	{"expose_php", "on", true, true},         {"display_errors", "on", true},
	{"allow_url_include", "off", true, true}, {"session.cookie_httponly", "off", true},
	{"session.cookie_secure", "off", true},   {"session.use_strict_mode", "off", true},
};

static int setting_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (str_is(name, settings[i].name))
			return (int)i;
	return -1;
}

/* The setting that a line is about: its own name, or the one in `php_admin_flag[NAME]`. */
static struct str name_of(struct str key)
{
	struct str name;

	if (str_skip(&key, "php_") && str_cut(&key, '[', &name) && str_cut(&key, ']', &name))
		return str_trim(name);
	return key;
}

static bool is_asked_for(struct str line)
{
	struct str key;

	line = str_trim(line);
	if (str_starts(line, "["))
		return true;
	if (!str_has_char(line, '=') || !str_cut(&line, '=', &key))
		return false;
	key = str_trim(key);
	return setting_of(name_of(key)) >= 0 || str_is(key, "listen") || str_is(key, "user") ||
		   str_is(key, "include");
}

/* Passwords of databases stand beside: nothing is kept but the sections and what is asked for. */
static void keep_asked_for(struct str text, struct buf *out)
{
	struct str line;

	while (str_line(&text, &line)) {
		if (is_asked_for(line))
			buf_str(out, line);
		buf_putc(out, '\n');
	}
}

/* Appends the file's lines; a semicolon begins a comment, and PHP knows no others. */
static int read_lines(struct host *host, struct arena *a, const char *path, struct conf *conf,
					  struct err *err)
{
	struct str text, line, section = STR_ABSENT;
	int r = host_read_scrubbed(host, path, keep_asked_for, a, &text, err);

	for (unsigned n = 1; r == 0 && str_line(&text, &line); n++) {
		struct str key;

		line = str_trim(line);
		if (str_skip(&line, "[")) {
			str_cut(&line, ']', &section);
		} else if (line.n && str_cut(&line, '=', &key)) {
			if (conf->n == conf->cap)
				conf->items = vec_grow(a, conf->items, conf->n, &conf->cap, sizeof(*conf->items));
			conf->items[conf->n++] = (struct conf_item){
				.section = section, .key = str_trim(key), .value = line, .file = path, .line = n};
		}
	}
	return r;
}

/* One version with one interface. */
struct interface {
	const char *where, *ini, *directory;
	const char *fpm;   /* the file that includes the pools */
	const char *pools; /* where they usually are; NULL: it has none */
};

struct setting {
	const struct conf_item *item[ARRAY_LEN(settings)];
};

/* Without quotes and what stands behind a semicolon. */
static struct str plain(struct str value)
{
	struct str text = value.p ? str_trim(value) : STR(""), rest;

	if (text.n && (*text.p == '"' || *text.p == '\'')) {
		const char *end = memchr(text.p + 1, *text.p, text.n - 1);
		struct str more =
			end ? str_trim((struct str){end + 1, (size_t)(text.p + text.n - end) - 1}) : STR("");

		if (!more.n || *more.p == ';')
			return (struct str){text.p + 1, end ? (size_t)(end - text.p) - 1 : text.n - 1};
	}
	return str_cut(&text, ';', &rest) ? str_trim(rest) : STR("");
}

static void set_value(struct row *row, struct str value, bool flag)
{
	static const char *const on[] = {"on", "yes", "true", "stdout", NULL};
	static const char *const off[] = {"off", "no", "false", "none", "null", "stderr", "", NULL};
	int64_t number;

	if (str_has(value, "${")) {
		row_unknown(row, VALUE, "it is a variable of the environment");
		return;
	}
	if (!flag) {
		row_str(row, VALUE, value);
		return;
	}
	if (num_i64(value, INT32_MIN, INT32_MAX, &number) == 0)
		row_strz(row, VALUE, number ? "on" : "off");
	else if (str_is_one_of_nocase(value, on))
		row_strz(row, VALUE, "on");
	else if (str_is_one_of_nocase(value, off))
		row_strz(row, VALUE, "off");
	else
		row_unknown(row, VALUE, "it is computed");
}

static struct row *add(struct rows *rows, const struct interface *of, struct str where,
					   struct str key, const struct conf_item *item)
{
	struct row *row = rows_add(rows, item ? FROM(item->file, item->line) : FROM(of->ini, 0));

	row_str(row, KEY, key);
	row_str(row, WHERE, where);
	row_strz(row, DIRECTORY, of->directory);
	return row;
}

/* `php_admin_flag[display_errors] = off`, and where the pool listens and as whom it runs. */
static void add_of_pool(struct rows *rows, const struct interface *of, const struct conf_item *item)
{
	struct str key = item->key, name = name_of(item->key);
	struct str where =
		str_of(arena_printf(rows->arena, "%s %.*s", of->where, STR_ARG(item->section)));
	int i;

	if (str_is(key, "listen") || str_is(key, "user")) {
		key = str_of(arena_printf(rows->arena, "pool.%.*s", STR_ARG(key)));
		set_value(add(rows, of, where, key, item), plain(item->value), false);
		return;
	}
	i = setting_of(name);
	if (i >= 0 && name.n != key.n)
		set_value(add(rows, of, where, name, item), plain(item->value), settings[i].flag);
}

struct pools {
	struct host *host;
	struct rows *rows;
	const struct interface *of;
	unsigned files;
};

static int read_matching(struct pools *, struct str pattern, struct err *);

/* A pool may stand in the main file, too; any file may include others. */
static int read_pool_file(struct pools *p, const char *path, struct err *err)
{
	struct conf conf = {0};
	int r;

	if (p->files++ > MAX_FILES)
		return err_set(err, E2BIG, "%s: too many includes", path);
	r = read_lines(p->host, p->rows->arena, path, &conf, err);
	for (size_t i = 0; r == 0 && i < conf.n; i++) {
		const struct conf_item *item = &conf.items[i];

		if (str_is(item->key, "include"))
			r = read_matching(p, plain(item->value), err);
		else if (item->section.p && !str_is(item->section, "global"))
			add_of_pool(p->rows, p->of, item);
	}
	return r;
}

static int read_matching(struct pools *p, struct str pattern, struct err *err)
{
	struct str *paths;
	size_t n = 0;
	int r;

	if (!str_starts(pattern, "/")) {
		rows_gap(p->rows, "%s: an include that is relative to where PHP was built for", p->of->fpm);
		return 0;
	}
	r = host_glob(p->host, p->rows->arena, pattern, &paths, &n, err);
	for (size_t k = 0; r == 0 && k < n; k++)
		r = read_pool_file(p, str_dup(p->rows->arena, paths[k]), err);
	return r;
}

static int read_pools(struct host *host, struct rows *rows, const struct interface *of,
					  struct err *err)
{
	struct pools p = {.host = host, .rows = rows, .of = of};
	int r = read_pool_file(&p, of->fpm, err);

	return r == -ENOENT ? read_matching(&p, str_of(of->pools), err) : r;
}

/* Sections [PATH=] and [HOST=] hold for a part of the requests only, and so are rows of their own. */
static void take(struct rows *rows, const struct interface *of, const struct conf *conf,
				 size_t from, struct setting *set)
{
	for (size_t i = from; i < conf->n; i++) {
		const struct conf_item *item = &conf->items[i];
		int k = setting_of(item->key);

		if (k < 0)
			continue;
		if (item->section.p &&
			(str_starts(item->section, "PATH=") || str_starts(item->section, "HOST=")))
			set_value(
				add(rows, of,
					str_of(arena_printf(rows->arena, "%s %.*s", of->where, STR_ARG(item->section))),
					item->key, item),
				plain(item->value), settings[k].flag);
		else
			set->item[k] = item;
	}
}

static int read_interface(struct host *host, struct rows *rows, const struct interface *of,
						  struct err *err)
{
	struct conf conf = {0};
	struct setting set = {0};
	struct str *files;
	size_t n = 0;
	int r = read_lines(host, rows->arena, of->ini, &conf, err);

	if (r == 0 || r == -ENOENT)
		r = host_list_all_files(host, of->directory, ".ini", rows->arena, &files, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_lines(host, rows->arena, files[i].p, &conf, err);
	if (r < 0)
		return r;
	take(rows, of, &conf, 0, &set);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct conf_item *item = set.item[i];

		set_value(add(rows, of, str_of(of->where), str_of(settings[i].name), item),
				  item ? plain(item->value) : str_of(settings[i].usual), settings[i].flag);
	}
	return of->pools ? read_pools(host, rows, of, err) : 0;
}

/* php_admin_flag NAME on: of all that is served, or of a part of it. */
static void take_directive(struct rows *rows, const struct interface *of, const struct directive *d)
{
	struct str name = str_lower(rows->arena, d->name);
	struct conf_item item = {.file = d->file, .line = d->line};
	bool admin;
	int i;

	if (d->n_args < 2 || !str_skip(&name, "php_"))
		return;
	admin = str_skip(&name, "admin_");
	i = setting_of(d->args[0]);
	if (i < 0 || (settings[i].system && !admin) || !(str_is(name, "flag") || str_is(name, "value")))
		return;
	set_value(add(rows, of, str_of(arena_printf(rows->arena, "%s Apache", of->where)),
				  str_of(settings[i].name), &item),
			  d->args[1], settings[i].flag);
}

static void take_directives(struct rows *rows, const struct interface *of,
							const struct directive *block)
{
	for (const struct directive *d = block->first; d; d = d->next)
		if (d->is_block)
			take_directives(rows, of, d);
		else
			take_directive(rows, of, d);
}

static int read_apache(struct host *host, struct rows *rows, const struct interface *of,
					   struct err *err)
{
	struct apache_config config;
	int r = apache_config_read(host, rows->arena, &config, err);

	if (r == 0)
		take_directives(rows, of, &config.root);
	return r == -ENOENT ? 0 : r;
}

/* Debian has versions side by side; what a removed package leaves is nobody's. */
static int read_debian(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const interfaces[][2] = {
		{"fpm", "/usr/sbin/php-fpm%s"},
		{"apache2", "/usr/lib/apache2/modules/libphp%s.so"},
		{"cgi", "/usr/bin/php-cgi%s"},
	};
	struct host_dir versions;
	int r = host_list(host, "/etc/php", rows->arena, &versions, err);

	if (r == -ENOENT)
		return 0;
	for (size_t i = 0; r == 0 && i < versions.n; i++)
		for (size_t k = 0; r == 0 && k < ARRAY_LEN(interfaces); k++) {
			const char *version = versions.entries[i].name, *name = interfaces[k][0];
			const char *base = arena_printf(rows->arena, "/etc/php/%s/%s", version, name);
			const char *percent = strstr(interfaces[k][1], "%s");
			struct interface of = {
				.where = arena_printf(rows->arena, "%s %s", version, name),
				.ini = arena_printf(rows->arena, "%s/php.ini", base),
				.directory = arena_printf(rows->arena, "%s/conf.d", base),
				.fpm = arena_printf(rows->arena, "%s/php-fpm.conf", base),
				.pools = k == 0 ? arena_printf(rows->arena, "%s/pool.d/*.conf", base) : NULL,
			};

			const char *program =
				arena_printf(rows->arena, "%.*s%s%s", (int)(percent - interfaces[k][1]),
							 interfaces[k][1], version, percent + 2);

			r = web_is_installed(host, &program, 1, err);
			if (r <= 0)
				continue;
			r = read_interface(host, rows, &of, err);
			if (r == 0 && k == 1)
				r = read_apache(host, rows, &of, err);
		}
	return r;
}

static int read_php(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const programs[] = {"/usr/sbin/php-fpm",
										   "/usr/lib64/httpd/modules/libphp.so"};
	const struct interface redhat = {"php", "/etc/php.ini", "/etc/php.d", "/etc/php-fpm.conf",
									 "/etc/php-fpm.d/*.conf"};
	int r = web_is_installed(host, programs, ARRAY_LEN(programs), err);

	if (r > 0)
		r = web_is_installed(host, &redhat.ini, 1, err);
	if (r > 0)
		r = read_interface(host, rows, &redhat, err);
	return r < 0 ? r : read_debian(host, rows, err);
}

static bool is_php_key(struct str key)
{
	return setting_of(key) >= 0 || str_is(key, "pool.listen") || str_is(key, "pool.user");
}

/* The last file of conf.d holds, but for what a pool says itself: one that comes behind ours is
 * edited where it stands. */
static const char *file_for(struct arena *a, const struct row *row, struct str directory)
{
	const char *own = arena_printf(a, "%.*s/" OWN, STR_ARG(directory)), *at = row->from.path;
	size_t n = directory.n + 1;

	return strncmp(at, own, n) == 0 && strcmp(at + n, OWN) > 0 ? at : own;
}

static int set_php(struct host *host _unused_, const struct wish *wish, struct edits *edits,
				   struct err *err)
{
	struct str where, version, kind, directory;
	const char *service;

	if (!wish->row || wish->value.state != VALUE_SET || setting_of(wish->key) < 0)
		return err_set(err, ENOTSUP, "what a pool is set up with is changed by hand");
	where = wish->row->cells[WHERE].string;
	directory = wish->row->cells[DIRECTORY].string;
	if (!str_word(&where, &version) || !str_word(&where, &kind) || str_trim(where).n ||
		!directory.p)
		return err_set(err, ENOTSUP, "%s:%u holds for a part of PHP only: change it by hand",
					   wish->row->from.path, wish->row->from.line);
	service = str_is(kind, "fpm")
				  ? arena_printf(edits->arena, "php%.*s-fpm.service", STR_ARG(version))
				  : "apache2.service";
	edit_key(edits, file_for(edits->arena, wish->row, directory), EDIT_EQUALS, NULL, wish->key,
			 edit_text(edits, wish, " "));
	if (!str_is(kind, "cgi"))
		edit_reload(edits, service);
	return 0;
}

static const struct table php = {
	.name = "php",
	.doc = "Settings of PHP behind web servers, from php.ini and conf.d of each version and "
		   "interface, and of php-fpm's pools",
	.columns = columns,
	.read = read_php,
	.loaded = LOADED_BY(.units = STARTED("php-fpm.service", "php*-fpm.service"),
						.files = STARTED("/etc/php*")),
	.started =
		&(const struct started){
			.programs = STARTED("php-fpm*"),
			.checks = STARTED("-t", "-tt", "-i", "-m", "-v", "-h"),
			.units = STARTED("php-fpm.service", "php*-fpm.service"),
			.usual = STARTED("--nodaemonize", "-F", "-D", "--daemonize",
							 "--fpm-config /etc/php/*/fpm/php-fpm.conf",
							 "-y /etc/php/*/fpm/php-fpm.conf", "--fpm-config /etc/php-fpm.conf",
							 "-y /etc/php-fpm.conf"),
			.titles = STARTED("php-fpm: master process (/etc/php/*/fpm/php-fpm.conf)",
							  "php-fpm: master process (/etc/php-fpm.conf)"),
			.variables = STARTED("PHPRC", "PHP_INI_SCAN_DIR"),
		},
	.is_key = is_php_key,
	.multi = true,
	.set = set_php,
	.fix = "set {key} in conf.d of each interface and reload it",
};
TABLE(php);
