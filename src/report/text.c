/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people, on a terminal. */
#include <stdio.h>

#include "host/value.h"
#include "report/report.h"

#define WIDTH 100
#define MANY 3 /* rules with one reason are told together */
#define SOON 14 /* days before a waiver runs out in which that is said */
#define SOURCE_WIDTH (WIDTH - 12)
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
	buf_printf(out, "%sprofile %s", dot, a->profile);
	buf_printf(out, "%s%zu rule%s in %lld.%02lld s%s%s%s\n", dot, a->n, a->n == 1 ? "" : "s",
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
	buf_printf(out, "   pass %zu  n/a %zu  waived %zu  manual %zu  unknown %zu\n",
			   audit_count(a, VERDICT_PASS), audit_count(a, VERDICT_NOT_APPLICABLE),
			   audit_count_waived(a), audit_count(a, VERDICT_MANUAL),
			   audit_count(a, VERDICT_UNKNOWN));
}

/* A remark may be long. */
static void write_source(struct buf *out, const char *source)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	size_t n;

	buf_printable(&text, str_of(source));
	for (n = MIN(text.n, SOURCE_WIDTH);
		 n && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80;)
		n--;
	buf_puts(out, "       from ");
	buf_str(out, (struct str){text.p, n});
	buf_puts(out, n < text.n ? "...\n" : "\n");
}

static void write_piece(struct buf *out, const struct evidence *e)
{
	buf_puts(out, "     ");
	evidence_print(out, e);
	buf_putc(out, '\n');
	if (e->source)
		write_source(out, e->source);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* One line of a file may be the cause of many: one is shown for all. */
static bool is_like_earlier(const struct judgement *g, size_t i)
{
	const struct evidence *e = &g->p[i];

	for (size_t k = 0; e->from.line && k < i && k < SHOWN; k++)
		if (!g->p[k].waiver && g->p[k].alternative == e->alternative &&
			same_text(g->p[k].source, e->source) && same_text(g->p[k].found, e->found) &&
			same_text(g->p[k].wanted, e->wanted))
			return true;
	return false;
}

/* Of what would do instead of something else only that there is such a thing: it takes an explanation. */
static void write_evidence(struct buf *out, const struct judgement *g)
{
	size_t shown = 0, waived = 0, others = 0, alike = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct evidence *e = &g->p[i];

		waived += e->waiver != NULL;
		others += !e->waiver && e->alternative && shown;
		if (e->waiver || (e->alternative && shown))
			continue;
		if (is_like_earlier(g, i)) {
			alike++;
			continue;
		}
		if (shown++ >= SHOWN)
			continue;
		write_piece(out, e);
	}
	if (alike)
		buf_printf(out, "     and %zu more by the same line%s\n", alike, shown > 1 ? "s" : "");
	if (shown + g->more > SHOWN)
		buf_printf(out, "     and %zu more: revet explain %s\n", shown + g->more - SHOWN, g->rule->id);
	else if (others)
		buf_printf(out, "     or another way: revet explain %s\n", g->rule->id);
	if (waived)
		buf_printf(out, "     and %zu waived\n", waived);
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

static void write_waived(struct buf *out, const struct judgement *g)
{
	_cleanup_buf_ struct buf waiver = BUF(1u << 20);

	site_waiver_print(&waiver, g->waiver);
	buf_printf(out, "WAIVED   %-32s ", g->rule->id);
	buf_printable(out, buf_get(&waiver));
	buf_putc(out, '\n');
}

/* What is waived, when asked for; which waivers run out soon, and which are of no use. */
static void write_waivers(struct buf *out, const struct audit *a)
{
	int64_t now = snapshot_facts(a->snapshot)->time;

	for (size_t i = 0; a->verbose && i < a->n; i++)
		if (a->judgements[i].waiver)
			write_waived(out, &a->judgements[i]);
	for (size_t i = 0; i < a->site->file.waivers.n; i++) {
		const struct site_waiver *w = &a->site->file.waivers.p[i];
		const char *source = site_waiver_source(a->site, i, snapshot_arena(a->snapshot));
		int64_t days = (w->until - now) / 86400;

		if (!w->forever && !site_waiver_has_expired(w, now) && days < SOON)
			buf_printf(out, "%s: the waiver of %.*s runs out in %lld d\n", source, STR_ARG(w->rule),
					   (long long)days);
		if (a->is_whole && !a->site->used[i] && !site_waiver_has_expired(w, now))
			buf_printf(out, "%s: the waiver of %.*s waives nothing\n", source, STR_ARG(w->rule));
	}
}

/* What to do next, with the worst finding as the example. */
static void write_next(struct buf *out, const struct audit *a)
{
	const struct judgement *worst = NULL;

	for (size_t i = 0; i < a->n; i++) {
		const struct judgement *g = &a->judgements[i];

		if (judgement_counts(g) && (!worst || g->rule->severity > worst->rule->severity))
			worst = g;
	}
	if (worst)
		buf_printf(out, "Next: %srevet explain %s\n",
				   a->is_here ? "revet plan, " : "", worst->rule->id);
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
				buf_printf(out, "     %-6s %s\n",
						   a->judgements[i].waiver ? "waived" : words[change],
						   a->judgements[i].rule->id);
}

static void write_score(struct buf *out, int width, struct map_section section, struct map_score s)
{
	int percent = map_score_percent(s);

	buf_printf(out, "%-*.*s%-44.*s", width, STR_ARG(section.id), STR_ARG(section.title));
	if (percent >= 0)
		buf_printf(out, "%3d %%", percent);
	else
		buf_puts(out, "  -  ");
	buf_printf(out, "   pass %zu  fail %zu  unknown %zu  other %zu\n", s.pass, s.fail, s.unknown, s.other);
}

/* Scored by another's numbers: its sections, and the items that failed. */
static void write_map(const struct audit *a, struct buf *out)
{
	const struct numbering *m = a->map;
	struct map_section section;
	struct map_score score;
	size_t width = 8;

	buf_printf(out, "\n%.*s\n", STR_ARG(m->title));
	for (size_t i = 0; i < m->sections.n; i++)
		width = MAX(width, m->sections.p[i].id.n + 2);
	for (size_t i = 0; numbering_scored(m, i, a->judgements, a->n, &section, &score); i++)
		write_score(out, (int)width, section, score);
	for (size_t i = 0; i < m->items.n; i++) {
		const struct map_item *item = &m->items.p[i];

		if (!numbering_has_failed(item, a->judgements, a->n))
			continue;
		buf_printf(out, "FAIL     %-12.*s", STR_ARG(item->id));
		for (size_t k = 0; k < item->rules.n; k++)
			buf_printf(out, " %s", item->rules.p[k]->id);
		buf_putc(out, '\n');
	}
}

static void write_text(const struct audit *a, struct buf *out)
{
	write_head(out, a);
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		for (size_t i = 0; i < a->n; i++)
			if (judgement_counts(&a->judgements[i]) &&
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
	if (a->map)
		write_map(a, out);
	write_waivers(out, a);
	write_since(out, a);
	write_next(out, a);
}

static const struct report text_report = {"text", "for people", write_text};
REPORT(text_report);
