/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression says becomes a tree, the tree a program, and the program is run for all of its
 * threads side by side over the subject (R. Cox, "Regular Expression Matching: the Virtual Machine
 * Approach"), so that no input makes it try again. */
#include "spec/pattern_private.h"

#include <stdlib.h>

#define MAX_EXPRESSION 16384
#define MAX_PROGRAM 20000
#define NO_RUNE UINT32_MAX /* beyond either end of the subject */

enum op { OP_RUNE, OP_MATCH, OP_JUMP, OP_SPLIT, OP_SAVE, OP_ASSERT };

struct instruction {
	enum op op;
	uint32_t x, y; /* SPLIT: first x, then y */
	const struct set *set;
};

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
	r = pattern_tree(&p, &tree);
	if (r < 0)
		return r;
	emit_node(&e, tree);
	emit(&e, OP_MATCH, 0, 0, NULL);
	if (e.code.n > MAX_PROGRAM)
		return pattern_bad(&p, "the expression is too large");
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
		if (m->after != NO_RUNE && pattern_set_has(in->set, m->after))
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

		rune = pattern_decode(last, &width);
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
					   ? pattern_decode((struct str){s.p + m->position, s.n - m->position}, &width)
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
