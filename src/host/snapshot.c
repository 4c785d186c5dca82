/* SPDX-License-Identifier: Apache-2.0 */
#include "host/snapshot.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/map.h"
#include "base/vec.h"

#define MAX_THREADS 8
#define MAX_TABLES 256

struct taken {
	const struct table *table;
	struct arena arena;
	struct rows rows;
	struct demand demand;
	struct map keys; /* the keys of demand, to find them again quickly */
	size_t keys_cap;
	bool wanted, present;
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
	snapshot_want(s, t);
	find(s, t)->demand.all = true;
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
static size_t put_in_order(struct snapshot *s, struct taken *order[MAX_TABLES])
{
	size_t n = 0;

	for (size_t i = 0; i < s->n && n < MAX_TABLES; i++)
		if (s->taken[i].wanted)
			order[n++] = &s->taken[i];
	qsort(order, n, sizeof(*order), dearest_first);
	return n;
}

void snapshot_prestart(struct snapshot *s, struct host *host)
{
	struct taken *order[MAX_TABLES];
	size_t n = put_in_order(s, order);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; order[i]->table->helpers && order[i]->table->helpers[k]; k++)
			host_prestart(host, order[i]->table->helpers[k]);
	for (size_t i = 0; i < n; i++)
		if (order[i]->table->early)
			order[i]->table->early(host);
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
	struct err err = {0};
	int64_t begin = now_us();
	int r;

	rows_begin(t);
	r = t->table->read(host, &t->rows, &err);
	if (r < 0) {
		t->rows.error = r;
		t->rows.why = arena_strdup(&t->arena, err.msg);
	}
	t->rows.took_us = now_us() - begin;
}

struct pool {
	struct taken *order[MAX_TABLES]; /* the dearest first */
	size_t n;
	atomic_size_t next;
	struct host *host;
	snapshot_progress *progress;
	void *data;
};

static void *pool_run(void *data)
{
	struct pool *p = data;
	size_t i;

	while ((i = atomic_fetch_add(&p->next, 1)) < p->n) {
		if (p->progress)
			p->progress(p->data, p->order[i]->table, false);
		read_one(p->order[i], p->host);
		if (p->progress)
			p->progress(p->data, p->order[i]->table, true);
	}
	return NULL;
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
	struct pool pool = {.host = host, .progress = progress, .data = data};
	int64_t begin = now_us();
	pthread_t threads[MAX_THREADS];
	size_t n = 0, want;

	pool.n = put_in_order(s, pool.order);
	want = thread_count(pool.n);
	while (n + 1 < want && pthread_create(&threads[n], NULL, pool_run, &pool) == 0)
		n++;
	pool_run(&pool);
	while (n)
		pthread_join(threads[--n], NULL);
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
