/* SPDX-License-Identifier: Apache-2.0 */
/* An expectation in words. Brief, for evidence, is what a person can take in at a glance. */
#include "rule/expect_private.h"

#include "base/buf.h"
#include "host/value.h"

#define LIST_WIDTH 64    /* past it, the rest of a brief list is counted */
#define PATTERN_WIDTH 40 /* past it, a pattern is cut */

struct telling {
	struct buf *out;
	const struct params *params;
	enum type type;
	enum wording wording;
};

static void print_item(struct buf *out, struct str item)
{
	bool quoted = item.n != str_trim(item).n;

	buf_puts(out, quoted ? "\"" : "");
	buf_str(out, item.n ? item : STR("empty"));
	buf_puts(out, quoted ? "\"" : "");
}

void expect_print_items(struct buf *out, struct expect_items items, enum wording wording)
{
	size_t width = 0;

	for (size_t i = 0; i < items.n; i++) {
		width += items.p[i].n + 2;
		if (wording == BRIEF && i > 1 && width > LIST_WIDTH && i + 1 < items.n) {
			buf_printf(out, " and %zu more", items.n - i);
			return;
		}
		buf_puts(out, i ? ", " : "");
		print_item(out, items.p[i]);
	}
	if (!items.n)
		buf_puts(out, "nothing");
}

static void print_operand(const struct telling *t, const struct operand *o)
{
	expect_print_items(t->out, operand_items(o, t->params), t->wording);
}

static bool is_given(const struct operand *o)
{
	return o->n || o->param.p;
}

static void print_range(const struct telling *t, const struct expect *e)
{
	if (is_given(&e->a)) {
		buf_puts(t->out, is_given(&e->b) ? "" : "at least ");
		print_operand(t, &e->a);
	}
	if (is_given(&e->b)) {
		buf_puts(t->out, is_given(&e->a) ? " to " : "at most ");
		print_operand(t, &e->b);
	}
}

/* --- patterns -------------------------------------------------------------------------------- */

static bool words_of(const struct telling *t, const struct expect *e, struct arena *a,
					 struct regex_words *ret)
{
	struct expect_items pattern = operand_items(&e->a, t->params);

	return e->kind == MATCHES && pattern.n && regex_words(a, pattern.p[0], ret);
}

static void print_words(const struct telling *t, const struct regex_words *w)
{
	struct expect_items items = {w->p, w->n};
	bool whole = w->starts && w->ends;

	buf_puts(t->out, whole       ? t->type == TYPE_LIST ? "with " : ""
					 : w->starts ? "starting with "
					 : w->ends   ? "ending with "
								 : "containing ");
	buf_puts(t->out, w->n > 1 ? "one of " : "");
	expect_print_items(t->out, items, t->wording);
	buf_puts(t->out, w->nocase ? " (any case)" : "");
}

static void print_regex(const struct telling *t, const struct expect *e)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct expect_items items = operand_items(&e->a, t->params);
	struct str pattern = items.n ? items.p[0] : STR_ABSENT;
	struct regex_words words;

	if (words_of(t, e, &scratch, &words)) {
		print_words(t, &words);
		return;
	}
	if (str_is(pattern, ".")) {
		buf_puts(t->out, "not empty");
		return;
	}
	buf_puts(t->out, "matching ");
	if (t->wording == BRIEF && pattern.n > PATTERN_WIDTH && e->a.param.p)
		buf_printf(t->out, "$%.*s", STR_ARG(e->a.param));
	else if (t->wording == BRIEF && pattern.n > PATTERN_WIDTH)
		buf_printf(t->out, "%.*s...", PATTERN_WIDTH, pattern.p);
	else
		print_operand(t, &e->a);
}

/* --- alternatives ---------------------------------------------------------------------------- */

/* What a range or a pattern says, too: a value that is there to be set by the fix. */
static bool is_example(const struct telling *t, const struct expect *e, const struct expect *of)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct expect_items items = operand_items(&e->a, t->params);
	struct value v;
	struct err ignored;
	const char *why;

	return e->kind == EQUAL && items.n == 1 && (of->kind == RANGE || of->kind == MATCHES) &&
		   value_parse(t->type, items.p[0], &scratch, &v, &ignored) == 0 &&
		   expect_test(of, t->type, &v, t->params, &why) == TRUE_;
}

static bool has_words(const struct telling *t, const struct expect *e)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct regex_words words;

	return e->kind != MATCHES || words_of(t, e, &scratch, &words);
}

/* Of a value and what it is an example of, the one that is easier to read is told. */
static void print_any(const struct telling *t, const struct expect *any, const char *joint)
{
	bool first = true;

	for (size_t i = 0; i < any->n_subs; i++) {
		const struct expect *e = any->subs[i];
		bool told = false, example = false;

		for (size_t k = 0; t->wording == BRIEF && k < any->n_subs; k++) {
			const struct expect *other = any->subs[k];

			told |= is_example(t, e, other) && has_words(t, other);
			told |= is_example(t, other, e) && !has_words(t, e);
			example |= is_example(t, e, other);
		}
		if (told)
			continue;
		buf_puts(t->out, first ? "" : joint);
		buf_puts(t->out, example ? "such as " : "");
		expect_print(t->out, e, t->type, t->params, t->wording);
		first = false;
	}
}

/* --- the whole ------------------------------------------------------------------------------- */

static const char *lead_of(const struct expect *e, enum type type)
{
	bool bits = type == TYPE_MODE;

	switch (e->kind) {
	case ONE_OF:
		return "one of ";
	case HAS:
		return bits ? "all bits of " : "with ";
	case LACKS:
		return bits ? "no bit of " : "without ";
	case ONLY:
		return bits ? "at most " : "only ";
	case GLOB:
		return "like ";
	default:
		return "";
	}
}

static void print_not(const struct telling *t, const struct expect *e)
{
	if (e->kind == ABSENT || e->kind == PRESENT) {
		buf_puts(t->out, e->kind == ABSENT ? "set" : "not set");
		return;
	}
	if (e->kind == ANY) {
		buf_puts(t->out, "neither ");
		print_any(t, e, " nor ");
		return;
	}
	buf_puts(t->out, "not ");
	expect_print(t->out, e, t->type, t->params, t->wording);
}

bool expect_is_exclusion(const struct expect *e)
{
	return e->kind == NOT;
}

void expect_print(struct buf *out, const struct expect *e, enum type type,
				  const struct params *params, enum wording wording)
{
	struct telling t = {out, params, type, wording};
	struct expect_items items;

	switch (e->kind) {
	case ABSENT:
	case PRESENT:
		buf_puts(out, e->kind == ABSENT ? "not set" : "set");
		break;
	case RANGE:
		print_range(&t, e);
		break;
	case NOT:
		print_not(&t, e->subs[0]);
		break;
	case ANY:
		print_any(&t, e, " or ");
		break;
	case MATCHES:
		print_regex(&t, e);
		break;
	default:
		items = operand_items(&e->a, params);
		buf_puts(out, e->kind == ONLY && !items.n ? "" : lead_of(e, type));
		print_operand(&t, &e->a);
	}
}
