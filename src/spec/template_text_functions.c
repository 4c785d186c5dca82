/* SPDX-License-Identifier: Apache-2.0 */
/* Text: case, trimming, cutting, putting together, lists of it. */
#include <ctype.h>

#include "spec/template_private.h"

/* Reads the arguments as text; the caller has checked how many there are. */
static int texts(struct call *c, struct str ret[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (call_text(c, i, &ret[i]) < 0)
			return -EINVAL;
	return 0;
}

/* --- case ------------------------------------------------------------------------------------ */

static int run_case(struct call *c, struct datum *ret)
{
	char how = c->function->name[0] == 't' && c->function->name[1] == 'o'
				   ? c->function->name[2] | 32
				   : c->function->name[0];
	struct str s;
	char *to;
	bool begin = true;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	to = arena_copy(c->arena, s.p, s.n);
	for (size_t i = 0; i < s.n; i++) {
		bool letter = isalpha((unsigned char)to[i]);

		if (how == 'u' || (how == 't' && begin) || (how == 's' && letter && (to[i] & 32)))
			to[i] = (char)toupper((unsigned char)to[i]);
		else if (how == 'l' || how == 's' || (how == 'n' && begin))
			to[i] = (char)tolower((unsigned char)to[i]);
		begin =
			!isalnum((unsigned char)s.p[i]) && s.p[i] != '_' && s.p[i] != '\'' && !(s.p[i] & 0x80);
	}
	*ret = DATUM_STR(((struct str){to, s.n}));
	return 0;
}

/* untitle: first letters small; its name begins with u, too. */
static int run_untitle(struct call *c, struct datum *ret)
{
	struct str s;
	char *to;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	to = arena_copy(c->arena, s.p, s.n);
	for (size_t i = 0; i < s.n; i++)
		if (!i || isspace((unsigned char)to[i - 1]))
			to[i] = (char)tolower((unsigned char)to[i]);
	*ret = DATUM_STR(((struct str){to, s.n}));
	return 0;
}

/* snakecase and kebabcase: words are divided where the case changes. */
static int run_words(struct call *c, struct datum *ret)
{
	char between = c->function->name[0] == 's' ? '_' : '-';
	struct buf out = CALL_BUF;
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i], before = i ? (unsigned char)s.p[i - 1] : 0;
		bool next_small = i + 1 < s.n && islower((unsigned char)s.p[i + 1]);

		if (b == ' ' || b == '_' || b == '-') {
			buf_putc(&out, between);
			continue;
		}
		if (i && isupper(b) &&
			(islower(before) || isdigit(before) || (isupper(before) && next_small)))
			buf_putc(&out, between);
		buf_putc(&out, (char)tolower(b));
	}
	return call_return(c, &out, ret);
}

/* --- trimming -------------------------------------------------------------------------------- */

static int run_trim(struct call *c, struct datum *ret)
{
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	*ret = DATUM_STR(str_trim(s));
	return 0;
}

static int run_trim_what(struct call *c, struct datum *ret)
{
	const char *name = c->function->name;
	struct str s[2];

	if (texts(c, s, 2) < 0)
		return -EINVAL;
	if (str_ends(str_of(name), "Prefix")) {
		(void)str_skip(&s[1], str_dup(c->arena, s[0]));
	} else if (str_ends(str_of(name), "Suffix")) {
		if (str_ends(s[1], str_dup(c->arena, s[0])))
			s[1].n -= s[0].n;
	} else {
		while (s[1].n && str_has_char(s[0], s[1].p[0]))
			s[1] = (struct str){s[1].p + 1, s[1].n - 1};
		while (s[1].n && str_has_char(s[0], s[1].p[s[1].n - 1]))
			s[1].n--;
	}
	*ret = DATUM_STR(s[1]);
	return 0;
}

static int run_nospace(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (!isspace((unsigned char)s.p[i]))
			buf_putc(&out, s.p[i]);
	return call_return(c, &out, ret);
}

/* --- parts ----------------------------------------------------------------------------------- */

