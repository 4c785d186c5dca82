/* SPDX-License-Identifier: Apache-2.0 */
/* An earlier audit, as its JSON report tells it, to say what is new since then and what is mended. */
#ifndef REVET_REPORT_EARLIER_H
#define REVET_REPORT_EARLIER_H

#include "base/map.h"
#include "rule/judge.h"

struct earlier {
	int64_t time; /* seconds since 1970 */
	struct map verdicts;
};

/* What has changed of a rule's verdict. FIXED: it failed, and now passes or does not apply; what has
 * become unknown is not fixed. */
enum since { SINCE_SAME, SINCE_NEW, SINCE_FIXED };

/* text: of `-f json`; everything is kept in the arena. -EINVAL when it is no such report. */
int earlier_parse(struct earlier *, struct str text, const char *name, struct arena *, struct err *);
enum since earlier_change(const struct earlier *, const struct judgement *);

#endif
