/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/snapshot.h"
#include "host/value.h"

#define FORMAT "revet-snapshot"
#define VERSION 1

/* --- writing --------------------------------------------------------------------------------- */

static void write_from(struct jsonw *j, const char *key, struct from from)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	jsonw_key(j, key);
	buf_puts(&text, from.path);
	if (from.line)
		buf_printf(&text, ":%u", from.line);
	jsonw_str(j, buf_get(&text));
}

static void write_cell_sources(struct jsonw *j, const struct rows *rows, const struct row *row)
{
	bool open = false;

	for (size_t i = 0; i < rows->n_columns; i++) {
		if (!row->cells[i].from)
			continue;
		if (!open) {
			jsonw_key(j, "_sources");
			jsonw_object(j);
			open = true;
		}
		write_from(j, rows->table->columns[i].name, FROM(row->cells[i].from, row->cells[i].line));
	}
	if (open)
		jsonw_end(j);
}

static void write_row(struct jsonw *j, const struct rows *rows, const struct row *row)
{
	jsonw_object(j);
	for (size_t i = 0; i < rows->n_columns; i++) {
		if (row->cells[i].state == VALUE_ABSENT)
			continue;
		jsonw_key(j, rows->table->columns[i].name);
		value_json(j, rows->table->columns[i].type, &row->cells[i]);
	}
	if (row->from.path)
		write_from(j, "_source", row->from);
	if (row->note)
		jsonw_member_strz(j, "_note", row->note);
	write_cell_sources(j, rows, row);
	jsonw_end(j);
}

static void write_table(struct jsonw *j, const struct rows *rows)
{
	jsonw_keystr(j, str_of(rows->table->name));
	jsonw_object(j);
	if (rows->error) {
		jsonw_member_strz(j, "error", rows->why);
	} else {
		if (rows->gap)
			jsonw_member_strz(j, "gap", rows->gap);
		jsonw_key(j, "rows");
		jsonw_array(j);
		for (size_t i = 0; i < rows->n; i++)
			write_row(j, rows, rows->p[i]);
		jsonw_end(j);
	}
	jsonw_end(j);
}

int snapshot_write(struct snapshot *s, struct buf *out)
{
	const struct snapshot_facts *facts = snapshot_facts(s);
	struct value time = {.state = VALUE_SET, .number = facts->time};
	const struct table *const *all;
	size_t n = table_all(&all);
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", FORMAT);
	jsonw_member_int(&j, "version", VERSION);
	jsonw_key(&j, "time");
	value_json(&j, TYPE_TIME, &time);
	jsonw_member_bool(&j, "live", facts->live);
	jsonw_member_bool(&j, "root", facts->root);
	jsonw_key(&j, "tables");
	jsonw_object(&j);
	for (size_t i = 0; i < n; i++) {
		const struct rows *rows = snapshot_rows(s, all[i]);

		if (rows)
			write_table(&j, rows);
	}
	jsonw_end(&j);
	jsonw_end(&j);
	return out->full ? -ENOBUFS : 0;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
	struct arena *arena;
	const char *name;
	struct rows *rows;
	struct err *err;
};

static struct str json_text(struct reader *r, const json_t *value)
{
	size_t n = json_string_length(value);

	return (struct str){arena_copy(r->arena, json_string_value(value), n), n};
}

/* "PATH:LINE", or a path alone. */
static struct from parse_from(struct reader *r, const json_t *value)
{
	struct str text = json_text(r, value);
	const char *colon = memrchr(text.p, ':', text.n);
	struct from from = {text.p, 0};
	uint64_t line;

	if (colon && num_u64((struct str){colon + 1, text.n - (size_t)(colon + 1 - text.p)}, 1,
						 UINT32_MAX, &line) == 0) {
		from.line = (unsigned)line;
		from.path = arena_copy(r->arena, text.p, (size_t)(colon - text.p));
	}
	return from;
}

static int bad_cell(struct reader *r, const char *column)
{
	return err_set(r->err, EINVAL, "%s: table %s, row %zu, column %s: not of its type", r->name,
				   r->rows->table->name, r->rows->n, column);
}

static int parse_list(struct reader *r, struct row *row, int i, const json_t *list)
{
	size_t n = json_array_size(list);
	struct str *items = arena_new(r->arena, struct str, n + 1);

	for (size_t k = 0; k < n; k++) {
		const json_t *item = json_array_get(list, k);

		if (!json_is_string(item))
			return bad_cell(r, r->rows->table->columns[i].name);
		items[k] = json_text(r, item);
	}
	row_list(row, i, items, n);
	return 0;
}

