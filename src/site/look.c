/* SPDX-License-Identifier: Apache-2.0 */
#include "site/look.h"

#include "base/buf.h"

struct look look_at(const struct snapshot *snapshot, const char *table)
{
	const struct table *t = table_find(str_of(table));
	const struct rows *rows = t ? snapshot_rows(snapshot, t) : NULL;

	if (!rows)
		return (struct look){.why = "it was not read"};
	if (rows->error)
		return (struct look){.why = rows->why};
	return (struct look){rows, rows->n, true, rows->gap};
}

static const struct value *cell(const struct look *l, size_t row, const char *column)
{
	static const struct value none;
	int i = table_column(l->rows->table, str_of(column));

	return i < 0 ? &none : &l->rows->p[row]->cells[i];
}

struct str look_str(const struct look *l, size_t row, const char *column)
{
	const struct value *v = cell(l, row, column);

	return v->state == VALUE_SET ? v->string : STR_ABSENT;
}

int64_t look_int(const struct look *l, size_t row, const char *column)
{
	const struct value *v = cell(l, row, column);

	return v->state == VALUE_SET ? v->number : 0;
}

bool look_bool(const struct look *l, size_t row, const char *column)
{
	return look_int(l, row, column) != 0;
}

size_t look_list(const struct look *l, size_t row, const char *column, const struct str **ret)
{
	const struct value *v = cell(l, row, column);

	*ret = v->state == VALUE_SET ? v->list.items : NULL;
	return v->state == VALUE_SET ? v->list.n : 0;
}

bool look_is_unknown(const struct look *l, size_t row, const char *column)
{
	return cell(l, row, column)->state == VALUE_UNKNOWN;
}

const char *look_source(const struct look *l, size_t row, struct arena *a)
{
	const struct from *from = &l->rows->p[row]->from;

	if (!from->path)
		return "";
	return from->line ? arena_printf(a, "%s:%u", from->path, from->line)
					  : arena_strdup(a, from->path);
}
