/* SPDX-License-Identifier: Apache-2.0 */
/* Versions as https://semver.org has them (2.0.0), and ranges of them: `>1.0.0 <2.0.0 || >=3.0.0 !=3.1.4`,
 * with x in place of numbers, as github.com/blang/semver reads them. */
#ifndef REVET_SPEC_SEMVER_H
#define REVET_SPEC_SEMVER_H

#include "base/err.h"
#include "base/str.h"

struct semver {
	uint64_t number[3];
	struct str pre; /* behind the '-'; absent: none */
};

/* -EINVAL for what is not three numbers with what semver allows behind them. */
int semver_parse(struct str, struct semver *ret);
int semver_cmp(const struct semver *, const struct semver *);

struct semver_range;
int semver_range_parse(struct str, struct arena *, const struct semver_range **ret, struct err *);
bool semver_in(const struct semver_range *, const struct semver *);

#endif
