/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times the parts of an audit by themselves, many times over in one process, where starting a
 * process would hide them:
 *
 *   parts catalogue N               load the embedded rules
 *   parts judge N SNAPSHOT          judge by all of them what `revet snapshot` wrote; an absolute path
 *   parts table N ROOT [NAME...]    read tables (none named: all) for what the rules ask of them
 *   parts plan N ROOT RULES         plan for all rules, those in the directory RULES included
 *   parts change N ROOT COUNT       so many steps of files, without a journal and as a change
 *   parts site N FILE               the packet filter that a site file asks for; an absolute path
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
#include "change/change.h"
#include "host/site_ruleset.h"
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

/* --- changes ----------------------------------------------------------------------------------- */

static void time_planning(struct part *p, size_t runs, const char *root, const char *rules)
{
	_cleanup_snapshot_ struct snapshot *s = snapshot_new();
	_cleanup_host_ struct host *host = NULL;
	_cleanup_arena_ struct arena judged = {0};
	struct plan_about about = {.snapshot = s};
	struct judgement *judgements;
	struct catalogue c;
	size_t planned = 0;
	struct err err;

	if (catalogue_load(&c, rules, &err) < 0 || !(host = host_open(root, &err)))
		die(err.msg);
	for (size_t i = 0; i < c.n; i++)
		judge_wants(&c.p[i], &c.language.params, s);
	snapshot_prestart(s, host);
	snapshot_read(s, host, NULL, NULL);
	judgements = arena_new(&judged, struct judgement, c.n);
	for (size_t i = 0; i < c.n; i++)
		judge(&c.p[i], s, &c.language.params, &judged, &judgements[i]);
	about.host = host;
	about.judgements = judgements;
	about.n = c.n;
	about.params = &c.language.params;
	about.root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < runs; i++) {
		_cleanup_arena_ struct arena a = {0};
		struct plan plan;

		begin(p);
		if (plan_make(&plan, &about, &a, &err) < 0)
			die(err.msg);
		end(p);
		planned = plan.rules.n;
	}
	print(p, "plan", c.n);
	p->samples[p->n++] = (struct sample){0};
	print(p, "planned", planned);
	catalogue_done(&c);
}

static void write_file(const struct place *place, const char *path)
{
	_cleanup_close_ int fd = openat(place->root_fd, path + 1, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || fd_write_all(fd, STR("# a setting\nkey = 1\nother = 2\n")) < 0)
		die(path);
}

/* Every second step is about a file's content, the others about a mode. */
static struct plan make_steps(const struct place *place, size_t count, struct arena *a)
{
	struct plan plan = {.arena = a, .host = STR("bench"), .root = place->root};
	struct err err;

	(void)mkdirat(place->root_fd, "etc", 0755);
	for (size_t i = 0; i < count; i++) {
		struct step *s = vec_push(a, &plan.steps);
		const char *field;

		s->type = step_type_find(i % 2 ? STR("attributes") : STR("file"));
		s->target = arena_printf(a, "/etc/file%zu.conf", i);
		write_file(place, s->target);
		if (s->type->capture(place, s->target, a, &s->before, &err) < 0)
			die(err.msg);
		for (size_t k = 0; k < s->before.n; k++)
			state_set(&s->after, a, s->before.p[k].name, s->before.p[k].value);
		state_set(&s->after, a, "mode", i % 2 ? STR("0600") : STR("0644"));
		if (i % 2 == 0)
			state_set(&s->after, a, "content", STR("# a setting\nkey = 3\nother = 2\n"));
		if (state_covers(&s->before, &s->after, &field))
			die("a step that changes nothing");
	}
	return plan;
}

static void put_all(const struct place *place, const struct plan *plan, bool undo)
{
	struct err err;

	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct step *s = &plan->steps.p[i];
		const struct state *from = undo ? &s->after : &s->before,
						   *to = undo ? &s->before : &s->after;

		if (step_check(place, s, from, &err) < 0 ||
			s->type->put(place, s->target, to, NULL, &err) < 0 ||
			step_check(place, s, to, &err) < 0)
			die(err.msg);
	}
}

