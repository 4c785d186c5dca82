/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "base/json.h"
#include "host/value.h"

enum { FORMAT, WHERE, ROOT, SNAPSHOT };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT", "text (default) or json"},
	[WHERE] = {"where", 0, "COLUMN=VALUE", "only rows with this value; may be given several times"},
	[ROOT] = {"root", 0, "DIR", "read the tree, or the recording, in DIR"},
	[SNAPSHOT] = {"snapshot", 0, "FILE", "read a snapshot made earlier"},
	{0},
};

struct view {
	const struct table *table;
	const struct given *given;
	bool json;
};

static int list_tables(void)
{
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++)
		printf("%-20s %s\n", all[i]->name, all[i]->doc);
	return EXIT_DONE;
}

/* The column that KEY names rows by: the one that tables are asked by, or that sentences name, or the first. */
static int key_column(const struct table *t)
{
	int key = 0;

	for (int i = 0; t->columns[i].name; i++) {
		if (t->columns[i].flags & COLUMN_ASKED)
			return i;
		if (t->columns[i].flags & COLUMN_KEY)
			key = i;
	}
	return key;
}

static bool is_asked(const struct table *t)
{
	return t->columns[key_column(t)].flags & COLUMN_ASKED;
}

/* One of the keys given, if any is. */
static bool has_key(const struct view *v, const struct row *row)
{
	int column = key_column(v->table);
	_cleanup_buf_ struct buf text = BUF(65536);

	/* A table that is asked for its rows has those, and calls them by what was asked. */
	if (v->given->n_words == 1 || is_asked(v->table))
		return true;
	value_print(&text, v->table->columns[column].type, &row->cells[column]);
	for (int i = 1; i < v->given->n_words; i++)
		if (str_glob(v->given->words[i], buf_get(&text)))
			return true;
	return false;
}

static bool row_matches(const struct view *v, const struct row *row, struct arena *a)
{
	if (!has_key(v, row))
		return false;
	for (size_t i = 0; i < v->given->n; i++) {
		_cleanup_buf_ struct buf text = BUF(65536);
		struct str wanted = str_of(v->given->p[i].value), name = STR_ABSENT;
		int column;

		if (v->given->p[i].option != WHERE)
			continue;
		(void)str_cut(&wanted, '=', &name);
		column = table_column(v->table, name);
		value_print(&text, v->table->columns[column].type, &row->cells[column]);
		if (row->cells[column].state != VALUE_SET || !wanted.p ||
			!str_glob(str_dup(a, wanted), buf_get(&text)))
			return false;
	}
	return true;
}

static void put_source(struct buf *out, struct from from)
{
	if (from.path)
		buf_printf(out, from.line ? "%s:%u" : "%s", from.path, from.line);
}

static void write_cell(struct buf *out, const struct column *column, const struct row *row,
					   const struct value *cell)
{
	_cleanup_buf_ struct buf text = BUF((size_t)1 << 20);

	value_print(&text, column->type, cell);
	if (cell->from) {
		buf_puts(&text, "   from ");
		put_source(&text, value_from(row, cell));
	}
	buf_printf(out, "    %-18s ", column->name);
	buf_printable(out, buf_get(&text));
	buf_putc(out, '\n');
}

static void write_text_row(struct buf *out, const struct table *t, const struct row *row)
{
	_cleanup_buf_ struct buf text = BUF((size_t)1 << 20);

	row_label(&text, t, row);
	buf_printable(out, buf_get(&text));
	buf_putc(out, '\n');
	for (int i = 0; t->columns[i].name; i++)
		if (row->cells[i].state != VALUE_ABSENT)
			write_cell(out, &t->columns[i], row, &row->cells[i]);
	buf_clear(&text);
	put_source(&text, row->from);
	buf_puts(out, "    from               ");
	buf_printable(out, buf_get(&text));
	buf_putc(out, '\n');
}

static void write_json_row(struct jsonw *j, const struct table *t, const struct row *row)
{
	_cleanup_buf_ struct buf source = BUF(65536);

	jsonw_object(j);
	for (int i = 0; t->columns[i].name; i++) {
		jsonw_key(j, t->columns[i].name);
		value_json(j, t->columns[i].type, &row->cells[i]);
	}
	put_source(&source, row->from);
	jsonw_member_str(j, "_source", buf_get(&source));
	jsonw_end(j);
}

