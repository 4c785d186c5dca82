/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTML: one file that needs nothing else, no network and, but for the filters, no script. Every rule
 * is there; what is open or shown is the reader's choice. All that comes from the host is escaped, and
 * the page's own policy lets no other script or style run.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "host/value.h"
#include "report/report.h"

#define SHOWN 50 /* pieces of evidence for each rule; -f json has all */

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;--line:#d0d7de;--box:#f6f8fa;"
	"--critical:#8e0b34;--high:#c62f10;--medium:#8a5a00;--low:#0a5cad;--good:#1a6b2f}"
	"@media(prefers-color-scheme:dark){:root{--bg:#0f1419;--fg:#e6e9ec;--soft:#9aa4ae;--line:#30363d;"
	"--box:#171d24;--critical:#ff7ba3;--high:#ff8f70;--medium:#e3b341;--low:#79b8ff;--good:#6bcf82}}"
	"*{box-sizing:border-box}"
	"body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem;background:var(--bg);color:var(--fg);"
	"font:15px/1.5 system-ui,sans-serif}"
	"h1{font-size:1.5rem;margin:0}.soft{color:var(--soft)}"
	".counts{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:1rem 0;padding:0;list-style:none}"
	".counts b{font-size:1.35rem;width:auto}"
	"form{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;align-items:center;padding:.6rem .8rem;"
	"background:var(--box);border:1px solid var(--line);border-radius:6px;margin-bottom:1rem}"
	"fieldset{border:0;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem .8rem}"
	"select,input[type=search]{font:inherit;background:var(--bg);color:inherit;padding:.15rem .4rem;"
	"border:1px solid var(--line);border-radius:4px}"
	"details{border-bottom:1px solid var(--line)}"
	"summary{padding:.45rem 0;cursor:pointer;display:flex;flex-wrap:wrap;gap:.2rem .8rem}"
	"summary:focus-visible{outline:2px solid var(--low)}"
	"summary::before{content:'\\25b8';color:var(--soft);width:.6rem}"
	"[open]>summary::before{content:'\\25be'}"
	".tag{width:7.5rem;font-weight:600}.id{font-family:ui-monospace,monospace;width:19rem;"
	"overflow-wrap:anywhere}.title{flex:1;min-width:16rem}"
	".critical .tag{color:var(--critical)}.high .tag{color:var(--high)}.medium .tag{color:var(--medium)}"
	".low .tag{color:var(--low)}.pass .tag{color:var(--good)}"
	".not_applicable .tag,.unknown .tag,.manual .tag,.waived .tag{color:var(--soft)}"
	".body{padding:0 0 .8rem;max-width:60rem}.body p{margin:.3rem 0}"
	".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9em;margin:.5rem 0}"
	"th,td{text-align:left;vertical-align:top;border:1px solid var(--line);padding:.2rem .5rem;"
	"overflow-wrap:break-word}code{font-family:ui-monospace,monospace}"
	"@media print{form{display:none}}";

static const char script[] =
	"'use strict';(()=>{const f=document.forms[0],d=[...document.querySelectorAll('details')],"
	"n=document.getElementById('n');"
	"const show=()=>{const o=new FormData(f),v=new Set(o.getAll('v')),s=new Set(o.getAll('s')),"
	"m=o.get('f'),q=o.get('q').toLowerCase();let k=0;"
	"for(const e of d){const c=e.dataset,y=v.has(c.v)&&s.has(c.s)&&(!m||c.f===m)&&"
	"(!q||e.textContent.toLowerCase().includes(q));e.hidden=!y;k+=y}"
	"n.textContent=k+' of '+d.length+' rules shown'};"
	"f.hidden=false;for(const t of['input','change'])f.addEventListener(t,show);"
	"f.addEventListener('submit',e=>"
	"{e.preventDefault();show()});show()})();";

static void put_text(struct buf *out, const char *text)
{
	buf_xml(out, str_of(text ? text : ""));
}

/* The hash by which a Content-Security-Policy allows a script or a style. */
static void put_source(struct buf *out, const char *text, size_t n)
{
	unsigned char digest[SHA256_DIGEST_LENGTH], base64[64];

	SHA256((const unsigned char *)text, n, digest);
	EVP_EncodeBlock(base64, digest, sizeof(digest));
	buf_printf(out, "'sha256-%s'", (const char *)base64);
}

static void write_top(const struct audit *a, struct buf *out)
{
	buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
				  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
				  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
	put_source(out, style, sizeof(style) - 1);
	buf_puts(out, "; script-src ");
	put_source(out, script, sizeof(script) - 1);
	buf_puts(out, "; base-uri 'none'; form-action 'none'\">\n<title>revet: ");
	buf_xml(out, snapshot_os(a->snapshot, "hostname", "(no name)"));
	buf_printf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n", style);
}

