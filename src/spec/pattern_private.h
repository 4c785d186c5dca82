/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of pattern.h share: an expression becomes a tree of nodes, whose leaves are sets. */
#ifndef REVET_SPEC_PATTERN_PRIVATE_H
#define REVET_SPEC_PATTERN_PRIVATE_H

#include "base/vec.h"
#include "spec/pattern.h"

struct regex;

#define MAX_RUNE 0x10ffffu

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

struct pattern {
	const struct instruction *p;
	size_t n, groups;
	const char *names[PATTERN_MAX_GROUPS + 1];
	int first; /* the byte that every match begins with; -1: there is not one alone */
};

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

static inline bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_letter(uint32_t c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static inline bool at(const struct parser *p, char c)
{
	return p->rest.n && p->rest.p[0] == c;
}

/* --- the expression (pattern_parse.c) --- */

/* -EINVAL, with where it is. */
int pattern_bad(struct parser *, const char *what);
/* The rune that it begins with, 0xfffd for a byte that is no UTF-8, and how many bytes that has. */
uint32_t pattern_decode(struct str, size_t *ret_n);
uint32_t pattern_take_rune(struct parser *);
struct node *pattern_node(struct parser *, enum node_kind);
/* All of it. */
int pattern_tree(struct parser *, const struct node **ret);

/* --- sets of runes (pattern_set.c) --- */

void pattern_add_range(struct parser *, struct set *, uint32_t lo, uint32_t hi);
/* \d and the like, behind the backslash: 1 when it was one. */
int pattern_class_escape(struct parser *, struct set *);
/* Behind a backslash: the rune that is meant. */
int pattern_escaped_rune(struct parser *, uint32_t *ret);
/* Behind a bracket, with the one that closes it. */
int pattern_set(struct parser *, const struct node **ret);
/* Of a set that has all its ranges. */
int pattern_runes(struct parser *, struct set *, const struct node **ret);
int pattern_one_rune(struct parser *, uint32_t rune, const struct node **ret);
bool pattern_set_has(const struct set *, uint32_t rune);

#endif
