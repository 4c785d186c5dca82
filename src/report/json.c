/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON report: everything, for programs. And NDJSON, the same as a stream of lines: the host, each
 * result, the summary. Described in docs/report-json.md.
 */
#include "base/json.h"
#include "host/value.h"
#include "report/report.h"

static void write_host(struct jsonw *j, const struct audit *a)
{
	const struct snapshot_facts *facts = snapshot_facts(a->snapshot);
	struct value time = {.state = VALUE_SET, .number = facts->time};

	jsonw_member_str(j, "name", snapshot_os(a->snapshot, "hostname", NULL));
	jsonw_member_str(j, "os", snapshot_os(a->snapshot, "pretty_name", NULL));
	jsonw_member_str(j, "kernel", snapshot_os(a->snapshot, "kernel", NULL));
	jsonw_member_strz(j, "root", facts->source);
	jsonw_member_bool(j, "live", facts->live);
	jsonw_member_bool(j, "as_root", facts->root);
	jsonw_member_strz(j, "profile", a->profile);
	jsonw_key(j, "time");
	value_json(j, TYPE_TIME, &time);
}

static void write_summary(struct jsonw *j, const struct audit *a)
{
	static const enum verdict verdicts[] = {VERDICT_PASS, VERDICT_FAIL, VERDICT_NOT_APPLICABLE,
											VERDICT_UNKNOWN, VERDICT_MANUAL};

	jsonw_member_int(j, "rules", (int64_t)a->n);
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		jsonw_member_int(j, verdict_name(verdicts[i]), (int64_t)audit_count(a, verdicts[i]));
	jsonw_member_int(j, "waived", (int64_t)audit_count_waived(a));
	jsonw_key(j, "failed_by_severity");
	jsonw_object(j);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		jsonw_member_int(j, severity_name((enum severity)s),
						 (int64_t)audit_count_severity(a, VERDICT_FAIL, (enum severity)s));
	jsonw_end(j);
	jsonw_key(j, "seconds");
	jsonw_seconds(j, a->took_us);
}

/* Only where there is one. */
static void write_waiver(struct jsonw *j, const struct site_waiver *w)
{
	struct value until = {.state = VALUE_SET};

	if (!w)
		return;
	jsonw_key(j, "waiver");
	jsonw_object(j);
	jsonw_member_str(j, "reason", w->reason);
	jsonw_member_str(j, "owner", w->owner);
	jsonw_key(j, "until");
	until.state = w->forever ? VALUE_ABSENT : VALUE_SET;
	until.number = w->until;
	value_json(j, TYPE_TIME, &until);
	jsonw_end(j);
}

