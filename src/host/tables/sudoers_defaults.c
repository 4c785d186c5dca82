/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Defaults lines of sudoers. Of several lines for the same setting and scope the last one
 * counts; those that add to or remove from a list all do, behind the last that sets it.
 */
#include "host/sudoers_parse.h"
#include "host/table.h"

enum { KEY, VALUE, SCOPE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in sudoers(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] =
		{"value", TYPE_STRING,
		 "true, false or the text; += or -= in front of what is added to or taken from a list",
		 COLUMN_VALUE},
	[SCOPE] = {"scope", TYPE_STRING,
			   "Empty: always; else @hosts, :users, !commands or >target users", 0},
	{0},
};

static struct str value_text(struct arena *arena, const struct sudoers_default *d)
{
	switch (d->op) {
	case 't':
		return STR("true");
	case 'f':
		return STR("false");
	case '=':
		return d->value;
	default:
		return str_of(arena_printf(arena, "%c=%s", d->op, str_dup(arena, d->value)));
	}
}

/* Marks what a later line of the same setting and scope replaces: walking backwards, everything
 * behind which a line was seen that sets rather than adds. */
static bool *find_replaced(struct arena *arena, const struct sudoers *s)
{
	bool *replaced = arena_new(arena, bool, s->n_defaults);
	struct map set;

	map_init(&set, arena);
	for (size_t i = s->n_defaults; i-- > 0;) {
		const struct sudoers_default *d = &s->defaults[i];
		const char *id;

		if (d->file->honoured == 0) {
			replaced[i] = true;
			continue;
		}
		id = arena_printf(arena, "%s %s", str_dup(arena, d->key), str_dup(arena, d->scope));
		replaced[i] = map_get(&set, str_of(id)) != NULL;
		if (d->op != '+' && d->op != '-')
			map_put(&set, str_of(id), s->defaults);
	}
	return replaced;
}

static int read_sudoers_defaults(struct host *host, struct rows *rows, struct err *err)
{
	struct sudoers s;
	bool *replaced;
	int r = sudoers_read(host, rows->arena, &s, err);

	if (r < 0)
		return r;
	replaced = find_replaced(rows->arena, &s);
	for (size_t i = 0; i < s.n_defaults; i++) {
		const struct sudoers_default *d = &s.defaults[i];
		struct row *row;

		if (replaced[i])
			continue;
		row = rows_add(rows, FROM(d->file->path, d->line));
		row_str(row, KEY, d->key);
		row_str(row, VALUE, value_text(rows->arena, d));
		row_str(row, SCOPE, d->scope);
	}
	if (s.gap)
		rows_gap(rows, "%s", s.gap);
	return 0;
}

static const struct table sudoers_defaults = {
	.name = "sudoers_defaults",
	.doc = "Settings of sudo: the Defaults lines of /etc/sudoers and its includes",
	.columns = columns,
	.read = read_sudoers_defaults,
	.multi = true,
};
TABLE(sudoers_defaults);
