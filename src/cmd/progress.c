/* SPDX-License-Identifier: Apache-2.0 */
/* A bar on a terminal for what takes longer than people like to wait without a word. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/cmd.h"

#define PATIENCE_MS 500 /* nothing is shown before */
#define REDRAW_MS 100
#define WIDTH 24
#define MAX_OPEN 16 /* tables that are read at the same time */

struct progress {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t ended;
	bool end, shown;
	size_t done, total;
	const struct table *open[MAX_OPEN];
};

bool progress_wanted(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

/* The caller holds the lock. */
static void draw(struct progress *p)
{
	size_t filled = p->total ? p->done * WIDTH / p->total : 0;
	const char *name = "";
	char bar[WIDTH + 1];

	for (size_t i = 0; i < MAX_OPEN && !*name; i++)
		name = p->open[i] ? p->open[i]->name : "";
	for (size_t i = 0; i < WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K[%s] %zu/%zu  reading %s", bar, p->done, p->total, name);
	fflush(stderr);
	p->shown = true;
}

static void *run(void *data)
{
	struct progress *p = data;
	struct timespec next;
	int64_t wait_ms = PATIENCE_MS;

	clock_gettime(CLOCK_REALTIME, &next);
	pthread_mutex_lock(&p->lock);
	while (!p->end) {
		next.tv_nsec += wait_ms * 1000000;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&p->ended, &p->lock, &next) == ETIMEDOUT && !p->end)
			draw(p);
		wait_ms = REDRAW_MS;
	}
	if (p->shown)
		fputs("\r\033[K", stderr);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct progress *progress_begin(size_t total)
{
	struct progress *p = mem_calloc(1, sizeof(*p));

	p->total = total;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->ended, NULL);
	if (pthread_create(&p->thread, NULL, run, p) == 0)
		return p;
	free(p);
	return NULL;
}

void progress_table(void *data, const struct table *table, bool done)
{
	struct progress *p = data;
	size_t i = 0;

	pthread_mutex_lock(&p->lock);
	p->done += done;
	while (i < MAX_OPEN && p->open[i] != (done ? table : NULL))
		i++;
	if (i < MAX_OPEN)
		p->open[i] = done ? NULL : table;
	pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->end = true;
	pthread_cond_signal(&p->ended);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	free(p);
}
