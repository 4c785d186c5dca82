/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions. */
#include <ctype.h>
#include <stdio.h>

#include "spec/pattern.h"
#include "spec/template_private.h"

static int compile(struct call *c, const struct pattern **ret)
{
	struct str expression;
	struct err err;

	if (call_text(c, 0, &expression) < 0)
		return -EINVAL;
	if (pattern_compile(c->arena, expression, ret, &err) < 0)
		return call_fail(c, "%s", err.msg);
	return 0;
}

/* For looking at so many bytes. */
static int spend_match(struct call *c, const struct pattern *p, size_t n)
{
	return call_spend(c, 1 + (n + 1) * pattern_cost(p) / 512);
}

static int run_match(struct call *c, struct datum *ret)
{
	const struct pattern *p;
	struct str s;

	if (compile(c, &p) < 0 || call_text(c, 1, &s) < 0)
		return -EINVAL;
	if (spend_match(c, p, s.n) < 0)
		return -EINVAL;
	*ret = DATUM_YES(pattern_match(p, s));
	return 0;
}

static int run_find(struct call *c, struct datum *ret)
{
	struct str s, found[PATTERN_MAX_GROUPS + 1] = {0};
	const struct pattern *p;

	if (compile(c, &p) < 0 || call_text(c, 1, &s) < 0)
		return -EINVAL;
	if (spend_match(c, p, s.n) < 0)
		return -EINVAL;
	*ret = DATUM_STR(pattern_find(p, s, 0, found) ? found[0] : STR(""));
	return 0;
}

/* Groups by name, or, when none has one, by number. */
static int run_submatch(struct call *c, struct datum *ret)
{
	struct str s, found[PATTERN_MAX_GROUPS + 1] = {0};
	const struct pattern *p;
	bool named = false;

	if (compile(c, &p) < 0 || call_text(c, 1, &s) < 0)
		return -EINVAL;
	*ret = datum_map(c->arena);
	if (spend_match(c, p, s.n) < 0)
		return -EINVAL;
	if (!pattern_find(p, s, 0, found))
		return 0;
	for (size_t i = 1; i <= pattern_groups(p); i++)
		named = named || pattern_group_name(p, i);
	for (size_t i = named; i <= pattern_groups(p); i++) {
		const char *name = named ? pattern_group_name(p, i) : arena_printf(c->arena, "%zu", i);

		if (name)
			datum_put(c->arena, ret, str_of(name), DATUM_STR(found[i].p ? found[i] : STR("")));
	}
	return 0;
}

/* Goes over all matches that do not overlap; an empty one right behind another does not count. */
struct matches {
	const struct pattern *p;
	struct str s, found[PATTERN_MAX_GROUPS + 1];
	size_t at, end; /* where to look next; where the last one ended, SIZE_MAX: there was none */
};

static bool next_match(struct matches *m)
{
	while (m->at <= m->s.n && pattern_find(m->p, m->s, m->at, m->found)) {
		size_t begin = (size_t)(m->found[0].p - m->s.p), end = begin + m->found[0].n;
		size_t rune = begin < m->s.n ? str_utf8((struct str){m->s.p + begin, m->s.n - begin}) : 1;
		bool again = !m->found[0].n && begin == m->end;

		m->at = m->found[0].n ? end : begin + MAX(rune, (size_t)1);
		m->end = end;
		if (!again)
			return true;
	}
	return false;
}

static int begin_matches(struct call *c, struct matches *m)
{
	*m = (struct matches){.end = SIZE_MAX};
	if (compile(c, &m->p) < 0 || call_text(c, 1, &m->s) < 0)
		return -EINVAL;
	if (!m->s.p)
		m->s = STR("");
	return 0;
}

static int run_find_all(struct call *c, struct datum *ret)
{
	VEC(struct str) all = {0};
	struct matches m;
	int64_t max;

	if (begin_matches(c, &m) < 0 || call_number(c, 2, &max) < 0)
		return -EINVAL;
	while ((max < 0 || (int64_t)all.n < max) && next_match(&m)) {
		*vec_push(c->arena, &all) = m.found[0];
		if (spend_match(c, m.p, m.s.n - MIN(m.at, m.s.n)) < 0)
			return -EINVAL;
	}
	*ret = datum_texts(c->arena, all.p, all.n);
	return 0;
}

