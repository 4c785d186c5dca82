/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/result.h"

static void print_name(struct buf *out, const struct result *r)
{
	buf_printf(out, "%s: ", r->resource->kind->title);
	buf_printable(out, str_of(r->resource->id));
	buf_printf(out, ": %s", r->property);
}

void result_print(struct buf *out, const struct result *r, bool one_line)
{
	print_name(out, r);
	buf_putc(out, ':');
	if (r->outcome == OUTCOME_SKIP) {
		buf_puts(out, " skipped");
	} else if (r->outcome == OUTCOME_PASS) {
		buf_puts(out, " matches expectation: ");
		datum_json(out, &r->match.expected);
	} else {
		buf_putc(out, one_line ? ' ' : '\n');
		match_print(out, &r->match, one_line);
	}
}

void result_print_summary(struct buf *out, const struct results *r)
{
	buf_printf(out, "Count: %zu, Failed: %zu, Skipped: %zu", r->n, r->failed, r->skipped);
}

double result_seconds(int64_t us)
{
	return (double)us / 1e6;
}

const char *result_word(const struct result *r)
{
	static const char *const words[] = {"pass", "fail", "skip"};

	return words[r->outcome];
}

const char *color(const struct format_options *o, enum outcome outcome)
{
	static const char *const codes[] = {"\033[32m", "\033[31m", "\033[33m"};

	return o->color ? codes[outcome] : "";
}

const char *no_color(const struct format_options *o)
{
	return o->color ? "\033[0m" : "";
}

/* The title and the user's own remarks, before what went wrong. */
static void print_header(struct buf *out, const struct resource *r)
{
	_cleanup_arena_ struct arena scratch = {0};
	const struct member *m;

	if (r->title.n && !r->rule) {
		buf_puts(out, "Title: ");
		buf_printable(out, r->title);
		buf_putc(out, '\n');
	}
	if (r->meta.kind != DATUM_MAP || !r->meta.map->n)
		return;
	m = datum_sorted(&r->meta, &scratch);
	buf_puts(out, "Meta:\n");
	for (size_t i = 0; i < r->meta.map->n; i++) {
		buf_puts(out, "    ");
		buf_printable(out, m[i].key);
		buf_puts(out, ": ");
		buf_printable(out, datum_text(&scratch, &m[i].value));
		buf_putc(out, '\n');
	}
}

void results_print_bad(struct buf *out, const struct results *all, const struct format_options *o)
{
	const struct resource *last = NULL;

	if (all->failed || all->skipped)
		buf_puts(out, "Failures/Skipped:\n\n");
	for (size_t i = 0; i < all->n; i++) {
		const struct result *r = &all->p[i];

		if (r->outcome == OUTCOME_PASS)
			continue;
		if (last && r->resource != last)
			buf_putc(out, '\n');
		if (r->resource != last) {
			buf_printf(out, "%s:%u\n", r->resource->from.path, r->resource->from.line);
			print_header(out, r->resource);
		}
		last = r->resource;
		buf_puts(out, color(o, r->outcome));
		result_print(out, r, false);
		buf_printf(out, "%s\n", no_color(o));
	}
	if (last)
		buf_putc(out, '\n');
}

void results_print_end(struct buf *out, const struct results *all, const struct format_options *o)
{
	buf_printf(out, "Total Duration: %.3fs\n%s", result_seconds(all->took_us),
			   color(o, all->failed ? OUTCOME_FAIL : OUTCOME_PASS));
	result_print_summary(out, all);
	buf_printf(out, "%s\n", no_color(o));
}
