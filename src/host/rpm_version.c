/* SPDX-License-Identifier: Apache-2.0 */
#include "host/rpm_version.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_separators(struct str *s)
{
	while (s->n && !is_digit(s->p[0]) && !is_letter(s->p[0]) && s->p[0] != '~' && s->p[0] != '^')
		s->p++, s->n--;
}

static struct str segment(struct str *s, bool (*is_of)(char))
{
	struct str part = {s->p, 0};

	while (s->n && is_of(s->p[0]))
		s->p++, s->n--, part.n++;
	return part;
}

static int cmp_numbers(struct str a, struct str b)
{
	while (a.n && a.p[0] == '0')
		a.p++, a.n--;
	while (b.n && b.p[0] == '0')
		b.p++, b.n--;
	return a.n != b.n ? (a.n > b.n ? 1 : -1) : str_cmp(a, b);
}

/* A tilde is before everything, the end included; a caret is before all but the end and a tilde. Takes a mark
 * that both have; true: *ret decides. */
static bool cmp_marks(struct str *a, struct str *b, bool *ret_same, int *ret)
{
	static const char marks[] = "~^";

	*ret_same = false;
	for (size_t i = 0; i < 2; i++) {
		bool in_a = a->n && a->p[0] == marks[i], in_b = b->n && b->p[0] == marks[i];

		if (!in_a && !in_b)
			continue;
		*ret_same = in_a && in_b;
		if (*ret_same)
			a->p++, a->n--, b->p++, b->n--;
		else if (marks[i] == '~')
			*ret = in_a ? -1 : 1;
		else
			*ret = in_a ? (b->n ? -1 : 1) : (a->n ? 1 : -1);
		return !*ret_same;
	}
	return false;
}

int rpm_version_cmp(struct str a, struct str b)
{
	for (;;) {
		bool numbers, same = false;
		struct str x, y;
		int r = 0;

		skip_separators(&a);
		skip_separators(&b);
		if (cmp_marks(&a, &b, &same, &r))
			return r;
		if (same)
			continue;
		if (!a.n || !b.n)
			return a.n ? 1 : b.n ? -1 : 0;
		numbers = is_digit(a.p[0]);
		x = segment(&a, numbers ? is_digit : is_letter);
		y = segment(&b, numbers ? is_digit : is_letter);
		if (!y.n) /* numbers are newer than letters */
			return numbers ? 1 : -1;
		r = numbers ? cmp_numbers(x, y) : str_cmp(x, y);
		if (r)
			return r;
	}
}