static int parse_cell(struct reader *r, struct row *row, int i, const json_t *value)
{
	const struct column *column = &r->rows->table->columns[i];
	const json_t *why = json_object_get(value, "unknown");
	struct value parsed;

	if (why && json_is_string(why)) {
		row_unknown(row, i, json_text(r, why).p);
	} else if (column->type == TYPE_LIST && json_is_array(value)) {
		return parse_list(r, row, i, value);
	} else if (column->type == TYPE_STRING && json_is_string(value)) {
		row_str(row, i, json_text(r, value));
	} else if (column->type == TYPE_BOOL && json_is_boolean(value)) {
		row_bool(row, i, json_is_true(value));
	} else if ((column->type == TYPE_INT || column->type == TYPE_SIZE ||
				column->type == TYPE_DURATION) &&
			   json_is_integer(value)) {
		row_int(row, i, json_integer_value(value));
	} else if ((column->type == TYPE_MODE || column->type == TYPE_TIME ||
				column->type == TYPE_DURATION) &&
			   json_is_string(value) &&
			   value_parse(column->type, json_text(r, value), r->arena, &parsed, r->err) == 0) {
		row_int(row, i, parsed.number);
	} else {
		return bad_cell(r, column->name);
	}
	return 0;
}

static int parse_sources(struct reader *r, struct row *row, const json_t *sources)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)sources, key, value) {
		int i = table_column(r->rows->table, str_of(key));

		if (i < 0 || !json_is_string(value))
			return bad_cell(r, "_sources");
		row_from(row, i, parse_from(r, value));
	}
	return 0;
}

static int parse_row(struct reader *r, const json_t *object)
{
	struct row *row = rows_add(r->rows, FROM(NULL, 0));
	const char *key;
	json_t *value;
	int status = json_is_object(object) ? 0 : bad_cell(r, "(all)");

	json_object_foreach((json_t *)object, key, value) {
		int i = table_column(r->rows->table, str_of(key));

		if (status < 0)
			break;
		if (i >= 0)
			status = parse_cell(r, row, i, value);
		else if (strcmp(key, "_source") == 0 && json_is_string(value))
			row->from = parse_from(r, value);
		else if (strcmp(key, "_note") == 0 && json_is_string(value))
			row->note = json_text(r, value).p;
		else if (strcmp(key, "_sources") == 0)
			status = parse_sources(r, row, value);
		else
			status = err_set(r->err, EINVAL, "%s: table %s has no column '%s'", r->name,
							 r->rows->table->name, key);
	}
	return status;
}

static int parse_table(struct snapshot *s, const char *file, const char *name, const json_t *object,
					   struct err *err)
{
	const struct table *table = table_find(str_of(name));
	struct reader r = {.arena = snapshot_arena(s), .name = file, .err = err};
	const json_t *error = json_object_get(object, "error"), *gap = json_object_get(object, "gap");
	const json_t *rows = json_object_get(object, "rows");
	int status = 0;

	if (!table)
		return err_set(err, EINVAL, "%s: there is no table '%s'; was it made by a newer revet?", file,
					   name);
	r.rows = snapshot_add(s, table);
	if (json_is_string(error)) {
		r.rows->error = -ENODATA;
		r.rows->why = json_text(&r, error).p;
		return 0;
	}
	if (!json_is_array(rows))
		return err_set(err, EINVAL, "%s: table %s: neither rows nor an error", file, name);
	if (json_is_string(gap))
		r.rows->gap = json_text(&r, gap).p; /* rows_gap() would shorten it once more */
	for (size_t i = 0; status == 0 && i < json_array_size(rows); i++)
		status = parse_row(&r, json_array_get(rows, i));
	rows_make_index(r.rows);
	return status;
}

static int parse_all(struct snapshot *s, const json_t *root, const char *name, struct err *err)
{
	struct snapshot_facts *facts = snapshot_facts(s);
	const json_t *tables = json_object_get(root, "tables");
	const char *format = json_string_value(json_object_get(root, "format"));
	const char *time = json_string_value(json_object_get(root, "time")), *key;
	json_t *value;
	int r = 0;

	if (!format || strcmp(format, FORMAT) != 0 || !json_is_object(tables))
		return err_set(err, EINVAL, "%s: not a snapshot; make one with: revet snapshot -o FILE", name);
	if (json_integer_value(json_object_get(root, "version")) != VERSION)
		return err_set(err, EINVAL, "%s: a snapshot of another version; this revet reads version %d",
					   name, VERSION);
	if (!time || num_time(str_of(time), &facts->time) < 0)
		return err_set(err, EINVAL, "%s: it does not say when it was made", name);
	facts->live = json_is_true(json_object_get(root, "live"));
	facts->root = json_is_true(json_object_get(root, "root"));
	facts->source = arena_strdup(snapshot_arena(s), name);
	json_object_foreach((json_t *)tables, key, value)
		if (r == 0)
			r = parse_table(s, name, key, value, err);
	return r;
}

int snapshot_parse(struct snapshot *s, struct str text, const char *name, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	int r;

	if (!root)
		return err_set(err, EINVAL, "%s:%d:%d: %s", name, why.line, why.column, why.text);
	r = parse_all(s, root, name, err);
	json_decref(root);
	return r;
}
