/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/vec.h"
#include "rule/judge_private.h"

static const char *const verdicts[] = {"pass", "fail", "not_applicable", "unknown", "manual"};

const char *verdict_name(enum verdict v)
{
	return verdicts[v];
}

int verdict_parse(struct str s, enum verdict *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (str_is(s, verdicts[i])) {
			*ret = (enum verdict)i;
			return 0;
		}
	return -EINVAL;
}

static enum truth unknown(struct judging *j, const char *why)
{
	if (!j->why)
		j->why = why ? why : "not known";
	return UNKNOWN_;
}

/* --- keys ------------------------------------------------------------------------------------ */

/* One row of the key: every value column that says something must meet the expectation; a column
 * that says nothing (not persisted) is passed over when another does. */
static enum truth test_row(struct judging *j, const struct sentence *s, const struct row *row)
{
	const struct table *t = s->table;
	enum truth truth = TRUE_;
	int first = -1, decided = 0;

	for (int i = 0; t->columns[i].name; i++) {
		const struct value *cell = &row->cells[i];
		const char *why = NULL;
		enum truth one;

		if (s->key.p ? !(t->columns[i].flags & COLUMN_VALUE) : i != s->column)
			continue;
		if (first < 0)
			first = i;
		else if (cell->state != VALUE_SET)
			continue; /* the first value column always counts, the others when they speak */
		one = expect_test(s->expect, t->columns[i].type, cell, j->params, &why);
		if (one == UNKNOWN_)
			unknown(j, why);
		evidence_cell(j, s, row, i, s->expect, i != first, one);
		truth = decided++ && one == UNKNOWN_ ? truth : truth_and(truth, one);
	}
	/* Of a tree nobody can say what a running host has, but what the next boot sets is right. */
	if (truth == UNKNOWN_ && decided > 1 && row->cells[first].state == VALUE_UNKNOWN &&
		!snapshot_is_live(j->snapshot))
		truth = TRUE_;
	return truth;
}

static enum truth absent_key(struct judging *j, const struct sentence *s, const struct rows *rows)
{
	static const struct value absent = {.state = VALUE_ABSENT};
	const char *why = NULL;
	enum type type = TYPE_STRING;
	enum truth truth;
	int key = table_key_column(s->table);

	if (rows->gap)
		return unknown(j, rows->gap);
	if (!s->key.p)
		return unknown(j, "the table is empty");
	if (s->table->columns[key].flags & COLUMN_ASKED)
		return unknown(
			j, arena_printf(j->arena, "%s %.*s was not read", s->table->name, STR_ARG(s->key)));
	for (int i = 0; s->table->columns[i].name; i++)
		if (s->table->columns[i].flags & COLUMN_VALUE)
			type = s->table->columns[i].type;
	truth = expect_test(s->expect, type, &absent, j->params, &why);
	evidence_absent(j, s, type, truth);
	return truth;
}

/* Is the sentence about this row? pattern: the key as a NUL-terminated pattern, or NULL. */
static bool is_about(const struct sentence *s, const struct row *row, int key, const char *pattern)
{
	if (key < 0)
		return true;
	if (row->cells[key].state != VALUE_SET)
		return false;
	return pattern ? str_glob(pattern, row->cells[key].string)
				   : str_eq(row->cells[key].string, s->key);
}

/* A key with `*` in it speaks of every key that matches. */
static enum truth test_key(struct judging *j, const struct sentence *s, const struct rows *rows)
{
	int key = s->key.p ? table_key_column(s->table) : -1;
	const char *pattern = s->key.p && str_is_glob(s->key) ? str_dup(j->arena, s->key) : NULL;
	enum truth truth = TRUE_;
	size_t found = 0, n;
	const size_t *some;

	if (key < 0 || pattern || !rows_with_key(rows, s->key, j->arena, &some, &n)) {
		some = NULL;
		n = rows->n;
	}
	for (size_t i = 0; i < n; i++) {
		const struct row *row = rows->p[some ? some[i] : i];

		if (!is_about(s, row, key, pattern))
			continue;
		found++;
		truth = truth_and(truth, test_row(j, s, row));
	}
	j->judged += found || !pattern;
	if (!found && !pattern)
		return absent_key(j, s, rows);
	/* Where a sentence may be about several rows, one that could not be read may be another. */
	if (truth == TRUE_ && rows->gap && (s->table->multi || pattern))
		return unknown(j, rows->gap);
	return truth;
}

/* --- rows ------------------------------------------------------------------------------------ */