static void write_head(const struct audit *a, struct buf *out)
{
	const struct snapshot_facts *facts = snapshot_facts(a->snapshot);
	struct value time = {.state = VALUE_SET, .number = facts->time};

	buf_puts(out, "<header>\n<h1>Audit of ");
	buf_xml(out, snapshot_os(a->snapshot, "hostname", "(no name)"));
	buf_puts(out, "</h1>\n<p class=\"soft\">");
	buf_xml(out, snapshot_os(a->snapshot, "pretty_name", "unknown system"));
	buf_puts(out, " \xc2\xb7 ");
	value_print(out, TYPE_TIME, &time);
	buf_printf(out, " \xc2\xb7 revet %s \xc2\xb7 %zu rules \xc2\xb7 %s%s</p>\n<ul class=\"counts\">\n",
			   REVET_VERSION, a->n, facts->live ? "" : "offline, ", facts->root ? "root" : "not root");
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		buf_printf(out, "<li class=\"%s\"><b class=\"tag\">%zu</b> %s</li>\n",
				   severity_name((enum severity)s),
				   audit_count_severity(a, VERDICT_FAIL, (enum severity)s),
				   severity_name((enum severity)s));
	buf_printf(out,
			   "<li class=\"pass\"><b class=\"tag\">%zu</b> passed</li>\n<li><b>%zu</b> waived</li>\n<li><b>%zu</b> not "
			   "applicable</li>\n<li><b>%zu</b> to be judged by a person</li>\n<li><b>%zu</b> not "
			   "known</li>\n</ul>\n</header>\n",
			   audit_count(a, VERDICT_PASS), audit_count_waived(a),
			   audit_count(a, VERDICT_NOT_APPLICABLE), audit_count(a, VERDICT_MANUAL), audit_count(a, VERDICT_UNKNOWN));
}

static void put_checkbox(struct buf *out, const char *name, const char *value, const char *label,
						 bool checked)
{
	buf_printf(out, "<label><input type=\"checkbox\" name=\"%s\" value=\"%s\"%s> %s</label>\n", name,
			   value, checked ? " checked" : "", label);
}

/* Shown only where the script runs that makes it work. */
static void write_filters(const struct audit *a, struct buf *out)
{
	static const char *const labels[] = {[VERDICT_PASS] = "passed",
										 [VERDICT_FAIL] = "failed",
										 [VERDICT_NOT_APPLICABLE] = "not applicable",
										 [VERDICT_UNKNOWN] = "not known",
										 [VERDICT_MANUAL] = "for a person"};
	const char *family = "";

	buf_puts(out, "<form hidden>\n<fieldset aria-label=\"verdict\">\n");
	for (int v = VERDICT_PASS; v <= VERDICT_MANUAL; v++)
		put_checkbox(out, "v", verdict_name((enum verdict)v), labels[v],
					 v != VERDICT_PASS && v != VERDICT_NOT_APPLICABLE);
	put_checkbox(out, "v", "waived", "waived", false);
	buf_puts(out, "</fieldset>\n<fieldset aria-label=\"severity\">\n");
	for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
		put_checkbox(out, "s", severity_name((enum severity)s), severity_name((enum severity)s), true);
	buf_puts(out, "</fieldset>\n<label>family <select name=\"f\"><option value=\"\">all</option>");
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(family, a->judgements[i].rule->family) != 0) {
			family = a->judgements[i].rule->family;
			buf_puts(out, "<option>");
			put_text(out, family);
			buf_puts(out, "</option>");
		}
	buf_puts(out, "</select></label>\n<label>search <input type=\"search\" name=\"q\"></label>\n"
				  "<output id=\"n\" class=\"soft\"></output>\n</form>\n");
}

static void write_evidence(struct buf *out, const struct judgement *g)
{
	if (!g->n)
		return;
	buf_puts(out, "<div class=\"wide\"><table><tr><th>object<th>found<th>want<th>from</tr>\n");
	for (size_t i = 0; i < g->n && i < SHOWN; i++) {
		_cleanup_arena_ struct arena scratch = {0};
		const char *cells[EVIDENCE_CELLS];

		evidence_cells(&g->p[i], &scratch, cells);
		buf_puts(out, "<tr>");
		for (size_t k = 0; k < ARRAY_LEN(cells); k++) {
			buf_puts(out, "<td>");
			put_text(out, cells[k]);
		}
		buf_puts(out, "</tr>\n");
	}
	buf_puts(out, "</table></div>\n");
	if (g->n + g->more > SHOWN)
		buf_printf(out, "<p>and %zu more: <code>revet explain %s</code></p>\n", g->n + g->more - SHOWN,
				   g->rule->id);
}

static void write_paragraph(struct buf *out, const char *label, struct str text)
{
	if (!text.p)
		return;
	buf_printf(out, "<p>%s", label);
	buf_xml(out, str_trim(text));
	buf_puts(out, "</p>\n");
}

