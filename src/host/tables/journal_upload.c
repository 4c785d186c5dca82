/* SPDX-License-Identifier: Apache-2.0 */
/* journal-upload.conf and its drop-ins: where systemd-journal-upload sends the journal. */
#include "base/map.h"
#include "host/conf.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in journal-upload.conf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value as text; the last line of a key wins",
			   COLUMN_VALUE},
	{0},
};

static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct row *row;

	if (!str_is(item->section, "Upload"))
		return;
	row = rows_setting(rows, seen, item->key, FROM(item->file, item->line));
	row_str(row, KEY, item->key);
	row_str(row, VALUE, item->value.n ? item->value : STR_ABSENT);
}

static int read_journal_upload(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = conf_read_systemd(host, rows->arena, "journal-upload.conf", &conf, err);

	if (r < 0)
		return r;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < conf.n; i++)
		add_item(rows, &seen, &conf.items[i]);
	if (conf.gap)
		rows_unsure(rows, VALUE, conf.gap);
	return 0;
}

static const struct table journal_upload = {
	.name = "journal_upload",
	.doc = "Settings of journal-upload.conf and its drop-ins; absent: the default holds",
	.columns = columns,
	.read = read_journal_upload,
	.started =
		&(const struct started){
			.programs = STARTED("systemd-journal-upload"),
			.units = STARTED("systemd-journal-upload.service"),
			.usual = STARTED("--save-state*", "--follow"),
		},
};
TABLE(journal_upload);
