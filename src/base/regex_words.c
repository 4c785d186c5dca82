/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a simple regular expression stands for, as a list of texts. The grammar is that of PCRE2 as far
 * as it is known here; whatever else stands in an expression makes it one without words.
 */
#include "base/regex.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/vec.h"

#define MOST_TEXTS 32
#define DEEPEST 4

struct text {
	struct str s;
	bool starts, ends; /* bound to the start, to the end of the subject */
};
struct texts {
	struct text *p;
	size_t n, cap;
};
struct reading {
	struct arena *arena;
	struct str rest;
	unsigned depth;
};

static bool read_choice(struct reading *, struct texts *ret);

static bool add_text(struct reading *r, struct texts *to, struct text t)
{
	if (to->n == MOST_TEXTS)
		return false;
	*vec_push(r->arena, to) = t;
	return true;
}

/* Each of the one before each of the other. */
static bool join(struct reading *r, struct texts *all, const struct texts *next)
{
	struct texts joined = {0};

	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < next->n; k++) {
			const struct text *a = &all->p[i], *b = &next->p[k];
			struct str parts[] = {a->s, b->s};
			bool after_end = a->ends && (b->s.n || b->ends),
				 late = b->starts && (a->s.n || a->starts);
			struct text both = {str_join(r->arena, parts, 2, ""), a->starts || b->starts,
								a->ends || b->ends};

			if (after_end || late || !add_text(r, &joined, both))
				return false;
		}
	*all = joined;
	return true;
}

/* "[sz]": single characters, no ranges and no exclusions. */
static bool read_class(struct reading *r, struct texts *ret)
{
	struct str set;

	if (!str_has_char(r->rest, ']') || !str_cut(&r->rest, ']', &set) || !set.n)
		return false;
	for (size_t i = 0; i < set.n; i++)
		if (str_has_char(STR("^-\\["), set.p[i]) ||
			!add_text(r, ret, (struct text){.s = {&set.p[i], 1}}))
			return false;
	return true;
}

static bool read_group(struct reading *r, struct texts *ret)
{
	bool ok;

	(void)str_skip(&r->rest, "?:");
	if (++r->depth > DEEPEST)
		return false;
	ok = read_choice(r, ret) && str_skip(&r->rest, ")");
	r->depth--;
	return ok;
}

/* One character, class or group, and the `?` that makes it optional. */
static bool read_atom(struct reading *r, struct texts *ret)
{
	struct text one = {.s = {r->rest.p, 1}};
	bool ok = true;

	r->rest.p++;
	r->rest.n--;
	switch (*one.s.p) {
	case '(':
		ok = read_group(r, ret);
		break;
	case '[':
		ok = read_class(r, ret);
		break;
	case '^':
	case '$':
		one = (struct text){STR(""), *one.s.p == '^', *one.s.p == '$'};
		return add_text(r, ret, one);
	case '\\':
		if (!r->rest.n || isalnum((unsigned char)*r->rest.p))
			return false;
		one.s.p = r->rest.p++;
		r->rest.n--;
		ok = add_text(r, ret, one);
		break;
	default:
		ok = !str_has_char(STR(".*+?{}"), *one.s.p) && add_text(r, ret, one);
	}
	if (ok && str_skip(&r->rest, "?"))
		ok = add_text(r, ret, (struct text){.s = STR("")});
	return ok && (!r->rest.n || !str_has_char(STR("*+?{"), *r->rest.p));
}

static bool read_sequence(struct reading *r, struct texts *ret)
{
	if (!add_text(r, ret, (struct text){.s = STR("")}))
		return false;
	while (r->rest.n && *r->rest.p != '|' && *r->rest.p != ')') {
		struct texts next = {0};

		if (!read_atom(r, &next) || !join(r, ret, &next))
			return false;
	}
	return true;
}

static bool read_choice(struct reading *r, struct texts *ret)
{
	do {
		struct texts one = {0};

		if (!read_sequence(r, &one))
			return false;
		for (size_t i = 0; i < one.n; i++)
			if (!add_text(r, ret, one.p[i]))
				return false;
	} while (str_skip(&r->rest, "|"));
	return true;
}

/* "(?i)a|b", and the same as a group that is all of it: "^(?i:a|b)$". */
static bool skip_nocase(struct arena *a, struct str *pattern)
{
	struct str body = *pattern, inner;

	if (str_skip(pattern, "(?i)"))
		return true;
	if (!str_skip(&body, "^(?i:") || !str_cut(&body, ')', &inner) || !str_is(body, "$"))
		return false;
	*pattern = str_of(arena_printf(a, "^(%.*s)$", STR_ARG(inner)));
	return true;
}

bool regex_words(struct arena *a, struct str pattern, struct regex_words *ret)
{
	struct reading r = {.arena = a, .rest = pattern};
	struct texts texts = {0};
	bool nocase = skip_nocase(a, &r.rest);

	if (!read_choice(&r, &texts) || r.rest.n)
		return false;
	*ret = (struct regex_words){.starts = texts.p[0].starts,
								.ends = texts.p[0].ends,
								.nocase = nocase,
								.p = arena_new(a, struct str, texts.n)};
	for (size_t i = 0; i < texts.n; i++) {
		const struct text *t = &texts.p[i];

		if (t->starts != ret->starts || t->ends != ret->ends ||
			(!t->s.n && !(t->starts && t->ends)))
			return false;
		ret->p[ret->n++] = t->s;
	}
	return true;
}
