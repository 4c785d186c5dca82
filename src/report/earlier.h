/* SPDX-License-Identifier: Apache-2.0 */
/* An earlier audit, as its JSON report tells it, to say what is new since then and what is mended. */
#ifndef REVET_REPORT_EARLIER_H
#define REVET_REPORT_EARLIER_H

#include "base/map.h"
#include "base/vec.h"
#include "rule/judge.h"

struct earlier_result {
	const char *rule, *title;
	enum verdict verdict;
	enum severity severity;
	bool waived;
	const char **objects; /* that the evidence is about, sorted, each once */
	size_t n;
	bool more; /* there was more evidence than the report has */
};

struct earlier {
	int64_t time;     /* seconds since 1970 */
	const char *host; /* its name, or NULL */
	VEC(struct earlier_result) results; /* in the order of rule ids */
	struct map by_rule;                 /* the same */
};

/* What has changed of a rule's verdict. FIXED: it failed, and now passes or does not apply; what has
 * become unknown is not fixed. */
enum since { SINCE_SAME, SINCE_NEW, SINCE_FIXED };
enum since verdict_change(enum verdict was, enum verdict is);
/* The verdict; not applicable where it failed and that was waived, so that it is no finding. */
enum verdict earlier_verdict(const struct earlier_result *); /* of NULL too */

/* text: of `-f json`; everything is kept in the arena. -EINVAL when it is no such report. */
int earlier_parse(struct earlier *, struct str text, const char *name, struct arena *, struct err *);
enum since earlier_change(const struct earlier *, const struct judgement *);

#endif
