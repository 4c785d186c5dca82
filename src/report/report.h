/* SPDX-License-Identifier: Apache-2.0 */
/* A report format: one file of report/ that exports one descriptor with REPORT(). */
#ifndef REVET_REPORT_REPORT_H
#define REVET_REPORT_REPORT_H

#include "base/buf.h"
#include "base/confine.h"
#include "report/earlier.h"

struct audit {
	struct snapshot *snapshot;
	const struct judgement *judgements; /* in the order of rule ids */
	size_t n;
	int64_t took_us; /* reading and judging */
	struct confinement confinement;
	const struct earlier *since; /* NULL: nothing to compare with */
	bool color, utf8, verbose;
};

struct report {
	const char *name, *doc;
	void (*write)(const struct audit *, struct buf *out);
};

LEAF_SET(reports, struct report);
#define REPORT(symbol) LEAF(reports, struct report, symbol)

/* How many judgements have the verdict. */
size_t audit_count(const struct audit *, enum verdict);
size_t audit_count_severity(const struct audit *, enum verdict, enum severity);
/* How many have changed so since the earlier audit; 0 without one. */
size_t audit_count_change(const struct audit *, enum since);

#endif
