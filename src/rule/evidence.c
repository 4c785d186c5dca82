/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/vec.h"
#include "host/value.h"
#include "rule/judge_private.h"

#define MOST_TEXT 160 /* bytes of what was found; `revet table` has all */

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
		e.wanted = strncmp(e.wanted, "not ", 4) == 0 ? e.wanted + 4
													 : arena_printf(j->arena, "not %s", e.wanted);
	e.alternative = j->alternative && e.truth == FALSE_;
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

	expect_print(&text, e, type, j->params, BRIEF);
	return keep(j, &text);
}

/* Cut between two characters. */
static void cut_text(struct buf *text, size_t from)
{
	if (text->n - from <= MOST_TEXT)
		return;
	text->n = from + MOST_TEXT;
	while (text->n > from && ((unsigned char)text->p[text->n] & 0xc0) == 0x80)
		text->n--;
	buf_puts(text, "...");
}

static void print_value(struct buf *text, const struct table *t, const struct row *row, int column)
{
	size_t from = text->n;

	value_print(text, t->columns[column].type, &row->cells[column]);
	cut_text(text, from);
}

/* Of a list of which a part is in the way, that part: "hmac-md5, hmac-sha1 (of 10)". */
static const char *print_cell(struct judging *j, const struct table *t, const struct row *row,
							  int column, const struct expect *expect, bool name)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	_cleanup_arena_ struct arena scratch = {0};
	enum type type = t->columns[column].type;
	struct expect_items unwanted;
	size_t of;

	if (name)
		buf_printf(&text, "%s ", t->columns[column].name);
	if (expect &&
		expect_unwanted(expect, type, &row->cells[column], j->params, &scratch, &unwanted, &of)) {
		expect_print_items(&text, unwanted, BRIEF);
		if (of > unwanted.n)
			buf_printf(&text, " (of %zu)", of);
	} else {
		print_value(&text, t, row, column);
	}
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
							.found = print_cell(j, s->table, row, column,
												truth == FALSE_ ? expect : NULL, named),
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
	sentence_print_conditions(&text, s->table, s->where, s->n_where, j->params, BRIEF);
	return keep(j, &text);
}

void evidence_row(struct judging *j, const struct sentence *s, const struct row *row,
				  enum truth truth)
{
	_cleanup_buf_ struct buf found = BUF(65536);

	if (!keeps(j, truth))
		return;
	for (size_t i = 0; i < s->n_where; i++) {
		int column = s->where[i].column;

		if (s->table->columns[column].flags & COLUMN_LABEL)
			continue;
		buf_printf(&found, "%s%s ", found.n ? ", " : "", s->table->columns[column].name);
		print_value(&found, s->table, row, column);
	}
	add_evidence(j, (struct evidence){
						.object = label(j, s->table, row),
						.found = found.n ? keep(j, &found) : "present",
						.wanted = s->quantity == NO_ROW        ? "none such"
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
