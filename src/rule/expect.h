/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An expectation about one value: the right-hand side of a rule's sentence. Parsed once from YAML
 * with the type of the column it stands for, so that a wrong type is an error at load time.
 * Three-valued: what is not known is neither true nor false.
 */
#ifndef REVET_RULE_EXPECT_H
#define REVET_RULE_EXPECT_H

#include "base/map.h"
#include "base/regex.h"
#include "base/yaml.h"
#include "host/table.h"

enum truth { FALSE_, TRUE_, UNKNOWN_ };

static inline enum truth truth_not(enum truth t)
{
	return t == UNKNOWN_ ? UNKNOWN_ : t == TRUE_ ? FALSE_ : TRUE_;
}
static inline enum truth truth_and(enum truth a, enum truth b)
{
	return a == FALSE_ || b == FALSE_ ? FALSE_ : a == UNKNOWN_ || b == UNKNOWN_ ? UNKNOWN_ : TRUE_;
}
static inline enum truth truth_or(enum truth a, enum truth b)
{
	return truth_not(truth_and(truth_not(a), truth_not(b)));
}

/* Parameters by name: a list of texts each (a scalar is a list of one). */
struct param {
	const char *name;
	struct str *items;
	size_t n;
	bool is_list;
	const char *declared_in; /* rule id */
	struct yaml_at at;       /* where its value stands; doc NULL: it was set by --set */
	bool is_default;         /* that is where it is declared */
	struct regex *regex;     /* of the first item, made when it is first needed */
};
struct params {
	struct arena *arena;
	struct map by_name; /* -> struct param */
};

struct expect;

int expect_parse(struct yaml_at, enum type, struct arena *, const struct expect **ret, struct err *);
/* *ret_why is set for UNKNOWN_ only, and lives as long as the value or the arena. */
enum truth expect_test(const struct expect *, enum type, const struct value *,
					   const struct params *, const char **ret_why);
struct expect_items {
	const struct str *p;
	size_t n;
};
/* The items of a list, or words of a text, that it may not have: false where that is not what is
 * expected. In the arena, or borrowed from the value. */
bool expect_unwanted(const struct expect *, enum type, const struct value *, const struct params *,
					 struct arena *, struct expect_items *ret, size_t *ret_of);

/* Brief: long lists and patterns are cut, and what only repeats another alternative is left out. */
enum wording { WHOLE, BRIEF };

/* "at least 1", "one of a, b", "not x". */
void expect_print(struct buf *, const struct expect *, enum type, const struct params *,
				  enum wording);
bool expect_is_exclusion(const struct expect *); /* "not ..." */
void expect_print_items(struct buf *, struct expect_items, enum wording);
/* The values that an equality, a list of alternatives or an `any` of those allows, in the arena.
 * False when that is no closed set, as of a pattern. params NULL: those of a parameter are left out. */
bool expect_names(const struct expect *, const struct params *, struct arena *,
				  const struct str **ret, size_t *ret_n);
/* An equality (n = 1) or list of alternatives made of literals, which are borrowed. */
const struct expect *expect_one_of(struct arena *, struct str *items, size_t n);
/* A value that meets the expectation, as near to the present one as can be: the value of an equality,
 * the first of several, the bound of a range, the list without what it may not have. -ENOTSUP where
 * it does not follow from the expectation. Lives in the arena. */
int expect_fulfil(const struct expect *, enum type, const struct value *present,
				  const struct params *, struct arena *, struct value *ret);
/* Are the parameters that it names declared, and their values of the right type? For load time and
 * after each --set: a bad value must never make an expectation easier to meet. */
int expect_check_params(const struct expect *, const struct params *, struct err *);

#endif
