/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed slice of bytes, for parsing: pointer and length, not NUL-terminated, may hold any
 * byte. Absent is {NULL, 0}; empty is {non-NULL, 0}. A slice lives as long as what it points into.
 */
#ifndef REVET_BASE_STR_H
#define REVET_BASE_STR_H

#include <string.h>

#include "base/mem.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_ABSENT ((struct str){NULL, 0})
/* For printf: "%.*s", STR_ARG(s). */
#define STR_ARG(s) (int)MIN((s).n, (size_t)4096), (s).p ? (s).p : ""

/* A list of C strings. */
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline struct str str_of(const char *s)
{
	return (struct str){s, s ? strlen(s) : 0};
}

/* These are inline because most of what is asked for is a literal, whose length is known then. */
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || (a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0));
}

static inline bool str_is(struct str s, const char *z) /* equal to a C string */
{
	/* Most differ in the first byte, and need not be measured. */
	return s.p && (!s.n || s.p[0] == z[0]) && str_eq(s, str_of(z));
}

static inline bool str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && (!s.p || memcmp(s.p, prefix, n) == 0);
}

static inline bool str_ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && (!s.p || memcmp(s.p + s.n - n, suffix, n) == 0);
}

bool str_is_nocase(struct str, const char *); /* ASCII case only */
/* Is it one of the list, which ends with NULL? NULL: there is none. */
bool str_is_one_of(struct str, const char *const *names);
bool str_is_one_of_nocase(struct str, const char *const *names);
bool str_has_char(struct str, char c);
bool str_has(struct str, const char *needle);
bool str_has_line(struct str text, struct str line);
int str_cmp(struct str, struct str); /* bytewise, shorter first */

/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str);
/* Without a pair of one of these quotes around it: "\"'" takes either kind off. */
struct str str_unquoted(struct str, const char *quotes);
/* Takes a prefix off *s when it is there. */
bool str_skip(struct str *s, const char *prefix);
/* Takes everything before the first `c` off *s, and the `c`; the whole of *s when there is none.
 * False when *s is absent; *s becomes absent once its last piece is taken. So
 * `while (str_cut(&rest, ':', &field))` sees every field, empty ones too. */
bool str_cut(struct str *s, char c, struct str *ret);
/* The next line without its '\n' (and a '\r' before it); false at the end. An unterminated last
 * line counts; the empty text has none. */
bool str_line(struct str *s, struct str *ret);
/* The next word between ASCII white space; false when none is left. */
bool str_word(struct str *s, struct str *ret);
/* Its words with one blank between, in the arena. */
struct str str_squeeze(struct arena *, struct str);
/* All of them with `between` in the gaps, in the arena; absent when there are none. */
struct str str_join(struct arena *, const struct str *items, size_t n, const char *between);
/* A copy with ASCII letters in lower case, in the arena. */
struct str str_lower(struct arena *, struct str);
/* A NUL-terminated copy in the arena. */
char *str_dup(struct arena *, struct str);
/* Does the shell pattern match the whole of s? `*`, `?`, `[...]` with ranges and `!`; `/` is not
 * special, backslash takes the next byte as it is. Linear: O(pattern x s) at most. */
bool str_glob(const char *pattern, struct str s);
/* True for a pattern that has any of `*?[`. */
bool str_is_glob(struct str);

/* The name that a mistyped word is likely to mean, for "did you mean": when every name was tried, `name` is
 * the one that fewest letters make of it, or NULL when that would be another word. */
struct nearest {
	struct str word;
	unsigned distance; /* nearer than this */
	const char *name;
};
struct nearest nearest_to(struct str word);
void nearest_try(struct nearest *, const char *name);

/* Bytes of the valid UTF-8 sequence at s.p (1 to 4), or 0 when it is invalid or s is empty.
 * Overlong forms, surrogates and anything past U+10FFFF are invalid (RFC 3629). */
size_t str_utf8(struct str s);
/* Writes the character; how many bytes it took. */
size_t str_put_utf8(char to[4], uint32_t rune);

#endif
