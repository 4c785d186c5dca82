/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's own cases: small snapshots written in the rule file, with the verdict they must get. */
#ifndef REVET_RULE_CASES_H
#define REVET_RULE_CASES_H

#include "rule/judge.h"

/* Runs them all; the error names the first case (file:line:column) that gets another verdict. */
int cases_run(const struct catalogue *, const struct rule *, size_t *ret_n, struct err *);

#endif
