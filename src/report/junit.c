/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, for continuous integration: a suite for each family, a case for each rule. What failed is
 * a failure, what is not known an error, so that it is never green; what does not apply, or is for a
 * person to judge, is skipped with the reason. The attributes are those of the schema that Jenkins
 * publishes (junit-10.xsd). With another's numbering: a suite for each section, a case for each item.
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

/* --- by another's numbers: a suite for each section, a case for each item ---------------------- */

static void write_rule(struct buf *out, const struct judgement *g)
{
	_cleanup_buf_ struct buf line = BUF(1u << 20);

	buf_printf(&line, "%s: %s", g->rule->id, g->reason ? g->reason : "");
	if (g->waiver)
		site_waiver_print(&line, g->waiver);
	buf_xml(out, buf_get(&line));
	buf_putc(out, '\n');
	write_evidence(out, g);
}

/* Of the item's rules those that something is to be said of. */
static void write_item_rules(struct buf *out, const struct audit *a, const struct map_item *item)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		for (size_t k = 0; k < item->rules.n; k++)
			if (item->rules.p[k] == g->rule && (judgement_counts(g) || g->reason || g->waiver))
				write_rule(out, g);
	}
}

static void write_item(struct buf *out, const struct audit *a, const struct map_section *section,
					   const struct map_item *item, enum verdict v)
{
	const char *element = v == VERDICT_FAIL ? "failure" : v == VERDICT_UNKNOWN ? "error" : "skipped";

	buf_puts(out, "    <testcase");
	put_attribute(out, "classname", section ? section->id : a->map->name);
	put_attribute(out, "name", item->id);
	buf_puts(out, " time=\"0\"");
	if (v == VERDICT_PASS) {
		buf_puts(out, "/>\n");
		return;
	}
	buf_printf(out, ">\n      <%s message=\"%s\">", element, verdict_name(v));
	write_item_rules(out, a, item);
	buf_printf(out, "</%s>\n    </testcase>\n", element);
}

static void add(struct counts *c, enum verdict v)
{
	c->tests++;
	c->failures += v == VERDICT_FAIL;
	c->errors += v == VERDICT_UNKNOWN;
	c->skipped += v == VERDICT_NOT_APPLICABLE || v == VERDICT_MANUAL;
}

/* The section's own items that a rule was judged of, or those in none: written, or only counted where
 * out is NULL. */
static struct counts walk_section(const struct audit *a, const struct map_section *section,
								  struct buf *out)
{
	struct counts c = {0};

	for (size_t i = 0; i < a->map->items.n; i++) {
		const struct map_item *item = &a->map->items.p[i];
		bool judged;
		enum verdict v = numbering_verdict(item, a->judgements, a->n, &judged);

		if (!judged || numbering_section(a->map, item) != section)
			continue;
		add(&c, v);
		if (out)
			write_item(out, a, section, item, v);
	}
	return c;
}

/* The schema has no count of skipped cases for all suites together. */
static void put_counts(struct buf *out, struct counts c)
{
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", c.tests, c.failures, c.errors);
}

static void begin_suite(struct buf *out, const struct audit *a, struct str name, struct counts c)
{
	buf_puts(out, "  <testsuite");
	put_attribute(out, "name", name);
	put_attribute(out, "hostname", snapshot_os(a->snapshot, "hostname", "unknown"));
	put_counts(out, c);
	buf_printf(out, " skipped=\"%zu\" time=\"0\">\n", c.skipped);
}

static void write_family(struct buf *out, const struct audit *a, const struct judgement *g, size_t n)
{
	begin_suite(out, a, str_of(g->rule->family), count(g, n));
	for (size_t i = 0; i < n; i++)
		write_case(out, &g[i]);
	buf_puts(out, "  </testsuite>\n");
}

static void write_families(struct buf *out, const struct audit *a)
{
	for (size_t i = 0, n; i < a->n; i += n) {
		const struct judgement *g = &a->judgements[i];

		for (n = 1; i + n < a->n && strcmp(g[n].rule->family, g->rule->family) == 0;)
			n++;
		write_family(out, a, g, n);
	}
}

static void write_section(struct buf *out, const struct audit *a, const struct map_section *section)
{
	_cleanup_buf_ struct buf name = BUF(1u << 16);
	struct counts c = walk_section(a, section, NULL);

	if (!c.tests)
		return;
	if (section)
		buf_printf(&name, "%.*s ", STR_ARG(section->id));
	buf_printf(&name, "%.*s", STR_ARG(section ? section->title : a->map->title));
	begin_suite(out, a, buf_get(&name), c);
	walk_section(a, section, out);
	buf_puts(out, "  </testsuite>\n");
}

static struct counts count_items(const struct audit *a)
{
	struct counts all = {0};

	for (size_t i = 0; i < a->map->items.n; i++) {
		bool judged;
		enum verdict v = numbering_verdict(&a->map->items.p[i], a->judgements, a->n, &judged);

		if (judged)
			add(&all, v);
	}
	return all;
}

static void write_sections(struct buf *out, const struct audit *a)
{
	for (size_t i = 0; i < a->map->sections.n; i++)
		write_section(out, a, &a->map->sections.p[i]);
	write_section(out, a, NULL);
}

static void write_junit(const struct audit *a, struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"revet\"");
	put_counts(out, a->map ? count_items(a) : count(a->judgements, a->n));
	buf_printf(out, " time=\"%lld.%03lld\">\n", (long long)(a->took_us / 1000000),
			   (long long)(a->took_us / 1000 % 1000));
	if (a->map)
		write_sections(out, a);
	else
		write_families(out, a);
	buf_puts(out, "</testsuites>\n");
}

static const struct report junit_report = {"junit", "JUnit XML, for continuous integration",
										   write_junit};
REPORT(junit_report);
