/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's numbering: a benchmark's sections and items, and which rules decide each. A file of
 * maps/ has the items; the rules name theirs in `refs`, so that neither list has to be kept twice.
 *
 *     sections: {1: Setup, 1.1: File systems}       numbers or names, and titles
 *     items: {1.1.1: {level: 1, why_not: reason}}   in the section that the id begins with
 *     groups: {sudo: [sudo_add_noexec]}             items in a section that the id does not tell
 *     why_not: [{reason: text, items: [id]}]        for several at once
 */
#ifndef REVET_RULE_MAP_H
#define REVET_RULE_MAP_H

#include "base/vec.h"
#include "rule/judge.h"

struct map_item {
	struct str id;
	struct str section; /* absent: the id tells */
	int level;          /* 0: it has none */
	struct str why_not; /* no rule decides it: why; else absent */
	VEC(const struct rule *) rules;
};

struct map_section {
	struct str id, title;
};

struct numbering {
	struct str name, title, ref; /* ref: its key in the refs of rules */
	VEC(struct map_section) sections;
	VEC(struct map_item) items; /* in the order of the file */
};

/* Of those there are the i-th, or nothing. */
struct str numbering_name(size_t i);
/* By the name of its file, or by what rules call it in their refs: "ssg" is ssg-debian12. -ENOENT: there
 * is no such map, and the message lists those there are. */
int numbering_load(struct numbering *, const struct catalogue *, const char *name, struct arena *,
				   struct err *);
/* Is the item in the section: "1.1.2" in "1.1"? */
bool numbering_is_within(const struct map_item *, struct str section);
/* The innermost section that the item is in; NULL: none. */
const struct map_section *numbering_section(const struct numbering *, const struct map_item *);
/* An item by the judgements (sorted by rule id) of its rules: failed when one is a finding, then not
 * known (also where one was not judged), for a person, passed, or not applicable when all are. *ret_judged: is one of them there? */
enum verdict numbering_verdict(const struct map_item *, const struct judgement *, size_t n,
							   bool *ret_judged);

/* Is that a failure, by a rule that was judged? */
bool numbering_has_failed(const struct map_item *, const struct judgement *, size_t n);

struct map_score {
	size_t pass, fail, unknown, other; /* items; other: not applicable, or for a person */
};
/* Of the items of a section; of all for an absent one. The score is pass / (pass + fail + unknown). */
struct map_score numbering_score(const struct numbering *, struct str section,
								 const struct judgement *, size_t n);
/* The i-th section and its score; after the last one all of it, with the id "" and the title "all". False:
 * there are no more. */
bool numbering_scored(const struct numbering *, size_t i, const struct judgement *, size_t n,
					  struct map_section *ret, struct map_score *ret_score);
/* 0 to 100; -1 where nothing was judged. */
int map_score_percent(struct map_score);

#endif
