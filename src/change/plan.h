/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: from failed rules to wishes, from wishes to edits (by the tables), from edits to steps,
 * joined so that each file and each other thing is touched once. Pure: it is made by the confined
 * reader. Written as JSON with a hash, read again by whoever applies it.
 */
#ifndef REVET_CHANGE_PLAN_H
#define REVET_CHANGE_PLAN_H

#include "base/vec.h"
#include "change/step.h"
#include "rule/wish.h"

/* A rule that the plan does not fix, and why. */
struct left_alone {
	const char *rule;
	const char *why;
};

struct plan_rule {
	const char *id, *title;
	enum risk risk;
	const char **needs; /* proofs that must hold before it takes effect: "admin-can-log-in" */
	size_t n_needs;
};

struct plan {
	struct arena *arena;
	VEC(struct step) steps;      /* in the order in which they are applied */
	VEC(struct plan_rule) rules; /* those that it fixes */
	VEC(struct left_alone) left;
	struct str host;  /* name of the host it was made for; absent: not known */
	int64_t time;     /* seconds since 1970 */
	const char *root; /* "/" or the tree */
};

/* For the judgements that failed. Everything lives in the arena. -EEXIST: two rules want different
 * values of one thing, both are named. */
int plan_make(struct plan *, struct host *, struct snapshot *, const struct judgement *, size_t n,
			  const struct params *, int root_fd, struct arena *, struct err *);
/* What takes one rule of a plan that was applied back: its own steps, and its part of the files that it
 * shares with other rules. -ENOENT: the plan has no such rule. */
int plan_without(const struct plan *applied, const char *rule, const struct place *, int64_t now,
				 struct plan *ret, struct err *);
/* May applying it lock somebody out? Then it needs confirming, whatever else it may do. */
bool plan_may_cut_access(const struct plan *);
/* Does one of its rules need the proof? */
bool plan_needs(const struct plan *, const char *proof);

int plan_write(const struct plan *, struct buf *out);
/* -EINVAL: no plan, or its hash is not that of its content. */
int plan_parse(struct plan *, struct str text, const char *name, struct arena *, struct err *);
/* For people: the steps with their diffs, what is left alone and why. */
void plan_print(const struct plan *, struct buf *out);

#endif