static void write_result(struct jsonw *j, const struct judgement *g)
{
	jsonw_member_strz(j, "rule", g->rule->id);
	jsonw_member_str(j, "title", g->rule->title);
	jsonw_member_strz(j, "verdict", verdict_name(g->verdict));
	jsonw_member_bool(j, "waived", g->waiver != NULL);
	jsonw_member_strz(j, "severity", severity_name(g->rule->severity));
	jsonw_member_strz(j, "fix", fix_name(g->rule->fix));
	jsonw_member_strz(j, "reason", g->reason);
	jsonw_key(j, "evidence");
	jsonw_array(j);
	for (size_t i = 0; i < g->n; i++) {
		jsonw_object(j);
		jsonw_member_strz(j, "object", g->p[i].object);
		jsonw_member_strz(j, "found", g->p[i].found);
		jsonw_member_strz(j, "wanted", g->p[i].wanted);
		jsonw_member_strz(j, "source", g->p[i].source);
		if (g->p[i].alternative)
			jsonw_member_bool(j, "alternative", true);
		write_waiver(j, g->p[i].waiver);
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_member_int(j, "evidence_left_out", (int64_t)g->more);
}

/* Those that waived nothing, where every rule was judged: they are in the way of seeing what comes. */
static void write_unused(struct jsonw *j, const struct audit *a)
{
	if (!a->is_whole || !a->site->path)
		return;
	jsonw_key(j, "unused_waivers");
	jsonw_array(j);
	for (size_t i = 0; i < a->site->file.waivers.n; i++) {
		const struct site_waiver *w = &a->site->file.waivers.p[i];

		if (a->site->used[i])
			continue;
		jsonw_object(j);
		jsonw_member_str(j, "rule", w->rule);
		jsonw_member_str(j, "object", w->object);
		jsonw_member_strz(j, "source", site_waiver_source(a->site, i, snapshot_arena(a->snapshot)));
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void write_changed(struct jsonw *j, const struct audit *a, const char *key, enum since change)
{
	jsonw_key(j, key);
	jsonw_array(j);
	for (size_t i = 0; i < a->n; i++)
		if (earlier_change(a->since, &a->judgements[i]) == change)
			jsonw_strz(j, a->judgements[i].rule->id);
	jsonw_end(j);
}

static void write_since(struct jsonw *j, const struct audit *a)
{
	struct value time = {.state = VALUE_SET};

	if (!a->since)
		return;
	time.number = a->since->time;
	jsonw_key(j, "since");
	jsonw_object(j);
	jsonw_key(j, "time");
	value_json(j, TYPE_TIME, &time);
	write_changed(j, a, "new", SINCE_NEW);
	write_changed(j, a, "fixed", SINCE_FIXED);
	jsonw_end(j);
}

static void write_score(struct jsonw *j, struct map_score s)
{
	size_t judged = s.pass + s.fail + s.unknown;

	jsonw_member_int(j, "pass", (int64_t)s.pass);
	jsonw_member_int(j, "fail", (int64_t)s.fail);
	jsonw_member_int(j, "unknown", (int64_t)s.unknown);
	jsonw_member_int(j, "other", (int64_t)s.other);
	jsonw_key(j, "percent");
	if (judged)
		jsonw_int(j, (int64_t)(100 * s.pass / judged));
	else
		jsonw_null(j);
}

static void write_item(struct jsonw *j, const struct audit *a, const struct map_item *item)
{
	bool judged;
	enum verdict v = numbering_verdict(item, a->judgements, a->n, &judged);

	jsonw_object(j);
	jsonw_member_str(j, "item", item->id);
	jsonw_member_strz(j, "verdict", judged ? verdict_name(v) : NULL);
	jsonw_key(j, "rules");
	jsonw_array(j);
	for (size_t k = 0; k < item->rules.n; k++)
		jsonw_strz(j, item->rules.p[k]->id);
	jsonw_end(j);
	jsonw_end(j);
}

/* By another's numbers. */
static void write_map(struct jsonw *j, const struct audit *a)
{
	const struct numbering *m = a->map;

	if (!m)
		return;
	jsonw_key(j, "map");
	jsonw_object(j);
	jsonw_member_strz(j, "name", m->name);
	jsonw_member_str(j, "title", m->title);
	write_score(j, numbering_score(m, STR_ABSENT, a->judgements, a->n));
	jsonw_key(j, "sections");
	jsonw_array(j);
	for (size_t i = 0; i < m->sections.n; i++) {
		jsonw_object(j);
		jsonw_member_str(j, "section", m->sections.p[i].id);
		jsonw_member_str(j, "title", m->sections.p[i].title);
		write_score(j, numbering_score(m, m->sections.p[i].id, a->judgements, a->n));
		jsonw_end(j);
	}
	jsonw_end(j);
	jsonw_key(j, "items");
	jsonw_array(j);
	for (size_t i = 0; i < m->items.n; i++)
		write_item(j, a, &m->items.p[i]);
	jsonw_end(j);
	jsonw_end(j);
}

static void write_format(struct jsonw *j)
{
	jsonw_member_strz(j, "format", "revet-audit");
	jsonw_member_int(j, "version", 1);
	jsonw_member_strz(j, "revet", REVET_VERSION);
}

static void write_json(const struct audit *a, struct buf *out)
{
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	write_format(&j);
	jsonw_key(&j, "host");
	jsonw_object(&j);
	write_host(&j, a);
	jsonw_end(&j);
	jsonw_key(&j, "summary");
	jsonw_object(&j);
	write_summary(&j, a);
	jsonw_end(&j);
	write_since(&j, a);
	write_unused(&j, a);
	write_map(&j, a);
	jsonw_key(&j, "results");
	jsonw_array(&j);
	for (size_t i = 0; i < a->n; i++) {
		jsonw_object(&j);
		write_result(&j, &a->judgements[i]);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	jsonw_end(&j);
}

/* Each line is an object that says with `event` what it is. */
static void begin_line(struct jsonw *j, struct buf *out, const char *event)
{
	jsonw_begin(j, out, false);
	jsonw_object(j);
	jsonw_member_strz(j, "event", event);
}

static void end_line(struct jsonw *j, struct buf *out)
{
	jsonw_end(j);
	buf_putc(out, '\n');
}

static void write_ndjson(const struct audit *a, struct buf *out)
{
	struct jsonw j;

	begin_line(&j, out, "audit");
	write_format(&j);
	write_host(&j, a);
	end_line(&j, out);
	for (size_t i = 0; i < a->n; i++) {
		begin_line(&j, out, "result");
		write_result(&j, &a->judgements[i]);
		end_line(&j, out);
	}
	begin_line(&j, out, "summary");
	write_summary(&j, a);
	write_since(&j, a);
	write_unused(&j, a);
	write_map(&j, a);
	end_line(&j, out);
}

static const struct report json_report = {"json", "everything, for programs", write_json};
REPORT(json_report);
static const struct report ndjson_report = {"ndjson", "the same, a line for each result", write_ndjson};
REPORT(ndjson_report);