/* What a rule has to say of itself is left out where nothing is amiss. */
static void write_body(struct buf *out, const struct judgement *g)
{
	_cleanup_buf_ struct buf waiver = BUF(1u << 20);
	const struct rule *rule = g->rule;
	bool open = g->verdict == VERDICT_FAIL || g->verdict == VERDICT_MANUAL;

	buf_puts(out, "<div class=\"body\">\n");
	if (g->reason)
		write_paragraph(out, "", str_of(g->reason));
	if (g->waiver) {
		site_waiver_print(&waiver, g->waiver);
		write_paragraph(out, "", buf_get(&waiver));
	}
	if (open || g->verdict == VERDICT_UNKNOWN)
		write_paragraph(out, "", rule->why);
	write_evidence(out, g);
	if (open && rule->by_hand.p)
		write_paragraph(out, "<b>By hand:</b> ", rule->by_hand);
	else if (open)
		buf_printf(out, "<p><b>Fix</b> (%s, reversible): <code>revet plan --rule %s</code></p>\n",
				   fix_name(rule->fix), rule->id);
	if (open)
		write_paragraph(out, "<b>What it may break:</b> ", rule->breaks);
	buf_puts(out, "</div>\n");
}

static void write_rule(struct buf *out, const struct judgement *g)
{
	const char *verdict = judgement_outcome(g), *severity = severity_name(g->rule->severity);
	bool failed = judgement_counts(g);

	buf_printf(out, "<details class=\"%s\" data-v=\"%s\" data-s=\"%s\" data-f=\"",
			   failed ? severity : verdict, verdict, severity);
	put_text(out, g->rule->family);
	buf_printf(out, "\"><summary><span class=\"tag\">%s</span> <span class=\"id\">",
			   failed                             ? severity
			   : g->verdict == VERDICT_NOT_APPLICABLE ? "not applicable"
												  : verdict);
	put_text(out, g->rule->id);
	buf_puts(out, "</span> <span class=\"title\">");
	buf_xml(out, g->rule->title);
	buf_puts(out, "</span></summary>\n");
	write_body(out, g);
	buf_puts(out, "</details>\n");
}

static void write_score(struct buf *out, struct map_section section, struct map_score s)
{
	int percent = map_score_percent(s);

	buf_puts(out, "<tr><td>");
	buf_xml(out, section.id);
	buf_puts(out, "<td>");
	buf_xml(out, section.title);
	buf_puts(out, "<td>");
	if (percent >= 0)
		buf_printf(out, "%d %%", percent);
	buf_printf(out, "<td>%zu<td>%zu<td>%zu<td>%zu</tr>\n", s.pass, s.fail, s.unknown, s.other);
}

static void write_failed_items(const struct audit *a, struct buf *out)
{
	buf_puts(out, "<div class=\"wide\"><table><tr><th>failed<th>by</tr>\n");
	for (size_t i = 0; i < a->map->items.n; i++) {
		const struct map_item *item = &a->map->items.p[i];

		if (!numbering_has_failed(item, a->judgements, a->n))
			continue;
		buf_puts(out, "<tr><td>");
		buf_xml(out, item->id);
		buf_puts(out, "<td>");
		for (size_t k = 0; k < item->rules.n; k++) {
			buf_puts(out, k ? ", " : "");
			put_text(out, item->rules.p[k]->id);
		}
		buf_puts(out, "</tr>\n");
	}
	buf_puts(out, "</table></div>\n");
}

/* Scored by another's numbers: its sections, and the items that failed. */
static void write_map(const struct audit *a, struct buf *out)
{
	const struct numbering *m = a->map;
	struct map_section section;
	struct map_score score;

	buf_puts(out, "<section id=\"map\">\n<h2>");
	buf_xml(out, m->title);
	buf_puts(out, "</h2>\n<div class=\"wide\"><table><tr><th>section<th><th>score<th>passed<th>failed"
				  "<th>not known<th>other</tr>\n");
	for (size_t i = 0; numbering_scored(m, i, a->judgements, a->n, &section, &score); i++)
		write_score(out, section, score);
	buf_puts(out, "</table></div>\n");
	write_failed_items(a, out);
	buf_puts(out, "</section>\n");
}

static void write_html(const struct audit *a, struct buf *out)
{
	static const enum verdict order[] = {VERDICT_FAIL, VERDICT_MANUAL, VERDICT_UNKNOWN, VERDICT_PASS,
										 VERDICT_NOT_APPLICABLE};

	write_top(a, out);
	write_head(a, out);
	write_filters(a, out);
	buf_puts(out, "<main>\n");
	for (size_t v = 0; v < ARRAY_LEN(order); v++)
		for (int s = SEVERITY_CRITICAL; s >= SEVERITY_LOW; s--)
			for (size_t i = 0; i < a->n; i++)
				if (a->judgements[i].verdict == order[v] &&
					(int)a->judgements[i].rule->severity == s)
					write_rule(out, &a->judgements[i]);
	buf_puts(out, "</main>\n");
	if (a->map)
		write_map(a, out);
	buf_printf(out, "<script>%s</script>\n</body>\n</html>\n", script);
}

static const struct report html_report = {"html", "one HTML file, for a browser", write_html};
REPORT(html_report);
