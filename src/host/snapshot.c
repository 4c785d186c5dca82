/* SPDX-License-Identifier: Apache-2.0 */
#include "host/snapshot.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/map.h"
#include "base/shortage.h"
#include "base/vec.h"

#define MAX_THREADS 8

/* An ordinary host's tables need 10 MiB together. Each may always have TABLE_MEMORY, whatever the
 * others have taken; most hosts have some 60 tables. */
#define TABLE_MEMORY ((size_t)1 << 20)
#define TABLE_MAX_MEMORY ((size_t)64 << 20)
#define TABLES_MAX_MEMORY ((size_t)128 << 20)

struct taken {
	const struct table *table;
	struct arena arena;
	struct rows rows;
	struct demand demand;
	struct map keys; /* the keys of demand, to find them again quickly */
	size_t keys_cap, beginnings_cap;
	bool wanted, present, whole; /* whole: all of it, whatever else was said */
};

struct snapshot {
	struct arena arena;
	struct snapshot_facts facts;
	struct taken *taken; /* one for each table there is, in the order of table_all() */
	size_t n;
};

struct snapshot *snapshot_new(void)
{
	struct snapshot *s = mem_calloc(1, sizeof(*s));
	const struct table *const *all;

	s->n = table_all(&all);
	s->taken = mem_calloc(s->n, sizeof(*s->taken));
	for (size_t i = 0; i < s->n; i++) {
		s->taken[i].table = all[i];
		map_init(&s->taken[i].keys, &s->arena);
	}
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		arena_done(&s->taken[i].arena);
	free(s->taken);
	arena_done(&s->arena);
	free(s);
}

static int by_table(const void *key, const void *item)
{
	return strcmp(((const struct table *)key)->name, ((const struct taken *)item)->table->name);
}

static struct taken *find(const struct snapshot *s, const struct table *t)
{
	return bsearch(t, s->taken, s->n, sizeof(*s->taken), by_table);
}

void snapshot_want(struct snapshot *s, const struct table *t)
{
	find(s, t)->wanted = true;
}

void snapshot_want_all(struct snapshot *s, const struct table *t)
{
	struct taken *taken = find(s, t);

	snapshot_want(s, t);
	taken->whole = taken->demand.all = true;
	taken->demand.n_beginnings = 0;
}

void snapshot_want_beginning(struct snapshot *s, const struct table *t, struct str beginning)
{
	struct taken *taken = find(s, t);
	struct demand *d = &taken->demand;

	snapshot_want(s, t);
	d->all = true;
	for (size_t i = 0; i < d->n_beginnings; i++)
		if (str_eq(d->beginnings[i], beginning))
			return;
	if (taken->whole)
		return;
	if (d->n_beginnings == taken->beginnings_cap)
		d->beginnings = vec_grow(&s->arena, (void *)d->beginnings, d->n_beginnings,
								 &taken->beginnings_cap, sizeof(*d->beginnings));
	((struct str *)d->beginnings)[d->n_beginnings++] =
		(struct str){str_dup(&s->arena, beginning), beginning.n};
}

void snapshot_want_key(struct snapshot *s, const struct table *t, struct str key)
{
	struct taken *taken = find(s, t);
	struct demand *d = &taken->demand;

	snapshot_want(s, t);
	if (map_get(&taken->keys, key))
		return;
	if (d->n == taken->keys_cap)
		d->keys = vec_grow(&s->arena, (void *)d->keys, d->n, &taken->keys_cap, sizeof(*d->keys));
	((struct str *)d->keys)[d->n] = (struct str){str_dup(&s->arena, key), key.n};
	map_put(&taken->keys, d->keys[d->n], taken);
	d->n++;
}

void snapshot_want_everything(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		snapshot_want_all(s, s->taken[i].table);
}

void snapshot_want_none(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->taken[i].wanted = false;
}

size_t snapshot_wanted(const struct snapshot *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->taken[i].wanted;
	return n;
}

