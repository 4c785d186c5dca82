/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression says becomes a tree, the tree a program, and the program is run for all of its
 * threads side by side over the subject (R. Cox, "Regular Expression Matching: the Virtual Machine
 * Approach"), so that no input makes it try again. */
#include "spec/pattern.h"

#include <stdlib.h>

#include "base/regex.h"
#include "base/vec.h"

#define MAX_EXPRESSION 16384
#define MAX_PROGRAM 20000
#define MAX_DEPTH 200
#define MAX_REPEAT 1000
#define MAX_RUNE 0x10ffffu
#define NO_RUNE UINT32_MAX /* beyond either end of the subject */

struct range {
	uint32_t lo, hi;
};

struct property { /* \p{Greek}: what Unicode says of a rune */
	const struct regex *is;
	bool negated;
};

struct set {
	VEC(struct range) ranges;
	VEC(struct property) properties;
	bool negated;
	uint64_t ascii[2]; /* bit by bit, once it is finished */
};

enum assertion { TEXT_BEGIN, TEXT_END, LINE_BEGIN, LINE_END, WORD_EDGE, NO_WORD_EDGE };
enum node_kind { EMPTY, RUNES, BOTH, EITHER, REPEAT, GROUP, ASSERT };

struct node {
	enum node_kind kind;
	const struct set *set;
	const struct node *a, *b; /* BOTH, EITHER; a: of REPEAT and GROUP */
	unsigned min, max;        /* REPEAT; max 0: without end */
	bool lazy;
	unsigned group;
	enum assertion assertion;
};

enum op { OP_RUNE, OP_MATCH, OP_JUMP, OP_SPLIT, OP_SAVE, OP_ASSERT };

struct instruction {
	enum op op;
	uint32_t x, y; /* SPLIT: first x, then y */
	const struct set *set;
};

struct pattern {
	const struct instruction *p;
	size_t n, groups;
	const char *names[PATTERN_MAX_GROUPS + 1];
	int first; /* the byte that every match begins with; -1: there is not one alone */
};

/* --- the expression -------------------------------------------------------------------------- */

struct flags {
	bool fold, lines, dot_all, lazy;
};

struct parser {
	struct arena *arena;
	struct str all, rest;
	struct flags flags;
	struct pattern *pattern;
	const struct node
		*before; /* of \Q...\E what is before its last rune, which alone is repeated */
	unsigned depth;
	struct err *err;
};

static int bad(struct parser *p, const char *what)
{
	return err_set(p->err, EINVAL, "regular expression '%.*s', at byte %zu: %s",
				   (int)MIN(p->all.n, (size_t)200), p->all.p, p->all.n - p->rest.n, what);
}

static uint32_t decode(struct str s, size_t *ret_n)
{
	size_t n = str_utf8(s);
	const unsigned char *c = (const unsigned char *)s.p;

	*ret_n = n ? n : 1;
	switch (n) {
	case 1:
		return c[0];
	case 2:
		return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
	case 3:
		return (c[0] & 0xfu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
	case 4:
		return (c[0] & 7u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
	default:
		return 0xfffd; /* a byte that is no UTF-8 */
	}
}

static uint32_t take_rune(struct parser *p)
{
	size_t n;
	uint32_t rune = decode(p->rest, &n);

	p->rest.p += n;
	p->rest.n -= n;
	return rune;
}

static bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint32_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool at(const struct parser *p, char c)
{
	return p->rest.n && p->rest.p[0] == c;
}

static struct node *node_new(struct parser *p, enum node_kind kind)
{
	struct node *n = arena_new(p->arena, struct node, 1);

	n->kind = kind;
	return n;
}

static void add_range(struct parser *p, struct set *set, uint32_t lo, uint32_t hi)
{
	*vec_push(p->arena, &set->ranges) = (struct range){lo, hi};
}

static void add_complement(struct parser *p, struct set *set, const struct range *of, size_t n)
{
	uint32_t next = 0;

	for (size_t i = 0; i < n; i++) {
		if (of[i].lo > next)
			add_range(p, set, next, of[i].lo - 1);
		next = of[i].hi + 1;
	}
	add_range(p, set, next, MAX_RUNE);
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
				add_range(p, set, classes[i].ranges[k].lo, classes[i].ranges[k].hi);
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
		return bad(p, "there is no such class of Unicode");
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
			return bad(p, "missing }");
		if (str_skip(&name, "^"))
			negated = !negated;
	} else {
		name = (struct str){p->rest.p, MIN(p->rest.n, (size_t)1)};
		p->rest.p += name.n;
		p->rest.n -= name.n;
	}
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter((unsigned char)name.p[i]) && name.p[i] != '_')
			return bad(p, "invalid name of a class");
	if (!name.n)
		return bad(p, "there is no such class of Unicode");
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
		rune = rune << 4 | (uint32_t)hex_digit(take_rune(p) & 0x7f);
	if (!n || (!braces && n < 2) || (braces && !str_skip(&p->rest, "}")) || rune > MAX_RUNE)
		return bad(p, "invalid escape sequence");
	*ret = rune;
	return 0;
}

/* Behind a backslash: the rune that is meant. */
static int parse_escaped_rune(struct parser *p, uint32_t *ret)
{
	static const char letters[] = "afnrtv", runes[] = "\a\f\n\r\t\v";
	uint32_t c = p->rest.n ? take_rune(p) : 0;
	const char *letter = c && c < 0x80 ? strchr(letters, (int)c) : NULL;

	if (!c)
		return bad(p, "trailing backslash");
	if (c == 'x')
		return parse_hex(p, ret);
	if (c >= '1' && c <= '7' && !(p->rest.n && p->rest.p[0] >= '0' && p->rest.p[0] <= '7'))
		return bad(p, "back references are not possible");
	if (c >= '0' && c <= '7') {
		*ret = c - '0';
		for (int i = 0; i < 2 && p->rest.n && p->rest.p[0] >= '0' && p->rest.p[0] <= '7'; i++)
			*ret = *ret << 3 | (take_rune(p) - '0');
		return 0;
	}
	if (!letter && (c >= 0x80 || is_letter(c) || is_digit(c)))
		return bad(p, "invalid escape sequence");
	*ret = letter ? (unsigned char)runes[letter - letters] : c;
	return 0;
}

/* \d and the like, behind the backslash: 1 when it was one. */
static int parse_class_escape(struct parser *p, struct set *set)
{
	char c = p->rest.n ? p->rest.p[0] : 0, name[2] = {(char)(c | 32), 0};

	if (!c || !strchr("dswDSWpP", c))
		return 0;
	take_rune(p);
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

static size_t encode(uint32_t rune, char ret[4])
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = rune < 0x80 ? 1 : rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; rune >>= 6)
		ret[i] = (char)(0x80 | (rune & 0x3f));
	ret[0] = (char)(lead[n] | rune);
	return n;
}

