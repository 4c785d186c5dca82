/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory. An arena owns everything that is allocated from it until arena_done(); there is no free
 * of a single object. Running out of memory, or past an arena's cap, ends the process with a
 * message and exit code 1: what parses hostile input is a confined worker, its parent reports that
 * the audit could not run, and nothing is ever judged on half-read facts. A thread that has set
 * itself a limit is asked to stop instead, so that what one file holds ends one table only.
 * Not thread safe: one arena per thread.
 */
#ifndef REVET_BASE_MEM_H
#define REVET_BASE_MEM_H

#include <stdatomic.h>

#include "base/util.h"

/* Never returns NULL. Zeroed. Caller frees with free(). n * size is checked for overflow. */
void *mem_calloc(size_t n, size_t size);
/* Never returns NULL. The tail of a grown block is not zeroed. */
void *mem_realloc(void *p, size_t n, size_t size);

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used, cap; /* bytes handed out, and the most that may be (0: 512 MiB) */
};

/* Zeroed, aligned to 16, lives until arena_done(). */
void *arena_alloc(struct arena *, size_t size);
/* The same but not zeroed, for what is filled at once and may be large. */
void *arena_raw(struct arena *, size_t size);
#define arena_new(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))
/* A copy of n bytes with a terminating NUL behind it. */
char *arena_copy(struct arena *, const void *p, size_t n);
char *arena_strdup(struct arena *, const char *s);
char *arena_printf(struct arena *, const char *fmt, ...) _printf_(2, 3);
void arena_done(struct arena *);

/* What several threads may hold together. */
struct mem_total {
	atomic_size_t used;
	size_t max;
};

/* The most that a thread may hold in arenas and buffers, in bytes, all together. Past `max`, or
 * past `reserve` when the total is used up, `full` is called; it must not return. */
struct mem_limit {
	size_t used, max, reserve;
	struct mem_total *total;
	void (*full)(struct mem_limit *);
};
/* For the calling thread, from now on; borrowed. NULL: none. Returns the one before. */
struct mem_limit *mem_limit(struct mem_limit *);
/* Whoever allocates for others says so before, and after it is freed. */
void mem_charge(size_t);
void mem_release(size_t);

#define _cleanup_arena_ _cleanup_(arena_done)

#endif
