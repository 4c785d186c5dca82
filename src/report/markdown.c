/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown (GitHub's), for tickets and wikis: a table of the findings, then each with its evidence. */
#include "host/value.h"
#include "report/report.h"

#define SHOWN 20 /* pieces of evidence for each finding; -f json has all */

/* Text from the host: nothing in it is markup, of Markdown or HTML. */
static void put_text(struct buf *out, struct str text)
{
	_cleanup_buf_ struct buf printable = BUF(1u << 20);
	struct str s;

	buf_printable(&printable, text);
	s = buf_get(&printable);
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("\\`*_{}[]<>()#+-!|~&@", s.p[i]))
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
}

static void put_textz(struct buf *out, const char *text)
{
	put_text(out, str_of(text ? text : ""));
}

static void write_head(const struct audit *a, struct buf *out)
{
	struct value time = {.state = VALUE_SET, .number = snapshot_facts(a->snapshot)->time};

	buf_puts(out, "# Audit of ");
	put_text(out, snapshot_os(a->snapshot, "hostname", "(no name)"));
	buf_puts(out, "\n\n");
	put_text(out, snapshot_os(a->snapshot, "pretty_name", "unknown system"));
	buf_puts(out, ", ");
	value_print(out, TYPE_TIME, &time);
	buf_printf(out, ", revet %s, %zu rules", REVET_VERSION, a->n);
	buf_puts(out, snapshot_facts(a->snapshot)->root ? ".\n\n" : ", **not as root**.\n\n");
	buf_puts(out, "| failed | critical | high | medium | low | passed | waived | not applicable | manual | "
				  "unknown |\n|---|---|---|---|---|---|---|---|---|---|\n");
	buf_printf(out, "| %zu |", audit_count(a, VERDICT_FAIL));
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		buf_printf(out, " %zu |", audit_count_severity(a, VERDICT_FAIL, (enum severity)s));
	buf_printf(out, " %zu | %zu | %zu | %zu | %zu |\n", audit_count(a, VERDICT_PASS),
			   audit_count_waived(a), audit_count(a, VERDICT_NOT_APPLICABLE), audit_count(a, VERDICT_MANUAL),
			   audit_count(a, VERDICT_UNKNOWN));
}

static void write_evidence(struct buf *out, const struct judgement *g)
{
	buf_puts(out, g->n ? "\n| object | found | want | from |\n|---|---|---|---|\n" : "");
	for (size_t i = 0; i < g->n && i < SHOWN; i++) {
		_cleanup_arena_ struct arena scratch = {0};
		const char *cells[EVIDENCE_CELLS];

		evidence_cells(&g->p[i], &scratch, cells);
		for (size_t k = 0; k < ARRAY_LEN(cells); k++) {
			buf_puts(out, k ? " | " : "| ");
			put_textz(out, cells[k]);
		}
		buf_puts(out, " |\n");
	}
	if (g->n + g->more > SHOWN)
		buf_printf(out, "\nand %zu more.\n", g->n + g->more - SHOWN);
}

static void write_finding(struct buf *out, const struct judgement *g)
{
	const struct rule *rule = g->rule;

	buf_printf(out, "\n### %s: ", severity_name(rule->severity));
	put_text(out, rule->title);
	buf_printf(out, " (`%s`)\n\n", rule->id);
	put_text(out, str_trim(rule->why));
	buf_puts(out, "\n");
	write_evidence(out, g);
	if (rule->by_hand.p) {
		buf_puts(out, "\nBy hand: ");
		put_text(out, str_trim(rule->by_hand));
		buf_puts(out, "\n");
	} else if (g->verdict == VERDICT_FAIL) {
		buf_printf(out, "\nFix: `revet plan --rule %s`\n", rule->id);
	}
}

static void write_findings(const struct audit *a, struct buf *out, enum verdict v, const char *title)
{
	if (!audit_count(a, v))
		return;
	buf_printf(out, "\n## %s\n", title);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		for (size_t i = 0; i < a->n; i++)
			if (a->judgements[i].verdict == v && !a->judgements[i].waiver &&
				(int)a->judgements[i].rule->severity == s)
				write_finding(out, &a->judgements[i]);
}

static void write_waived(const struct audit *a, struct buf *out)
{
	buf_puts(out, audit_count_waived(a) ? "\n## Waived\n\n" : "");
	for (size_t i = 0; i < a->n; i++) {
		_cleanup_buf_ struct buf waiver = BUF(1u << 20);

		if (!a->judgements[i].waiver)
			continue;
		site_waiver_print(&waiver, a->judgements[i].waiver);
		buf_printf(out, "- `%s`: ", a->judgements[i].rule->id);
		put_text(out, buf_get(&waiver));
		buf_puts(out, "\n");
	}
}

static void write_reasons(const struct audit *a, struct buf *out, enum verdict v, const char *title)
{
	if (!audit_count(a, v))
		return;
	buf_printf(out, "\n## %s\n\n", title);
	for (size_t i = 0; i < a->n; i++)
		if (a->judgements[i].verdict == v) {
			buf_printf(out, "- `%s`: ", a->judgements[i].rule->id);
			put_textz(out, a->judgements[i].reason);
			buf_puts(out, "\n");
		}
}

static void write_score(struct buf *out, struct map_section section, struct map_score s)
{
	int percent = map_score_percent(s);

	buf_puts(out, "| ");
	put_text(out, section.id);
	buf_puts(out, " | ");
	put_text(out, section.title);
	if (percent >= 0)
		buf_printf(out, " | %d %%", percent);
	else
		buf_puts(out, " | ");
	buf_printf(out, " | %zu | %zu | %zu | %zu |\n", s.pass, s.fail, s.unknown, s.other);
}

/* Scored by another's numbers: its sections, and the items that failed. */
static void write_map(const struct audit *a, struct buf *out)
{
	const struct numbering *m = a->map;
	struct map_section section;
	struct map_score score;

	buf_puts(out, "\n## ");
	put_text(out, m->title);
	buf_puts(out, "\n\n| section | | score | passed | failed | not known | other |\n"
				  "|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; numbering_scored(m, i, a->judgements, a->n, &section, &score); i++)
		write_score(out, section, score);
	buf_puts(out, "\n| failed | by |\n|---|---|\n");
	for (size_t i = 0; i < m->items.n; i++) {
		const struct map_item *item = &m->items.p[i];

		if (!numbering_has_failed(item, a->judgements, a->n))
			continue;
		buf_puts(out, "| ");
		put_text(out, item->id);
		buf_puts(out, " |");
		for (size_t k = 0; k < item->rules.n; k++)
			buf_printf(out, " `%s`", item->rules.p[k]->id);
		buf_puts(out, " |\n");
	}
}

static void write_markdown(const struct audit *a, struct buf *out)
{
	write_head(a, out);
	if (a->map)
		write_map(a, out);
	write_findings(a, out, VERDICT_FAIL, "Failed");
	write_findings(a, out, VERDICT_MANUAL, "For a person to judge");
	write_waived(a, out);
	write_reasons(a, out, VERDICT_UNKNOWN, "Not known");
	write_reasons(a, out, VERDICT_NOT_APPLICABLE, "Not applicable");
}

static const struct report markdown_report = {"markdown", "Markdown, for tickets and wikis",
											  write_markdown};
REPORT(markdown_report);