static enum truth test_conditions(struct judging *j, const struct table *t,
								  const struct condition *c, size_t n, const struct row *row)
{
	enum truth truth = TRUE_;

	for (size_t i = 0; i < n && truth != FALSE_; i++) {
		const char *why = NULL;
		enum truth one = expect_test(c[i].expect, t->columns[c[i].column].type,
									 &row->cells[c[i].column], j->params, &why);

		truth = truth_and(truth, one);
		if (one == UNKNOWN_ && truth == UNKNOWN_)
			unknown(j, why);
	}
	return truth;
}

static enum truth test_every(struct judging *j, const struct sentence *s, const struct row *row)
{
	enum truth truth = TRUE_;

	for (size_t i = 0; i < s->n_want; i++) {
		const struct condition *c = &s->want[i];
		const struct value *cell = &row->cells[c->column];
		enum type type = s->table->columns[c->column].type;
		const char *why = NULL;
		enum truth one = expect_test(c->expect, type, cell, j->params, &why);

		if (one == UNKNOWN_)
			unknown(j, why);
		evidence_cell(j, s, row, c->column, c->expect, true, one);
		truth = truth_and(truth, one);
	}
	return truth;
}

static bool has_row(struct judging *j, const struct rows *rows, int column, struct str name)
{
	const size_t *some;
	size_t n;

	if (column == table_key_column(rows->table) && rows_with_key(rows, name, j->arena, &some, &n)) {
		for (size_t i = 0; i < n; i++)
			if (rows->p[some[i]]->cells[column].state == VALUE_SET)
				return true;
		return false;
	}
	for (size_t i = 0; i < rows->n; i++)
		if (rows->p[i]->cells[column].state == VALUE_SET &&
			str_eq(rows->p[i]->cells[column].string, name))
			return true;
	return false;
}

/* Are all the rows there that `where` names one by one, in a table that holds only what was asked? */
static bool all_asked(struct judging *j, const struct sentence *s, const struct rows *rows)
{
	const struct str *names;
	size_t n;
	int column;

	if (!sentence_names(s, j->params, j->arena, &column, &names, &n) ||
		!(s->table->columns[column].flags & COLUMN_ASKED))
		return true;
	for (size_t i = 0; i < n; i++)
		if (!has_row(j, rows, column, names[i])) {
			unknown(j, arena_printf(j->arena, "%s %.*s was not read", s->table->name,
									STR_ARG(names[i])));
			return false;
		}
	return true;
}

/* The rows that `where` can be about: those of its names, when it names them and there is an index;
 * p NULL: all. */
struct candidates {
	size_t *p;
	size_t n, cap;
};

static int ascending(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x > y) - (x < y);
}

static struct candidates candidates(struct judging *j, const struct sentence *s,
									const struct rows *rows)
{
	const struct candidates all = {.n = rows->n};
	struct candidates c = {0};
	const struct str *names;
	size_t n, kept = 0;
	int column;

	if (!rows->index || !sentence_names(s, j->params, j->arena, &column, &names, &n) ||
		column != table_key_column(rows->table))
		return all;
	c.p = arena_new(j->arena, size_t, 1); /* so that none is not all */
	c.cap = 1;
	for (size_t i = 0; i < n; i++) {
		const size_t *some;
		size_t k;

		(void)rows_with_key(rows, names[i], j->arena, &some, &k);
		for (size_t m = 0; m < k; m++)
			*vec_push(j->arena, &c) = some[m];
	}
	if (c.n)
		qsort(c.p, c.n, sizeof(*c.p), ascending);
	for (size_t i = 0; i < c.n; i++)
		if (!i || c.p[i] != c.p[kept - 1])
			c.p[kept++] = c.p[i];
	c.n = kept;
	return c;
}

static enum truth test_rows(struct judging *j, const struct sentence *s, const struct rows *rows)
{
	/* Of rows that might be gone instead of what is wanted first there is no need to know each. */
	bool in_sum = s->quantity == NO_ROW && j->alternative;
	enum truth every = TRUE_, some = FALSE_;
	struct candidates c = candidates(j, s, rows);

	for (size_t i = 0; i < c.n; i++) {
		const struct row *row = rows->p[c.p ? c.p[i] : i];
		enum truth match = test_conditions(j, s->table, s->where, s->n_where, row);

		if (match == FALSE_)
			continue;
		j->judged++;
		some = truth_or(some, match);
		if (s->quantity != EVERY_ROW && !in_sum)
			evidence_row(j, s, row, s->quantity == NO_ROW ? truth_not(match) : match);
		else if (match == TRUE_)
			every = truth_and(every, test_every(j, s, row));
		else if (test_conditions(j, s->table, s->want, s->n_want, row) != TRUE_)
			every = truth_and(every, UNKNOWN_);
	}
	if (!all_asked(j, s, rows) || rows->gap) {
		unknown(j, rows->gap);
		every = truth_and(every, UNKNOWN_);
		some = truth_or(some, UNKNOWN_);
	}
	if (s->quantity == EVERY_ROW)
		return every;
	j->judged++;
	if (s->quantity == SOME_ROW && some == FALSE_)
		evidence_quantity(j, s, FALSE_);
	if (in_sum)
		evidence_quantity(j, s, truth_not(some));
	return s->quantity == NO_ROW ? truth_not(some) : some;
}

