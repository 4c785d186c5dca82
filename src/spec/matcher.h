/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test expects of a value: `{and: [{gt: 10}, {lt: 20}]}`, `[ops, {have-prefix: web}]`, `'0644'`.
 * The matchers are goss's, with its conversions: text is compared as a number where a number is expected,
 * and the like. Parsed and checked once, with the position of what is wrong; immutable after that, and any
 * thread may test with it.
 */
#ifndef REVET_SPEC_MATCHER_H
#define REVET_SPEC_MATCHER_H

#include "spec/datum.h"

struct matcher;

int matcher_parse(struct yaml_at, struct arena *, const struct matcher **ret, struct err *);
/* A list of patterns, each looked for line by line: text, `/expression/`, either with `!` before it. */
int matcher_parse_patterns(struct yaml_at, struct arena *, const struct matcher **ret,
						   struct err *);
const struct datum *matcher_expected(const struct matcher *); /* as it was written */

enum match { MATCH_YES, MATCH_NO, MATCH_ERROR };

struct match_result {
	enum match match;
	const char *message; /* "to have prefix"; of an error what went wrong */
	struct datum actual; /* as it was compared */
	struct datum expected;
	struct datum missing, extra, found; /* lists, or nothing */
	struct datum chain;                 /* the conversions: list of mappings; or nothing */
	struct datum raw;                   /* before them */
};

/* Everything in *ret lives in the arena, or as long as the matcher and the value. */
void matcher_test(const struct matcher *, const struct datum *actual, struct arena *,
				  struct match_result *ret);

/* "Expected ... to have prefix ...", as lines, or as one. */
void match_print(struct buf *, const struct match_result *, bool one_line);

#endif
