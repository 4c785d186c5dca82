/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, for continuous integration: a suite for each family, a case for each experiment. What was
 * refuted is a failure; what was not run is skipped, with the reason.
 */
#include "prove/prove.h"

static void put_attribute(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, " %s=\"", name);
	buf_xml(out, value);
	buf_putc(out, '"');
}

static void put_time(struct buf *out, int64_t us)
{
	buf_printf(out, " time=\"%lld.%03lld\"", (long long)(us / 1000000),
			   (long long)(us / 1000 % 1000));
}

static void put_counts(struct buf *out, const struct proofs *all)
{
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\"", all->n,
			   proofs_count(all, PROOF_REFUTED));
}

static void write_lines(struct buf *out, const struct proof *p)
{
	for (const struct proof_line *line = p->lines.p; line < p->lines.p + p->lines.n; line++) {
		buf_xml(out, line->text);
		buf_putc(out, '\n');
	}
}

static void write_case(struct buf *out, const struct proof *p)
{
	const char *element = p->verdict == PROOF_REFUTED ? "failure" : "skipped";

	buf_puts(out, "    <testcase");
	put_attribute(out, "classname", experiment_family(p->experiment));
	put_attribute(out, "name", str_of(p->experiment->name));
	put_time(out, p->took_us);
	buf_puts(out, ">\n");
	if (p->verdict != PROOF_PROVEN) {
		buf_printf(out, "      <%s", element);
		if (p->verdict == PROOF_REFUTED)
			put_attribute(out, "type", STR("refuted"));
		put_attribute(out, "message", p->reason);
		buf_putc(out, '>');
		write_lines(out, p);
		buf_printf(out, "</%s>\n", element);
	} else {
		buf_puts(out, "      <system-out>");
		write_lines(out, p);
		buf_puts(out, "</system-out>\n");
	}
	buf_puts(out, "    </testcase>\n");
}

static void write_suite(struct buf *out, const struct proofs *suite)
{
	int64_t took_us = 0;

	for (size_t i = 0; i < suite->n; i++)
		took_us += suite->p[i].took_us;
	buf_puts(out, "  <testsuite");
	put_attribute(out, "name", experiment_family(suite->p->experiment));
	put_attribute(out, "hostname", str_of(suite->host));
	put_counts(out, suite);
	buf_printf(out, " skipped=\"%zu\"", proofs_count(suite, PROOF_NOT_RUN));
	put_time(out, took_us);
	buf_puts(out, ">\n");
	for (size_t i = 0; i < suite->n; i++)
		write_case(out, &suite->p[i]);
	buf_puts(out, "  </testsuite>\n");
}

static void write_junit(const struct proofs *all, struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"revet prove\"");
	put_counts(out, all);
	put_time(out, all->took_us);
	buf_puts(out, ">\n");
	for (size_t i = 0; i < all->n;) {
		struct proofs suite = *all;
		struct str family = experiment_family(all->p[i].experiment);

		suite.p = &all->p[i];
		for (suite.n = 1; i + suite.n < all->n &&
						  str_eq(experiment_family(suite.p[suite.n].experiment), family);)
			suite.n++;
		write_suite(out, &suite);
		i += suite.n;
	}
	buf_puts(out, "</testsuites>\n");
}

static const struct proof_format junit_format = {"junit", "JUnit XML, for continuous integration",
												 write_junit};
PROOF_FORMAT(junit_format);
