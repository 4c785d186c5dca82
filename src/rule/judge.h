/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging: a pure function of a rule, a snapshot and the parameters. What could not be read makes
 * a verdict UNKNOWN unless the known facts decide it already.
 */
#ifndef REVET_RULE_JUDGE_H
#define REVET_RULE_JUDGE_H

#include "host/snapshot.h"
#include "rule/rule.h"

enum verdict {
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_NOT_APPLICABLE,
	VERDICT_UNKNOWN,
	VERDICT_MANUAL,
};
const char *verdict_name(enum verdict);
int verdict_parse(struct str, enum verdict *ret); /* -EINVAL */

struct site_waiver;

struct evidence {
	const char *object;        /* the key, or the row's label */
	const char *found, *wanted; /* as text for people */
	const char *source;        /* "PATH:LINE", or NULL; with the row's note behind it */
	struct from from;          /* the same, taken apart; path NULL: not known */
	enum truth truth;
	bool alternative;                 /* it would do instead of what the piece before it wants */
	const struct site_waiver *waiver; /* that the site file has of it, or NULL: see site_waive() */
	uint64_t hash; /* of the texts */
};

struct judgement {
	const struct rule *rule;
	enum verdict verdict;
	const struct site_waiver *waiver; /* of all that failed, or NULL */
	const char *reason; /* of NOT_APPLICABLE and UNKNOWN; else NULL */
	bool excused;       /* NOT_APPLICABLE: it would fail, but for what the host does */
	struct evidence *p; /* what decided it */
	size_t n, cap;
	size_t more; /* evidence past the most that is kept */
};

/* Is it a finding: did it fail, and is not waived? */
static inline bool judgement_counts(const struct judgement *g)
{
	return g->verdict == VERDICT_FAIL && !g->waiver;
}

#define JUDGE_MAX_EVIDENCE 200 /* pieces, of what speaks for the verdict */
#define JUDGE_MAX_PASSING 20   /* the same, of a rule that passes */

/* Everything in *ret lives in the arena. */
void judge(const struct rule *, const struct snapshot *, const struct params *, struct arena *,
		   struct judgement *ret);
/* The truth of one sentence. */
enum truth judge_sentence(const struct sentence *, const struct snapshot *, const struct params *,
						  struct arena *);
/* NULL when the sentence is false; else the part of it that holds, or is not known. */
const char *judge_holds(const struct sentence *, const struct snapshot *, const struct params *,
						struct arena *);
/* Do all conditions hold of the row? */
enum truth judge_conditions(const struct table *, const struct condition *, size_t n,
							const struct row *, const struct params *);
/* Is the KEY sentence about this row? */
bool judge_is_about(const struct sentence *, const struct row *, struct arena *);
/* Says to the snapshot what the rule needs to have read. */
void judge_wants(const struct rule *, const struct params *, struct snapshot *);

#endif
