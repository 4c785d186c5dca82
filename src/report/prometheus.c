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
		found += g[i].verdict == v && !g[i].waiver && g[i].rule->severity == s;
	return found;
}

static size_t count_waived(const struct judgement *g, size_t n, enum severity s)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += g[i].waiver && g[i].rule->severity == s;
	return found;
}

static void put_count(struct buf *out, const char *result, enum severity s, const char *family, size_t n)
{
	buf_printf(out, "revet_rules{result=\"%s\",severity=\"%s\",family=\"%s\"} %zu\n", result,
			   severity_name(s), family, n);
}

/* Families and severities that have no rule at all have no series; those that have, one for each
 * verdict, so that a series does not come and go with what is found. */
static void write_family(struct buf *out, const struct judgement *g, size_t n)
{
	for (enum severity s = SEVERITY_LOW; s <= SEVERITY_CRITICAL; s++) {
		size_t waived = count_waived(g, n, s), rules = waived;

		for (enum verdict v = VERDICT_PASS; v <= VERDICT_MANUAL; v++)
			rules += count(g, n, v, s);
		if (!rules)
			continue;
		for (enum verdict v = VERDICT_PASS; v <= VERDICT_MANUAL; v++)
			put_count(out, verdict_name(v), s, g->rule->family, count(g, n, v, s));
		put_count(out, "waived", s, g->rule->family, waived);
	}
}

/* Of the waiver that runs out first and has not yet. */
static void write_expiry(const struct audit *a, struct buf *out)
{
	int64_t now = snapshot_facts(a->snapshot)->time, next = INT64_MAX;

	for (size_t i = 0; i < a->site->file.waivers.n; i++) {
		const struct site_waiver *w = &a->site->file.waivers.p[i];

		if (!w->forever && !site_waiver_has_expired(w, now))
			next = MIN(next, w->until);
	}
	if (next == INT64_MAX)
		return;
	put_head(out, "revet_waiver_next_expiry_timestamp_seconds", "When the next waiver runs out.");
	buf_printf(out, "revet_waiver_next_expiry_timestamp_seconds %lld\n", (long long)next);
}

/* By the sections of another's numbering: section "" is all of it. */
static void put_score(struct buf *out, const struct numbering *m, struct str section,
					  struct map_score s)
{
	const struct {
		const char *result;
		size_t n;
	} series[] = {{"pass", s.pass}, {"fail", s.fail}, {"unknown", s.unknown}, {"other", s.other}};

	for (size_t i = 0; i < ARRAY_LEN(series); i++)
		buf_printf(out, "revet_map_items{map=\"%.*s\",section=\"%.*s\",result=\"%s\"} %zu\n",
				   STR_ARG(m->name), STR_ARG(section), series[i].result, series[i].n);
}

static void write_map(const struct audit *a, struct buf *out)
{
	const struct numbering *m = a->map;
	struct map_section section;
	struct map_score score;

	if (!m)
		return;
	put_head(out, "revet_map_items", "Items of a benchmark by what the last audit found.");
	for (size_t i = 0; numbering_scored(m, i, a->judgements, a->n, &section, &score); i++)
		put_score(out, m, section.id, score);
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
	write_map(a, out);
	put_head(out, "revet_audit_last_run_timestamp_seconds", "When the last audit was made.");
	buf_printf(out, "revet_audit_last_run_timestamp_seconds %lld\n",
			   (long long)snapshot_facts(a->snapshot)->time);
	put_head(out, "revet_audit_duration_seconds", "How long the last audit took.");
	buf_printf(out, "revet_audit_duration_seconds %lld.%06lld\n", (long long)(a->took_us / 1000000),
			   (long long)(a->took_us % 1000000));
	write_expiry(a, out);
	put_head(out, "revet_build_info", "The version of revet.");
	buf_printf(out, "revet_build_info{version=\"%s\"} 1\n", REVET_VERSION);
}

static void write_rules(const struct audit *a, struct buf *out)
{
	write_counts(a, out);
	put_head(out, "revet_rule_failed", "1 where the rule failed, 0 where it passed, is waived or does not apply; "
									   "none where it is not known.");
	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		if (g->verdict != VERDICT_UNKNOWN && g->verdict != VERDICT_MANUAL)
			buf_printf(out, "revet_rule_failed{rule=\"%s\",severity=\"%s\"} %d\n", g->rule->id,
					   severity_name(g->rule->severity), judgement_counts(g));
	}
}

static const struct report counts_report = {"prometheus", "counts for Prometheus's textfile collector",
											write_counts};
REPORT(counts_report);
static const struct report rules_report = {"prometheus-rules", "the same, and a series for each rule",
										   write_rules};
REPORT(rules_report);
