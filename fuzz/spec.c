/* SPDX-License-Identifier: Apache-2.0 */
/* Targets for what reads a user's tests: templates, matchers, expressions, paths, and answers of servers. */
#include <jansson.h>
#include <stdlib.h>

#include "fuzz.h"
#include "spec/dns_message.h"
#include "spec/gjson.h"
#include "spec/pattern.h"
#include "spec/semver.h"
#include "spec/spec.h"
#include "spec/template.h"

#define MAX_TEXT ((size_t)16 << 20)

static struct str first_line(struct str *rest)
{
	struct str line = STR("");

	if (!str_cut(rest, '\n', &line) || !rest->p)
		*rest = STR("");
	return line;
}

/* What is found lies within the subject, and is found again where it begins. */
static void run_pattern(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct str expression = first_line(&s), found[PATTERN_MAX_GROUPS + 1];
	const struct pattern *p;
	struct err err;
	bool matches;

	if (pattern_compile(&a, expression, &p, &err) < 0)
		return;
	matches = pattern_match(p, s);
	check(matches == pattern_find(p, s, 0, found));
	if (!matches)
		return;
	for (size_t i = 0; i <= pattern_groups(p); i++)
		check(!found[i].p || (found[i].p >= s.p && found[i].p + found[i].n <= s.p + s.n));
	check(pattern_find(p, s, (size_t)(found[0].p - s.p), found));
}

/* What comes out has as many lines as it is said where they come from. */
static void run_template(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct template_world world = {.vars = datum_map(&a), .env = datum_map(&a)};
	struct template_text made;
	struct err err = {0};
	struct str rest, line;
	size_t lines = 0;

	datum_put(&a, &world.vars, STR("text"), DATUM_STR(STR("some text")));
	datum_put(&a, &world.vars, STR("list"), datum_texts(&a, (struct str[]){STR("a"), STR("b")}, 2));
	datum_put(&a, &world.env, STR("OS"), DATUM_STR(STR("debian")));
	if (template_render(s, "input", &world, &a, &made, &err) < 0) {
		check(err.errnum && strncmp(err.msg, "input", 5) == 0);
		return;
	}
	rest = made.text;
	while (str_line(&rest, &line))
		lines++;
	check(made.n_lines == lines);
	for (size_t i = 0; i < lines; i++)
		check(made.lines[i] >= 1);
}

/* JSON that jansson takes, whatever is in the values. */
static void check_json(const struct datum *d)
{
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT);
	json_t *j;

	datum_json(&text, d);
	j = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
				   NULL);
	check(text.full || j);
	json_decref(j);
}

static void run_gjson(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct str path = first_line(&s);
	struct datum document, found;
	struct err err;

	if (datum_from_json(s, &a, &document, &err) == 0 &&
		gjson_get(&document, path, &a, &found, &err) == 1)
		check_json(&found);
}

static void run_semver(const struct target *t _unused_, struct str s)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text = first_line(&s);
	const struct semver_range *range;
	struct semver v;
	struct err err;

	if (semver_parse(s, &v) < 0)
		return;
	check(semver_cmp(&v, &v) == 0);
	if (semver_range_parse(text, &a, &range, &err) == 0)
		(void)semver_in(range, &v);
}

/* The first byte says of which type. */
static void run_dns(const struct target *t _unused_, struct str s)
{
	static const char *const types[] = {"A",  "AAAA", "CAA", "CNAME", "MX",
										"NS", "PTR",  "SRV", "TXT"};
	_cleanup_arena_ struct arena a = {0};
	unsigned char question[DNS_MAX_QUESTION];
	struct dns_answer answer;
	struct err err;
	unsigned type;

	if (s.n < 3)
		return;
	type = dns_type(str_of(types[(unsigned char)s.p[0] % ARRAY_LEN(types)]));
	s = (struct str){s.p + 1, s.n - 1};
	(void)dns_answer_parse(s, type, (uint16_t)((unsigned char)s.p[0] << 8 | (unsigned char)s.p[1]),
						   &a, &answer, &err);
	check(dns_question(s, type, 7, question) <= DNS_MAX_QUESTION);
}

/* Values against matchers, and what the formats make of it. */
static void judge_all(struct suite *s, struct host *host)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct suite_judging j = {.suite = s, .host = host, .snapshot = snapshot, .threads = 1};
	const struct format_options o = {.color = true};

	suite_judge(&j);
	check(j.results.failed + j.results.skipped <= j.results.n);
	for (const struct format *const *f = LEAF_BEGIN(formats); f < LEAF_END(formats); f++) {
		_cleanup_buf_ struct buf out = BUF(MAX_TEXT);
		bool is_json = strcmp((*f)->name, "json") == 0;
		json_t *report;

		(*f)->write(&j.results, &o, &out);
		report = is_json ? json_loadb(out.p, out.n, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL)
						 : NULL;
		check(!is_json || out.full || report);
		json_decref(report);
	}
	suite_judging_done(&j);
}

static void run_gossfile(const struct target *t _unused_, struct str s)
{
	struct suite suite = {.directory = "/"};
	const struct suite_options options = {.vars = datum_map(&suite.arena), .alone = true};
	struct err err = {0};
	_cleanup_host_ struct host *host = host_open_recording(STR(""), ENOENT, &err);

	if (suite_parse(&suite, s, "input", &options, &err) < 0)
		check(err.errnum && strncmp(err.msg, "input", 5) == 0);
	else if (host)
		judge_all(&suite, host);
	suite_done(&suite);
}

const struct target spec_targets[] = {
	{.name = "pattern", .max = 1024, .run = run_pattern},
	{.name = "template", .max = 2048, .run = run_template},
	{.name = "gossfile", .max = 4096, .run = run_gossfile},
	{.name = "gjson", .max = 2048, .run = run_gjson},
	{.name = "semver", .max = 512, .run = run_semver},
	{.name = "dns", .max = 2048, .run = run_dns},
	{.name = NULL},
};
