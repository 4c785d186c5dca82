/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one thing that a step changes, as named texts: {"type": "regular", "mode": "0644",
 * "content": "..."}. Only the fields that a step is about are in it, so that the same words serve
 * what is, what was and what should be.
 */
#ifndef REVET_CHANGE_STATE_H
#define REVET_CHANGE_STATE_H

#include "base/str.h"

struct field {
	const char *name;
	struct str value; /* absent: the thing has no such property now */
};

struct state {
	struct field *p;
	size_t n, cap;
};

/* Absent when the field is absent or not in the state at all. */
struct str state_get(const struct state *, const char *name);
bool state_has(const struct state *, const char *name);
bool state_is(const struct state *, const char *name, const char *value);
/* The value is copied. */
void state_set(struct state *, struct arena *, const char *name, struct str value);
/* Is every field of `part` the same in `whole`? *ret_name: of the first that is not. */
bool state_covers(const struct state *whole, const struct state *part, const char **ret_name);

#endif