static bool set_has_slowly(const struct set *set, uint32_t rune)
{
	bool has = in_ranges(set, rune);
	char text[4];

	for (size_t i = 0; !has && i < set->properties.n; i++) {
		struct str one = {text, encode(rune, text)};

		has = (regex_match(set->properties.p[i].is, one) == 1) != set->properties.p[i].negated;
	}
	return has != set->negated;
}

static bool set_has(const struct set *set, uint32_t rune)
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
				add_range(p, set, c ^ 32, c ^ 32);
			if ((c | 32) == 'k')
				add_range(p, set, 0x212a, 0x212a); /* the sign for Kelvin */
			if ((c | 32) == 's')
				add_range(p, set, 0x17f, 0x17f); /* the long s */
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

static int finish_runes(struct parser *p, struct set *set, const struct node **ret)
{
	struct node *n = node_new(p, RUNES);

	n->set = set;
	*ret = n;
	return finish_set(p, set);
}

static int one_rune(struct parser *p, uint32_t rune, const struct node **ret)
{
	struct set *set = arena_new(p->arena, struct set, 1);

	add_range(p, set, rune, rune);
	return finish_runes(p, set, ret);
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
			return add_class(p, set, name, negated) ? 0 : bad(p, "there is no such class");
		}
		return bad(p, "there is no such class");
	}
	if (str_skip(&p->rest, "\\")) {
		r = parse_class_escape(p, set);
		if (r)
			return MIN(r, 0);
		r = parse_escaped_rune(p, &lo);
		if (r < 0)
			return r;
	} else {
		lo = take_rune(p);
	}
	hi = lo;
	save = p->rest;
	if (str_skip(&p->rest, "-")) {
		if (!p->rest.n || at(p, ']'))
			p->rest = save; /* a last '-' stands for itself */
		else if (!str_skip(&p->rest, "\\"))
			hi = take_rune(p);
		else if (parse_escaped_rune(p, &hi) < 0)
			return -EINVAL;
	}
	if (hi < lo)
		return bad(p, "invalid range of a character class");
	add_range(p, set, lo, hi);
	return 0;
}