static int dearest_first(const void *a, const void *b)
{
	unsigned x = (*(struct taken *const *)a)->table->cost;
	unsigned y = (*(struct taken *const *)b)->table->cost;

	return (x < y) - (x > y);
}

/* Puts the tables that are wanted into `order`, the dearest first. */
static size_t put_in_order(struct snapshot *s, struct taken *order[TABLES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s->n && n < TABLES_MAX; i++)
		if (s->taken[i].wanted)
			order[n++] = &s->taken[i];
	if (n)
		qsort(order, n, sizeof(*order), dearest_first);
	return n;
}

/* glibc moves the size from which memory is mapped, and so given back when it is freed, up to what was
 * freed last: what a large file took would stay with the thread that gave up on it. What is smaller is
 * wanted again at once, by the next table, so that it is not given back; all threads have it from one
 * place, which grows by larger steps than those that glibc makes for each thread. */
static void settle_allocator(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 8 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_ARENA_MAX, 1);
#endif
}

void snapshot_prestart(struct snapshot *s, struct host *host)
{
	struct taken *order[TABLES_MAX];
	size_t n = put_in_order(s, order);

	settle_allocator();
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; order[i]->table->helpers && order[i]->table->helpers[k]; k++)
			host_prestart(host, order[i]->table->helpers[k]);
	for (size_t i = 0; i < n; i++)
		if (order[i]->table->early)
			order[i]->table->early(host);
	for (size_t i = 0; i < n; i++)
		if (order[i]->table->started)
			started_early(host);
	for (size_t i = 0; i < n; i++)
		if (order[i]->table->ask)
			order[i]->table->ask(host, &order[i]->demand);
}

static void rows_begin(struct taken *t)
{
	t->rows = (struct rows){
		.table = t->table,
		.arena = &t->arena,
		.demand = &t->demand,
		.n_columns = table_columns(t->table),
	};
	t->present = true;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void read_one(struct taken *t, struct host *host)
{
	struct err err = {0}, short_of;
	int64_t begin = now_us();
	int r;

	rows_begin(t);
	(void)shortage_take(&short_of);
	r = t->table->started ? started_as_usual(host, &t->arena, t->table->started, &err) : 0;
	if (r == 0)
		r = t->table->read(host, &t->rows, &err);
	if (shortage_take(&short_of) < 0 && r == 0) {
		err = short_of;
		r = -err.errnum;
	}
	if (r < 0) {
		t->rows.error = r;
		t->rows.why = arena_strdup(&t->arena, err.msg);
	}
	rows_make_index(&t->rows);
	t->rows.took_us = now_us() - begin;
}

/* --- the threads that read ------------------------------------------------------------------ */

struct pool {
	struct taken *order[TABLES_MAX]; /* the dearest first */
	size_t n;
	struct host *host;
	snapshot_progress *progress;
	void *data;
	struct mem_total memory;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t ended, never;
	size_t next, running;
};

struct reader {
	struct mem_limit limit; /* first: what full() gets */
	struct pool *pool;
	struct taken *now;
};

/* A table that needs more memory than it may have is an error, and the others are read on. Nothing
 * can be taken back from under the functions that are running, so what they hold is left as it is:
 * the thread waits until the process ends, and another one takes its place. */
static void give_up(struct mem_limit *limit)
{
	struct reader *reader = (struct reader *)limit;
	struct pool *pool = reader->pool;
	struct taken *t = reader->now;

	host_give_up(EFBIG, "it needs more memory than one table may have");
	arena_done(&t->arena);
	rows_begin(t);
	t->rows.error = -EFBIG;
	t->rows.why =
		"something that it reads is too large: it needs more memory than a table may have";
	if (pool->progress)
		pool->progress(pool->data, t->table, true);
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	pthread_cond_signal(&pool->ended);
	for (;;)
		pthread_cond_wait(&pool->never, &pool->lock);
}

static struct taken *pool_next(struct pool *pool)
{
	struct taken *t = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->next < pool->n)
		t = pool->order[pool->next++];
	pthread_mutex_unlock(&pool->lock);
	return t;
}

