/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the administrator sets for GNOME, by dconf(7): the databases that a profile names, of which
 * the files that they are compiled from are read. A database that is older than these files, or that
 * no profile names, says nothing.
 */
#include "host/table.h"

#include "base/map.h"
#include "base/vec.h"
#include "host/conf.h"

#define GREETER "/etc/gdm3/greeter.dconf-defaults"
#define GREETER_DB "/var/lib/gdm3/greeter-dconf-defaults"

enum { KEY, VALUE, PROFILE, LOCKED };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "The path without the slash in front", COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "As it is written, but for quotes and the name of a type",
			   COLUMN_VALUE},
	[PROFILE] = {"profile", TYPE_STRING, "user: for everybody; gdm: for the login screen",
				 COLUMN_LABEL},
	[LOCKED] = {"locked", TYPE_BOOL, "Users cannot set it otherwise", 0},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	const char *profile;
	struct map seen;  /* keys of the profile: those of the database named first hold */
	struct map locks; /* keys that any database of the profile locks */
	struct map own;   /* keys of the database: the file that is read last holds */
};

/* 'text' and uint32 300. */
static struct str plain(struct str value)
{
	static const char *const types[] = {"uint32 ", "int32 ", "uint64 ", "int64 ", "boolean "};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		str_skip(&value, types[i]);
	value = str_trim(value);
	if (value.n > 1 && (value.p[0] == '\'' || value.p[0] == '"') &&
		value.p[value.n - 1] == value.p[0])
		value = (struct str){value.p + 1, value.n - 2};
	return value;
}

static void add_item(struct reader *r, const struct conf_item *item, const char *stale)
{
	struct arena *a = r->rows->arena;
	struct str key =
		str_of(arena_printf(a, "%.*s/%.*s", STR_ARG(item->section), STR_ARG(item->key)));
	struct row *row = map_get(&r->own, key);

	if (!row && map_get(&r->seen, key))
		return;
	if (!row) {
		row = rows_add(r->rows, FROM(item->file, item->line));
		map_put(&r->own, key, row);
		map_put(&r->seen, key, row);
	}
	row->from = FROM(item->file, item->line);
	row_str(row, KEY, key);
	row_strz(row, PROFILE, r->profile);
	row_bool(row, LOCKED, map_get(&r->locks, key));
	if (stale)
		row_unknown(row, VALUE, stale);
	else
		row_str(row, VALUE, plain(item->value));
}

static void read_keyfile(struct reader *r, const char *path, const char *stale)
{
	struct conf conf = {0};
	struct err err = {0};
	int e = conf_read(r->host, r->rows->arena, path, CONF_INI, &conf, &err);

	if (e < 0 && e != -ENOENT)
		rows_gap(r->rows, "%s", err.msg);
	for (size_t i = 0; i < conf.n; i++)
		if (conf.items[i].section.p)
			add_item(r, &conf.items[i], stale);
}

static void read_lock_file(struct reader *r, const char *path)
{
	struct str text, line;
	struct err err = {0};

	if (host_read(r->host, path, r->rows->arena, &text, &err) < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	while (str_line(&text, &line)) {
		line = str_trim(line);
		if (str_skip(&line, "/"))
			map_put(&r->locks, line, r);
	}
}

/* Why the database may not say what its files do; NULL: it does. */
static const char *stale(struct reader *r, const char *db, const char *source)
{
	struct path_stat compiled, files;
	struct err err = {0};

	if (host_stat(r->host, source, true, &files, &err) < 0)
		return NULL;
	if (host_stat(r->host, db, true, &compiled, &err) < 0)
		return arena_printf(r->rows->arena, "%s: is not compiled: run dconf update", db);
	if (compiled.mtime < files.mtime)
		return arena_printf(r->rows->arena, "%s: is older than %s: run dconf update", db, source);
	return NULL;
}

static struct str *list(struct reader *r, const char *dir, size_t *ret_n)
{
	struct err err = {0};
	struct str *files = NULL;

	*ret_n = 0;
	if (host_list_files(r->host, dir, "", r->rows->arena, &files, ret_n, &err) < 0)
		rows_gap(r->rows, "%s", err.msg);
	return files;
}

static void read_locks(struct reader *r, const char *dir)
{
	size_t n;
	struct str *files = list(r, arena_printf(r->rows->arena, "%s/locks", dir), &n);

	for (size_t i = 0; i < n; i++)
		read_lock_file(r, str_dup(r->rows->arena, files[i]));
}

static void read_database(struct reader *r, const char *db)
{
	const char *dir = arena_printf(r->rows->arena, "%s.d", db);
	const char *why = stale(r, db, dir);
	size_t n;
	struct str *files = list(r, dir, &n);

	map_init(&r->own, r->rows->arena);
	for (size_t i = 0; i < n; i++) {
		const char *path = str_dup(r->rows->arena, files[i]);
		const char *newer = why ? why : stale(r, db, path);

		read_keyfile(r, path, newer);
	}
}

/* The path of a line of a profile: system-db:NAME or file-db:PATH. False: it is the user's own. */
static bool database_of(struct reader *r, struct str line, const char **ret)
{
	line = str_trim(line);
	if (str_skip(&line, "system-db:"))
		*ret = arena_printf(r->rows->arena, "/etc/dconf/db/%.*s", STR_ARG(line));
	else if (str_skip(&line, "file-db:"))
		*ret = str_dup(r->rows->arena, line);
	else
		return false;
	return true;
}

static void read_profile(struct reader *r, const char *profile)
{
	struct arena *a = r->rows->arena;
	struct str text, line, again;
	struct err err = {0};
	const char *db;
	int e = host_read(r->host, arena_printf(a, "/etc/dconf/profile/%s", profile), a, &text, &err);

	if (e == -ENOENT)
		e = host_read(r->host, arena_printf(a, "/usr/share/dconf/profile/%s", profile), a, &text,
					  &err);
	if (e < 0 && e != -ENOENT)
		rows_gap(r->rows, "%s", err.msg);
	if (e < 0)
		return;
	r->profile = profile;
	map_init(&r->seen, a);
	map_init(&r->locks, a);
	for (again = text; str_line(&again, &line);)
		if (database_of(r, line, &db))
			read_locks(r, arena_printf(a, "%s.d", db));
	while (str_line(&text, &line)) {
		if (!database_of(r, line, &db))
			continue;
		read_database(r, db);
		/* Debian's GDM compiles this one file into it each time that it starts. */
		if (strcmp(db, GREETER_DB) == 0)
			read_keyfile(r, GREETER, NULL);
	}
}

static int read_dconf(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};

	read_profile(&r, "user");
	read_profile(&r, "gdm");
	return 0;
}

static const struct table dconf = {
	.name = "dconf",
	.doc = "What the administrator sets for GNOME: the databases that /etc/dconf/profile names",
	.columns = columns,
	.read = read_dconf,
	.multi = true,
};
TABLE(dconf);