static int parse_set(struct parser *p, const struct node **ret)
{
	struct set *set = arena_new(p->arena, struct set, 1);
	bool first = true;

	set->negated = str_skip(&p->rest, "^");
	for (; first || !at(p, ']'); first = false) {
		if (!p->rest.n)
			return bad(p, "missing ]");
		if (parse_set_member(p, set) < 0)
			return -EINVAL;
	}
	take_rune(p);
	return finish_runes(p, set, ret);
}

/* --- the tree -------------------------------------------------------------------------------- */

static int parse_alternatives(struct parser *p, const struct node **ret);

static const struct node *join(struct parser *p, enum node_kind kind, const struct node *a,
							   const struct node *b)
{
	struct node *n;

	if (!a || !b)
		return a ? a : b;
	n = node_new(p, kind);
	n->a = a;
	n->b = b;
	return n;
}

static int assertion(struct parser *p, enum assertion what, const struct node **ret)
{
	struct node *n = node_new(p, ASSERT);

	n->assertion = what;
	*ret = n;
	return 0;
}

/* \Q...\E: as it stands. */
static int parse_literal(struct parser *p, const struct node **ret)
{
	const char *end = memmem(p->rest.p, p->rest.n, "\\E", 2);
	size_t left = end ? p->rest.n - (size_t)(end - p->rest.p) : 0;

	*ret = NULL;
	while (p->rest.n > left) {
		p->before = join(p, BOTH, p->before, *ret);
		if (one_rune(p, take_rune(p), ret) < 0)
			return -EINVAL;
	}
	(void)str_skip(&p->rest, "\\E");
	if (!*ret)
		*ret = node_new(p, EMPTY);
	return 0;
}

static int parse_escape(struct parser *p, const struct node **ret)
{
	static const struct {
		char letter;
		enum assertion what;
	} assertions[] = {{'A', TEXT_BEGIN}, {'z', TEXT_END}, {'b', WORD_EDGE}, {'B', NO_WORD_EDGE}};
	struct set *set;
	uint32_t rune;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(assertions); i++)
		if (at(p, assertions[i].letter)) {
			take_rune(p);
			return assertion(p, assertions[i].what, ret);
		}
	if (str_skip(&p->rest, "Q"))
		return parse_literal(p, ret);
	set = arena_new(p->arena, struct set, 1);
	r = parse_class_escape(p, set);
	if (r)
		return r < 0 ? r : finish_runes(p, set, ret);
	r = parse_escaped_rune(p, &rune);
	return r < 0 ? r : one_rune(p, rune, ret);
}

/* (?flags) or (?flags:, behind the question mark. True in *ret_group when a group follows. */
static int parse_flags(struct parser *p, bool *ret_group)
{
	struct flags flags = p->flags;
	bool value = true;

	while (p->rest.n) {
		uint32_t c = take_rune(p);

		if (c == ')' || c == ':') {
			p->flags = flags;
			*ret_group = c == ':';
			return 0;
		}
		if (c == '-' && value)
			value = false;
		else if (c == 'i')
			flags.fold = value;
		else if (c == 'm')
			flags.lines = value;
		else if (c == 's')
			flags.dot_all = value;
		else if (c == 'U')
			flags.lazy = value;
		else
			return bad(p, "invalid or unsupported Perl syntax");
	}
	return bad(p, "missing )");
}

