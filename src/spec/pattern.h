/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions in RE2's syntax, as test files have them (https://github.com/google/re2/wiki/Syntax;
 * Go's regexp package is the same). Unlike base/regex.h, which has all of Perl's, the time for a match is
 * proportional to the subject, whatever both are: the subject may be large, or made by an attacker.
 * Unanchored; of several ways to match the leftmost counts, and of those the first, as in Perl.
 */
#ifndef REVET_SPEC_PATTERN_H
#define REVET_SPEC_PATTERN_H

#include "base/err.h"
#include "base/str.h"

struct pattern;

#define PATTERN_MAX_GROUPS 64

/* *ret lives in the arena, and any thread may use it. -EINVAL: what is wrong with the expression. */
int pattern_compile(struct arena *, struct str expression, const struct pattern **ret,
					struct err *);
/* How many steps a byte of the subject can take at most. */
size_t pattern_cost(const struct pattern *);
bool pattern_match(const struct pattern *, struct str subject);
size_t pattern_groups(const struct pattern *);                  /* of parentheses */
const char *pattern_group_name(const struct pattern *, size_t); /* from 1; NULL: it has none */
/* The first match from byte `from` on: in ret[0], and of each group in ret[1] and so on, absent where it
 * took no part. ret has pattern_groups() + 1 items. */
bool pattern_find(const struct pattern *, struct str subject, size_t from, struct str ret[]);

#endif
