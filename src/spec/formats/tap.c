/* SPDX-License-Identifier: Apache-2.0 */
/* The Test Anything Protocol, https://testanything.org. A '#' begins a directive, so that one in a text is
 * escaped. */
#include "spec/result.h"

static void put_line(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '#' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i] == '\n' ? ' ' : s.p[i]);
	}
	buf_putc(out, '\n');
}

static void write_tap(const struct results *all, const struct format_options *o _unused_,
					  struct buf *out)
{
	buf_printf(out, "1..%zu\n", all->n);
	for (size_t i = 0; i < all->n; i++) {
		const struct result *r = &all->p[i];
		_cleanup_buf_ struct buf line = BUF((size_t)1 << 20);

		result_print(&line, r, true);
		if (r->outcome == OUTCOME_SKIP)
			buf_printf(out, "ok %zu - # SKIP ", i + 1);
		else
			buf_printf(out, "%s %zu - ", r->outcome == OUTCOME_PASS ? "ok" : "not ok", i + 1);
		put_line(out, buf_get(&line));
	}
}

static const struct format tap = {"tap", "the Test Anything Protocol", write_tap};
FORMAT(tap);
