/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (64u << 10)
#define DEFAULT_CAP ((size_t)512 << 20)

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(16) char data[];
};

static void __attribute__((noreturn)) die(const char *why)
{
	fprintf(stderr, "revet: %s\n", why);
	_exit(1);
}

void *mem_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
	void *grown = reallocarray(p, n ? n : 1, size ? size : 1);

	if (!grown)
		die("out of memory");
	return grown;
}

static _Thread_local struct mem_limit *limit;

struct mem_limit *mem_limit(struct mem_limit *new)
{
	struct mem_limit *old = limit;

	limit = new;
	return old;
}

static void __attribute__((noreturn)) arena_full(void)
{
	if (limit)
		limit->full(limit);
	die("memory cap reached: the host's data is larger than an audit may hold");
}

void mem_charge(size_t size)
{
	size_t total;

	if (!limit)
		return;
	limit->used += size;
	total = atomic_fetch_add(&limit->total->used, size) + size;
	if (limit->used > limit->max || (limit->used > limit->reserve && total > limit->total->max)) {
		limit->used -= size;
		atomic_fetch_sub(&limit->total->used, size);
		arena_full();
	}
}

void mem_release(size_t size)
{
	if (!limit)
		return;
	size = MIN(size, limit->used);
	limit->used -= size;
	atomic_fetch_sub(&limit->total->used, size);
}

static struct arena_block *block_new(struct arena *a, size_t need)
{
	size_t size = MAX(need, (size_t)BLOCK_SIZE);
	struct arena_block *block;

	mem_charge(size);
	block = malloc(sizeof(*block) + size);
	if (!block)
		die("out of memory");
	block->size = size;
	block->used = 0;
	/* A large block goes behind the current one, so that the room left there is not lost. */
	if (a->blocks && need > BLOCK_SIZE / 4) {
		block->next = a->blocks->next;
		a->blocks->next = block;
	} else {
		block->next = a->blocks;
		a->blocks = block;
	}
	return block;
}

void *arena_raw(struct arena *a, size_t size)
{
	struct arena_block *block = a->blocks;
	size_t cap = a->cap ? a->cap : DEFAULT_CAP;
	void *p;

	if (size > cap || a->used > cap - size)
		arena_full();
	size = (size + 15) & ~(size_t)15;
	if (!block || block->size - block->used < size)
		block = block_new(a, size);
	p = block->data + block->used;
	block->used += size;
	a->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_raw(a, size), 0, size);
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
	char *copy = arena_raw(a, n + 1);

	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_copy(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

void arena_done(struct arena *a)
{
	struct arena_block *block = a->blocks, *next;

	for (; block; block = next) {
		next = block->next;
		mem_release(block->size);
		free(block);
	}
	*a = (struct arena){.cap = a->cap};
}
