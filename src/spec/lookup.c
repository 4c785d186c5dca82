/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/lookup.h"

#include "base/num.h"
#include "host/value.h"

void want_table(struct snapshot *s, const char *name)
{
	const struct table *t = table_find(str_of(name));

	if (t)
		snapshot_want(s, t);
}

void want_key(struct snapshot *s, const char *name, struct str key)
{
	const struct table *t = table_find(str_of(name));

	if (t) {
		snapshot_want(s, t);
		snapshot_want_key(s, t, key);
	}
}

int find_rows(struct finding *f, const char *name, const struct rows **ret, struct err *err)
{
	const struct table *t = table_find(str_of(name));

	*ret = t ? snapshot_rows(f->snapshot, t) : NULL;
	if (!*ret)
		return err_set(err, ENODATA, "%s were not read", name);
	return (*ret)->error ? err_set(err, -(*ret)->error, "%s", (*ret)->why) : 0;
}

int find_row(struct finding *f, const char *name, struct str key, const struct row **ret,
			 struct err *err)
{
	const struct rows *rows;
	const size_t *some = NULL;
	size_t n;
	int r = find_rows(f, name, &rows, err), column;

	*ret = NULL;
	if (r < 0)
		return r;
	column = table_key_column(rows->table);
	if (!rows_with_key(rows, key, f->arena, &some, &n)) {
		some = NULL;
		n = rows->n;
	}
	for (size_t i = 0; i < n; i++) {
		const struct row *row = rows->p[some ? some[i] : i];

		if (row->cells[column].state == VALUE_SET && str_eq(row->cells[column].string, key)) {
			*ret = row;
			return 0;
		}
	}
	return rows->gap ? err_set(err, ENODATA, "%s", rows->gap) : 0;
}

static struct datum datum_of(struct arena *a, enum type type, const struct value *v)
{
	switch (type) {
	case TYPE_BOOL:
		return DATUM_YES(v->number != 0);
	case TYPE_MODE:
		return DATUM_STR(str_of(arena_printf(a, "%04o", (unsigned)v->number)));
	case TYPE_STRING:
		return DATUM_STR(v->string);
	case TYPE_LIST:
		return datum_texts(a, v->list.items, v->list.n);
	default:
		return DATUM_NUMBER(v->number);
	}
}

int find_cell(struct finding *f, const struct rows *rows, const struct row *row, const char *name,
			  struct datum *ret, struct err *err)
{
	int column = table_column(rows->table, str_of(name));
	const struct value *v = &row->cells[column];

	*ret = DATUM_NOTHING;
	if (v->state == VALUE_UNKNOWN)
		return err_set(err, ENODATA, "%s", v->why);
	if (v->state == VALUE_SET)
		*ret = datum_of(f->arena, rows->table->columns[column].type, v);
	return 0;
}

int find_cell_of(struct finding *f, const char *table, const struct row *row, const char *column,
				 struct datum *ret, struct err *err)
{
	const struct rows *rows;
	int r = find_rows(f, table, &rows, err);

	if (r < 0)
		return r;
	return row ? find_cell(f, rows, row, column, ret, err)
			   : err_set(err, ENOENT, "there is no %s", f->resource->id);
}

struct str cell_text(const struct rows *rows, const struct row *row, const char *name)
{
	const struct value *v = &row->cells[table_column(rows->table, str_of(name))];

	return v->state == VALUE_SET ? v->string : STR_ABSENT;
}

void answer_error(struct buf *answer, const struct err *err)
{
	buf_clear(answer);
	buf_printf(answer, "-%s", err->msg);
}

int find_answer(struct finding *f, struct str *ret, struct err *err)
{
	struct str answer = f->resource->answer;

	if (!answer.n)
		return err_set(err, ENODATA, "it was not asked");
	*ret = (struct str){answer.p + 1, answer.n - 1};
	return answer.p[0] == '+' ? 0 : err_set(err, EIO, "%.*s", STR_ARG(*ret));
}

void answer_parts(struct buf *answer, int status, struct str first, struct str second)
{
	buf_printf(answer, "+%d %zu\n", status, first.n);
	buf_str(answer, first);
	buf_str(answer, second);
}

int find_parts(struct finding *f, struct answer_parts *ret, struct err *err)
{
	struct str rest, status, length, line;
	uint64_t code, n;
	int r = find_answer(f, &rest, err);

	if (r < 0)
		return r;
	if (!str_cut(&rest, '\n', &line) || !str_cut(&line, ' ', &status) ||
		!str_cut(&line, ' ', &length) || num_u64(status, 0, INT32_MAX, &code) < 0 ||
		num_u64(length, 0, rest.n, &n) < 0)
		return err_set(err, EBADMSG, "the answer is not as it should be");
	*ret = (struct answer_parts){
		(int64_t)code, {rest.p, (size_t)n}, {rest.p + n, rest.n - (size_t)n}};
	return 0;
}