static void read_tables(struct reader *reader)
{
	struct pool *pool = reader->pool;

	while ((reader->now = pool_next(pool))) {
		reader->limit.used = 0;
		if (pool->progress)
			pool->progress(pool->data, reader->now->table, false);
		read_one(reader->now, pool->host);
		if (pool->progress)
			pool->progress(pool->data, reader->now->table, true);
	}
}

static void *reader_run(void *data)
{
	struct pool *pool = data;
	struct reader reader = {
		.limit = {.max = TABLE_MAX_MEMORY,
				  .reserve = TABLE_MEMORY,
				  .total = &pool->memory,
				  .full = give_up},
		.pool = pool,
	};

	mem_limit(&reader.limit);
	read_tables(&reader);
	mem_limit(NULL);
	OPENSSL_thread_stop(); /* nobody waits for the end of this thread, which would do it */
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static bool reader_start(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ok = pthread_create(&thread, &attr, reader_run, pool) == 0;
	pthread_attr_destroy(&attr);
	return ok;
}

/* Keeps `want` threads at work until nothing is left to read. Where none can be started, this one
 * reads, and has no limit. */
static void pool_run(struct pool *pool, size_t want)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->next < pool->n || pool->running) {
		while (pool->running < want && pool->next < pool->n && reader_start(pool))
			pool->running++;
		if (pool->running) {
			pthread_cond_wait(&pool->ended, &pool->lock);
			continue;
		}
		pthread_mutex_unlock(&pool->lock);
		read_tables(&(struct reader){.pool = pool});
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* Some tables wait for a helper or for the bus, so there is one thread more than there are cores. */
static size_t thread_count(size_t tables)
{
	cpu_set_t set;
	size_t cores = 1;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cores = (size_t)CPU_COUNT(&set);
	return MIN(MIN(cores + 1, (size_t)MAX_THREADS), tables);
}

void snapshot_read(struct snapshot *s, struct host *host, snapshot_progress *progress, void *data)
{
	/* Threads that gave up still look at it, so it lives as long as they do. */
	static struct pool pool = {
		.memory = {.max = TABLES_MAX_MEMORY},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
		.never = PTHREAD_COND_INITIALIZER,
	};
	int64_t begin = now_us();

	settle_allocator();
	host_remember(host);
	pool.host = host;
	pool.progress = progress;
	pool.data = data;
	pool.n = put_in_order(s, pool.order);
	pool.next = 0;
	atomic_store(&pool.memory.used, 0);
	pool_run(&pool, thread_count(pool.n));
	s->facts = (struct snapshot_facts){
		.time = host_now(host),
		.took_us = now_us() - begin,
		.live = host_is_live(host),
		.root = host_is_root(host),
		.source = arena_strdup(&s->arena, host_root(host)),
	};
}

const struct rows *snapshot_rows(const struct snapshot *s, const struct table *t)
{
	const struct taken *taken = find(s, t);

	return taken->present ? &taken->rows : NULL;
}

struct rows *snapshot_add(struct snapshot *s, const struct table *t)
{
	struct taken *taken = find(s, t);

	rows_begin(taken);
	return &taken->rows;
}

struct arena *snapshot_arena(struct snapshot *s)
{
	return &s->arena;
}

struct snapshot_facts *snapshot_facts(struct snapshot *s)
{
	return &s->facts;
}

bool snapshot_is_live(const struct snapshot *s)
{
	return s->facts.live;
}

struct str snapshot_os(const struct snapshot *s, const char *column, const char *otherwise)
{
	const struct table *os = table_find(STR("os"));
	const struct rows *rows = os ? snapshot_rows(s, os) : NULL;
	int i = os ? table_column(os, str_of(column)) : -1;

	if (i < 0 || !rows || !rows->n || rows->p[0]->cells[i].state != VALUE_SET)
		return str_of(otherwise);
	return rows->p[0]->cells[i].string;
}
