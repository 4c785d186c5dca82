/* SPDX-License-Identifier: Apache-2.0 */
/* From a sentence that does not hold to what would make it hold: the same sentence is the check and
 * the fix. Pure. */
#ifndef REVET_RULE_WISH_H
#define REVET_RULE_WISH_H

#include "host/edit.h"
#include "rule/judge.h"

struct wishes {
	struct wish *p;
	size_t n, cap;
};

/* What has to be different so that the rule passes. Empty when it holds. -ENOTSUP, with the reason,
 * when it cannot be derived: then it is by hand. Everything lives in the arena or the snapshot. */
int rule_wishes(const struct rule *, const struct snapshot *, const struct params *, struct arena *,
				struct wishes *ret, struct err *);

#endif