static int parse_name(struct parser *p, const char **ret)
{
	struct str name;

	if (!str_has_char(p->rest, '>') || !str_cut(&p->rest, '>', &name) || !name.n)
		return bad(p, "invalid name of a group");
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter((unsigned char)name.p[i]) && !is_digit((unsigned char)name.p[i]) &&
			name.p[i] != '_')
			return bad(p, "invalid name of a group");
	for (size_t i = 1; i <= p->pattern->groups; i++)
		if (p->pattern->names[i] && str_is(name, p->pattern->names[i]))
			return bad(p, "two groups have the same name");
	*ret = str_dup(p->arena, name);
	return 0;
}

static int parse_group(struct parser *p, const struct node **ret)
{
	struct flags before = p->flags;
	const char *name = NULL;
	struct node *group = NULL;
	bool follows = true;
	int r = 0;

	if (str_skip(&p->rest, "?P<") || str_skip(&p->rest, "?<"))
		r = parse_name(p, &name);
	else if (str_skip(&p->rest, "?"))
		r = parse_flags(p, &follows);
	else
		name = "";
	if (r < 0)
		return r;
	if (!follows) { /* for the rest of the group that it stands in */
		*ret = node_new(p, EMPTY);
		return 0;
	}
	if (name) {
		if (p->pattern->groups == PATTERN_MAX_GROUPS)
			return bad(p, "too many groups");
		group = node_new(p, GROUP);
		group->group = (unsigned)++p->pattern->groups;
		p->pattern->names[group->group] = *name ? name : NULL;
	}
	r = parse_alternatives(p, ret);
	if (r == 0 && !str_skip(&p->rest, ")"))
		return bad(p, "missing )");
	p->flags = before;
	if (r == 0 && group) {
		group->a = *ret;
		*ret = group;
	}
	return r;
}

static int parse_atom(struct parser *p, const struct node **ret)
{
	struct set *set;
	uint32_t c = take_rune(p);

	switch (c) {
	case '(':
		return parse_group(p, ret);
	case '[':
		return parse_set(p, ret);
	case '\\':
		return parse_escape(p, ret);
	case '^':
		return assertion(p, p->flags.lines ? LINE_BEGIN : TEXT_BEGIN, ret);
	case '$':
		return assertion(p, p->flags.lines ? LINE_END : TEXT_END, ret);
	case '*':
	case '+':
	case '?':
		return bad(p, "there is nothing to repeat");
	case '.':
		set = arena_new(p->arena, struct set, 1);
		set->negated = true;
		if (!p->flags.dot_all)
			add_range(p, set, '\n', '\n');
		return finish_runes(p, set, ret);
	default:
		return one_rune(p, c, ret);
	}
}

static bool take_number(struct str *s, unsigned *ret)
{
	size_t n = 0;

	for (*ret = 0; s->n && s->p[0] >= '0' && s->p[0] <= '9' && n < 5; n++) {
		*ret = *ret * 10 + (unsigned)(s->p[0] - '0');
		s->p++;
		s->n--;
	}
	return n > 0;
}

/* {2}, {2,}, {2,5}; a brace of another kind stands for itself. */
static bool take_counts(struct str *s, unsigned *ret_min, unsigned *ret_max)
{
	struct str rest = *s;

	if (!str_skip(&rest, "{") || !take_number(&rest, ret_min))
		return false;
	*ret_max = *ret_min;
	if (str_skip(&rest, ",") && !take_number(&rest, ret_max))
		*ret_max = 0;
	if (!str_skip(&rest, "}"))
		return false;
	*s = rest;
	return true;
}

