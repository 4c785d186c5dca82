/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The defaults of shadow-utils: /etc/login.defs. SUSE keeps the vendor's in /usr/etc, and there
 * (shadow-utils with libeconf) login.defs.d is read on top.
 */
#include "base/map.h"
#include "host/conf.h"
#include "host/edit.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in login.defs(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value as text; the last line of a key wins",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

/* As def_load() of shadow-utils: quotes in front are passed over, the next one ends the value. */
static struct str unquote(struct str value)
{
	struct str s = value;

	while (s.n && (s.p[0] == '"' || s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	str_cut(&(struct str){s.p, s.n}, '"', &s);
	return s;
}

static int read_dropins(struct host *host, struct arena *arena, const char *dir, struct conf *conf,
						struct err *err)
{
	struct str *files;
	size_t n;
	int r = host_list_files(host, dir, ".defs", arena, &files, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = conf_read(host, arena, str_dup(arena, files[i]), CONF_SPACE, conf, err);
	return r;
}

static int read_conf(struct host *host, struct arena *arena, struct conf *conf, struct err *err)
{
	struct path_stat st;
	int vendor = host_stat(host, "/usr/etc/login.defs", true, &st, err);
	int r = conf_read(host, arena, "/etc/login.defs", CONF_SPACE, conf, err);

	if (vendor == -ENOENT)
		return r == -ENOENT ? 0 : r;
	if (r == -ENOENT)
		r = conf_read(host, arena, "/usr/etc/login.defs", CONF_SPACE, conf, err);
	if (r == 0)
		r = read_dropins(host, arena, "/usr/etc/login.defs.d", conf, err);
	if (r == 0)
		r = read_dropins(host, arena, "/etc/login.defs.d", conf, err);
	return r;
}

/* A line with a key and no value is none to shadow-utils. */
static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct row *row;

	if (!item->value.p)
		return;
	row = map_get(seen, item->key);
	if (!row) {
		row = rows_add(rows, FROM(item->file, item->line));
		row_str(row, KEY, item->key);
		map_put(seen, item->key, row);
	}
	row->from = FROM(item->file, item->line);
	row_str(row, VALUE, unquote(item->value));
}

static int read_login_defs(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = read_conf(host, rows->arena, &conf, err);

	map_init(&seen, rows->arena);
	for (size_t i = 0; r == 0 && i < conf.n; i++)
		add_item(rows, &seen, &conf.items[i]);
	return r;
}

static int set_login_defs(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						  struct err *err _unused_)
{
	edit_key(edits, "/etc/login.defs", EDIT_SPACE, NULL, wish->key,
			 edit_text(edits, wish, ","));
	return 0;
}

static const struct table login_defs = {
	.name = "login_defs",
	.doc = "Settings of shadow-utils: /etc/login.defs",
	.columns = columns,
	.read = read_login_defs,
	.set = set_login_defs,
	.fix = "set {key} in /etc/login.defs",
};
TABLE(login_defs);
