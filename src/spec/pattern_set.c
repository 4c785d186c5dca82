/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of runes: ranges, the classes of Perl and POSIX, those of Unicode, and what a backslash means. */
#include "spec/pattern_private.h"

#include <stdlib.h>

#include "base/regex.h"

void pattern_add_range(struct parser *p, struct set *set, uint32_t lo, uint32_t hi)
{
	*vec_push(p->arena, &set->ranges) = (struct range){lo, hi};
}

static void add_complement(struct parser *p, struct set *set, const struct range *of, size_t n)
{
	uint32_t next = 0;

	for (size_t i = 0; i < n; i++) {
		if (of[i].lo > next)
			pattern_add_range(p, set, next, of[i].lo - 1);
		next = of[i].hi + 1;
	}
	pattern_add_range(p, set, next, MAX_RUNE);
}

static const struct range digits[] = {{'0', '9'}};
static const struct range spaces[] = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
static const struct range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct range alnum[] = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
static const struct range alpha[] = {{'A', 'Z'}, {'a', 'z'}};
static const struct range ascii[] = {{0, 0x7f}};
static const struct range blank[] = {{'\t', '\t'}, {' ', ' '}};
static const struct range cntrl[] = {{0, 0x1f}, {0x7f, 0x7f}};
static const struct range graph[] = {{'!', '~'}};
static const struct range lower[] = {{'a', 'z'}};
static const struct range print[] = {{' ', '~'}};
static const struct range punct[] = {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}};
static const struct range space[] = {{'\t', '\r'}, {' ', ' '}};
static const struct range upper[] = {{'A', 'Z'}};
static const struct range xdigit[] = {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};

#define CLASS(name, ranges)             \
	{                                   \
		name, ranges, ARRAY_LEN(ranges) \
	}
static const struct class
{
	const char *name;
	const struct range *ranges;
	size_t n;
} classes[] = {
	CLASS("d", digits),      CLASS("s", spaces),    CLASS("w", words),     CLASS("alnum", alnum),
	CLASS("alpha", alpha),   CLASS("ascii", ascii), CLASS("blank", blank), CLASS("cntrl", cntrl),
	CLASS("digit", digits),  CLASS("graph", graph), CLASS("lower", lower), CLASS("print", print),
	CLASS("punct", punct),   CLASS("space", space), CLASS("upper", upper), CLASS("word", words),
	CLASS("xdigit", xdigit),
};

static bool add_class(struct parser *p, struct set *set, struct str name, bool negated)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (!str_is(name, classes[i].name))
			continue;
		if (negated)
			add_complement(p, set, classes[i].ranges, classes[i].n);
		else
			for (size_t k = 0; k < classes[i].n; k++)
				pattern_add_range(p, set, classes[i].ranges[k].lo, classes[i].ranges[k].hi);
		return true;
	}
	return false;
}

/* Perl's library knows Unicode, and is asked of one rune at a time. */
static int ask_library(struct parser *p, struct set *set, bool negated, const char *what)
{
	struct property *property;
	struct regex *is;
	struct err err;

	if (regex_compile(
			p->arena,
			str_of(arena_printf(p->arena, "(*UTF)%s\\A%s\\z", p->flags.fold ? "(?i)" : "", what)),
			&is, &err) < 0)
		return pattern_bad(p, "there is no such class of Unicode");
	property = vec_push(p->arena, &set->properties);
	*property = (struct property){is, negated};
	return 0;
}

/* \pL, \p{Greek}, \P{^Lu} */
static int add_property(struct parser *p, struct set *set, bool negated)
{
	struct str name;

	if (str_skip(&p->rest, "{")) {
		if (!str_has_char(p->rest, '}') || !str_cut(&p->rest, '}', &name))
			return pattern_bad(p, "missing }");
		if (str_skip(&name, "^"))
			negated = !negated;
	} else {
		name = (struct str){p->rest.p, MIN(p->rest.n, (size_t)1)};
		p->rest.p += name.n;
		p->rest.n -= name.n;
	}
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter((unsigned char)name.p[i]) && name.p[i] != '_')
			return pattern_bad(p, "invalid name of a class");
	if (!name.n)
		return pattern_bad(p, "there is no such class of Unicode");
	/* In either case a capital letter is a small one. */
	if (p->flags.fold && (str_is(name, "Lu") || str_is(name, "Ll") || str_is(name, "Lt")))
		return ask_library(p, set, negated, "\\p{L&}");
	return ask_library(p, set, negated, arena_printf(p->arena, "\\p{%.*s}", STR_ARG(name)));
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
		   : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
												: -1;
}