/* How long it takes to make a line last, as the journal does. */
static void sync_lines(struct changes *cs, struct part *p)
{
	_cleanup_close_ int fd =
		openat(cs->dir_fd, "lines", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (int i = 0; i < 10; i++) {
		begin(p);
		if (fd < 0 || write(fd, "step 12 prepared\n", 17) != 17 || fdatasync(fd) < 0)
			die("lines");
		end(p);
	}
}

enum { BARE, BARE_UNDO, BEGIN, DO, UNDO, SYNC, N_PARTS };

static void time_one_change(struct changes *cs, const struct plan *plan, struct part *parts)
{
	_cleanup_arena_ struct arena a = {0};
	struct change c;
	struct err err;

	begin(&parts[BARE]);
	put_all(&cs->place, plan, false);
	end(&parts[BARE]);
	begin(&parts[BARE_UNDO]);
	put_all(&cs->place, plan, true);
	end(&parts[BARE_UNDO]);
	begin(&parts[BEGIN]);
	if (change_begin(cs, plan, &a, &c, &err) < 0)
		die(err.msg);
	end(&parts[BEGIN]);
	begin(&parts[DO]);
	if (change_do(cs, &c, &err) < 0)
		die(err.msg);
	end(&parts[DO]);
	begin(&parts[UNDO]);
	if (change_undo(cs, &c, UNDO_REFUSE, &err) < 0)
		die(err.msg);
	end(&parts[UNDO]);
	change_close(&c);
}

/* What is compared takes turns. */
static void time_change(struct part *parts, size_t runs, const char *root, size_t count)
{
	static const char *const names[] = {"bare", "bare-undo", "begin", "do", "undo", "sync"};
	_cleanup_arena_ struct arena a = {0};
	struct changes cs;
	struct plan plan;
	struct err err;

	if (changes_open(&cs, root, true, &err) < 0)
		die(err.msg);
	plan = make_steps(&cs.place, count, &a);
	for (size_t i = 0; i < runs; i++) {
		time_one_change(&cs, &plan, parts);
		sync_lines(&cs, &parts[SYNC]);
	}
	for (size_t i = 0; i < N_PARTS; i++)
		print(&parts[i], names[i], count);
	changes_close(&cs);
}

#define USAGE                                                                                     \
	"usage: parts catalogue N | judge N SNAPSHOT | table N ROOT [NAME...] | plan N ROOT RULES | " \
	"change N ROOT COUNT | site N FILE"

static void time_site(struct part parts[2], size_t runs, const char *path)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_close_ int fd = open("/", O_PATH | O_CLOEXEC);
	struct site_facts facts = {.single_path = true};
	struct str text, ruleset = STR("");

	*vec_push(&a, &facts.ssh_ports) = 22;
	if (path_read(fd, path, 1u << 20, &a, &text) < 0)
		die(path);
	for (size_t i = 0; i < runs; i++) {
		_cleanup_arena_ struct arena run = {0};
		struct site_file site;
		struct err err = {0};

		begin(&parts[0]);
		if (site_file_parse(text, path, &run, &site, &err) < 0)
			die(err.msg);
		end(&parts[0]);
		begin(&parts[1]);
		if (site_ruleset(&site, &facts, &run, &ruleset, &err) < 0)
			die(err.msg);
		end(&parts[1]);
	}
	print(&parts[0], "site", text.n);
	print(&parts[1], "ruleset", ruleset.n);
}

int main(int argc, char **argv)
{
	static struct part parts[N_PARTS];
	uint64_t runs, count = 0;
	const char *what = argc > 1 ? argv[1] : "";

	if (argc < 3 || num_u64(str_of(argv[2]), 1, MAX_RUNS, &runs) < 0)
		die(USAGE);
	if (strcmp(what, "catalogue") == 0 && argc == 3)
		time_catalogue(parts, runs);
	else if (strcmp(what, "judge") == 0 && argc == 4)
		time_judging(parts, runs, argv[3]);
	else if (strcmp(what, "table") == 0 && argc >= 4)
		time_tables(parts, runs, argv[3], argv + 4);
	else if (strcmp(what, "site") == 0 && argc == 4)
		time_site(parts, runs, argv[3]);
	else if (strcmp(what, "plan") == 0 && argc == 5)
		time_planning(parts, runs, argv[3], argv[4]);
	else if (strcmp(what, "change") == 0 && argc == 5 && runs <= 500 &&
			 num_u64(str_of(argv[4]), 1, 10000, &count) == 0)
		time_change(parts, runs, argv[3], count);
	else
		die(USAGE);
	return 0;
}