static int run_substr(struct call *c, struct datum *ret)
{
	int64_t from, to;
	struct str s;

	if (call_number(c, 0, &from) < 0 || call_number(c, 1, &to) < 0 || call_text(c, 2, &s) < 0)
		return -EINVAL;
	from = MAX(from, 0);
	if (to < 0 || to > (int64_t)s.n)
		to = (int64_t)s.n;
	if (from > to)
		return call_fail(c, "it begins behind its end");
	*ret = DATUM_STR(((struct str){s.p + from, (size_t)(to - from)}));
	return 0;
}

static int run_trunc(struct call *c, struct datum *ret)
{
	int64_t n;
	struct str s;

	if (call_number(c, 0, &n) < 0 || call_text(c, 1, &s) < 0)
		return -EINVAL;
	if (n >= 0 && n < (int64_t)s.n)
		s.n = (size_t)n;
	else if (n < 0 && -n < (int64_t)s.n)
		s = (struct str){s.p + s.n + n, (size_t)-n};
	*ret = DATUM_STR(s);
	return 0;
}

static int run_has(struct call *c, struct datum *ret)
{
	const char *name = c->function->name;
	struct str s[2];
	bool has;

	if (texts(c, s, 2) < 0)
		return -EINVAL;
	has = s[1].n >= s[0].n;
	if (name[0] == 'c')
		has = !s[0].n || memmem(s[1].p, s[1].n, s[0].p, s[0].n) != NULL;
	else if (has && s[0].n)
		has = memcmp(str_ends(str_of(name), "Prefix") ? s[1].p : s[1].p + s[1].n - s[0].n, s[0].p,
					 s[0].n) == 0;
	*ret = DATUM_YES(has);
	return 0;
}

/* --- putting together ------------------------------------------------------------------------ */

static int run_repeat(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	int64_t n;
	struct str s;

	if (call_number(c, 0, &n) < 0 || call_text(c, 1, &s) < 0)
		return -EINVAL;
	for (int64_t i = 0; i < n && s.n && !out.full; i++)
		buf_str(&out, s);
	return call_return(c, &out, ret);
}

static int run_replace(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	struct str s[3];

	if (texts(c, s, 3) < 0)
		return -EINVAL;
	while (s[2].n) {
		const char *at = s[0].n ? memmem(s[2].p, s[2].n, s[0].p, s[0].n) : NULL;
		size_t n = at ? (size_t)(at - s[2].p) : s[2].n;

		buf_add(&out, s[2].p, n);
		if (at)
			buf_str(&out, s[1]);
		n += at ? s[0].n : 0;
		s[2] = (struct str){s[2].p + n, s[2].n - n};
	}
	return call_return(c, &out, ret);
}

static int run_cat(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;

	for (size_t i = 0; i < c->n; i++) {
		if (c->args[i].kind == DATUM_NULL)
			continue;
		if (out.n)
			buf_putc(&out, ' ');
		datum_print(&out, &c->args[i]);
	}
	return call_return(c, &out, ret);
}

static int run_quote(struct call *c, struct datum *ret)
{
	bool single = c->function->name[0] == 's';
	struct buf out = CALL_BUF;

	for (size_t i = 0; i < c->n; i++) {
		struct datum text = DATUM_STR(datum_text(c->arena, &c->args[i]));

		if (c->args[i].kind == DATUM_NULL)
			continue;
		if (out.n)
			buf_putc(&out, ' ');
		if (single)
			buf_printf(&out, "'%s'", str_dup(c->arena, text.text));
		else
			datum_json(&out, &text);
	}
	return call_return(c, &out, ret);
}

static int run_indent(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	struct str s, line;
	int64_t n;
	bool first = true;

	if (call_number(c, 0, &n) < 0 || call_text(c, 1, &s) < 0)
		return -EINVAL;
	if (c->function->name[0] == 'n')
		buf_putc(&out, '\n');
	while (str_cut(&s, '\n', &line)) {
		if (!first)
			buf_putc(&out, '\n');
		for (int64_t i = 0; i < MIN(n, 1000); i++)
			buf_putc(&out, ' ');
		buf_str(&out, line);
		first = false;
	}
	return call_return(c, &out, ret);
}

static int run_plural(struct call *c, struct datum *ret)
{
	int64_t n;

	if (call_number(c, 2, &n) < 0)
		return -EINVAL;
	*ret = c->args[n == 1 ? 0 : 1];
	return 0;
}

