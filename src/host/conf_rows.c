/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_rows.h"

#include "base/map.h"
#include "host/conf.h"

static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct row *row = map_get(seen, item->key);

	if (!row) {
		row = rows_add(rows, FROM(item->file, item->line));
		map_put(seen, item->key, row);
	}
	row->from = FROM(item->file, item->line);
	row_str(row, CONF_KEY, item->key);
	/* Lists and limits have their defaults again then; systemd passes over an empty flag or word. */
	if (!item->value.n && row->cells[CONF_VALUE].state != VALUE_ABSENT)
		row_unknown(row, CONF_VALUE,
					"an empty assignment stands behind it, which takes back some settings only");
	else
		row_str(row, CONF_VALUE, item->value.n ? item->value : STR_ABSENT);
}

int conf_rows(struct host *host, struct rows *rows, const char *name, const char *section,
			  struct err *err)
{
	struct conf conf = {0};
	struct map seen;
	int r = conf_read_systemd(host, rows->arena, name, &conf, err);

	if (r < 0)
		return r;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < conf.n; i++)
		if (str_is(conf.items[i].section, section))
			add_item(rows, &seen, &conf.items[i]);
	if (conf.gap)
		rows_unsure(rows, CONF_VALUE, conf.gap);
	return 0;
}