/* How often, when it is said: 1. */
static int take_repeat(struct parser *p, unsigned *ret_min, unsigned *ret_max)
{
	struct str before = p->rest;

	if (str_skip(&p->rest, "*")) {
		*ret_min = *ret_max = 0;
		return 1;
	}
	if (str_skip(&p->rest, "+")) {
		*ret_min = 1;
		*ret_max = 0;
		return 1;
	}
	if (str_skip(&p->rest, "?")) {
		*ret_min = 0;
		*ret_max = 1;
		return 1;
	}
	if (!take_counts(&p->rest, ret_min, ret_max))
		return 0;
	/* {0} is what never is; {0,} is a star. */
	if (*ret_max == 0 && *ret_min == 0 && !memmem(before.p, (size_t)(p->rest.p - before.p), ",", 1))
		return 2;
	if (*ret_min > MAX_REPEAT || *ret_max > MAX_REPEAT || (*ret_max && *ret_max < *ret_min))
		return bad(p, "invalid repeat count");
	return 1;
}

static int parse_repeated(struct parser *p, const struct node **ret)
{
	const struct node *before;
	unsigned min, max;
	struct node *n;
	int r;

	p->before = NULL;
	r = parse_atom(p, ret);
	before = p->before;
	p->before = NULL;
	if (r < 0)
		return r;
	r = take_repeat(p, &min, &max);
	if (r <= 0) {
		*ret = join(p, BOTH, before, *ret);
		return r;
	}
	if (r == 2) {
		*ret = node_new(p, EMPTY);
	} else {
		n = node_new(p, REPEAT);
		n->a = *ret;
		n->min = min;
		n->max = max;
		*ret = n;
	}
	if (str_skip(&p->rest, "?") != p->flags.lazy && r == 1)
		((struct node *)*ret)->lazy = true;
	*ret = join(p, BOTH, before, *ret);
	r = take_repeat(p, &min, &max);
	return r > 0 ? bad(p, "invalid nested repetition operator") : r;
}

static int parse_sequence(struct parser *p, const struct node **ret)
{
	const struct node *one;

	*ret = NULL;
	while (p->rest.n && !at(p, '|') && !at(p, ')')) {
		if (parse_repeated(p, &one) < 0)
			return -EINVAL;
		*ret = join(p, BOTH, *ret, one);
	}
	if (!*ret)
		*ret = node_new(p, EMPTY);
	return 0;
}

static int parse_alternatives(struct parser *p, const struct node **ret)
{
	const struct node *one = NULL, *all = NULL;
	int r = 0;

	if (++p->depth > MAX_DEPTH)
		return bad(p, "nested too deep");
	do {
		r = parse_sequence(p, &one);
		if (r == 0)
			all = join(p, EITHER, all, one);
	} while (r == 0 && str_skip(&p->rest, "|"));
	p->depth--;
	*ret = all;
	return r;
}

/* --- the program ----------------------------------------------------------------------------- */

struct emitter {
	struct arena *arena;
	VEC(struct instruction) code;
	unsigned depth;
};

static uint32_t emit(struct emitter *e, enum op op, uint32_t x, uint32_t y, const struct set *set)
{
	if (e->code.n <= MAX_PROGRAM)
		*vec_push(e->arena, &e->code) = (struct instruction){op, x, y, set};
	return (uint32_t)e->code.n - 1;
}

static void emit_node(struct emitter *e, const struct node *n);

static uint32_t here(const struct emitter *e)
{
	return (uint32_t)e->code.n;
}

/* Where a split goes on: into what may repeat, or past it. */
static void aim(struct emitter *e, uint32_t split, uint32_t in, uint32_t past, bool lazy)
{
	e->code.p[split].x = lazy ? past : in;
	e->code.p[split].y = lazy ? in : past;
}

static void emit_repeat(struct emitter *e, const struct node *n)
{
	uint32_t split, begin = 0;

	for (unsigned i = 0; i < n->min && e->code.n <= MAX_PROGRAM; i++) {
		begin = here(e);
		emit_node(e, n->a);
	}
	if (!n->max && n->min) {
		split = emit(e, OP_SPLIT, 0, 0, NULL);
		aim(e, split, begin, here(e), n->lazy);
	} else if (!n->max) {
		split = emit(e, OP_SPLIT, 0, 0, NULL);
		emit_node(e, n->a);
		emit(e, OP_JUMP, split, 0, NULL);
		aim(e, split, split + 1, here(e), n->lazy);
	}
	for (unsigned i = n->min; i < n->max && e->code.n <= MAX_PROGRAM; i++) {
		/* Each may be the last: what is behind it goes to the same end. */
		split = emit(e, OP_SPLIT, 0, 0, NULL);
		emit_node(e, n->a);
		aim(e, split, split + 1, here(e), n->lazy);
	}
}

