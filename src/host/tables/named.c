/* SPDX-License-Identifier: Apache-2.0 */
/* BIND's settings: the options and views of named.conf. */
#include "base/vec.h"
#include "host/named_conf.h"
#include "host/table.h"

enum { KEY, VALUE, VIEW };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the statement, as in named.conf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_LIST, "Its words and the items of its list, acls written out",
			   COLUMN_VALUE},
	[VIEW] = {"view", TYPE_STRING, "The view that it is for; absent: options, for all",
			  COLUMN_LABEL},
	{0},
};

static void set_value(struct rows *rows, struct row *row, struct named_conf *conf,
					  const struct named_statement *s)
{
	VEC(struct str) list = {0};
	struct str *addresses;
	size_t n;

	if (named_addresses(conf, rows->arena, s, &addresses, &n) < 0) {
		row_unknown(row, VALUE, "acls name each other too often");
		return;
	}
	for (size_t i = 1; i < s->n_words; i++)
		*vec_push(rows->arena, &list) = s->words[i];
	for (size_t i = 0; i < n; i++)
		*vec_push(rows->arena, &list) = addresses[i];
	row_list(row, VALUE, list.p, list.n);
}

/* A zone has a row in named_zones. */
static void add_settings(struct rows *rows, struct named_conf *conf, struct str view,
						 const struct named_statement *s)
{
	for (; s; s = s->next) {
		struct row *row;

		if (!s->n_words || str_is_nocase(s->words[0], "zone"))
			continue;
		row = rows_add(rows, FROM(s->file, s->line));
		row_str(row, KEY, s->words[0]);
		row_str(row, VIEW, view);
		set_value(rows, row, conf, s);
	}
}

static int read_named(struct host *host, struct rows *rows, struct err *err)
{
	struct named_conf conf = {0};
	int r = named_conf_read(host, rows->arena, &conf, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (const struct named_statement *s = conf.first; s; s = s->next) {
		if (s->n_words && str_is_nocase(s->words[0], "options"))
			add_settings(rows, &conf, STR_ABSENT, s->block);
		else if (s->n_words >= 2 && str_is_nocase(s->words[0], "view"))
			add_settings(rows, &conf, s->words[1], s->block);
	}
	if (conf.gap)
		rows_unsure(rows, VALUE, conf.gap);
	return 0;
}

static const struct table named = {
	.name = "named",
	.doc = "Settings of BIND, from the options and views of named.conf; absent: the default holds",
	.columns = columns,
	.read = read_named,
	.loaded = LOADED_BY(.units = STARTED("named.service", "bind9.service")),
	.started = &named_started,
	.multi = true,
};
TABLE(named);