/* --- sentences ------------------------------------------------------------------------------- */

static enum truth test_itself(struct judging *j, const struct sentence *s);

static enum truth test_table(struct judging *j, const struct sentence *s)
{
	const struct rows *rows = snapshot_rows(j->snapshot, s->table);

	if (!rows)
		return unknown(j, arena_printf(j->arena, "table %s was not read", s->table->name));
	if (rows->error)
		return unknown(j, rows->why);
	return s->kind == SENTENCE_KEY ? test_key(j, s, rows) : test_rows(j, s, rows);
}

/* What kind of host this is, a sentence with a label, says nothing of whether it has what a rule is
 * about. */
static enum truth test(struct judging *j, const struct sentence *s)
{
	size_t judged = j->judged;
	enum truth truth = test_itself(j, s);

	if (s->label)
		j->judged = judged;
	return truth;
}

static enum truth test_subs(struct judging *j, const struct sentence *s)
{
	bool any = s->kind == SENTENCE_ANY, outer = j->alternative;
	enum truth truth = any ? FALSE_ : TRUE_;

	for (size_t i = 0; i < s->n_subs; i++) {
		enum truth one = test(j, s->subs[i]);

		truth = any ? truth_or(truth, one) : truth_and(truth, one);
		j->alternative = outer || any;
	}
	j->alternative = outer;
	return truth;
}

static enum truth test_itself(struct judging *j, const struct sentence *s)
{
	struct judging quiet = *j;
	enum truth truth;

	if (s->table)
		return test_table(j, s);
	if (s->kind == SENTENCE_NOT) {
		j->negated = !j->negated;
		truth = truth_not(test(j, s->subs[0]));
		j->negated = !j->negated;
		return truth;
	}
	/* What fails in an `any` that holds did not decide anything. */
	quiet.out = NULL;
	if (j->out && !evidence_decides(j, test_subs(&quiet, s)))
		j = &quiet;
	return test_subs(j, s);
}

enum truth judge_sentence(const struct sentence *s, const struct snapshot *snapshot,
						  const struct params *params, struct arena *a)
{
	struct judging j = {.snapshot = snapshot, .params = params, .arena = a};

	return test(&j, s);
}

enum truth judge_conditions(const struct table *t, const struct condition *c, size_t n,
							const struct row *row, const struct params *params)
{
	struct judging j = {.params = params};

	return test_conditions(&j, t, c, n, row);
}

bool judge_is_about(const struct sentence *s, const struct row *row, struct arena *a)
{
	const char *pattern = s->key.p && str_is_glob(s->key) ? str_dup(a, s->key) : NULL;

	return is_about(s, row, s->key.p ? table_key_column(s->table) : -1, pattern);
}

static const char *print_sentence(struct judging *j, const struct sentence *s)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	sentence_print(&text, s, j->params);
	return arena_copy(j->arena, buf_get(&text).p, text.n);
}

/* The part that decides: of an `any` the first that holds, of an `all` the first that does not. */
static const struct sentence *deciding_part(struct judging *j, const struct sentence *s,
											enum truth truth)
{
	enum sentence_kind kind = truth == TRUE_ ? SENTENCE_ANY : SENTENCE_ALL;

	for (size_t i = 0; !s->label && s->kind == kind && i < s->n_subs; i++)
		if (test(j, s->subs[i]) == truth)
			return deciding_part(j, s->subs[i], truth);
	return s;
}

const char *judge_holds(const struct sentence *s, const struct snapshot *snapshot,
						const struct params *params, struct arena *a)
{
	struct judging j = {.snapshot = snapshot, .params = params, .arena = a};
	enum truth truth = test(&j, s);

	if (truth == UNKNOWN_)
		return arena_printf(a, "not known whether %s", print_sentence(&j, s));
	return truth == TRUE_ ? print_sentence(&j, deciding_part(&j, s, TRUE_)) : NULL;
}

/* What makes the host another kind of thing leaves nothing to fix; what it does may contradict a fix. */
static bool is_about_host(const struct sentence *s)
{
	return s->table && strcmp(s->table->name, "os") == 0;
}