static void emit_either(struct emitter *e, const struct node *n)
{
	uint32_t split = emit(e, OP_SPLIT, 0, 0, NULL), jump;

	emit_node(e, n->a);
	jump = emit(e, OP_JUMP, 0, 0, NULL);
	aim(e, split, split + 1, here(e), false);
	emit_node(e, n->b);
	e->code.p[jump].x = here(e);
}

/* A sequence leans to the left, one level for each rune: it is taken apart without a call for each. */
static void emit_both(struct emitter *e, const struct node *n)
{
	_cleanup_arena_ struct arena scratch = {0};
	VEC(const struct node *) later = {0};

	for (; n->kind == BOTH; n = n->a)
		*vec_push(&scratch, &later) = n->b;
	emit_node(e, n);
	while (later.n)
		emit_node(e, later.p[--later.n]);
}

static void emit_node(struct emitter *e, const struct node *n)
{
	if (e->code.n > MAX_PROGRAM)
		return;
	switch (n->kind) {
	case EMPTY:
		break;
	case RUNES:
		emit(e, OP_RUNE, 0, 0, n->set);
		break;
	case BOTH:
		emit_both(e, n);
		break;
	case EITHER:
		emit_either(e, n);
		break;
	case REPEAT:
		emit_repeat(e, n);
		break;
	case GROUP:
		emit(e, OP_SAVE, 2 * n->group, 0, NULL);
		emit_node(e, n->a);
		emit(e, OP_SAVE, 2 * n->group + 1, 0, NULL);
		break;
	case ASSERT:
		emit(e, OP_ASSERT, n->assertion, 0, NULL);
		break;
	}
}

/* The byte that a set of one rune of ASCII has, else -1. */
static int only_byte(const struct set *set)
{
	if (set->negated || set->properties.n || set->ranges.n != 1 ||
		set->ranges.p[0].lo != set->ranges.p[0].hi || set->ranges.p[0].lo >= 0x80)
		return -1;
	return (int)set->ranges.p[0].lo;
}

int pattern_compile(struct arena *a, struct str expression, const struct pattern **ret,
					struct err *err)
{
	struct pattern *pattern = arena_new(a, struct pattern, 1);
	struct parser p = {
		.arena = a, .all = expression, .rest = expression, .pattern = pattern, .err = err};
	struct emitter e = {.arena = a};
	const struct node *tree = NULL;
	size_t i = 0;
	int r;

	if (!expression.p)
		p.all = p.rest = STR("");
	if (expression.n > MAX_EXPRESSION)
		return err_set(err, EINVAL, "a regular expression of more than %d bytes", MAX_EXPRESSION);
	r = parse_alternatives(&p, &tree);
	if (r == 0 && p.rest.n)
		r = bad(&p, "unexpected )");
	if (r < 0)
		return r;
	emit_node(&e, tree);
	emit(&e, OP_MATCH, 0, 0, NULL);
	if (e.code.n > MAX_PROGRAM)
		return bad(&p, "the expression is too large");
	pattern->p = e.code.p;
	pattern->n = e.code.n;
	while (pattern->p[i].op == OP_SAVE)
		i++;
	pattern->first = pattern->p[i].op == OP_RUNE ? only_byte(pattern->p[i].set) : -1;
	*ret = pattern;
	return 0;
}

size_t pattern_cost(const struct pattern *p)
{
	return p->n;
}

size_t pattern_groups(const struct pattern *p)
{
	return p->groups;
}

const char *pattern_group_name(const struct pattern *p, size_t i)
{
	return i && i <= p->groups ? p->names[i] : NULL;
}

