/* SPDX-License-Identifier: Apache-2.0 */
/* For people. */
#include "prove/prove.h"

static const char *word_of(enum proof_kind verdict)
{
	return verdict == PROOF_PROVEN ? "PROVEN" : verdict == PROOF_REFUTED ? "REFUTED" : "NOT RUN";
}

/* What speaks against it stands out without colour. */
static const char *mark_of(enum proof_kind kind)
{
	return kind == PROOF_REFUTED   ? "!"
		   : kind == PROOF_NOT_RUN ? "?"
		   : kind == PROOF_SHADOW  ? "~"
								   : " ";
}

static void write_proof(const struct proof *p, struct buf *out)
{
	buf_printf(out, "%-7s  %-30s %s  (", word_of(p->verdict), p->experiment->name,
			   p->experiment->title);
	for (const char *const *row = p->experiment->rows; *row; row++)
		buf_printf(out, "%s ", *row);
	buf_printf(out, "%s %lld.%02lld s)\n", proof_place(p), (long long)(p->took_us / 1000000),
			   (long long)(p->took_us / 10000 % 100));
	for (const struct proof_line *line = p->lines.p; line < p->lines.p + p->lines.n; line++) {
		buf_printf(out, "       %s %s", mark_of(line->kind),
				   line->kind == PROOF_SHADOW ? "on a shadow: " : "");
		buf_printable(out, line->text);
		buf_putc(out, '\n');
	}
}

static void write_text(const struct proofs *all, struct buf *out)
{
	for (size_t i = 0; i < all->n; i++)
		write_proof(&all->p[i], out);
	buf_printf(out, "%zu proven, %zu refuted, %zu not run in %lld.%lld s",
			   proofs_count(all, PROOF_PROVEN), proofs_count(all, PROOF_REFUTED),
			   proofs_count(all, PROOF_NOT_RUN), (long long)(all->took_us / 1000000),
			   (long long)(all->took_us / 100000 % 10));
	if (all->site)
		buf_printf(out, "; of the site: %s\n", all->site);
	else
		buf_puts(out, "; there is no site file to say what this server is for\n");
}

static const struct proof_format text_format = {"text", "for people", write_text};
PROOF_FORMAT(text_format);
