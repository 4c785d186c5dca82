/* SPDX-License-Identifier: Apache-2.0 */
/* The zones of BIND, each with what its view and the options say for it. */
#include "host/named_conf.h"
#include "host/table.h"

enum { NAME, VIEW, KIND, ALLOW_TRANSFER, ALLOW_UPDATE };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "The zone, without a dot at its end", COLUMN_KEY | COLUMN_LABEL},
	[VIEW] = {"view", TYPE_STRING, "Absent: none", COLUMN_LABEL},
	[KIND] = {"type", TYPE_STRING, "primary, secondary, hint, forward, ...", 0},
	[ALLOW_TRANSFER] = {"allow_transfer", TYPE_LIST,
						"Who may have the whole zone, acls written out; absent: nothing says", 0},
	[ALLOW_UPDATE] = {"allow_update", TYPE_LIST, "Who may change it; absent: nothing says", 0},
	{0},
};

struct reader {
	struct rows *rows;
	struct named_conf conf;
	const struct named_statement *options;
};

/* What the zone says, else its view, else the options. */
static void set_list(struct reader *r, struct row *row, int column, const char *word,
					 const struct named_statement *zone, const struct named_statement *view)
{
	const struct named_statement *s = named_find(zone->block, word);
	struct str *list;
	size_t n;

	if (!s && view)
		s = named_find(view->block, word);
	if (!s && r->options)
		s = named_find(r->options->block, word);
	if (!s)
		return;
	if (named_addresses(&r->conf, r->rows->arena, s, &list, &n) < 0) {
		row_unknown(row, column, "acls name each other too often");
		return;
	}
	row_list(row, column, list, n);
	row_from(row, column, FROM(s->file, s->line));
}

static struct str modern(struct str type)
{
	if (str_is_nocase(type, "master"))
		return STR("primary");
	return str_is_nocase(type, "slave") ? STR("secondary") : type;
}

static void add_zones(struct reader *r, const struct named_statement *s,
					  const struct named_statement *view)
{
	for (; s; s = s->next) {
		const struct named_statement *type;
		struct str name;
		struct row *row;

		if (s->n_words < 2 || !str_is_nocase(s->words[0], "zone"))
			continue;
		name = s->words[1];
		if (name.n > 1 && str_ends(name, "."))
			name.n--;
		row = rows_add(r->rows, FROM(s->file, s->line));
		row_str(row, NAME, name);
		if (view)
			row_str(row, VIEW, view->words[1]);
		type = named_find(s->block, "type");
		if (type && type->n_words > 1)
			row_str(row, KIND, modern(type->words[1]));
		set_list(r, row, ALLOW_TRANSFER, "allow-transfer", s, view);
		set_list(r, row, ALLOW_UPDATE, "allow-update", s, view);
	}
}

static int read_named_zones(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.rows = rows};
	int e = named_conf_read(host, rows->arena, &r.conf, err);

	if (e < 0)
		return e == -ENOENT ? 0 : e;
	r.options = named_find(r.conf.first, "options");
	add_zones(&r, r.conf.first, NULL);
	for (const struct named_statement *s = r.conf.first; s; s = s->next)
		if (s->n_words >= 2 && str_is_nocase(s->words[0], "view"))
			add_zones(&r, s->block, s);
	if (r.conf.gap) {
		rows_unsure(rows, ALLOW_TRANSFER, r.conf.gap);
		rows_unsure(rows, ALLOW_UPDATE, r.conf.gap);
	}
	return 0;
}

static const struct table named_zones = {
	.name = "named_zones",
	.doc = "Zones of BIND, from named.conf",
	.columns = columns,
	.read = read_named_zones,
	.started = &named_started,
};
TABLE(named_zones);
