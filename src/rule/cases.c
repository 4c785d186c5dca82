/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/cases.h"

#include "base/buf.h"
#include "host/value.h"

#define LEFT_ALONE "left_alone" /* it fails, and what the host does forbids the fix */

static int set_cell(struct rows *rows, struct row *row, int i, struct yaml_at at, struct err *err)
{
	enum type type = rows->table->columns[i].type;
	struct yaml_iter it = yaml_iter(at);
	struct yaml_at why;
	struct err bad;

	if (yaml_is_null(at))
		return 0;
	if (yaml_get(at, "unknown", &why)) {
		row_unknown(row, i, str_dup(rows->arena, yaml_text(why)));
		return 0;
	}
	if (yaml_kind(at) == YAML_LIST && type == TYPE_LIST) {
		struct str *items = arena_new(rows->arena, struct str, yaml_len(at) + 1);
		size_t n = 0;

		while (yaml_next(&it))
			items[n++] = yaml_text(it.value);
		row_list(row, i, items, n);
		return 0;
	}
	if (yaml_kind(at) != YAML_SCALAR)
		return yaml_err(at, err, "expected a value of %s", rows->table->columns[i].name);
	if (value_parse(type, yaml_text(at), rows->arena, &row->cells[i], &bad) < 0)
		return yaml_err(at, err, "%s", bad.msg);
	return 0;
}

static int add_row(struct rows *rows, struct yaml_at at, struct err *err)
{
	struct row *row = rows_add(rows, FROM("case", 0));
	struct yaml_iter it = yaml_iter(at);
	int r = 0;

	if (yaml_kind(at) != YAML_MAP)
		return yaml_err(at, err, "expected a row: a mapping of columns");
	while (r == 0 && yaml_next(&it)) {
		int i = table_column(rows->table, yaml_text(it.key));

		r = i < 0 ? yaml_err(it.key, err, "%s has no column '%.*s'", rows->table->name,
							 STR_ARG(yaml_text(it.key)))
				  : set_cell(rows, row, i, it.value, err);
	}
	return r;
}

static int first_value(const struct table *t)
{
	for (int i = 0; t->columns[i].name; i++)
		if (t->columns[i].flags & COLUMN_VALUE)
			return i;
	return -1;
}

/* {key: value, ...} of a key/value table, or {column: value, ...} of a one-row table. */
static int add_pairs(struct rows *rows, struct yaml_at at, struct err *err)
{
	int key = table_key_column(rows->table), value = first_value(rows->table), r = 0;
	struct yaml_iter it = yaml_iter(at);

	if (key < 0)
		return add_row(rows, at, err);
	if (value < 0)
		return yaml_err(at, err, "%s has several columns: write a list of rows", rows->table->name);
	while (r == 0 && yaml_next(&it)) {
		bool asked = rows->table->columns[key].flags & COLUMN_ASKED;
		struct row *row;

		if (yaml_is_null(it.value) && !asked)
			continue;
		row = rows_add(rows, FROM("case", 0));
		row_str(row, key, yaml_text(it.key));
		r = set_cell(rows, row, value, it.value, err);
	}
	return r;
}

static int fill_table(struct snapshot *s, struct yaml_at key, struct yaml_at value, struct err *err)
{
	const struct table *t = table_find(yaml_text(key));
	struct yaml_iter it = yaml_iter(value);
	struct rows *rows;
	int r = 0;

	if (!t)
		return yaml_err(key, err, "there is no table '%.*s'", STR_ARG(yaml_text(key)));
	rows = snapshot_add(s, t);
	if (str_is(yaml_text(value), "unknown")) {
		rows->error = -EACCES;
		rows->why = "the case says so";
		return 0;
	}
	if (yaml_kind(value) == YAML_MAP)
		return add_pairs(rows, value, err);
	while (r == 0 && yaml_next(&it))
		r = add_row(rows, it.value, err);
	return r;
}

struct filling {
	struct snapshot *snapshot;
	const struct params *params;
	struct yaml_at given; /* the tables of the case */
	bool mentioned;
};

/* What a table that is read by name says of a name that does not exist: nothing is true of it. */
static void add_missing(struct rows *rows, int column, struct str name)
{
	struct row *row;

	for (size_t i = 0; i < rows->n; i++)
		if (str_eq(rows->p[i]->cells[column].string, name))
			return;
	row = rows_add(rows, FROM("case", 0));
	row_str(row, column, name);
	for (int i = 0; rows->table->columns[i].name; i++)
		if (rows->table->columns[i].type == TYPE_BOOL)
			row_bool(row, i, false);
		else if (strcmp(rows->table->columns[i].name, "type") == 0)
			row_strz(row, i, "absent");
}

/* Tables that the case does not mention are empty; what is asked of them is not there. */
static void fill_empty(void *data, const struct sentence *s)
{
	struct filling *f = data;
	struct rows *rows = (struct rows *)snapshot_rows(f->snapshot, s->table);
	const struct str *names;
	size_t n;
	int column;

	if (!rows)
		rows = snapshot_add(f->snapshot, s->table);
	if (rows->error || !sentence_names(s, f->params, rows->arena, &column, &names, &n) ||
		!(s->table->columns[column].flags & COLUMN_ASKED))
		return;
	for (size_t i = 0; i < n; i++)
		add_missing(rows, column, names[i]);
}

