/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What judge.c, which finds what is true, and evidence.c, which says of what, share. All of it lives in
 * the arena of the judgement.
 */
#ifndef REVET_RULE_JUDGE_PRIVATE_H
#define REVET_RULE_JUDGE_PRIVATE_H

#include "rule/judge.h"

struct judging {
	const struct snapshot *snapshot;
	const struct params *params;
	struct arena *arena;
	struct judgement *out; /* evidence goes here; NULL: none is kept */
	enum truth keep;       /* evidence of this truth, */
	size_t max;            /* and so much of it */
	bool negated;          /* inside a `not` */
	bool alternative;      /* inside an alternative of an `any` that is not the first */
	const char *why;       /* the first reason for something unknown */
	size_t judged;         /* rows, keys and absences that were looked at */
};

/* Does something of this truth, under the `not` where it stands, speak for the verdict? */
bool evidence_decides(const struct judging *, enum truth);

/* Each keeps a piece, when one of its truth is wanted and there is room; else it is counted, or
 * nothing. */

/* A cell of a row, and what is expected of it. named: with the name of its column. */
void evidence_cell(struct judging *, const struct sentence *, const struct row *, int column,
				   const struct expect *, bool named, enum truth);
/* A key that is not there. type: what it would have. */
void evidence_absent(struct judging *, const struct sentence *, enum type, enum truth);
/* A row that is there. */
void evidence_row(struct judging *, const struct sentence *, const struct row *, enum truth);
/* That there is a row, or that there is none, without saying which. */
void evidence_quantity(struct judging *, const struct sentence *, enum truth);

#endif
