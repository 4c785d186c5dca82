/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people, on a terminal. */
#include <stdio.h>

#include "host/value.h"
#include "report/report.h"

#define WIDTH 100
#define MANY 3 /* rules with one reason are told together */
#define SHOWN 5 /* pieces of evidence for each finding; -f json has all */

static void paint(struct buf *out, const struct audit *a, const char *code, const char *text)
{
	buf_printf(out, a->color ? "\033[%sm%s\033[0m" : "%s%s", a->color ? code : "", text);
}

static void put_safez(struct buf *out, const char *s)
{
	buf_printable(out, str_of(s));
}

static void write_head(struct buf *out, const struct audit *a)
{
	const struct snapshot_facts *facts = snapshot_facts(a->snapshot);
	const char *dot = a->utf8 ? " \xc2\xb7 " : " - ";

	buf_printable(out, snapshot_os(a->snapshot, "hostname", "(no name)"));
	buf_puts(out, dot);
	buf_printable(out, snapshot_os(a->snapshot, "pretty_name", "unknown system"));
	buf_printf(out, "%s%zu rules in %lld.%02lld s%s%s%s\n", dot, a->n,
			   (long long)(a->took_us / 1000000), (long long)(a->took_us / 10000 % 100), dot,
			   facts->live ? "" : "offline, ", facts->root ? "root" : "not root");
	buf_printf(out, "FAIL %zu", audit_count(a, VERDICT_FAIL));
	if (audit_count(a, VERDICT_FAIL)) {
		const char *gap = " (";

		for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--) {
			size_t n = audit_count_severity(a, VERDICT_FAIL, (enum severity)s);

			if (n)
				buf_printf(out, "%s%zu %s", gap, n, severity_name((enum severity)s));
			gap = n ? " " : gap;
		}
		buf_putc(out, ')');
	}
	buf_printf(out, "   pass %zu  n/a %zu  manual %zu  unknown %zu\n", audit_count(a, VERDICT_PASS),
			   audit_count(a, VERDICT_NOT_APPLICABLE), audit_count(a, VERDICT_MANUAL),
			   audit_count(a, VERDICT_UNKNOWN));
}

static void write_evidence(struct buf *out, const struct judgement *g)
{
	for (size_t i = 0; i < g->n && i < SHOWN; i++) {
		const struct evidence *e = &g->p[i];

		buf_puts(out, "     ");
		put_safez(out, e->object);
		buf_puts(out, ": found ");
		put_safez(out, e->found);
		buf_puts(out, ", want ");
		put_safez(out, e->wanted);
		if (e->source) {
			buf_puts(out, "\n       from ");
			put_safez(out, e->source);
		}
		buf_putc(out, '\n');
	}
	if (g->n + g->more > SHOWN)
		buf_printf(out, "     and %zu more: revet explain %s\n", g->n + g->more - SHOWN, g->rule->id);
}

static void write_finding(struct buf *out, const struct audit *a, const struct judgement *g)
{
	static const char *const words[] = {"LOW", "MEDIUM", "HIGH", "CRITICAL"};
	static const char *const colors[] = {"36", "33", "31", "1;31"};
	char word[16];

	snprintf(word, sizeof(word), "%-9s", words[g->rule->severity]);
	paint(out, a, colors[g->rule->severity], word);
	buf_printf(out, "%-32s %.*s   fix: %s\n", g->rule->id, STR_ARG(g->rule->title),
			   g->rule->fix == FIX_BY_HAND ? "by hand" : fix_name(g->rule->fix));
	write_evidence(out, g);
}

static bool same_reason(const struct judgement *a, const struct judgement *b)
{
	return a->verdict == b->verdict && a->reason && b->reason && strcmp(a->reason, b->reason) == 0;
}

/* How many have the verdict for this reason. */
static size_t count_reason(const struct audit *a, const struct judgement *g)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += same_reason(&a->judgements[i], g);
	return n;
}

