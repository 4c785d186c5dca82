/* SPDX-License-Identifier: Apache-2.0 */
/* A line as the Monitoring Plugins Development Guidelines want it, then what failed. A '|' begins the
 * performance data, so that none may stand elsewhere. */
#include "spec/result.h"

static void put_line(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_putc(out, s.p[i] == '|' ? '/' : s.p[i] == '\n' ? ' ' : s.p[i]);
	buf_putc(out, '\n');
}

static void write_nagios(const struct results *all, const struct format_options *o _unused_,
						 struct buf *out)
{
	double took = result_seconds(all->took_us);
	size_t n = 0;

	buf_printf(out, "REVET %s - ", all->failed ? "CRITICAL" : "OK");
	result_print_summary(out, all);
	buf_printf(out, ", Duration: %.3fs|total=%zu failed=%zu skipped=%zu duration=%.3fs\n", took,
			   all->n, all->failed, all->skipped, took);
	for (size_t i = 0; i < all->n; i++) {
		_cleanup_buf_ struct buf line = BUF((size_t)1 << 20);

		if (all->p[i].outcome != OUTCOME_FAIL)
			continue;
		result_print(&line, &all->p[i], true);
		buf_printf(out, "Fail %zu - ", ++n);
		put_line(out, buf_get(&line));
	}
}

static const struct format nagios = {"nagios", "a line for Nagios and its like, with numbers",
									 write_nagios};
FORMAT(nagios);
