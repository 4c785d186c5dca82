/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_rows.h"

#include <string.h>

#include "base/map.h"
#include "host/conf.h"

#define OWN "99-revet.conf"

static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct row *row = rows_setting(rows, seen, item->key, FROM(item->file, item->line));

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

void conf_rows_set(const struct wish *wish, struct edits *edits, const char *name,
				   const char *section, const char *separator)
{
	const char *own = arena_printf(edits->arena, "/etc/systemd/%s.d/" OWN, name);
	const char *at = wish->row ? wish->row->from.path : NULL;
	const char *base = at ? strrchr(at, '/') : NULL;

	/* systemd takes drop-ins by their names, wherever they are; ours cannot come behind all of them. */
	if (!base || strncmp(at, "/etc/", 5) != 0 || !strstr(at, ".d/") || strcmp(base + 1, OWN) <= 0)
		at = own;
	edit_key(edits, at, EDIT_INI, section, wish->key, edit_text(edits, wish, separator));
}
