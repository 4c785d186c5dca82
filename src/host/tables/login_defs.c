/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of shadow-utils. */
#include "base/map.h"
#include "host/edit.h"
#include "host/login_defs.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in login.defs(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value as text; the last line of a key wins",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

/* A line with a key and no value is none to shadow-utils. */
static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct row *row;

	if (!item->value.p)
		return;
	row = rows_setting(rows, seen, item->key, FROM(item->file, item->line));
	row_str(row, KEY, item->key);
	row_str(row, VALUE, login_defs_unquote(item->value));
}

static int read_login_defs(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = login_defs_read(host, rows->arena, &conf, err);

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
