/* SPDX-License-Identifier: Apache-2.0 */
/* What a matcher is: made by matcher_parse.c, tested by matcher.c. */
#ifndef REVET_SPEC_MATCHER_PRIVATE_H
#define REVET_SPEC_MATCHER_PRIVATE_H

#include "spec/matcher.h"
#include "spec/pattern.h"
#include "spec/semver.h"

enum kind {
	EQUAL,
	TEXT,
	NUMBER, /* eq, gt, ge, lt, le */
	PREFIX,
	SUFFIX,
	SUBSTRING,
	REGEXP,
	LENGTH,
	PATTERNS,
	KEY,
	KEYS, /* have-key-with-value */
	ELEMENT,
	ELEMENTS,
	CONSISTS,
	NOT,
	AND,
	OR,
	SEMVER,
	GJSON,
};

/* What a value is made before it is compared. */
enum conversion { AS_IT_IS, TO_TEXT, TO_NUMBER, TO_LIST };

struct line_pattern {
	struct str text;   /* as it was written */
	struct str needle; /* what is looked for, when it is no expression */
	const struct pattern *expression;
	bool inverse;
};

struct matcher {
	enum kind kind;
	enum conversion conversion;
	const char *compare;   /* NUMBER: "eq", ... */
	struct datum expected; /* what stands behind the name of the matcher */
	struct datum whole;    /* with the name, as it was written */
	const struct matcher **subs;
	size_t n_subs;
	struct str *paths; /* GJSON, KEYS: of each sub */
	const struct pattern *pattern;
	const struct semver_range *range;
	struct line_pattern *lines;
	size_t n_lines;
};

#endif
