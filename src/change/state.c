/* SPDX-License-Identifier: Apache-2.0 */
#include "change/state.h"

#include "base/vec.h"

static struct field *find(const struct state *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->p[i].name, name) == 0)
			return &s->p[i];
	return NULL;
}

struct str state_get(const struct state *s, const char *name)
{
	const struct field *f = find(s, name);

	return f ? f->value : STR_ABSENT;
}

bool state_has(const struct state *s, const char *name)
{
	return find(s, name) != NULL;
}

bool state_is(const struct state *s, const char *name, const char *value)
{
	struct str v = state_get(s, name);

	return v.p && str_is(v, value);
}

void state_set(struct state *s, struct arena *a, const char *name, struct str value)
{
	struct field *f = find(s, name);

	if (!f) {
		f = vec_push(a, s);
		f->name = arena_strdup(a, name);
	}
	f->value = value.p ? (struct str){arena_copy(a, value.p, value.n), value.n} : STR_ABSENT;
}

bool state_covers(const struct state *whole, const struct state *part, const char **ret_name)
{
	for (size_t i = 0; i < part->n; i++) {
		struct str have = state_get(whole, part->p[i].name), want = part->p[i].value;

		if (!have.p == !want.p && (!have.p || str_eq(have, want)))
			continue;
		*ret_name = part->p[i].name;
		return false;
	}
	return true;
}