/* --- matching -------------------------------------------------------------------------------- */

#define NOWHERE SIZE_MAX

struct threads { /* by priority */
	uint32_t *p;
	size_t *saved; /* n_saved for each */
	size_t n;
};

struct machine {
	const struct pattern *pattern;
	size_t n_saved;         /* 0: only whether it matches is asked */
	struct threads waiting; /* where the rune before has led */
	struct threads now;     /* what can be reached from there: RUNE and MATCH alone */
	uint32_t *seen, step;   /* in which step an instruction was last added */
	uint32_t *stack_at;
	size_t *stack_slot, *stack_old, n_stack;
	size_t *scratch;
	uint32_t before, after; /* the runes on either side of the position */
	size_t position;
};

static bool is_word_rune(uint32_t c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

static bool holds(const struct machine *m, uint32_t what)
{
	switch ((enum assertion)what) {
	case TEXT_BEGIN:
		return m->before == NO_RUNE;
	case TEXT_END:
		return m->after == NO_RUNE;
	case LINE_BEGIN:
		return m->before == NO_RUNE || m->before == '\n';
	case LINE_END:
		return m->after == NO_RUNE || m->after == '\n';
	default:
		return (is_word_rune(m->before) != is_word_rune(m->after)) == (what == WORD_EDGE);
	}
}

#define RESTORE UINT32_MAX

static void push(struct machine *m, uint32_t at, size_t slot, size_t old)
{
	m->stack_at[m->n_stack] = at;
	m->stack_slot[m->n_stack] = slot;
	m->stack_old[m->n_stack++] = old;
}

static void add_thread(struct machine *m, struct threads *to, uint32_t at)
{
	if (m->n_saved)
		memcpy(to->saved + to->n * m->n_saved, m->scratch, m->n_saved * sizeof(size_t));
	to->p[to->n++] = at;
}

/* All that can be reached from an instruction without a rune, in order of priority; m->scratch has what
 * is saved on the way there. Each is added once in a step, so that it takes no longer than the program. */
static void follow(struct machine *m, struct threads *to, uint32_t start)
{
	m->n_stack = 0;
	push(m, start, 0, 0);
	while (m->n_stack) {
		uint32_t i = m->stack_at[--m->n_stack];
		const struct instruction *in = &m->pattern->p[i];

		if (i == RESTORE) {
			m->scratch[m->stack_slot[m->n_stack]] = m->stack_old[m->n_stack];
			continue;
		}
		if (m->seen[i] == m->step)
			continue;
		m->seen[i] = m->step;
		switch (in->op) {
		case OP_JUMP:
			push(m, in->x, 0, 0);
			break;
		case OP_SPLIT:
			push(m, in->y, 0, 0);
			push(m, in->x, 0, 0);
			break;
		case OP_SAVE:
			if (in->x < m->n_saved) {
				push(m, RESTORE, in->x, m->scratch[in->x]);
				m->scratch[in->x] = m->position;
			}
			push(m, i + 1, 0, 0);
			break;
		case OP_ASSERT:
			if (holds(m, in->x))
				push(m, i + 1, 0, 0);
			break;
		default:
			add_thread(m, to, i);
		}
	}
}

static void machine_begin(struct machine *m, const struct pattern *p, size_t n_saved,
						  struct arena *a)
{
	*m = (struct machine){.pattern = p, .n_saved = n_saved};
	m->waiting.p = arena_new(a, uint32_t, p->n);
	m->now.p = arena_new(a, uint32_t, p->n);
	m->waiting.saved = arena_new(a, size_t, p->n * n_saved + 1);
	m->now.saved = arena_new(a, size_t, p->n * n_saved + 1);
	m->seen = arena_new(a, uint32_t, p->n);
	m->stack_at = arena_new(a, uint32_t, 3 * p->n + 2);
	m->stack_slot = arena_new(a, size_t, 3 * p->n + 2);
	m->stack_old = arena_new(a, size_t, 3 * p->n + 2);
	m->scratch = arena_new(a, size_t, n_saved + 1);
}

/* All threads up to the next rune, and one that begins here, of least priority. */
static void gather(struct machine *m, bool begin)
{
	m->step++;
	m->now.n = 0;
	for (size_t i = 0; i < m->waiting.n; i++) {
		if (m->n_saved)
			memcpy(m->scratch, m->waiting.saved + i * m->n_saved, m->n_saved * sizeof(size_t));
		follow(m, &m->now, m->waiting.p[i]);
	}
	if (!begin)
		return;
	for (size_t i = 0; i < m->n_saved; i++)
		m->scratch[i] = i ? NOWHERE : m->position;
	follow(m, &m->now, 0);
}

/* Moves every thread past the next rune; true when one matches here, which ends those of less priority. */
static bool advance(struct machine *m, size_t *ret_saved)
{
	m->waiting.n = 0;
	for (size_t i = 0; i < m->now.n; i++) {
		const struct instruction *in = &m->pattern->p[m->now.p[i]];

		if (m->n_saved)
			memcpy(m->scratch, m->now.saved + i * m->n_saved, m->n_saved * sizeof(size_t));
		if (in->op == OP_MATCH) {
			if (m->n_saved) {
				memcpy(ret_saved, m->scratch, m->n_saved * sizeof(size_t));
				ret_saved[1] = m->position;
			}
			return true;
		}
		if (m->after != NO_RUNE && set_has(in->set, m->after))
			add_thread(m, &m->waiting, m->now.p[i] + 1);
	}
	return false;
}

/* The rune that ends at the position. */
static uint32_t rune_before(struct str s, size_t position)
{
	uint32_t rune = NO_RUNE;

	for (size_t n = 1; n <= 4 && n <= position; n++) {
		struct str last = {s.p + position - n, n};
		size_t width;

		rune = decode(last, &width);
		if (width == n && (n > 1 || rune < 0x80))
			return rune;
	}
	return position ? 0xfffd : NO_RUNE;
}

/* To where a match may begin at the earliest; false: there is no such place. */
static bool skip(struct machine *m, struct str s)
{
	const char *p;

	if (m->position >= s.n)
		return false;
	p = memchr(s.p + m->position, m->pattern->first, s.n - m->position);
	if (!p)
		return false;
	m->position = (size_t)(p - s.p);
	m->before = rune_before(s, m->position);
	return true;
}

static bool run(struct machine *m, struct str s, size_t from, size_t *ret_saved)
{
	bool matched = false;
	size_t width = 0;

	m->position = from;
	m->before = rune_before(s, from);
	for (;;) {
		if (!m->waiting.n && m->pattern->first >= 0 && !skip(m, s))
			return matched;
		m->after = m->position < s.n
					   ? decode((struct str){s.p + m->position, s.n - m->position}, &width)
					   : NO_RUNE;
		gather(m, !matched);
		matched = advance(m, ret_saved) || matched;
		if ((matched && (!m->n_saved || !m->waiting.n)) || m->position >= s.n)
			return matched;
		m->position += width;
		m->before = m->after;
	}
}

bool pattern_match(const struct pattern *p, struct str subject)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct machine m;

	if (p->first >= 0 && (!subject.n || !memchr(subject.p, p->first, subject.n)))
		return false;
	machine_begin(&m, p, 0, &scratch);
	return run(&m, subject, 0, NULL);
}

bool pattern_find(const struct pattern *p, struct str subject, size_t from, struct str ret[])
{
	_cleanup_arena_ struct arena scratch = {0};
	size_t saved[2 * (PATTERN_MAX_GROUPS + 1)];
	struct machine m;

	machine_begin(&m, p, 2 * (p->groups + 1), &scratch);
	if (from > subject.n || !run(&m, subject, from, saved))
		return false;
	for (size_t i = 0; i <= p->groups; i++) {
		bool took = saved[2 * i] != NOWHERE && saved[2 * i + 1] != NOWHERE;

		ret[i] = took ? (struct str){(subject.p ? subject.p : "") + saved[2 * i],
									 saved[2 * i + 1] - saved[2 * i]}
					  : STR_ABSENT;
	}
	return true;
}