static int parse_hex(struct parser *p, uint32_t *ret)
{
	bool braces = str_skip(&p->rest, "{");
	uint32_t rune = 0;
	size_t n = 0;

	for (; p->rest.n && hex_digit(p->rest.p[0]) >= 0 && (braces ? n < 6 : n < 2); n++)
		rune = rune << 4 | (uint32_t)hex_digit(pattern_take_rune(p) & 0x7f);
	if (!n || (!braces && n < 2) || (braces && !str_skip(&p->rest, "}")) || rune > MAX_RUNE)
		return pattern_bad(p, "invalid escape sequence");
	*ret = rune;
	return 0;
}

/* Behind a backslash: the rune that is meant. */
int pattern_escaped_rune(struct parser *p, uint32_t *ret)
{
	static const char letters[] = "afnrtv", runes[] = "\a\f\n\r\t\v";
	uint32_t c = p->rest.n ? pattern_take_rune(p) : 0;
	const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;

	if (!c)
		return pattern_bad(p, "trailing backslash");
	if (c == 'x')
		return parse_hex(p, ret);
	if (c >= '1' && c <= '7' && !(p->rest.n && p->rest.p[0] >= '0' && p->rest.p[0] <= '7'))
		return pattern_bad(p, "back references are not possible");
	if (c >= '0' && c <= '7') {
		*ret = c - '0';
		for (int i = 0; i < 2 && p->rest.n && p->rest.p[0] >= '0' && p->rest.p[0] <= '7'; i++)
			*ret = *ret << 3 | (pattern_take_rune(p) - '0');
		return 0;
	}
	if (!letter && (c >= 0x80 || is_letter(c) || is_digit(c)))
		return pattern_bad(p, "invalid escape sequence");
	*ret = letter ? (unsigned char)runes[letter - letters] : c;
	return 0;
}

/* \d and the like, behind the backslash: 1 when it was one. */
int pattern_class_escape(struct parser *p, struct set *set)
{
	char c = p->rest.n ? p->rest.p[0] : 0, name[2] = {(char)(c | 32), 0};

	if (!c || !strchr("dswDSWpP", c))
		return 0;
	pattern_take_rune(p);
	if (name[0] == 'p')
		return add_property(p, set, c == 'P') < 0 ? -EINVAL : 1;
	return add_class(p, set, str_of(name), c < 'a');
}

/* --- sets ------------------------------------------------------------------------------------ */

static bool in_ranges(const struct set *set, uint32_t rune)
{
	size_t lo = 0, hi = set->ranges.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (rune > set->ranges.p[mid].hi)
			lo = mid + 1;
		else if (rune < set->ranges.p[mid].lo)
			hi = mid;
		else
			return true;
	}
	return false;
}

static bool set_has_slowly(const struct set *set, uint32_t rune)
{
	bool has = in_ranges(set, rune);
	char text[4];

	for (size_t i = 0; !has && i < set->properties.n; i++) {
		struct str one = {text, str_put_utf8(text, rune)};

		has = (regex_match(set->properties.p[i].is, one) == 1) != set->properties.p[i].negated;
	}
	return has != set->negated;
}

bool pattern_set_has(const struct set *set, uint32_t rune)
{
	return rune < 128 ? set->ascii[rune >> 6] >> (rune & 63) & 1 : set_has_slowly(set, rune);
}

static int by_lo(const void *a, const void *b)
{
	uint32_t x = ((const struct range *)a)->lo, y = ((const struct range *)b)->lo;

	return (x > y) - (x < y);
}

