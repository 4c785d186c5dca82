/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/result.h"

static void write_documentation(const struct results *all, const struct format_options *o,
								struct buf *out)
{
	for (size_t i = 0; i < all->n; i++) {
		buf_puts(out, color(o, all->p[i].outcome));
		result_print(out, &all->p[i], false);
		buf_printf(out, "%s\n", no_color(o));
		if (i + 1 < all->n && all->p[i + 1].resource != all->p[i].resource)
			buf_putc(out, '\n');
	}
	buf_puts(out, "\n\n");
	results_print_bad(out, all, o);
	results_print_end(out, all, o);
}

static const struct format documentation = {"documentation", "every test, with what is expected",
											write_documentation};
FORMAT(documentation);
