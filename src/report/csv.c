/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV (RFC 4180), for spreadsheets: a line for each piece of evidence, or one for a rule without. What
 * a spreadsheet would take for a formula gets an apostrophe before it, because the users of a host
 * choose the names of files and accounts.
 */
#include "report/report.h"

static void put_field(struct buf *out, const char *gap, struct str text)
{
	_cleanup_buf_ struct buf printable = BUF(1u << 20);
	struct str s;

	buf_printable(&printable, text.p ? text : STR(""));
	s = buf_get(&printable);
	buf_printf(out, "%s\"%s", gap, s.n && strchr("=+-@", s.p[0]) ? "'" : "");
	for (size_t i = 0; i < s.n; i++)
		buf_printf(out, s.p[i] == '"' ? "\"%c" : "%c", s.p[i]);
	buf_putc(out, '"');
}

static void put_text(struct buf *out, const char *text)
{
	put_field(out, ",", str_of(text ? text : ""));
}

static void write_line(struct buf *out, const struct audit *a, const struct judgement *g,
					   const struct evidence *e)
{
	_cleanup_buf_ struct buf wanted = BUF(65536);

	if (e && e->wanted)
		buf_printf(&wanted, "%s%s", e->alternative ? "or " : "", e->wanted);
	put_field(out, "", snapshot_os(a->snapshot, "hostname", ""));
	put_text(out, g->rule->id);
	put_text(out, g->rule->family);
	put_text(out, severity_name(g->rule->severity));
	put_text(out, e && e->waiver ? "waived" : judgement_outcome(g));
	put_field(out, ",", g->rule->title);
	put_text(out, e ? e->object : NULL);
	put_text(out, e ? e->found : NULL);
	put_field(out, ",", buf_get(&wanted));
	put_text(out, e ? e->source : NULL);
	put_text(out, g->reason);
	put_text(out, fix_name(g->rule->fix));
	buf_puts(out, "\r\n");
}

static void write_csv(const struct audit *a, struct buf *out)
{
	buf_puts(out, "host,rule,family,severity,verdict,title,object,found,wanted,source,reason,fix\r\n");
	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		for (size_t k = 0; k < g->n; k++)
			write_line(out, a, g, &g->p[k]);
		if (!g->n)
			write_line(out, a, g, NULL);
	}
}

static const struct report csv_report = {"csv", "comma-separated values, for spreadsheets", write_csv};
REPORT(csv_report);