static int show(struct worker *w, void *data)
{
	const struct view *v = data;
	const struct rows *rows = snapshot_rows(w->snapshot, v->table);
	_cleanup_buf_ struct buf out = BUF((size_t)256 << 20);
	_cleanup_arena_ struct arena arena = {0};
	struct jsonw j;

	if (!rows)
		return fail(EXIT_CANNOT, "the snapshot has no table %s", v->table->name);
	if (rows->error)
		return fail(rows->error == -EACCES || rows->error == -EPERM ? EXIT_PERMISSION : EXIT_CANNOT,
					"table %s: %s", v->table->name, rows->why);
	jsonw_begin(&j, &out, true);
	if (v->json)
		jsonw_array(&j);
	for (size_t i = 0; i < rows->n; i++) {
		if (!row_matches(v, rows->p[i], &arena))
			continue;
		if (v->json)
			write_json_row(&j, v->table, rows->p[i]);
		else
			write_text_row(&out, v->table, rows->p[i]);
	}
	if (v->json)
		jsonw_end(&j);
	if (v->table->ask && !rows->n)
		fail(0, "table %s holds what a test asks for alone; see: revet test", v->table->name);
	if (rows->gap)
		fail(0, "table %s: incomplete: %s", v->table->name, rows->gap);
	if (out.full)
		return fail(EXIT_CANNOT, "table %s is larger than 256 MiB; see: --where", v->table->name);
	return put_stdout(&out);
}

static int check_where(const struct view *v)
{
	char list[64];

	snprintf(list, sizeof(list), "revet table %s", v->table->name);
	for (size_t i = 0; i < v->given->n; i++) {
		struct str rest = str_of(v->given->p[i].value), name = STR_ABSENT;
		struct nearest near;
		char word[65];

		if (v->given->p[i].option != WHERE)
			continue;
		(void)str_cut(&rest, '=', &name);
		if (!rest.p)
			return fail(EXIT_USAGE, "--where %s: expected COLUMN=VALUE", v->given->p[i].value);
		if (table_column(v->table, name) >= 0)
			continue;
		near = nearest_to(name);
		for (const struct column *c = v->table->columns; c->name; c++)
			nearest_try(&near, c->name);
		snprintf(word, sizeof(word), "%.*s", STR_ARG(name));
		return no_such("column", word, near.name, list);
	}
	return 0;
}

static const char *nearest_table(const char *word)
{
	struct nearest near = nearest_to(str_of(word));
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++)
		nearest_try(&near, all[i]->name);
	return near.name;
}

static int run_table(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct view view = {.given = g};
	struct worker w = {
		.source = {.root = given_value(g, ROOT), .snapshot_file = given_value(g, SNAPSHOT)},
		.snapshot = snapshot,
		.use = show,
		.data = &view,
	};
	struct catalogue catalogue;
	int code;

	if (!g->n_words)
		return list_tables();
	view.table = table_find(str_of(g->words[0]));
	if (!view.table)
		return no_such("table", g->words[0], nearest_table(g->words[0]), "revet table");
	code = parse_format(given_value(g, FORMAT), &view.json);
	if (code == 0)
		code = check_where(&view);
	if (code)
		return code;
	/* Tables that hold only what is asked for show what the rules ask for, or the words given. */
	code = open_catalogue(&catalogue, NULL, g, NULL);
	for (size_t i = 0; code == 0 && g->n_words == 1 && i < catalogue.n; i++)
		judge_wants(&catalogue.p[i], &catalogue.language.params, snapshot);
	catalogue_done(&catalogue);
	if (code)
		return code;
	snapshot_want_none(snapshot);
	if (g->n_words == 1)
		snapshot_want_all(snapshot, view.table);
	for (int i = 1; i < g->n_words; i++) {
		snapshot_want_key(snapshot, view.table, str_of(g->words[i]));
		/* Which rows a pattern is about, only all of them tell. */
		if (!is_asked(view.table) && str_is_glob(str_of(g->words[i])))
			snapshot_want_all(snapshot, view.table);
	}
	return worker_run(&w);
}

static const struct command table_command = {
	"table", "[NAME [KEY...]]", "show what is read of the host: one table, or the list of all", options,
	0, 1000, run_table};
COMMAND(table_command);
