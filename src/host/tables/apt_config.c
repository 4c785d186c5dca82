/* SPDX-License-Identifier: Apache-2.0 */
/* apt's configuration: what /etc/apt/apt.conf.d and apt.conf set. */
#include "host/table.h"

#include "base/map.h"
#include "host/apt_conf.h"
#include "host/edit.h"
#include "host/secret.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING,
			 "Full name, as apt-config prints it or as a rule spells it; a list has a row for each "
			 "of its items",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "As text; what no file sets is not here, though apt may have a default",
			   COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

/* apt's names have no case. */
static struct str folded(struct arena *a, struct str name)
{
	char *copy = str_dup(a, name);

	for (size_t i = 0; i < name.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] |= 0x20;
	return (struct str){copy, name.n};
}

/* As the rule that asks spells it. */
static struct str spelled(const struct rows *rows, struct str key)
{
	for (size_t i = 0; i < rows->demand->n; i++)
		if (rows->demand->keys[i].n == key.n &&
			str_is_nocase(key, str_dup(rows->arena, rows->demand->keys[i])))
			return rows->demand->keys[i];
	return key;
}

static int read_apt_config(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct apt_conf conf;
	const char *elsewhere;
	struct map last;

	apt_conf_read(host, rows->arena, &conf);
	map_init(&last, rows->arena);
	for (size_t i = 0; i < conf.n; i++)
		if (!conf.p[i].cleared)
			map_put(&last, folded(rows->arena, conf.p[i].name), &conf.p[i]);
	for (size_t i = 0; i < conf.n; i++) {
		const struct apt_item *item = &conf.p[i];
		struct str key = item->name;
		bool list = str_ends(key, "::");
		struct row *row;

		if (item->cleared || (!list && map_get(&last, folded(rows->arena, item->name)) != item))
			continue;
		key.n -= list ? 2 : 0;
		row = rows_add(rows, FROM(item->file, item->line));
		row_str(row, KEY, spelled(rows, key));
		row_str(row, VALUE, secret_masked_urls(rows->arena, item->value));
	}
	elsewhere = conf.gap ? conf.gap : apt_conf_elsewhere(&conf, rows->arena);
	if (elsewhere)
		rows_unsure(rows, VALUE, elsewhere);
	return 0;
}

static int set_apt_config(struct host *host, const struct wish *wish, struct edits *edits,
						  struct err *err)
{
	struct str value = edit_text(edits, wish, "");
	struct apt_conf conf;

	if (!value.p)
		return err_set(err, ENOTSUP, "%.*s is taken out by hand", STR_ARG(wish->key));
	apt_conf_read(host, edits->arena, &conf);
	if (apt_conf_last(&conf, arena_printf(edits->arena, "%.*s::", STR_ARG(wish->key))))
		return err_set(err, ENOTSUP, "%.*s is a list: it is edited by hand", STR_ARG(wish->key));
	return apt_conf_set(&conf, wish->key, value, edits, err);
}

static const struct table apt_config = {
	.name = "apt_config",
	.doc = "Settings of apt, from /etc/apt/apt.conf.d and /etc/apt/apt.conf",
	.columns = columns,
	.read = read_apt_config,
	.multi = true,
	.set = set_apt_config,
	.fix = "set {key} in /etc/apt/apt.conf.d",
};
TABLE(apt_config);
