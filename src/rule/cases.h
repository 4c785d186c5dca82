/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's own cases: small snapshots written in the rule file, with the verdict they must get. */
#ifndef REVET_RULE_CASES_H
#define REVET_RULE_CASES_H

#include "rule/judge.h"

/* Runs them all; the error names the first case (file:line:column) that gets another verdict. */
int cases_run(const struct catalogue *, const struct rule *, size_t *ret_n, struct err *);

/* Shows the snapshot of each case in which the rule fails, with the rule as it is judged there; until
 * `see` returns an error. */
int cases_each_failing(const struct catalogue *, const struct rule *,
					   int (*see)(void *, const struct rule *, const struct snapshot *, struct err *),
					   void *data, struct err *);

#endif