/* One reason that many rules share is told once, with their ids below it. */
static void write_group(struct buf *out, const struct audit *a, const struct judgement *g,
						const char *word)
{
	size_t column = WIDTH;

	buf_printf(out, "%-9s%zu rules: ", word, count_reason(a, g));
	put_safez(out, g->reason);
	for (size_t i = 0; i < a->n; i++) {
		const char *id = a->judgements[i].rule->id;

		if (!same_reason(&a->judgements[i], g))
			continue;
		if (column + 2 + strlen(id) > WIDTH) {
			buf_puts(out, "\n         ");
			column = 9;
		}
		buf_printf(out, "%s%s", column == 9 ? "" : "  ", id);
		column += (column == 9 ? 0 : 2) + strlen(id);
	}
	buf_putc(out, '\n');
}

static bool is_first(const struct audit *a, const struct judgement *g)
{
	for (const struct judgement *other = a->judgements; other < g; other++)
		if (same_reason(other, g))
			return false;
	return true;
}

static void write_rest(struct buf *out, const struct audit *a, enum verdict v, const char *word)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];
		bool shared = g->verdict == v && count_reason(a, g) >= MANY;

		if (g->verdict != v)
			continue;
		if (shared && is_first(a, g))
			write_group(out, a, g, word);
		if (shared)
			continue;
		buf_printf(out, "%-9s%-32s ", word, g->rule->id);
		put_safez(out, g->reason ? g->reason : "");
		if (v == VERDICT_MANUAL)
			buf_printable(out, g->rule->title);
		buf_putc(out, '\n');
		if (v == VERDICT_MANUAL)
			write_evidence(out, g);
	}
}

/* What to do next, with the worst finding as the example. */
static void write_next(struct buf *out, const struct audit *a)
{
	const struct judgement *worst = NULL;

	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		if (g->verdict == VERDICT_FAIL && (!worst || g->rule->severity > worst->rule->severity))
			worst = g;
	}
	if (worst)
		buf_printf(out, "Next: revet explain %s\n", worst->rule->id);
}

/* "Since 2026-11-20T10:00:00Z: +1 new  -2 fixed", and which. */
static void write_since(struct buf *out, const struct audit *a)
{
	static const char *const words[] = {[SINCE_NEW] = "new", [SINCE_FIXED] = "fixed"};
	struct value time = {.state = VALUE_SET};

	if (!a->since)
		return;
	time.number = a->since->time;
	buf_puts(out, "Since ");
	value_print(out, TYPE_TIME, &time);
	buf_printf(out, ": +%zu new  %s%zu fixed\n", audit_count_change(a, SINCE_NEW),
			   a->utf8 ? "\xe2\x88\x92" : "-", audit_count_change(a, SINCE_FIXED));
	for (enum since change = SINCE_NEW; change <= SINCE_FIXED; change++)
		for (size_t i = 0; i < a->n; i++)
			if (earlier_change(a->since, &a->judgements[i]) == change)
				buf_printf(out, "     %-6s %s\n", words[change], a->judgements[i].rule->id);
}

static void write_text(const struct audit *a, struct buf *out)
{
	write_head(out, a);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		for (size_t i = 0; i < a->n; i++)
			if (a->judgements[i].verdict == VERDICT_FAIL &&
				(int)a->judgements[i].rule->severity == s) {
				buf_putc(out, '\n');
				write_finding(out, a, &a->judgements[i]);
			}
	buf_putc(out, '\n');
	write_rest(out, a, VERDICT_MANUAL, "MANUAL");
	write_rest(out, a, VERDICT_UNKNOWN, "UNKNOWN");
	if (a->verbose) {
		write_rest(out, a, VERDICT_NOT_APPLICABLE, "N/A");
		write_rest(out, a, VERDICT_PASS, "PASS");
	}
	write_since(out, a);
	write_next(out, a);
}

static const struct report text_report = {"text", "for people", write_text};
REPORT(text_report);
