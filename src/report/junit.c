/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, for continuous integration: a suite for each family, a case for each rule. What failed is
 * a failure, what is not known an error, so that it is never green; what does not apply, or is for a
 * person to judge, is skipped with the reason. The attributes are those of the schema that Jenkins
 * publishes (junit-10.xsd).
 */
#include "report/report.h"

static void put_attribute(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, " %s=\"", name);
	buf_xml(out, value);
	buf_putc(out, '"');
}

static void write_evidence(struct buf *out, const struct judgement *g)
{
	for (size_t i = 0; i < g->n; i++) {
		_cleanup_buf_ struct buf line = BUF(1u << 20);
		const struct evidence *e = &g->p[i];

		evidence_print(&line, e);
		buf_printf(&line, "%s%s", e->source ? ", from " : "", e->source ? e->source : "");
		buf_xml(out, buf_get(&line));
		buf_putc(out, '\n');
	}
	if (g->more)
		buf_printf(out, "and %zu more\n", g->more);
}

/* <failure>, <error> or <skipped>; nothing for what passes. */
static void write_outcome(struct buf *out, const struct judgement *g)
{
	_cleanup_buf_ struct buf waiver = BUF(1u << 20);
	const char *element = judgement_counts(g)             ? "failure"
						  : g->verdict == VERDICT_UNKNOWN ? "error"
														  : "skipped";
	struct str message = g->reason ? str_of(g->reason) : g->rule->title;

	if (g->waiver) {
		site_waiver_print(&waiver, g->waiver);
		message = buf_get(&waiver);
	}

	buf_printf(out, "      <%s", element);
	if (judgement_counts(g) || g->verdict == VERDICT_UNKNOWN)
		put_attribute(out, "type", str_of(severity_name(g->rule->severity)));
	put_attribute(out, "message", message);
	buf_putc(out, '>');
	write_evidence(out, g);
	buf_printf(out, "</%s>\n", element);
}

static void write_case(struct buf *out, const struct judgement *g)
{
	buf_puts(out, "    <testcase");
	put_attribute(out, "classname", str_of(g->rule->family));
	put_attribute(out, "name", str_of(g->rule->id));
	buf_puts(out, " time=\"0\"");
	if (g->verdict == VERDICT_PASS) {
		buf_puts(out, "/>\n");
		return;
	}
	buf_puts(out, ">\n");
	write_outcome(out, g);
	buf_puts(out, "    </testcase>\n");
}

struct counts {
	size_t tests, failures, errors, skipped;
};

static struct counts count(const struct judgement *g, size_t n)
{
	struct counts c = {.tests = n};

	for (size_t i = 0; i < n; i++) {
		c.failures += judgement_counts(&g[i]);
		c.errors += g[i].verdict == VERDICT_UNKNOWN;
		c.skipped += g[i].verdict == VERDICT_NOT_APPLICABLE || g[i].verdict == VERDICT_MANUAL ||
					 g[i].waiver;
	}
	return c;
}

/* The schema has no count of skipped cases for all suites together. */
static void put_counts(struct buf *out, struct counts c)
{
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", c.tests, c.failures, c.errors);
}

static void write_suite(struct buf *out, const struct audit *a, const struct judgement *g, size_t n)
{
	struct counts c = count(g, n);

	buf_puts(out, "  <testsuite");
	put_attribute(out, "name", str_of(g->rule->family));
	put_attribute(out, "hostname", snapshot_os(a->snapshot, "hostname", "unknown"));
	put_counts(out, c);
	buf_printf(out, " skipped=\"%zu\" time=\"0\">\n", c.skipped);
	for (size_t i = 0; i < n; i++)
		write_case(out, &g[i]);
	buf_puts(out, "  </testsuite>\n");
}

static void write_junit(const struct audit *a, struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"revet\"");
	put_counts(out, count(a->judgements, a->n));
	buf_printf(out, " time=\"%lld.%03lld\">\n", (long long)(a->took_us / 1000000),
			   (long long)(a->took_us / 1000 % 1000));
	for (size_t i = 0, n; i < a->n; i += n) {
		const struct judgement *g = &a->judgements[i];

		for (n = 1; i + n < a->n && strcmp(g[n].rule->family, g->rule->family) == 0;)
			n++;
		write_suite(out, a, g, n);
	}
	buf_puts(out, "</testsuites>\n");
}

static const struct report junit_report = {"junit", "JUnit XML, for continuous integration",
										   write_junit};
REPORT(junit_report);
