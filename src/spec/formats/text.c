/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/result.h"

static void write_text(const struct results *all, const struct format_options *o, struct buf *out)
{
	for (size_t i = 0; i < all->n; i++) {
		enum outcome outcome = all->p[i].outcome;

		buf_printf(out, "%s%c%s", color(o, outcome), ".FS"[outcome], no_color(o));
	}
	buf_puts(out, "\n\n");
	results_print_bad(out, all, o);
	results_print_end(out, all, o);
}

static const struct format text = {
	"text", "a dot for what passes, and what failed with what was found", write_text};
FORMAT(text);
