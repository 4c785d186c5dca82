/* SPDX-License-Identifier: Apache-2.0 */
#include "host/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"

#define MAX_ROWS 200000
#define MAX_BYTES ((size_t)40 << 20) /* of all that the table keeps, when a row is added */

const char *type_name(enum type t)
{
	static const char *const names[] = {"bool", "int",  "size",   "duration",
										"mode", "time", "string", "list"};

	return names[t];
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct table *const *)a)->name, (*(const struct table *const *)b)->name);
}

size_t table_all(const struct table *const **ret)
{
	static const struct table *sorted[TABLES_MAX];
	static size_t n;

	if (!n) {
		const struct table *const *t;

		assert(LEAF_END(tables) - LEAF_BEGIN(tables) <= TABLES_MAX);
		for (t = LEAF_BEGIN(tables); t < LEAF_END(tables); t++)
			sorted[n++] = *t;
		qsort(sorted, n, sizeof(*sorted), by_name);
	}
	*ret = sorted;
	return n;
}

const struct table *table_find(struct str name)
{
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++)
		if (str_is(name, all[i]->name))
			return all[i];
	return NULL;
}

int table_column(const struct table *t, struct str name)
{
	for (int i = 0; t->columns[i].name; i++)
		if (str_is(name, t->columns[i].name))
			return i;
	return -1;
}

int table_key_column(const struct table *t)
{
	for (int i = 0; t->columns[i].name; i++)
		if (t->columns[i].flags & COLUMN_KEY)
			return i;
	return -1;
}

size_t table_columns(const struct table *t)
{
	size_t n = 0;

	while (t->columns[n].name)
		n++;
	return n;
}

static struct row *row_new(struct rows *rows)
{
	return arena_alloc(rows->arena, sizeof(struct row) + rows->n_columns * sizeof(struct value));
}

struct row *rows_add(struct rows *rows, struct from from)
{
	struct row *row;

	if (rows->n >= (rows->max ? rows->max : MAX_ROWS) || rows->arena->used >= MAX_BYTES) {
		rows_gap(rows, "over %zu rows; the rest was left out", rows->n);
		if (!rows->spare)
			rows->spare = row_new(rows);
		row = rows->spare;
		memset(row->cells, 0, rows->n_columns * sizeof(struct value));
	} else {
		row = row_new(rows);
		*vec_push(rows->arena, rows) = row;
	}
	row->from = from;
	return row;
}

struct row *rows_setting(struct rows *rows, struct map *seen, struct str key, struct from from)
{
	struct row *row = map_get(seen, key);

	if (!row) {
		row = rows_add(rows, from);
		map_put(seen, key, row);
	}
	row->from = from;
	return row;
}

void rows_gap(struct rows *rows, const char *fmt, ...)
{
	char text[480];
	va_list ap;

	if (rows->gap)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rows->gap = arena_strdup(rows->arena, text);
}

void rows_unsure(struct rows *rows, int column, const char *why)
{
	rows_gap(rows, "%s", why);
	vec_each(rows, row)
		row_unknown(*row, column, rows->gap);
}

void row_str(struct row *row, int column, struct str s)
{
	struct value *v = &row->cells[column];

	v->state = s.p ? VALUE_SET : VALUE_ABSENT;
	v->string = s;
}

void row_strz(struct row *row, int column, const char *s)
{
	row_str(row, column, str_of(s));
}

void row_int(struct row *row, int column, int64_t number)
{
	row->cells[column].state = VALUE_SET;
	row->cells[column].number = number;
}

void row_bool(struct row *row, int column, bool b)
{
	row_int(row, column, b);
}

void row_list(struct row *row, int column, const struct str *items, size_t n)
{
	struct value *v = &row->cells[column];

	v->state = VALUE_SET;
	v->list.items = items;
	v->list.n = n;
}

void row_unknown(struct row *row, int column, const char *why)
{
	row->cells[column].state = VALUE_UNKNOWN;
	row->cells[column].why = why;
}

void row_from(struct row *row, int column, struct from from)
{
	row->cells[column].from = from.path;
	row->cells[column].line = from.line;
}

bool demand_has(const struct demand *d, struct str key)
{
	for (size_t i = 0; i < d->n; i++)
		if (str_eq(d->keys[i], key))
			return true;
	return d->all;
}

/* --- by key ---------------------------------------------------------------------------------- */

#define INDEX_MIN 24 /* rows; fewer are looked at as quickly one by one */

struct rows_index {
	struct map first; /* key -> the number of its first row, and one */
	size_t *next;     /* of each row, the number of the next with its key, and one; 0: none */
	size_t unknown;   /* the first whose key is not known, and one; linked the same way */
};

void rows_make_index(struct rows *r)
{
	int key = table_key_column(r->table);
	struct rows_index *index;

	if (key < 0 || r->table->columns[key].type != TYPE_STRING || r->n < INDEX_MIN)
		return;
	index = arena_new(r->arena, struct rows_index, 1);
	map_init(&index->first, r->arena);
	index->next = arena_new(r->arena, size_t, r->n);
	/* From the end, so that each chain ascends. */
	for (size_t i = r->n; i-- > 0;) {
		const struct value *cell = &r->p[i]->cells[key];

		if (cell->state == VALUE_SET) {
			index->next[i] = (size_t)map_put(&index->first, cell->string, (void *)(i + 1));
		} else if (cell->state == VALUE_UNKNOWN) {
			index->next[i] = index->unknown;
			index->unknown = i + 1;
		}
	}
	r->index = index;
}

static size_t chain_length(const struct rows_index *index, size_t at)
{
	size_t n = 0;

	for (; at; at = index->next[at - 1])
		n++;
	return n;
}

bool rows_with_key(const struct rows *r, struct str key, struct arena *a, const size_t **ret,
				   size_t *ret_n)
{
	const struct rows_index *index = r->index;
	size_t one, other, *list;

	*ret_n = 0;
	if (!index)
		return false;
	one = (size_t)map_get(&index->first, key);
	other = index->unknown;
	list = arena_new(a, size_t, chain_length(index, one) + chain_length(index, other) + 1);
	*ret = list;
	while (one || other) {
		size_t *from = !other || (one && one < other) ? &one : &other;

		list[(*ret_n)++] = *from - 1;
		*from = index->next[*from - 1];
	}
	return true;
}