/* Letters in either case. */
static int fold(struct parser *p, struct set *set)
{
	size_t n = set->ranges.n;

	for (size_t i = 0; i < n; i++) {
		struct range r = set->ranges.p[i];

		if (r.hi >= 0x80 &&
			ask_library(p, set, false,
						arena_printf(p->arena, "[\\x{%x}-\\x{%x}]", MAX(r.lo, 0x80u), r.hi)) < 0)
			return -EINVAL;
		for (uint32_t c = r.lo; c <= MIN(r.hi, 0x7fu); c++) {
			if (is_letter(c))
				pattern_add_range(p, set, c ^ 32, c ^ 32);
			if ((c | 32) == 'k')
				pattern_add_range(p, set, 0x212a, 0x212a); /* the sign for Kelvin */
			if ((c | 32) == 's')
				pattern_add_range(p, set, 0x17f, 0x17f); /* the long s */
		}
	}
	return 0;
}

static int finish_set(struct parser *p, struct set *set)
{
	size_t kept = 0;

	if (p->flags.fold && fold(p, set) < 0)
		return -EINVAL;
	if (set->ranges.n)
		qsort(set->ranges.p, set->ranges.n, sizeof(struct range), by_lo);
	for (size_t i = 0; i < set->ranges.n; i++) {
		struct range r = set->ranges.p[i];

		if (kept && r.lo <= set->ranges.p[kept - 1].hi)
			set->ranges.p[kept - 1].hi = MAX(set->ranges.p[kept - 1].hi, r.hi);
		else
			set->ranges.p[kept++] = r;
	}
	set->ranges.n = kept;
	for (uint32_t c = 0; c < 128; c++)
		if (set_has_slowly(set, c))
			set->ascii[c >> 6] |= (uint64_t)1 << (c & 63);
	return 0;
}

int pattern_runes(struct parser *p, struct set *set, const struct node **ret)
{
	struct node *n = pattern_node(p, RUNES);

	n->set = set;
	*ret = n;
	return finish_set(p, set);
}

int pattern_one_rune(struct parser *p, uint32_t rune, const struct node **ret)
{
	struct set *set = arena_new(p->arena, struct set, 1);

	pattern_add_range(p, set, rune, rune);
	return pattern_runes(p, set, ret);
}

static int parse_set_member(struct parser *p, struct set *set)
{
	struct str save, name;
	uint32_t lo, hi;
	int r;

	if (str_skip(&p->rest, "[:")) {
		const char *end = memmem(p->rest.p, p->rest.n, ":]", 2);
		bool negated = str_skip(&p->rest, "^");

		if (end && end >= p->rest.p) {
			name = (struct str){p->rest.p, (size_t)(end - p->rest.p)};
			p->rest.n -= name.n + 2;
			p->rest.p = end + 2;
			return add_class(p, set, name, negated) ? 0 : pattern_bad(p, "there is no such class");
		}
		return pattern_bad(p, "there is no such class");
	}
	if (str_skip(&p->rest, "\\")) {
		r = pattern_class_escape(p, set);
		if (r)
			return MIN(r, 0);
		r = pattern_escaped_rune(p, &lo);
		if (r < 0)
			return r;
	} else {
		lo = pattern_take_rune(p);
	}
	hi = lo;
	save = p->rest;
	if (str_skip(&p->rest, "-")) {
		if (!p->rest.n || at(p, ']'))
			p->rest = save; /* a last '-' stands for itself */
		else if (!str_skip(&p->rest, "\\"))
			hi = pattern_take_rune(p);
		else if (pattern_escaped_rune(p, &hi) < 0)
			return -EINVAL;
	}
	if (hi < lo)
		return pattern_bad(p, "invalid range of a character class");
	pattern_add_range(p, set, lo, hi);
	return 0;
}

int pattern_set(struct parser *p, const struct node **ret)
{
	struct set *set = arena_new(p->arena, struct set, 1);
	bool first = true;

	set->negated = str_skip(&p->rest, "^");
	for (; first || !at(p, ']'); first = false) {
		if (!p->rest.n)
			return pattern_bad(p, "missing ]");
		if (parse_set_member(p, set) < 0)
			return -EINVAL;
	}
	pattern_take_rune(p);
	return pattern_runes(p, set, ret);
}
