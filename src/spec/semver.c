/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/semver.h"

#include "base/num.h"
#include "base/vec.h"

#define MAX_PARTS 256

/* --- versions -------------------------------------------------------------------------------- */

static bool is_number(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static int parse_number(struct str s, uint64_t *ret)
{
	if (!is_number(s) || (s.n > 1 && s.p[0] == '0'))
		return -EINVAL;
	return num_u64(s, 0, UINT64_MAX - 1, ret);
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') &&
			s.p[i] != '-')
			return false;
	return s.n > 0;
}

/* Words of letters, digits and '-', joined by dots. */
static bool are_words(struct str s, bool no_zeros)
{
	struct str word;

	while (str_cut(&s, '.', &word)) {
		if (!is_word(word) || (no_zeros && is_number(word) && word.n > 1 && word.p[0] == '0'))
			return false;
	}
	return true;
}

int semver_parse(struct str s, struct semver *ret)
{
	struct semver v = {.pre = STR_ABSENT};
	struct str build = s, rest, part;

	if (!s.n)
		return -EINVAL;
	(void)str_cut(&build, '+', &rest);
	if (build.p && !are_words(build, false))
		return -EINVAL;
	v.pre = rest;
	(void)str_cut(&v.pre, '-', &rest);
	if (v.pre.p && !are_words(v.pre, true))
		return -EINVAL;
	for (int i = 0; i < 3; i++)
		if (!str_cut(&rest, '.', &part) || parse_number(part, &v.number[i]) < 0)
			return -EINVAL;
	if (rest.p)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* Numbers come before words, and by their value. */
static int cmp_words(struct str a, struct str b)
{
	if (is_number(a) != is_number(b))
		return is_number(a) ? -1 : 1;
	if (is_number(a) && a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return str_cmp(a, b);
}

static int cmp_pre(struct str a, struct str b)
{
	if (!a.p || !b.p)
		return !a.p - !b.p; /* what has none is the release, and later */
	for (;;) {
		struct str x, y;
		bool more = str_cut(&a, '.', &x), other = str_cut(&b, '.', &y);
		int c;

		if (!more || !other)
			return more - other;
		c = cmp_words(x, y);
		if (c)
			return c;
	}
}

int semver_cmp(const struct semver *a, const struct semver *b)
{
	for (int i = 0; i < 3; i++)
		if (a->number[i] != b->number[i])
			return a->number[i] < b->number[i] ? -1 : 1;
	return cmp_pre(a->pre, b->pre);
}

/* --- ranges ---------------------------------------------------------------------------------- */

enum comparison { EQUAL, NOT_EQUAL, ABOVE, BELOW, AT_LEAST, AT_MOST };

struct bound {
	enum comparison is;
	struct semver version;
	bool alternative; /* begins another list of bounds, of which all must hold */
};

struct semver_range {
	VEC(struct bound) bounds;
};

static void add(struct semver_range *range, struct arena *a, enum comparison is, struct semver v,
				bool alternative)
{
	*vec_push(a, &range->bounds) = (struct bound){is, v, alternative};
}

static bool is_any(struct str s)
{
	return str_is(s, "x") || str_is(s, "X") || str_is(s, "*");
}

/* 1.x or 1.2.x: how many numbers it has in front, and the first version that it means; 0: it is none. */
static int parse_wild(struct str s, struct semver *ret, int *ret_known)
{
	struct str part;
	int n = 0;

	*ret = (struct semver){.pre = STR_ABSENT};
	*ret_known = 0;
	while (str_cut(&s, '.', &part)) {
		if (n == 3)
			return -EINVAL;
		if (is_any(part))
			*ret_known = *ret_known ? *ret_known : n + 1;
		else if (*ret_known || parse_number(part, &ret->number[n]) < 0)
			return -EINVAL;
		n++;
	}
	if (!*ret_known)
		return -EINVAL;
	*ret_known -= 1;
	return 0;
}

static int add_wild(struct semver_range *range, struct arena *a, enum comparison is,
					struct str text, bool alternative)
{
	struct semver from, to;
	int known;

	if (parse_wild(text, &from, &known) < 0)
		return -EINVAL;
	to = from;
	if (known)
		to.number[known - 1]++;
	if (!known && is != EQUAL)
		return -EINVAL; /* more or less than anything */
	switch (is) {
	case ABOVE:
		add(range, a, AT_LEAST, to, alternative);
		break;
	case AT_MOST:
		add(range, a, BELOW, to, alternative);
		break;
	case EQUAL:
		add(range, a, AT_LEAST, from, alternative);
		if (known)
			add(range, a, BELOW, to, false);
		break;
	case NOT_EQUAL:
		return -EINVAL;
	default:
		add(range, a, is, from, alternative);
	}
	return 0;
}

static enum comparison take_comparison(struct str *s)
{
	static const struct {
		const char *sign;
		enum comparison is;
	} signs[] = {{">=", AT_LEAST}, {"<=", AT_MOST}, {"==", EQUAL}, {"!=", NOT_EQUAL},
				 {">", ABOVE},     {"<", BELOW},    {"=", EQUAL},  {"!", NOT_EQUAL}};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (str_skip(s, signs[i].sign))
			return signs[i].is;
	return EQUAL;
}

static int add_bound(struct semver_range *range, struct arena *a, enum comparison is,
					 struct str text, bool alternative)
{
	struct semver v;

	if (semver_parse(text, &v) < 0)
		return add_wild(range, a, is, text, alternative);
	add(range, a, is, v, alternative);
	return 0;
}

/* Blanks may stand between a sign and its version. */
static int parse_alternative(struct semver_range *range, struct str s, struct arena *a)
{
	bool first = true;
	struct str word;

	while (str_word(&s, &word)) {
		enum comparison is = take_comparison(&word);

		/* `! 1.2.3` means something else to the library that goss uses: better not at all. */
		if (!word.n && (is == NOT_EQUAL || !str_word(&s, &word)))
			return -EINVAL;
		if (range->bounds.n > MAX_PARTS || add_bound(range, a, is, word, first) < 0)
			return -EINVAL;
		first = false;
	}
	return first ? -EINVAL : 0;
}

int semver_range_parse(struct str s, struct arena *a, const struct semver_range **ret,
					   struct err *err)
{
	struct semver_range *range = arena_new(a, struct semver_range, 1);
	struct str rest = s, one;
	int r = 0;

	while (r == 0 && str_cut(&rest, '|', &one)) {
		r = parse_alternative(range, one, a);
		if (r == 0 && rest.p && !str_skip(&rest, "|"))
			r = -EINVAL;
	}
	if (r < 0 || !range->bounds.n)
		return err_set(err, EINVAL,
					   "'%.*s' is no range of versions, such as '>=1.2.0 <2.0.0 || >3.0.0'",
					   STR_ARG(s));
	*ret = range;
	return 0;
}

static bool bound_holds(const struct bound *b, const struct semver *v)
{
	int c = semver_cmp(v, &b->version);

	switch (b->is) {
	case EQUAL:
		return c == 0;
	case NOT_EQUAL:
		return c != 0;
	case ABOVE:
		return c > 0;
	case BELOW:
		return c < 0;
	case AT_LEAST:
		return c >= 0;
	default:
		return c <= 0;
	}
}

bool semver_in(const struct semver_range *range, const struct semver *v)
{
	bool all = false;

	for (size_t i = 0; i < range->bounds.n; i++) {
		if (range->bounds.p[i].alternative && all)
			return true;
		all = (range->bounds.p[i].alternative || all) && bound_holds(&range->bounds.p[i], v);
	}
	return all;
}
