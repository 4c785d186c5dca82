/* SPDX-License-Identifier: Apache-2.0 */
/* journald.conf and its drop-ins: the journal. */
#include "base/map.h"
#include "host/conf.h"
#include "host/edit.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in journald.conf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value as text; the last line of a key wins",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct row *row = map_get(seen, item->key);

	if (!str_is(item->section, "Journal"))
		return;
	if (!row) {
		row = rows_add(rows, FROM(item->file, item->line));
		map_put(seen, item->key, row);
	}
	row->from = FROM(item->file, item->line);
	row_str(row, KEY, item->key);
	row_str(row, VALUE, item->value);
	/* An empty assignment takes back what was set: the default holds. */
	if (!item->value.n)
		row_str(row, VALUE, STR_ABSENT);
}

/* Without it no default of its own holds either. */
static int find_journald(struct host *host, struct err *err)
{
	static const char *const paths[] = {"/usr/lib/systemd/systemd-journald",
										"/lib/systemd/systemd-journald"};
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int r = host_stat(host, paths[i], true, &st, err);

		if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return err_set(err, ENOENT, "there is no %s", paths[0]);
}

static int read_journald(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = find_journald(host, err);

	if (r == 0)
		r = conf_read_systemd(host, rows->arena, "journald.conf", &conf, err);
	if (r < 0)
		return r;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < conf.n; i++)
		add_item(rows, &seen, &conf.items[i]);
	if (conf.gap)
		rows_unsure(rows, VALUE, conf.gap);
	return 0;
}

static int set_journald(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						struct err *err _unused_)
{
	edit_key(edits, "/etc/systemd/journald.conf.d/99-revet.conf", EDIT_INI, "Journal", wish->key,
			 edit_text(edits, wish, ","));
	edit_reload(edits, "systemd-journald.service");
	return 0;
}

static const struct table journald = {
	.name = "journald",
	.doc = "Settings of journald.conf and its drop-ins; absent: the default holds",
	.columns = columns,
	.read = read_journald,
	.set = set_journald,
	.fix = "set {key} in a drop-in below /etc/systemd/journald.conf.d",
};
TABLE(journald);
