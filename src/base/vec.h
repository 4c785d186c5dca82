/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing array of T in an arena: declare `VEC(struct thing) things = {0};`, then
 * `*vec_push(arena, &things) = thing;`. The old array stays in the arena when it grows, so
 * pointers into it remain readable but stale; index instead. Growth doubles.
 */
#ifndef REVET_BASE_VEC_H
#define REVET_BASE_VEC_H

#include "base/mem.h"

#define VEC(T)                                                                                     \
	struct {                                                                                       \
		T *p;                                                                                      \
		size_t n, cap;                                                                             \
	}

void *vec_grow(struct arena *, void *p, size_t n, size_t *cap, size_t size);

/* A pointer to the new, zeroed, last element. */
#define vec_push(arena, v)                                                                         \
	({                                                                                             \
		if ((v)->n == (v)->cap)                                                                    \
			(v)->p = vec_grow((arena), (v)->p, (v)->n, &(v)->cap, sizeof(*(v)->p));                \
		&(v)->p[(v)->n++];                                                                         \
	})

#define vec_each(v, item)                                                                          \
	for (__typeof__(*(v)->p) *item = (v)->p; item < (v)->p + (v)->n; item++)

#endif
