/* SPDX-License-Identifier: Apache-2.0 */
/* Text: case, trimming, replacing, regular expressions, encodings. */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "spec/pattern.h"
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

/* --- regular expressions --------------------------------------------------------------------- */

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

/* --- encodings ------------------------------------------------------------------------------- */

static int run_b64enc(struct call *c, struct datum *ret)
{
	struct str s;
	unsigned char *to;
	int n;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (s.n > 700000)
		return call_fail(c, "the text is too large");
	to = arena_alloc(c->arena, s.n / 3 * 4 + 8);
	n = EVP_EncodeBlock(to, (const unsigned char *)(s.p ? s.p : ""), (int)s.n);
	*ret = DATUM_STR(((struct str){(char *)to, (size_t)n}));
	return 0;
}

static int run_b64dec(struct call *c, struct datum *ret)
{
	struct str s;
	unsigned char *to;
	int n;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (s.n > ((size_t)1 << 20) || s.n % 4)
		return call_fail(c, "this is no base64");
	to = arena_alloc(c->arena, s.n + 4);
	n = s.n ? EVP_DecodeBlock(to, (const unsigned char *)s.p, (int)s.n) : 0;
	if (n < 0)
		return call_fail(c, "this is no base64");
	for (size_t i = s.n; i > 0 && s.p[i - 1] == '=' && n > 0; i--)
		n--;
	*ret = DATUM_STR(((struct str){(char *)to, (size_t)n}));
	return 0;
}

static int run_hash(struct call *c, struct datum *ret)
{
	const char *name = c->function->name;
	const EVP_MD *md = name[0] == 'm'   ? EVP_md5()
					   : name[3] == '1' ? EVP_sha1()
					   : name[3] == '2' ? EVP_sha256()
										: EVP_sha512();
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf out = CALL_BUF;
	unsigned n = 0;
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (EVP_Digest(s.p ? s.p : "", s.n, digest, &n, md, NULL) != 1)
		return call_fail(c, "the hash cannot be computed");
	for (unsigned i = 0; i < n; i++)
		buf_printf(&out, "%02x", digest[i]);
	return call_return(c, &out, ret);
}

static int run_to_json(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;

	datum_json(&out, &c->args[0]);
	return call_return(c, &out, ret);
}

static int run_from_json(struct call *c, struct datum *ret)
{
	struct str s;
	struct err err;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	if (datum_from_json(s, c->arena, ret, &err) < 0)
		return call_fail(c, "%s", err.msg);
	return call_spend(c, s.n / 8);
}

static int run_escape(struct call *c, struct datum *ret)
{
	bool url = c->function->name[0] == 'u';
	struct buf out = CALL_BUF, all = CALL_BUF;
	struct str s;

	for (size_t i = 0; i < c->n; i++)
		datum_print(&all, &c->args[i]);
	s = buf_get(&all);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i];

		if (url && b == ' ')
			buf_putc(&out, '+');
		else if (url && !(isalnum(b) && b < 0x80) && !strchr("-_.~", b))
			buf_printf(&out, "%%%02X", b);
		else if (!url && b == '<')
			buf_puts(&out, "&lt;");
		else if (!url && b == '>')
			buf_puts(&out, "&gt;");
		else if (!url && b == '&')
			buf_puts(&out, "&amp;");
		else if (!url && (b == '"' || b == '\''))
			buf_puts(&out, b == '"' ? "&#34;" : "&#39;");
		else
			buf_putc(&out, (char)b);
	}
	buf_done(&all);
	return call_return(c, &out, ret);
}

/* --- paths ----------------------------------------------------------------------------------- */

static int run_base(struct call *c, struct datum *ret)
{
	struct str s, part, last = STR_ABSENT;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	*ret = DATUM_STR(s.n ? STR("/") : STR("."));
	while (str_cut(&s, '/', &part))
		if (part.n)
			last = part;
	if (last.p)
		*ret = DATUM_STR(last);
	return 0;
}

static int run_dir(struct call *c, struct datum *ret)
{
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	while (s.n && s.p[s.n - 1] != '/')
		s.n--;
	while (s.n > 1 && s.p[s.n - 1] == '/')
		s.n--;
	*ret = DATUM_STR(s.n ? s : STR("."));
	return 0;
}

static int run_ext(struct call *c, struct datum *ret)
{
	struct str s;
	size_t i;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	for (i = s.n; i > 0 && s.p[i - 1] != '/' && s.p[i - 1] != '.'; i--)
		;
	*ret =
		DATUM_STR(i > 0 && s.p[i - 1] == '.' ? ((struct str){s.p + i - 1, s.n - i + 1}) : STR(""));
	return 0;
}

static int run_is_abs(struct call *c, struct datum *ret)
{
	struct str s;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	*ret = DATUM_YES(str_starts(s, "/"));
	return 0;
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
	{"b64enc", 1, 1, run_b64enc},
	{"b64dec", 1, 1, run_b64dec},
	{"md5sum", 1, 1, run_hash},
	{"sha1sum", 1, 1, run_hash},
	{"sha256sum", 1, 1, run_hash},
	{"sha512sum", 1, 1, run_hash},
	{"toJson", 1, 1, run_to_json},
	{"mustToJson", 1, 1, run_to_json},
	{"toRawJson", 1, 1, run_to_json},
	{"fromJson", 1, 1, run_from_json},
	{"mustFromJson", 1, 1, run_from_json},
	{"html", 1, 0, run_escape},
	{"urlquery", 1, 0, run_escape},
	{"base", 1, 1, run_base},
	{"dir", 1, 1, run_dir},
	{"ext", 1, 1, run_ext},
	{"isAbs", 1, 1, run_is_abs},
	{"osBase", 1, 1, run_base},
	{"osDir", 1, 1, run_dir},
	{"osExt", 1, 1, run_ext},
	{"osIsAbs", 1, 1, run_is_abs},
	{0},
};
