/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "spec/result.h"

static void put_attribute(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, " %s=\"", name);
	buf_xml(out, value);
	buf_putc(out, '"');
}

static void put_case(struct buf *out, const struct result *r)
{
	_cleanup_buf_ struct buf name = BUF((size_t)1 << 20), text = BUF((size_t)1 << 20);
	bool error = r->match.match == MATCH_ERROR;

	buf_printf(&name, "%s %s %s", r->resource->kind->title, r->resource->id, r->property);
	result_print(&text, r, false);
	buf_puts(out, "<testcase");
	put_attribute(out, "classname", str_of(r->resource->kind->name));
	put_attribute(out, "name", buf_get(&name));
	put_attribute(out, "file", str_of(r->resource->from.path));
	buf_printf(out, " line=\"%u\" time=\"%.3f\">\n", r->resource->from.line,
			   result_seconds(r->took_us));
	if (r->outcome == OUTCOME_SKIP) {
		buf_puts(out, "<skipped/>\n");
	} else if (r->outcome == OUTCOME_FAIL) {
		buf_printf(out, "<%s", error ? "error" : "failure");
		put_attribute(out, "message", str_of(r->match.message));
		buf_putc(out, '>');
		buf_xml(out, buf_get(&text));
		buf_printf(out, "</%s>\n", error ? "error" : "failure");
	}
	buf_puts(out, "<system-out>");
	buf_xml(out, buf_get(&text));
	buf_puts(out, "</system-out>\n</testcase>\n");
}

static void write_junit(const struct results *all, const struct format_options *o _unused_,
						struct buf *out)
{
	time_t begin = (time_t)all->begin;
	size_t errors = 0;
	char when[40];
	struct tm tm;

	for (size_t i = 0; i < all->n; i++)
		errors += all->p[i].outcome == OUTCOME_FAIL && all->p[i].match.match == MATCH_ERROR;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", gmtime_r(&begin, &tm));
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	buf_printf(out,
			   "<testsuite name=\"revet test\" errors=\"%zu\" tests=\"%zu\" failures=\"%zu\" "
			   "skipped=\"%zu\" time=\"%.3f\" timestamp=\"%s\">\n",
			   errors, all->n, all->failed - errors, all->skipped, result_seconds(all->took_us),
			   when);
	for (size_t i = 0; i < all->n; i++)
		put_case(out, &all->p[i]);
	buf_puts(out, "</testsuite>\n");
}

static const struct format junit = {"junit", "JUnit's XML, for build servers", write_junit};
FORMAT(junit);
