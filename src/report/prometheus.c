/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format of Prometheus, for node_exporter's textfile collector. Base units. `prometheus` has
 * counts; `prometheus-rules` also a series for each rule, which is some hundred.
 */
#include "report/report.h"

static void put_head(struct buf *out, const char *name, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static size_t count(const struct judgement *g, size_t n, enum verdict v, enum severity s)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += g[i].verdict == v && g[i].rule->severity == s;
	return found;
}

/* Families and severities that have no rule at all have no series; those that have, one for each
 * verdict, so that a series does not come and go with what is found. */
static void write_family(struct buf *out, const struct judgement *g, size_t n)
{
	for (int s = SEVERITY_LOW; s <= SEVERITY_CRITICAL; s++) {
		size_t rules = 0;

		for (int v = VERDICT_PASS; v <= VERDICT_MANUAL; v++)
			rules += count(g, n, (enum verdict)v, (enum severity)s);
		for (int v = VERDICT_PASS; rules && v <= VERDICT_MANUAL; v++)
			buf_printf(out, "revet_rules{result=\"%s\",severity=\"%s\",family=\"%s\"} %zu\n",
					   verdict_name((enum verdict)v), severity_name((enum severity)s),
					   g->rule->family, count(g, n, (enum verdict)v, (enum severity)s));
	}
}

static void write_counts(const struct audit *a, struct buf *out)
{
	put_head(out, "revet_rules", "Rules by what the last audit found.");
	for (size_t i = 0, n; i < a->n; i += n) {
		const struct judgement *g = &a->judgements[i];

		for (n = 1; i + n < a->n && strcmp(g[n].rule->family, g->rule->family) == 0;)
			n++;
		write_family(out, g, n);
	}
	put_head(out, "revet_audit_last_run_timestamp_seconds", "When the last audit was made.");
	buf_printf(out, "revet_audit_last_run_timestamp_seconds %lld\n",
			   (long long)snapshot_facts(a->snapshot)->time);
	put_head(out, "revet_audit_duration_seconds", "How long the last audit took.");
	buf_printf(out, "revet_audit_duration_seconds %lld.%06lld\n", (long long)(a->took_us / 1000000),
			   (long long)(a->took_us % 1000000));
	put_head(out, "revet_build_info", "The version of revet.");
	buf_printf(out, "revet_build_info{version=\"%s\"} 1\n", REVET_VERSION);
}

static void write_rules(const struct audit *a, struct buf *out)
{
	write_counts(a, out);
	put_head(out, "revet_rule_failed", "1 where the rule failed, 0 where it passed or does not apply; "
									   "none where it is not known.");
	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		if (g->verdict != VERDICT_UNKNOWN && g->verdict != VERDICT_MANUAL)
			buf_printf(out, "revet_rule_failed{rule=\"%s\",severity=\"%s\"} %d\n", g->rule->id,
					   severity_name(g->rule->severity), g->verdict == VERDICT_FAIL);
	}
}

static const struct report counts_report = {"prometheus", "counts for Prometheus's textfile collector",
											write_counts};
REPORT(counts_report);
static const struct report rules_report = {"prometheus-rules", "the same, and a series for each rule",
										   write_rules};
REPORT(rules_report);
