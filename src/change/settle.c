/* SPDX-License-Identifier: Apache-2.0 */
#include "change/settle.h"

#define MAX_SHOWN 80 /* bytes of a value */

/* What tells one thing from all others; a path has no newline in front of its parts. */
static struct str thing_of(struct arena *a, const struct edit *e)
{
	switch (e->kind) {
	case EDIT_KEY:
		return str_of(arena_printf(a, "%s\nkey [%.*s] %.*s", e->target, STR_ARG(e->section),
								   STR_ARG(e->name)));
	case EDIT_LINE:
		return str_of(arena_printf(a, "%s\nline %u", e->target, e->line));
	case EDIT_ATTRIBUTE:
		return str_of(arena_printf(a, "%s\nattribute %.*s", e->target, STR_ARG(e->name)));
	case EDIT_STATE:
		return str_of(arena_printf(a, "%s %s\nfield %.*s", e->step, e->target, STR_ARG(e->name)));
	default:
		return str_of(arena_printf(a, "%s\nwhole", e->target));
	}
}

static struct str some_part(struct arena *a, const struct edit *e)
{
	return str_of(arena_printf(a, "%s\npart", e->target));
}

static bool same_value(const struct edit *a, const struct edit *b)
{
	return !a->value.p == !b->value.p && (!a->value.p || str_eq(a->value, b->value));
}

static bool is_mode(const struct edit *e)
{
	return e->kind == EDIT_ATTRIBUTE && str_is(e->name, "mode");
}

static bool is_part(const struct edit *e)
{
	return e->kind == EDIT_KEY || e->kind == EDIT_LINE;
}

void settled_begin(struct settled *s, struct arena *a)
{
	s->arena = a;
	map_init(&s->by_thing, a);
}

/* One rule decides of the whole file, another of a part of it; of one that goes, of its owner too. */
static const struct edit *against_whole(const struct settled *s, const struct edit *e)
{
	struct edit whole = {.kind = EDIT_CONTENT, .target = e->target};
	const struct edit *other = NULL;

	if (is_part(e) || e->kind == EDIT_ATTRIBUTE)
		other = map_get(&s->by_thing, thing_of(s->arena, &whole));
	if (other && e->kind == EDIT_ATTRIBUTE && other->value.p)
		other = NULL;
	if (e->kind == EDIT_CONTENT)
		other = map_get(&s->by_thing, some_part(s->arena, e));
	return other && other->rule != e->rule ? other : NULL;
}

const struct edit *settled_against(const struct settled *s, const struct edit *e)
{
	const struct edit *other;

	if (e->kind == EDIT_RELOAD)
		return NULL;
	other = map_get(&s->by_thing, thing_of(s->arena, e));
	if (other && !is_mode(e) && !same_value(other, e))
		return other;
	return against_whole(s, e);
}

void settled_add(struct settled *s, const struct edit *e)
{
	if (e->kind == EDIT_RELOAD)
		return;
	map_put(&s->by_thing, thing_of(s->arena, e), (void *)(uintptr_t)e);
	if (is_part(e))
		map_put(&s->by_thing, some_part(s->arena, e), (void *)(uintptr_t)e);
}

void settled_thing(struct buf *out, const struct edit *e)
{
	if (e->kind == EDIT_LINE)
		buf_printf(out, "line %u of ", e->line);
	else if (e->kind == EDIT_KEY)
		buf_printf(out, "%.*s in ", STR_ARG(e->name));
	else if (e->kind == EDIT_ATTRIBUTE || e->kind == EDIT_STATE)
		buf_printf(out, "%.*s of ", STR_ARG(e->name));
	buf_puts(out, e->target);
}

void settled_value(struct buf *out, const struct edit *e)
{
	struct str line = e->value;

	if (!e->value.p) {
		buf_puts(out, "not there");
		return;
	}
	if (e->kind == EDIT_CONTENT) {
		buf_puts(out, "another file");
		return;
	}
	line.n = MIN(line.n, (size_t)MAX_SHOWN);
	buf_printable(out, line);
}
