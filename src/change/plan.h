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
enum left {
	LEFT_NEEDED,       /* a workload of the host needs what the rule forbids */
	LEFT_WAIVED,       /* the site file accepts the finding */
	LEFT_CONTRADICTS,  /* another rule, which goes before, wants something else */
	LEFT_NOT_POSSIBLE, /* something stands in the way here */
	LEFT_BY_HAND,      /* a person has to decide */
	LEFT_UNKNOWN,      /* it is not known whether it fails */
};
const char *left_name(enum left);

struct left_alone {
	const char *rule;
	enum left left;
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
	unsigned takes_back; /* number of the change that it takes a rule of back; 0: it takes nothing back */
};

/* What a plan is made from. */
struct plan_about {
	struct host *host;
	struct snapshot *snapshot;
	const struct judgement *judgements;
	size_t n;
	const struct params *params;
	int root_fd;
	bool named; /* the rules were asked for by name: two that contradict each other are an error */
};

/* For the judgements that failed. Everything lives in the arena. -EEXIST: two of the rules that were
 * named want different values of one thing, both are named. */
int plan_make(struct plan *, const struct plan_about *, struct arena *, struct err *);
/* Steps that change nothing go, and then the actions that were for them. */
void plan_trim(struct plan *, const struct place *);
/* What takes one rule of a plan that was applied back: its own steps, and its part of the files that it
 * shares with other rules. -ENOENT: the plan has no such rule. */
int plan_without(const struct plan *applied, const char *rule, const struct place *, int64_t now,
				 struct plan *ret, struct err *);
/* May applying it lock somebody out? Then it needs confirming, whatever else it may do. */
bool plan_may_cut_access(const struct plan *);
/* Does one of its rules need the proof? */
bool plan_needs(const struct plan *, const char *proof);

int plan_write(const struct plan *, struct buf *out);
/* Writes the hash of the text of a plan into it, where that has its place. */
int plan_seal(char *text, size_t n);
/* -EINVAL: no plan, or its hash is not that of its content. */
int plan_parse(struct plan *, struct str text, const char *name, struct arena *, struct err *);
/* For people: the steps with their diffs and risks; what is left alone, with the reasons, the whole of
 * it or in short; how much it is, on one line; and all three, in short. */
void plan_print_steps(const struct plan *, struct buf *out);
void plan_print_left(const struct plan *, bool whole, struct buf *out);
void plan_print_sum(const struct plan *, struct buf *out);
void plan_print(const struct plan *, struct buf *out);

#endif
