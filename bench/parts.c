/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times the parts of an audit by themselves, many times over in one process, where starting a
 * process would hide them:
 *
 *   parts catalogue N               load the embedded rules
 *   parts judge N SNAPSHOT          judge by all of them what `revet snapshot` wrote; an absolute path
 *   parts table N ROOT [NAME...]    read tables (none named: all) for what the rules ask of them
 *
 * Prints for each part its name, the median wall and processor time of a run in microseconds, and
 * how many rules or rows there were. Table by table nothing runs side by side, and nothing is
 * confined.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/path.h"
#include "rule/judge.h"

#define MAX_RUNS 10000

struct sample {
	int64_t wall, cpu; /* microseconds */
};

struct part {
	struct sample samples[MAX_RUNS];
	size_t n;
	struct sample begun;
};

static struct sample now(void)
{
	static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	struct sample s = {0};
	struct timespec ts;

	for (size_t i = 0; i < ARRAY_LEN(whose); i++) {
		struct rusage ru;

		getrusage(whose[i], &ru);
		s.cpu += (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec +
				 ru.ru_stime.tv_usec;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	s.wall = (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	return s;
}

static void begin(struct part *p)
{
	p->begun = now();
}

static void end(struct part *p)
{
	struct sample s = now();

	p->samples[p->n++] = (struct sample){s.wall - p->begun.wall, s.cpu - p->begun.cpu};
}

static int by_wall(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->wall > y->wall) - (x->wall < y->wall);
}

static int by_cpu(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

static void print(struct part *p, const char *name, size_t count)
{
	int64_t wall;

	qsort(p->samples, p->n, sizeof(*p->samples), by_wall);
	wall = p->samples[p->n / 2].wall;
	qsort(p->samples, p->n, sizeof(*p->samples), by_cpu);
	printf("%s %lld %lld %zu\n", name, (long long)wall, (long long)p->samples[p->n / 2].cpu, count);
	p->n = 0;
}

static int die(const char *message)
{
	fprintf(stderr, "parts: %s\n", message);
	exit(1);
}

static void load(struct catalogue *c)
{
	struct err err;

	if (catalogue_load(c, NULL, &err) < 0)
		die(err.msg);
}

static void time_catalogue(struct part *p, size_t runs)
{
	size_t n = 0;

	for (size_t i = 0; i < runs; i++) {
		struct catalogue c;

		begin(p);
		load(&c);
		end(p);
		n = c.n;
		catalogue_done(&c);
	}
	print(p, "catalogue", n);
}

static void read_snapshot(struct snapshot *s, const char *path)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct str text;
	struct err err;

	if (path_read(root, path, (size_t)256 << 20, &a, &text) < 0)
		die(path);
	if (snapshot_parse(s, text, path, &err) < 0)
		die(err.msg);
}

static void time_judging(struct part *p, size_t runs, const char *path)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot_new();
	struct catalogue c;

	load(&c);
	read_snapshot(s, path);
	for (size_t i = 0; i < runs; i++) {
		_cleanup_arena_ struct arena a = {0};
		struct judgement *judgements = arena_new(&a, struct judgement, c.n);

		begin(p);
		for (size_t k = 0; k < c.n; k++)
			judge(&c.p[k], s, &c.language.params, &a, &judgements[k]);
		end(p);
	}
	print(p, "judge", c.n);
	catalogue_done(&c);
}

/* Like an audit by all rules, but of one table. */
static size_t read_table(struct part *p, const struct table *t, const struct catalogue *c,
						 const char *root)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot_new();
	_cleanup_host_ struct host *host = NULL;
	struct err err;

	host = host_open(root, &err);
	if (!host)
		die(err.msg);
	for (size_t i = 0; i < c->n; i++)
		judge_wants(&c->p[i], &c->language.params, s);
	snapshot_want_none(s);
	snapshot_want(s, t);
	begin(p);
	snapshot_prestart(s, host);
	snapshot_read(s, host, NULL, NULL);
	end(p);
	return snapshot_rows(s, t)->n;
}

static void time_table(struct part *p, const struct table *t, const struct catalogue *c,
					   size_t runs, const char *root)
{
	size_t n = 0;

	for (size_t i = 0; i < runs; i++)
		n = read_table(p, t, c, root);
	print(p, t->name, n);
}

static void time_tables(struct part *p, size_t runs, const char *root, char *const *names)
{
	const struct table *const *all;
	size_t n = table_all(&all);
	struct catalogue c;

	load(&c);
	for (size_t i = 0; i < n && !*names; i++)
		if (strcmp(all[i]->name, "walk") != 0)
			time_table(p, all[i], &c, runs, root);
	for (; *names; names++) {
		const struct table *t = table_find(str_of(*names));

		if (!t)
			die("there is no such table");
		time_table(p, t, &c, runs, root);
	}
	catalogue_done(&c);
}

int main(int argc, char **argv)
{
	static struct part part;
	uint64_t runs;

	if (argc < 3 || num_u64(str_of(argv[2]), 1, MAX_RUNS, &runs) < 0)
		die("usage: parts catalogue N | judge N SNAPSHOT | table N ROOT [NAME...]");
	if (strcmp(argv[1], "catalogue") == 0 && argc == 3)
		time_catalogue(&part, runs);
	else if (strcmp(argv[1], "judge") == 0 && argc == 4)
		time_judging(&part, runs, argv[3]);
	else if (strcmp(argv[1], "table") == 0 && argc >= 4)
		time_tables(&part, runs, argv[3], argv + 4);
	else
		die("usage: parts catalogue N | judge N SNAPSHOT | table N ROOT [NAME...]");
	return 0;
}
