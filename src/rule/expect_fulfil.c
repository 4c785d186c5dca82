/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/expect_private.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/value.h"

static int fulfil_text(enum type type, struct str text, struct arena *a, struct value *ret)
{
	struct err ignored;

	return value_parse(type, text, a, ret, &ignored);
}

/* The bound that the present value is past; with none at all, the upper one, which is the tighter. */
static int fulfil_range(const struct expect *e, enum type type, const struct value *present,
						const struct params *params, struct arena *a, struct value *ret)
{
	struct expect_items min = operand_items(&e->a, params), max = operand_items(&e->b, params);
	enum type as = type == TYPE_STRING ? TYPE_INT : type;
	int64_t number = 0, bound;
	bool known = present->state == VALUE_SET;

	if (known && type == TYPE_STRING)
		known = num_i64(present->string, INT64_MIN + 1, INT64_MAX, &number) == 0;
	else
		number = present->number;
	if (known && min.n && expect_number(as, min.p[0], &bound) == 0 && number < bound)
		return fulfil_text(type, min.p[0], a, ret);
	if (max.n)
		return fulfil_text(type, max.p[0], a, ret);
	return min.n ? fulfil_text(type, min.p[0], a, ret) : -ENOTSUP;
}

static int fulfil_bits(const struct expect *e, const struct value *present,
					   const struct params *params, struct value *ret)
{
	int64_t bits = expect_bits(operand_items(&e->a, params));

	if (present->state != VALUE_SET)
		return -ENOTSUP;
	*ret = *present;
	ret->number = e->kind == HAS     ? present->number | bits
				  : e->kind == LACKS ? present->number & ~bits
									 : present->number & bits;
	return 0;
}

/* The list with what it lacks behind, or without what it may not have. */
static int fulfil_items(const struct expect *e, enum type type, const struct value *present,
						const struct params *params, struct arena *a, struct value *ret)
{
	struct expect_items wanted = operand_items(&e->a, params), have = {0};
	VEC(struct str) kept = {0};
	_cleanup_buf_ struct buf text = BUF(65536);

	if (present->state == VALUE_SET)
		have = expect_items_of(type, present, a);
	else if (e->kind == LACKS)
		return -ENOTSUP;
	for (size_t i = 0; i < have.n; i++)
		if (e->kind == HAS || expect_items_have(wanted, have.p[i]) == (e->kind == ONLY))
			*vec_push(a, &kept) = have.p[i];
	for (size_t i = 0; i < wanted.n; i++)
		if (str_is_glob(wanted.p[i]) && (e->kind == HAS || !kept.n))
			return -ENOTSUP;
		else if (e->kind == HAS ? !expect_items_have(have, wanted.p[i]) : e->kind == ONLY && !have.n)
			*vec_push(a, &kept) = wanted.p[i];
	/* With nothing of its own left, what may be there is what is wanted. */
	for (size_t i = 0; e->kind == ONLY && have.n && !kept.n && i < wanted.n; i++)
		*vec_push(a, &kept) = wanted.p[i];
	/* A list may be left with nothing; what a text without any word means is not said. */
	if (!kept.n && (type != TYPE_LIST || e->kind != LACKS))
		return -ENOTSUP;
	*ret = (struct value){.state = VALUE_SET};
	if (type == TYPE_LIST) {
		ret->list.items = kept.p;
		ret->list.n = kept.n;
		return 0;
	}
	for (size_t i = 0; i < kept.n; i++)
		buf_printf(&text, "%s%.*s", i ? "," : "", STR_ARG(kept.p[i]));
	ret->string = (struct str){arena_copy(a, text.p, text.n), text.n};
	return 0;
}

/* The text without the words that match, when the rest then does not. */
static int fulfil_no_match(const struct expect *e, enum type type, const struct value *present,
						   const struct params *params, struct arena *a, struct value *ret)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	struct value one = {.state = VALUE_SET};
	struct str rest = present->string;
	const char *why = NULL;

	if (type != TYPE_STRING || present->state != VALUE_SET ||
		(e->kind != MATCHES && e->kind != GLOB))
		return -ENOTSUP;
	while (str_word(&rest, &one.string))
		if (expect_test_text(e, type, &one, params, &why) == FALSE_)
			buf_printf(&text, "%s%.*s", text.n ? " " : "", STR_ARG(one.string));
	one.string = (struct str){arena_copy(a, text.p ? text.p : "", text.n), text.n};
	*ret = one;
	return expect_test_text(e, type, &one, params, &why) == FALSE_ ? 0 : -ENOTSUP;
}

static bool has_items_of(const struct expect *e, const struct params *params)
{
	return operand_items(&e->a, params).n > 0;
}

int expect_fulfil(const struct expect *e, enum type type, const struct value *present,
				  const struct params *params, struct arena *a, struct value *ret)
{
	switch (e->kind) {
	case EQUAL:
	case ONE_OF:
		return has_items_of(e, params) ? fulfil_text(type, operand_items(&e->a, params).p[0], a, ret)
									   : -ENOTSUP;
	case RANGE:
		return fulfil_range(e, type, present, params, a, ret);
	case ANY:
		/* What is there now is given another value rather than none: that it can be taken away is
		 * not said. */
		for (size_t i = 0; i < e->n_subs; i++)
			if (e->subs[i]->kind != ABSENT &&
				expect_fulfil(e->subs[i], type, present, params, a, ret) == 0)
				return 0;
		for (size_t i = 0; i < e->n_subs; i++)
			if (e->subs[i]->kind == ABSENT)
				return expect_fulfil(e->subs[i], type, present, params, a, ret);
		return -ENOTSUP;
	case ABSENT:
		*ret = (struct value){.state = VALUE_ABSENT};
		return 0;
	case NOT:
		return fulfil_no_match(e->subs[0], type, present, params, a, ret);
	case HAS:
	case LACKS:
	case ONLY:
		return type == TYPE_MODE ? fulfil_bits(e, present, params, ret)
								 : fulfil_items(e, type, present, params, a, ret);
	default:
		return -ENOTSUP;
	}
}