static void see_mention(void *data, const struct sentence *s)
{
	struct filling *f = data;
	struct yaml_at ignored;

	f->mentioned = f->mentioned || yaml_get(f->given, s->table->name, &ignored);
}

/* `when` and `unless` count only in cases that say something about their tables. */
static bool mentions(struct yaml_at given, const struct sentence *s)
{
	struct filling f = {.given = given};

	sentence_each(s, see_mention, &f);
	return f.mentioned;
}

/* Of a `when` with several parts, those that the case is about; NULL when there are none. */
static const struct sentence *mentioned_part(struct yaml_at given, const struct sentence *s,
											 struct arena *a)
{
	struct sentence *part;

	if (!s || !mentions(given, s))
		return NULL;
	if (s->table || s->kind != SENTENCE_ALL)
		return s;
	part = arena_new(a, struct sentence, 1);
	*part = *s;
	part->subs = arena_alloc(a, (s->n_subs + 1) * sizeof(*part->subs));
	part->n_subs = 0;
	for (size_t i = 0; i < s->n_subs; i++)
		if (mentions(given, s->subs[i]))
			part->subs[part->n_subs++] = s->subs[i];
	return part;
}

/* The snapshot that the case describes, and the rule as it is judged with it. */
static int fill_case(const struct catalogue *c, const struct rule *rule, struct yaml_at tables,
					 struct snapshot *s, struct arena *a, struct rule *ret, struct err *err)
{
	struct filling filling = {
		.snapshot = s, .params = &c->language.params, .given = tables};
	struct yaml_iter it = yaml_iter(tables);
	int r = 0;

	if (yaml_kind(tables) != YAML_MAP)
		return yaml_err(tables, err, "expected the tables of the case");
	while (r == 0 && yaml_next(&it))
		r = fill_table(s, it.key, it.value, err);
	if (r < 0)
		return r;
	*ret = *rule;
	ret->when = mentioned_part(tables, rule->when, a);
	if (rule->unless && !mentions(tables, rule->unless))
		ret->unless = NULL;
	sentence_each(ret->when, fill_empty, &filling);
	sentence_each(ret->unless, fill_empty, &filling);
	sentence_each(ret->want, fill_empty, &filling);
	sentence_each(ret->remedy, fill_empty, &filling);
	sentence_each(ret->not_while, fill_empty, &filling);
	return 0;
}

/* A rule that fails is fixed, or left alone, as the case says. */
static int check_left_alone(const struct catalogue *c, const struct rule *rule,
							struct yaml_at verdict, const struct snapshot *s, struct arena *a,
							struct err *err)
{
	bool wanted = str_is(yaml_text(verdict), LEFT_ALONE);
	const char *why =
		rule->not_while ? judge_holds(rule->not_while, s, &c->language.params, a) : NULL;

	if (wanted == (why != NULL))
		return 0;
	return yaml_err(verdict, err, "%s: its fix should%s be left alone%s%s", rule->id,
					wanted ? "" : " not", why ? ": " : "", why ? why : "");
}

static int run_case(const struct catalogue *c, const struct rule *rule, struct yaml_at verdict,
					struct yaml_at tables, struct err *err)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot_new();
	_cleanup_arena_ struct arena arena = {0};
	struct rule bare;
	struct judgement got;
	int r = fill_case(c, rule, tables, s, &arena, &bare, err);

	if (r < 0)
		return r;
	judge(&bare, s, &c->language.params, &arena, &got);
	if (got.verdict == VERDICT_FAIL &&
		(str_is(yaml_text(verdict), "fail") || str_is(yaml_text(verdict), LEFT_ALONE)))
		return check_left_alone(c, rule, verdict, s, &arena, err);
	if (str_is(yaml_text(verdict), verdict_name(got.verdict)))
		return 0;
	return yaml_err(verdict, err, "%s: the case should be '%.*s' and is '%s'%s%s", rule->id,
					STR_ARG(yaml_text(verdict)), verdict_name(got.verdict), got.reason ? ": " : "",
					got.reason ? got.reason : "");
}

int cases_run(const struct catalogue *c, const struct rule *rule, size_t *ret_n, struct err *err)
{
	struct yaml_iter it = yaml_iter(rule->cases);
	int r = 0;

	*ret_n = 0;
	while (r == 0 && yaml_next(&it)) {
		struct yaml_iter pair = yaml_iter(it.value);

		if (yaml_kind(it.value) != YAML_MAP || yaml_len(it.value) != 1 || !yaml_next(&pair))
			return yaml_err(it.value, err, "expected {pass: {table: ...}} or the like");
		r = run_case(c, rule, pair.key, pair.value, err);
		(*ret_n)++;
	}
	return r;
}

int cases_each_failing(const struct catalogue *c, const struct rule *rule,
					   int (*see)(void *, const struct rule *, const struct snapshot *, struct err *),
					   void *data, struct err *err)
{
	struct yaml_iter it = yaml_iter(rule->cases);
	int r = 0;

	while (r == 0 && yaml_next(&it)) {
		_cleanup_snapshot_ struct snapshot *s = NULL;
		_cleanup_arena_ struct arena arena = {0};
		struct yaml_at tables;
		struct rule bare;

		if (!yaml_get(it.value, "fail", &tables))
			continue;
		s = snapshot_new();
		r = fill_case(c, rule, tables, s, &arena, &bare, err);
		if (r == 0)
			r = see(data, &bare, s, err);
	}
	return r;
}
