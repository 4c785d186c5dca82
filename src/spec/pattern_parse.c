/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of an expression to its tree. */
#include "spec/pattern_private.h"

#define MAX_DEPTH 200
#define MAX_REPEAT 1000

int pattern_bad(struct parser *p, const char *what)
{
	return err_set(p->err, EINVAL, "regular expression '%.*s', at byte %zu: %s",
				   (int)MIN(p->all.n, (size_t)200), p->all.p, p->all.n - p->rest.n, what);
}

uint32_t pattern_decode(struct str s, size_t *ret_n)
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

uint32_t pattern_take_rune(struct parser *p)
{
	size_t n;
	uint32_t rune = pattern_decode(p->rest, &n);

	p->rest.p += n;
	p->rest.n -= n;
	return rune;
}

struct node *pattern_node(struct parser *p, enum node_kind kind)
{
	struct node *n = arena_new(p->arena, struct node, 1);

	n->kind = kind;
	return n;
}

static int parse_alternatives(struct parser *p, const struct node **ret);

static const struct node *join(struct parser *p, enum node_kind kind, const struct node *a,
							   const struct node *b)
{
	struct node *n;

	if (!a || !b)
		return a ? a : b;
	n = pattern_node(p, kind);
	n->a = a;
	n->b = b;
	return n;
}

static int assertion(struct parser *p, enum assertion what, const struct node **ret)
{
	struct node *n = pattern_node(p, ASSERT);

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
		if (pattern_one_rune(p, pattern_take_rune(p), ret) < 0)
			return -EINVAL;
	}
	(void)str_skip(&p->rest, "\\E");
	if (!*ret)
		*ret = pattern_node(p, EMPTY);
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
			pattern_take_rune(p);
			return assertion(p, assertions[i].what, ret);
		}
	if (str_skip(&p->rest, "Q"))
		return parse_literal(p, ret);
	set = arena_new(p->arena, struct set, 1);
	r = pattern_class_escape(p, set);
	if (r)
		return r < 0 ? r : pattern_runes(p, set, ret);
	r = pattern_escaped_rune(p, &rune);
	return r < 0 ? r : pattern_one_rune(p, rune, ret);
}

/* (?flags) or (?flags:, behind the question mark. True in *ret_group when a group follows. */
static int parse_flags(struct parser *p, bool *ret_group)
{
	struct flags flags = p->flags;
	bool value = true;

	while (p->rest.n) {
		uint32_t c = pattern_take_rune(p);

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
			return pattern_bad(p, "invalid or unsupported Perl syntax");
	}
	return pattern_bad(p, "missing )");
}

static int parse_name(struct parser *p, const char **ret)
{
	struct str name;

	if (!str_has_char(p->rest, '>') || !str_cut(&p->rest, '>', &name) || !name.n)
		return pattern_bad(p, "invalid name of a group");
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter((unsigned char)name.p[i]) && !is_digit((unsigned char)name.p[i]) &&
			name.p[i] != '_')
			return pattern_bad(p, "invalid name of a group");
	for (size_t i = 1; i <= p->pattern->groups; i++)
		if (p->pattern->names[i] && str_is(name, p->pattern->names[i]))
			return pattern_bad(p, "two groups have the same name");
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
		*ret = pattern_node(p, EMPTY);
		return 0;
	}
	if (name) {
		if (p->pattern->groups == PATTERN_MAX_GROUPS)
			return pattern_bad(p, "too many groups");
		group = pattern_node(p, GROUP);
		group->group = (unsigned)++p->pattern->groups;
		p->pattern->names[group->group] = *name ? name : NULL;
	}
	r = parse_alternatives(p, ret);
	if (r == 0 && !str_skip(&p->rest, ")"))
		return pattern_bad(p, "missing )");
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
	uint32_t c = pattern_take_rune(p);

	switch (c) {
	case '(':
		return parse_group(p, ret);
	case '[':
		return pattern_set(p, ret);
	case '\\':
		return parse_escape(p, ret);
	case '^':
		return assertion(p, p->flags.lines ? LINE_BEGIN : TEXT_BEGIN, ret);
	case '$':
		return assertion(p, p->flags.lines ? LINE_END : TEXT_END, ret);
	case '*':
	case '+':
	case '?':
		return pattern_bad(p, "there is nothing to repeat");
	case '.':
		set = arena_new(p->arena, struct set, 1);
		set->negated = true;
		if (!p->flags.dot_all)
			pattern_add_range(p, set, '\n', '\n');
		return pattern_runes(p, set, ret);
	default:
		return pattern_one_rune(p, c, ret);
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
		return pattern_bad(p, "invalid repeat count");
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
		*ret = pattern_node(p, EMPTY);
	} else {
		n = pattern_node(p, REPEAT);
		n->a = *ret;
		n->min = min;
		n->max = max;
		*ret = n;
	}
	if (str_skip(&p->rest, "?") != p->flags.lazy && r == 1)
		((struct node *)*ret)->lazy = true;
	*ret = join(p, BOTH, before, *ret);
	r = take_repeat(p, &min, &max);
	return r > 0 ? pattern_bad(p, "invalid nested repetition operator") : r;
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
		*ret = pattern_node(p, EMPTY);
	return 0;
}

static int parse_alternatives(struct parser *p, const struct node **ret)
{
	const struct node *one = NULL, *all = NULL;
	int r = 0;

	if (++p->depth > MAX_DEPTH)
		return pattern_bad(p, "nested too deep");
	do {
		r = parse_sequence(p, &one);
		if (r == 0)
			all = join(p, EITHER, all, one);
	} while (r == 0 && str_skip(&p->rest, "|"));
	p->depth--;
	*ret = all;
	return r;
}

int pattern_tree(struct parser *p, const struct node **ret)
{
	int r = parse_alternatives(p, ret);

	return r == 0 && p->rest.n ? pattern_bad(p, "unexpected )") : r;
}
