/* SPDX-License-Identifier: Apache-2.0 */
/* A report format: one file of report/ that exports one descriptor with REPORT(). */
#ifndef REVET_REPORT_REPORT_H
#define REVET_REPORT_REPORT_H

#include "base/buf.h"
#include "base/confine.h"
#include "report/earlier.h"
#include "rule/map.h"
#include "rule/site.h"

struct audit {
	struct snapshot *snapshot;
	const struct judgement *judgements; /* in the order of rule ids */
	size_t n;
	const char *profile;     /* that was chosen */
	const struct numbering *map; /* whose numbers to score by; NULL: none */
	const struct site *site; /* with its waivers; its path is NULL where there is none */
	bool is_whole;           /* all rules of the profile were judged */
	bool is_here;    /* this host as it runs, not a tree, a recording or a snapshot */
	int64_t took_us;         /* reading and judging */
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

/* How many judgements have the verdict; what is waived has not failed. */
size_t audit_count(const struct audit *, enum verdict);
size_t audit_count_waived(const struct audit *);
/* "waived", or the name of the verdict. */
const char *judgement_outcome(const struct judgement *);
size_t audit_count_severity(const struct audit *, enum verdict, enum severity);
/* "PermitRootLogin: found yes, want no", fit for a terminal. */
void evidence_print(struct buf *, const struct evidence *);
/* What a table shows of it: object, found, want ("or ..." of an alternative), from. In the arena, or
 * borrowed; NULL: nothing. */
#define EVIDENCE_CELLS 4
void evidence_cells(const struct evidence *, struct arena *, const char *ret[EVIDENCE_CELLS]);
/* How many have changed so since the earlier audit; 0 without one. */
size_t audit_count_change(const struct audit *, enum since);

#endif
