/* SPDX-License-Identifier: Apache-2.0 */
/* What an expectation is: parsed and tested by expect.c, told by expect_print.c, made true by
 * expect_fulfil.c. */
#ifndef REVET_RULE_EXPECT_PRIVATE_H
#define REVET_RULE_EXPECT_PRIVATE_H

#include "rule/expect.h"

enum kind {
	EQUAL,
	RANGE,
	ONE_OF,
	NOT,
	ANY,
	ABSENT,
	PRESENT,
	HAS,
	LACKS,
	ONLY,
	MATCHES,
	GLOB,
};

/* One or more literals, or the name of a parameter that holds them. */
struct operand {
	struct str param; /* absent: the literals below */
	enum type type;   /* of the literals, and of the parameter's value */
	struct yaml_at at;
	struct str *items;
	size_t n;
};

struct expect {
	enum kind kind;
	struct operand a, b; /* b: the maximum of a range */
	const struct expect **subs;
	size_t n_subs;
	struct regex *regex;
};

/* The literals, or the values of the parameter. */
struct expect_items operand_items(const struct operand *, const struct params *);
/* Text as a number of the type; of TYPE_STRING as TYPE_INT. */
int expect_number(enum type, struct str text, int64_t *ret);
/* The permission bits of all of them. */
int64_t expect_bits(struct expect_items modes);
/* Is the item one of them? Those that are patterns match it. */
bool expect_items_have(struct expect_items, struct str item);
/* A list's items. Text is a list too: its words between commas and blanks, made in the arena. */
struct expect_items expect_items_of(enum type, const struct value *, struct arena *);
/* For MATCHES and GLOB. */
enum truth expect_test_text(const struct expect *, enum type, const struct value *,
							const struct params *, const char **ret_why);

#endif