static int run_to_string(struct call *c, struct datum *ret)
{
	*ret = DATUM_STR(datum_text(c->arena, &c->args[0]));
	return call_spend(c, ret->text.n / 64);
}

/* --- lists of texts -------------------------------------------------------------------------- */

static int run_join(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	const struct datum *items;
	struct str between;
	size_t n;

	if (call_text(c, 0, &between) < 0)
		return -EINVAL;
	if (c->args[1].kind != DATUM_LIST) {
		*ret = DATUM_STR(datum_text(c->arena, &c->args[1]));
		return 0;
	}
	if (call_list(c, 1, &items, &n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_str(&out, between);
		datum_print(&out, &items[i]);
	}
	return call_return(c, &out, ret);
}

static int split(struct call *c, struct str s, struct str at, size_t max, struct datum *ret)
{
	VEC(struct str) parts = {0};

	while (parts.n + 1 < max) {
		const char *found = at.n ? memmem(s.p, s.n, at.p, at.n) : NULL;
		size_t n = found ? (size_t)(found - s.p) : at.n || !s.n ? s.n : MAX(str_utf8(s), (size_t)1);

		if (!found && (at.n || n == s.n))
			break;
		*vec_push(c->arena, &parts) = (struct str){s.p, n};
		s = (struct str){s.p + n + at.n, s.n - n - at.n};
	}
	*vec_push(c->arena, &parts) = s;
	*ret = datum_texts(c->arena, parts.p, parts.n);
	return call_spend(c, parts.n);
}

/* {_0: ..., _1: ...} */
static int number_parts(struct call *c, struct datum *ret)
{
	struct datum list = *ret;

	*ret = datum_map(c->arena);
	for (size_t i = 0; i < list.list.n; i++)
		*vec_push(c->arena, ret->map) =
			(struct member){str_of(arena_printf(c->arena, "_%zu", i)), list.list.p[i]};
	return 0;
}

static int run_split(struct call *c, struct datum *ret)
{
	bool listed = strcmp(c->function->name, "splitList") == 0;
	struct str s[2];

	if (texts(c, s, 2) < 0 || split(c, s[1], s[0], SIZE_MAX, ret) < 0)
		return -EINVAL;
	return listed ? 0 : number_parts(c, ret);
}

static int run_splitn(struct call *c, struct datum *ret)
{
	struct str at, s;
	int64_t n;

	if (call_text(c, 0, &at) < 0 || call_number(c, 1, &n) < 0 || call_text(c, 2, &s) < 0)
		return -EINVAL;
	if (n < 1)
		return call_fail(c, "expected at least one part");
	return split(c, s, at, (size_t)n, ret) < 0 ? -EINVAL : number_parts(c, ret);
}

const struct template_function template_text_functions[] = {
	{"toUpper", 1, 1, run_case},
	{"upper", 1, 1, run_case},
	{"toLower", 1, 1, run_case},
	{"lower", 1, 1, run_case},
	{"title", 1, 1, run_case},
	{"swapcase", 1, 1, run_case},
	{"untitle", 1, 1, run_untitle},
	{"snakecase", 1, 1, run_words},
	{"kebabcase", 1, 1, run_words},
	{"trim", 1, 1, run_trim},
	{"trimAll", 2, 2, run_trim_what},
	{"trimPrefix", 2, 2, run_trim_what},
	{"trimSuffix", 2, 2, run_trim_what},
	{"nospace", 1, 1, run_nospace},
	{"substr", 3, 3, run_substr},
	{"trunc", 2, 2, run_trunc},
	{"contains", 2, 2, run_has},
	{"hasPrefix", 2, 2, run_has},
	{"hasSuffix", 2, 2, run_has},
	{"repeat", 2, 2, run_repeat},
	{"replace", 3, 3, run_replace},
	{"cat", 0, 0, run_cat},
	{"quote", 0, 0, run_quote},
	{"squote", 0, 0, run_quote},
	{"indent", 2, 2, run_indent},
	{"nindent", 2, 2, run_indent},
	{"plural", 3, 3, run_plural},
	{"toString", 1, 1, run_to_string},
	{"join", 2, 2, run_join},
	{"split", 2, 2, run_split},
	{"splitList", 2, 2, run_split},
	{"splitn", 3, 3, run_splitn},
	{0},
};
