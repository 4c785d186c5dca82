/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <limits.h>
#include <strings.h>

bool str_is_nocase(struct str s, const char *z)
{
	return s.p && s.n == strlen(z) && strncasecmp(s.p, z, s.n) == 0;
}

bool str_is_one_of(struct str s, const char *const *names)
{
	for (; names && *names; names++)
		if (str_is(s, *names))
			return true;
	return false;
}

bool str_is_one_of_nocase(struct str s, const char *const *names)
{
	for (; names && *names; names++)
		if (str_is_nocase(s, *names))
			return true;
	return false;
}

bool str_has_char(struct str s, char c)
{
	return s.n && memchr(s.p, c, s.n);
}

bool str_has(struct str s, const char *needle)
{
	return s.n && memmem(s.p, s.n, needle, strlen(needle));
}

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n && is_space(s.p[0]))
		s.p++, s.n--;
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_unquoted(struct str s, const char *quotes)
{
	bool is_quoted = s.n >= 2 && s.p[0] && strchr(quotes, s.p[0]) && s.p[s.n - 1] == s.p[0];

	return is_quoted ? (struct str){s.p + 1, s.n - 2} : s;
}

bool str_skip(struct str *s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (!str_starts(*s, prefix))
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

bool str_cut(struct str *s, char c, struct str *ret)
{
	const char *at;

	if (!s->p)
		return false;
	at = s->n ? memchr(s->p, c, s->n) : NULL;
	if (!at) {
		*ret = *s;
		*s = STR_ABSENT;
		return true;
	}
	*ret = (struct str){s->p, (size_t)(at - s->p)};
	s->n -= ret->n + 1;
	s->p = at + 1;
	return true;
}

bool str_line(struct str *s, struct str *ret)
{
	if (!s->n || !str_cut(s, '\n', ret))
		return false;
	if (ret->n && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

bool str_word(struct str *s, struct str *ret)
{
	size_t n = 0;

	while (s->n && is_space(s->p[0]))
		s->p++, s->n--;
	while (n < s->n && !is_space(s->p[n]))
		n++;
	if (!n)
		return false;
	*ret = (struct str){s->p, n};
	s->p += n;
	s->n -= n;
	return true;
}

struct str str_squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	struct str word;
	size_t n = 0;

	while (str_word(&s, &word)) {
		if (n)
			p[n++] = ' ';
		memcpy(p + n, word.p, word.n);
		n += word.n;
	}
	return (struct str){p, n};
}

struct str str_join(struct arena *a, const struct str *items, size_t n, const char *between)
{
	size_t gap = strlen(between), length = n ? gap * (n - 1) : 0, at = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		length += items[i].n;
	if (!n)
		return STR_ABSENT;
	p = arena_alloc(a, length + 1);
	for (size_t i = 0; i < n; i++) {
		if (i) {
			memcpy(p + at, between, gap);
			at += gap;
		}
		if (items[i].n)
			memcpy(p + at, items[i].p, items[i].n);
		at += items[i].n;
	}
	p[at] = '\0';
	return (struct str){p, at};
}

struct str str_lower(struct arena *a, struct str s)
{
	char *p = str_dup(a, s);

	for (size_t i = 0; i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] | 0x20);
	return (struct str){p, s.n};
}

char *str_dup(struct arena *a, struct str s)
{
	return arena_copy(a, s.p, s.n);
}

/* Matches one byte against the class that starts behind '['; *ret_end is behind its ']'. A class
 * with no end is a literal '['. */
static bool class_match(const char *p, char c, const char **ret_end)
{
	const char *start = p;
	bool negate = *p == '!' || *p == '^', found = false;

	if (negate)
		p++;
	do {
		unsigned char low = (unsigned char)*p, high;

		if (!low) {
			*ret_end = start;
			return c == '[';
		}
		p++;
		high = low;
		if (p[0] == '-' && p[1] && p[1] != ']') {
			high = (unsigned char)p[1];
			p += 2;
		}
		found = found || ((unsigned char)c >= low && (unsigned char)c <= high);
	} while (*p != ']');
	*ret_end = p + 1;
	return found != negate;
}

static bool glob_one(const char *pattern, char c, const char **ret_next)
{
	switch (*pattern) {
	case '?':
		*ret_next = pattern + 1;
		return true;
	case '[':
		return class_match(pattern + 1, c, ret_next);
	case '\\':
		if (pattern[1])
			pattern++;
		/* fall through */
	default:
		*ret_next = pattern + 1;
		return *pattern == c;
	}
}

bool str_glob(const char *pattern, struct str s)
{
	const char *star = NULL, *next;
	size_t i = 0, star_i = 0;

	/* Only the last star needs to be tried again, so this is not exponential. */
	while (i < s.n) {
		if (*pattern == '*') {
			star = ++pattern;
			star_i = i;
		} else if (*pattern && glob_one(pattern, s.p[i], &next)) {
			pattern = next;
			i++;
		} else if (star) {
			pattern = star;
			i = ++star_i;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool str_is_glob(struct str s)
{
	return str_has_char(s, '*') || str_has_char(s, '?') || str_has_char(s, '[');
}

/* How many letters have to be put in, left out or replaced. */
static unsigned distance(struct str a, const char *b)
{
	size_t m = strlen(b);
	unsigned row[65];

	if (a.n > 64 || m > 64)
		return UINT_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned up = row[j], cost = a.p[i - 1] == b[j - 1] ? 0 : 1;

			row[j] = MIN(MIN(up + 1, row[j - 1] + 1), diagonal + cost);
			diagonal = up;
		}
	}
	return row[m];
}

struct nearest nearest_to(struct str word)
{
	return (struct nearest){.word = word, .distance = (unsigned)MIN(2 + word.n / 4, (size_t)6)};
}

void nearest_try(struct nearest *n, const char *name)
{
	unsigned d = distance(n->word, name);

	if (d >= n->distance)
		return;
	n->distance = d;
	n->name = name;
}

size_t str_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (!s.n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.n < n)
		return 0;
	/* The second byte's range excludes overlong forms, surrogates and what is past U+10FFFF. */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool str_has_line(struct str text, struct str wanted)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_eq(line, wanted))
			return true;
	return false;
}

size_t str_put_utf8(char to[4], uint32_t rune)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; rune >>= 6)
		to[i] = (char)(0x80 | (rune & 0x3f));
	to[0] = (char)(lead[n] | rune);
	return n;
}