static int run_split_by(struct call *c, struct datum *ret)
{
	VEC(struct str) parts = {0};
	struct matches m;
	size_t from = 0;
	int64_t max;

	if (begin_matches(c, &m) < 0 || call_number(c, 2, &max) < 0)
		return -EINVAL;
	while ((max < 0 || (int64_t)parts.n + 1 < max) && next_match(&m)) {
		size_t begin = (size_t)(m.found[0].p - m.s.p);

		if (spend_match(c, m.p, m.s.n - MIN(m.at, m.s.n)) < 0)
			return -EINVAL;
		if (m.end == 0 || (begin == m.s.n && !m.found[0].n))
			continue;
		*vec_push(c->arena, &parts) = (struct str){m.s.p + from, begin - from};
		from = m.end;
	}
	if (max)
		*vec_push(c->arena, &parts) = (struct str){m.s.p + from, m.s.n - from};
	*ret = datum_texts(c->arena, parts.p, parts.n);
	return 0;
}

/* $1, ${1}, $name, ${name}, $$ */
static void put_replacement(const struct matches *m, struct str by, struct buf *out)
{
	while (by.n) {
		size_t n = 0, group = SIZE_MAX;
		struct str name;

		if (!str_skip(&by, "$")) {
			buf_putc(out, by.p[0]);
			by = (struct str){by.p + 1, by.n - 1};
			continue;
		}
		if (str_skip(&by, "$")) {
			buf_putc(out, '$');
			continue;
		}
		if (str_starts(by, "{") && str_has_char(by, '}')) {
			(void)str_skip(&by, "{");
			(void)str_cut(&by, '}', &name);
		} else {
			while (n < by.n && (isalnum((unsigned char)by.p[n]) || by.p[n] == '_'))
				n++;
			name = (struct str){by.p, n};
			by = (struct str){by.p + n, by.n - n};
			if (!n) {
				buf_putc(out, '$');
				continue;
			}
		}
		for (size_t i = 0; i <= pattern_groups(m->p); i++) {
			char number[24];
			const char *other = pattern_group_name(m->p, i);

			snprintf(number, sizeof(number), "%zu", i);
			if (str_is(name, number) || (other && str_is(name, other)))
				group = i;
		}
		if (group != SIZE_MAX && m->found[group].p)
			buf_str(out, m->found[group]);
	}
}

static int run_replace_all(struct call *c, struct datum *ret)
{
	bool literal = str_ends(str_of(c->function->name), "Literal");
	struct buf out = CALL_BUF;
	struct matches m;
	struct str by;
	size_t from = 0;

	if (begin_matches(c, &m) < 0 || call_text(c, 2, &by) < 0)
		return -EINVAL;
	while (!out.full && next_match(&m)) {
		size_t begin = (size_t)(m.found[0].p - m.s.p);

		if (spend_match(c, m.p, m.s.n - MIN(m.at, m.s.n)) < 0) {
			buf_done(&out);
			return -EINVAL;
		}
		buf_add(&out, m.s.p + from, begin - from);
		if (literal)
			buf_str(&out, by);
		else
			put_replacement(&m, by, &out);
		from = m.end;
	}
	buf_add(&out, m.s.p + from, m.s.n - from);
	return call_return(c, &out, ret);
}

static int run_quote_meta(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr("\\.+*?()|[]{}^$", s.p[i]))
			buf_putc(&out, '\\');
		buf_putc(&out, s.p[i]);
	}
	return call_return(c, &out, ret);
}

const struct template_function template_regex_functions[] = {
	{"regexMatch", 2, 2, run_match},
	{"mustRegexMatch", 2, 2, run_match},
	{"regexFind", 2, 2, run_find},
	{"mustRegexFind", 2, 2, run_find},
	{"findStringSubmatch", 2, 2, run_submatch},
	{"regexFindAll", 3, 3, run_find_all},
	{"mustRegexFindAll", 3, 3, run_find_all},
	{"regexSplit", 3, 3, run_split_by},
	{"mustRegexSplit", 3, 3, run_split_by},
	{"regexReplaceAll", 3, 3, run_replace_all},
	{"mustRegexReplaceAll", 3, 3, run_replace_all},
	{"regexReplaceAllLiteral", 3, 3, run_replace_all},
	{"mustRegexReplaceAllLiteral", 3, 3, run_replace_all},
	{"regexQuoteMeta", 1, 1, run_quote_meta},
	{0},
};