static void excuse(struct judging *j, const struct rule *rule, struct judgement *out)
{
	const struct sentence *why = deciding_part(j, rule->unless, TRUE_);

	out->verdict = VERDICT_NOT_APPLICABLE;
	out->reason = print_sentence(j, why);
	out->excused = !is_about_host(why) && test(j, rule->want) == FALSE_;
}

static bool is_review(const struct sentence *s)
{
	return s->table && s->quantity == REVIEW_ROWS;
}

/* Now that the verdict is known, what speaks for it: the failures of a FAIL, the unknowns of an
 * UNKNOWN. However many others there are, they leave room for these. */
static void collect_evidence(struct judging *j, const struct sentence *s, enum truth truth,
							 struct judgement *out)
{
	j->out = out;
	j->keep = truth;
	j->max = out->verdict == VERDICT_PASS ? JUDGE_MAX_PASSING : JUDGE_MAX_EVIDENCE;
	(void)test(j, s);
}

static void decide(struct judging *j, const struct rule *rule, struct judgement *out)
{
	enum truth excused = FALSE_, truth;
	struct judging quiet = *j;

	if (rule->unless)
		excused = test(&quiet, rule->unless);
	if (excused == TRUE_) {
		excuse(&quiet, rule, out);
		return;
	}
	j->judged = 0;
	j->why = NULL;
	truth = test(j, rule->want);
	if (truth == TRUE_ && is_review(rule->want)) {
		out->verdict = VERDICT_MANUAL;
	} else if (truth != UNKNOWN_ && (!j->judged || is_review(rule->want))) {
		out->verdict = VERDICT_NOT_APPLICABLE;
		out->reason = "there is nothing of the kind on this host";
		return;
	} else if (truth == UNKNOWN_ || (truth == FALSE_ && excused == UNKNOWN_)) {
		out->verdict = VERDICT_UNKNOWN;
		out->reason = truth == UNKNOWN_ ? j->why : quiet.why;
	} else {
		out->verdict = truth == TRUE_ ? VERDICT_PASS : VERDICT_FAIL;
	}
	collect_evidence(j, rule->want, truth, out);
}

void judge(const struct rule *rule, const struct snapshot *snapshot, const struct params *params,
		   struct arena *a, struct judgement *ret)
{
	struct judging j = {.snapshot = snapshot, .params = params, .arena = a}, quiet = j;
	enum truth applies = TRUE_;

	*ret = (struct judgement){.rule = rule};
	if (rule->when)
		applies = test(&j, rule->when);
	if (applies == FALSE_) {
		ret->verdict = VERDICT_NOT_APPLICABLE;
		ret->reason = arena_printf(a, "only for a host with %s",
								   print_sentence(&j, deciding_part(&j, rule->when, FALSE_)));
	} else if (applies == UNKNOWN_ && !(rule->unless && test(&quiet, rule->unless) == TRUE_)) {
		ret->verdict = VERDICT_UNKNOWN;
		ret->reason = j.why;
	} else {
		decide(&j, rule, ret);
	}
}

/* --- demand ---------------------------------------------------------------------------------- */

struct wanting {
	struct snapshot *snapshot;
	const struct params *params;
};

static void want_sentence(void *data, const struct sentence *s)
{
	const struct wanting *w = data;
	_cleanup_arena_ struct arena scratch = {0};
	const struct str *names;
	struct str *beginnings;
	size_t n;
	int column;

	snapshot_want(w->snapshot, s->table);
	if (s->kind == SENTENCE_KEY) {
		if (s->key.p)
			snapshot_want_key(w->snapshot, s->table, s->key);
	} else if (sentence_names(s, w->params, &scratch, &column, &names, &n)) {
		for (size_t i = 0; i < n; i++)
			snapshot_want_key(w->snapshot, s->table, names[i]);
	} else if (sentence_beginnings(s, &scratch, &beginnings, &n)) {
		for (size_t i = 0; i < n; i++)
			snapshot_want_beginning(w->snapshot, s->table, beginnings[i]);
	} else {
		snapshot_want_all(w->snapshot, s->table);
	}
}

void judge_wants(const struct rule *rule, const struct params *params, struct snapshot *snapshot)
{
	struct wanting w = {snapshot, params};

	sentence_each(rule->when, want_sentence, &w);
	sentence_each(rule->unless, want_sentence, &w);
	sentence_each(rule->want, want_sentence, &w);
	sentence_each(rule->remedy, want_sentence, &w);
	sentence_each(rule->not_while, want_sentence, &w);
}
