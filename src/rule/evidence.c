/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/vec.h"
#include "host/value.h"
#include "rule/judge_private.h"

/* --- a piece --------------------------------------------------------------------------------- */

static const char *keep(struct judging *j, struct buf *text)
{
	return arena_copy(j->arena, buf_get(text).p, text->n);
}

static struct from from_of(const struct row *row, const struct value *cell)
{
	return cell ? value_from(row, cell) : row->from;
}

static const char *source_of(struct judging *j, const struct row *row, const struct value *cell)
{
	_cleanup_buf_ struct buf text = BUF(8192);
	struct from from = from_of(row, cell);

	if (!from.path)
		return NULL;
	buf_puts(&text, from.path);
	if (from.line)
		buf_printf(&text, ":%u", from.line);
	if (row->note)
		buf_printf(&text, " (%s)", row->note);
	return keep(j, &text);
}

bool evidence_decides(const struct judging *j, enum truth truth)
{
	return (j->negated ? truth_not(truth) : truth) == j->keep;
}

/* Is evidence of this truth wanted? Asked before it is put into words, which is what costs. */
static bool keeps(struct judging *j, enum truth truth)
{
	if (!j->out || !evidence_decides(j, truth))
		return false;
	if (j->out->n < j->max)
		return true;
	j->out->more++;
	return false;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* FNV-1a; what comes out the same is still compared. */
static uint64_t hash_text(uint64_t hash, const char *s)
{
	for (; s && *s; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3u;
	return hash * 0x100000001b3u;
}

/* Two sentences of a rule may be about the same thing. */
static bool is_known(const struct judgement *out, const struct evidence *e)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i].hash == e->hash && same_text(out->p[i].object, e->object) &&
			same_text(out->p[i].found, e->found) && same_text(out->p[i].wanted, e->wanted) &&
			same_text(out->p[i].source, e->source))
			return true;
	return false;
}

static void add_evidence(struct judging *j, struct evidence e)
{
	if (j->negated)
		e.truth = truth_not(e.truth);
	if (j->negated && e.wanted)
		e.wanted = arena_printf(j->arena, "not %s", e.wanted);
	if (j->alternative && e.truth == FALSE_)
		e.wanted = arena_printf(j->arena, "%s instead", e.wanted);
	e.hash = hash_text(hash_text(hash_text(0xcbf29ce484222325u, e.object), e.found), e.source);
	if (!is_known(j->out, &e))
		*vec_push(j->arena, j->out) = e;
}

static const char *label(struct judging *j, const struct table *t, const struct row *row)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	row_label(&text, t, row);
	return keep(j, &text);
}

static const char *print_expect(struct judging *j, const struct expect *e, enum type type)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	expect_print(&text, e, type, j->params);
	return keep(j, &text);
}

static const char *print_cell(struct judging *j, const struct table *t, const struct row *row,
							  int column, bool name)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	if (name)
		buf_printf(&text, "%s ", t->columns[column].name);
	value_print(&text, t->columns[column].type, &row->cells[column]);
	return keep(j, &text);
}

/* --- of what --------------------------------------------------------------------------------- */

/* What a sentence about a key speaks of is the key; else it is the row. */
static const char *object_of(struct judging *j, const struct sentence *s, const struct row *row,
							 int column)
{
	if (s->kind != SENTENCE_KEY)
		return label(j, s->table, row);
	return s->key.p ? str_dup(j->arena, s->key) : s->table->columns[column].name;
}

void evidence_cell(struct judging *j, const struct sentence *s, const struct row *row, int column,
				   const struct expect *expect, bool named, enum truth truth)
{
	const struct value *cell = &row->cells[column];

	if (keeps(j, truth))
		add_evidence(j, (struct evidence){
							.object = object_of(j, s, row, column),
							.found = print_cell(j, s->table, row, column, named),
							.wanted = print_expect(j, expect, s->table->columns[column].type),
							.source = source_of(j, row, cell),
							.from = from_of(row, cell),
							.truth = truth,
						});
}

void evidence_absent(struct judging *j, const struct sentence *s, enum type type, enum truth truth)
{
	if (keeps(j, truth))
		add_evidence(j, (struct evidence){
							.object = str_dup(j->arena, s->key),
							.found = "not set",
							.wanted = print_expect(j, s->expect, type),
							.truth = truth,
						});
}

/* "one with service sudo, module pam_faillock.so" */
static const char *wanted_row(struct judging *j, const struct sentence *s, const char *quantity)
{
	_cleanup_buf_ struct buf text = BUF(8192);

	buf_printf(&text, "%s%s", quantity, s->n_where ? " with " : "");
	sentence_print_conditions(&text, s->table, s->where, s->n_where, j->params);
	return keep(j, &text);
}

void evidence_row(struct judging *j, const struct sentence *s, const struct row *row,
				  enum truth truth)
{
	_cleanup_buf_ struct buf found = BUF(16384);

	if (!keeps(j, truth))
		return;
	for (size_t i = 0; i < s->n_where; i++) {
		int column = s->where[i].column;

		if (s->table->columns[column].flags & COLUMN_LABEL)
			continue;
		buf_printf(&found, "%s%s ", found.n ? ", " : "", s->table->columns[column].name);
		value_print(&found, s->table->columns[column].type, &row->cells[column]);
	}
	add_evidence(j, (struct evidence){
						.object = label(j, s->table, row),
						.found = found.n ? keep(j, &found) : "present",
						.wanted = s->quantity == NO_ROW        ? "none"
								  : s->quantity == REVIEW_ROWS ? "a person's judgement"
															   : wanted_row(j, s, "one"),
						.source = source_of(j, row, NULL),
						.from = row->from,
						.truth = truth,
					});
}

void evidence_quantity(struct judging *j, const struct sentence *s, enum truth truth)
{
	bool none = s->quantity == NO_ROW;

	if (keeps(j, truth))
		add_evidence(j, (struct evidence){.object = s->table->name,
										  .found = none ? "some" : "none",
										  .wanted = wanted_row(j, s, none ? "none" : "one"),
										  .truth = truth});
}
