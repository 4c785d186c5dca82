/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/wish.h"

#include "base/vec.h"

struct wishing {
	const struct snapshot *snapshot;
	const struct params *params;
	struct arena *arena;
	struct wishes *out;
};

static int no_way(const struct sentence *s, const char *why, struct err *err)
{
	return err_set(err, ENOTSUP, "%s: %s", s->table ? s->table->name : "the rule", why);
}

/* The key that the sentence names: of rows, the first of the names that `where` has. */
static struct str key_of(const struct wishing *w, const struct sentence *s)
{
	const struct str *names;
	size_t n;
	int column;

	if (s->kind == SENTENCE_ROWS && sentence_names(s, w->params, w->arena, &column, &names, &n) &&
		n)
		return names[0];
	return s->key;
}

static int add_wish(struct wishing *w, const struct sentence *s, const struct row *row, int column,
					const struct expect *expect, struct err *err)
{
	static const struct value absent = {.state = VALUE_ABSENT};
	const struct value *present = row ? &row->cells[column] : &absent;
	struct wish wish = {.table = s->table, .row = row, .key = key_of(w, s), .column = column};
	enum type type = s->table->columns[column].type;
	int names;

	if (!s->table->set || !(s->table->columns[column].flags & COLUMN_SETTABLE))
		return no_way(s, "it can only be read", err);
	if (s->quantity == SOME_ROW)
		(void)sentence_names(s, w->params, w->arena, &names, &wish.names, &wish.n_names);
	if (row && table_key_column(s->table) >= 0)
		wish.key = row->cells[table_key_column(s->table)].string;
	if (expect_fulfil(expect, type, present, w->params, w->arena, &wish.value) < 0)
		return no_way(s, "which value it should have does not follow from the rule", err);
	*vec_push(w->arena, w->out) = wish;
	return 0;
}

/* The columns of a key that are judged: one wish for those that are wrong, for the first of them. */
static int wish_row(struct wishing *w, const struct sentence *s, const struct row *row,
					struct err *err)
{
	const struct column *columns = s->table->columns;

	for (int i = 0; columns[i].name; i++) {
		bool judged = s->key.p ? (columns[i].flags & COLUMN_VALUE) != 0 : i == s->column;
		const char *why = NULL;

		if (judged && expect_test(s->expect, columns[i].type, &row->cells[i], w->params, &why) != TRUE_)
			return add_wish(w, s, row, i, s->expect, err);
	}
	return 0;
}

static int wish_key(struct wishing *w, const struct sentence *s, const struct rows *rows,
					struct err *err)
{
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < rows->n; i++)
		if (judge_is_about(s, rows->p[i], w->arena)) {
			found++;
			r = wish_row(w, s, rows->p[i], err);
		}
	for (int i = 0; !found && s->key.p && s->table->columns[i].name; i++)
		if (s->table->columns[i].flags & COLUMN_VALUE)
			return add_wish(w, s, NULL, i, s->expect, err);
	return r;
}

static int wish_every(struct wishing *w, const struct sentence *s, const struct row *row,
					  struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_want; i++)
		if (judge_conditions(s->table, &s->want[i], 1, row, w->params) != TRUE_)
			r = add_wish(w, s, row, s->want[i].column, s->want[i].expect, err);
	return r;
}

static bool is_settable(const struct sentence *s, int column)
{
	return (s->table->columns[column].flags & COLUMN_SETTABLE) != 0;
}

/* Which row it would be: the first in which all holds that cannot be set. */
static const struct row *find_row(const struct wishing *w, const struct sentence *s,
								  const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		bool is = true;

		for (size_t k = 0; is && k < s->n_where; k++)
			is = is_settable(s, s->where[k].column) ||
				 judge_conditions(s->table, &s->where[k], 1, rows->p[i], w->params) == TRUE_;
		if (is)
			return rows->p[i];
	}
	return NULL;
}

/* A row that should be there, by its name: what can be set of it is wished for. */
static int wish_some(struct wishing *w, const struct sentence *s, const struct rows *rows,
					 struct err *err)
{
	const struct row *row = find_row(w, s, rows);
	size_t before = w->out->n;
	int r = 0;

	if (!key_of(w, s).p)
		return no_way(s, "what should be there does not follow from the rule", err);
	if (!row && !s->table->can_add)
		return no_way(s, "it is not there", err);
	for (size_t i = 0; r == 0 && i < s->n_where; i++)
		if (is_settable(s, s->where[i].column) &&
			(!row || judge_conditions(s->table, &s->where[i], 1, row, w->params) != TRUE_))
			r = add_wish(w, s, row, s->where[i].column, s->where[i].expect, err);
	if (r == 0 && w->out->n == before)
		return no_way(s, "what should be there does not follow from the rule", err);
	return r;
}

static int wish_rows(struct wishing *w, const struct sentence *s, const struct rows *rows,
					 struct err *err)
{
	int r = 0;

	if (s->quantity == REVIEW_ROWS)
		return no_way(s, "a person has to look at it", err);
	if (!s->table->set)
		return no_way(s, "it can only be read", err);
	if (s->quantity == SOME_ROW)
		return wish_some(w, s, rows, err);
	for (size_t i = 0; r == 0 && i < rows->n; i++) {
		const struct row *row = rows->p[i];

		if (judge_conditions(s->table, s->where, s->n_where, row, w->params) != TRUE_)
			continue;
		if (s->quantity == NO_ROW)
			*vec_push(w->arena, w->out) =
				(struct wish){.table = s->table, .row = row, .column = -1};
		else
			r = wish_every(w, s, row, err);
	}
	return r;
}

static int wish_for(struct wishing *w, const struct sentence *s, struct err *err);

/* The first alternative that can be brought about. */
static int wish_any(struct wishing *w, const struct sentence *s, struct err *err)
{
	size_t before = w->out->n;
	int r = -ENOTSUP;

	for (size_t i = 0; r < 0 && i < s->n_subs; i++) {
		w->out->n = before;
		r = wish_for(w, s->subs[i], err);
	}
	return r;
}

static int wish_for(struct wishing *w, const struct sentence *s, struct err *err)
{
	const struct rows *rows;
	int r = 0;

	if (judge_sentence(s, w->snapshot, w->params, w->arena) == TRUE_)
		return 0;
	if (s->table) {
		rows = snapshot_rows(w->snapshot, s->table);
		if (!rows || rows->error)
			return no_way(s, "it could not be read", err);
		return s->kind == SENTENCE_KEY ? wish_key(w, s, rows, err) : wish_rows(w, s, rows, err);
	}
	if (s->kind == SENTENCE_ANY)
		return wish_any(w, s, err);
	if (s->kind == SENTENCE_NOT)
		return no_way(s, "what should be instead does not follow from it", err);
	for (size_t i = 0; r == 0 && i < s->n_subs; i++)
		r = wish_for(w, s->subs[i], err);
	return r;
}

int rule_wishes(const struct rule *rule, const struct snapshot *snapshot,
				const struct params *params, struct arena *a, struct wishes *ret, struct err *err)
{
	struct wishing w = {snapshot, params, a, ret};
	int r;

	*ret = (struct wishes){0};
	r = wish_for(&w, rule->remedy ? rule->remedy : rule->want, err);
	if (r == 0 && !ret->n && judge_sentence(rule->want, snapshot, params, a) != TRUE_)
		return err_set(err, ENOTSUP, "all that its fix would set is set already");
	return r;
}
