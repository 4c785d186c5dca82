/* SPDX-License-Identifier: Apache-2.0 */
/* Plans are made where the host is read: in the confined worker, which hands over the JSON. */
#include <stdio.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/num.h"
#include "cmd/cmd.h"

#define MAX_PLAN ((size_t)64 << 20)

struct job {
	const struct planning *planning;
	int root_fd;          /* for the plan's looks at files */
	struct output output; /* of what the worker says, in memory */
};

static struct judgement *judge_all(const struct job *job, struct worker *w, struct arena *a)
{
	const struct planning *p = job->planning;
	struct judgement *all = arena_new(a, struct judgement, p->n + 1);

	for (size_t i = 0; i < p->n; i++) {
		judge(p->rules[i], w->snapshot, p->params, a, &all[i]);
		if (p->site)
			site_waive(p->site, snapshot_facts(w->snapshot)->time, &all[i]);
	}
	return all;
}

static int plan_in_worker(struct worker *w, void *data)
{
	struct job *job = data;
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(MAX_PLAN);
	const struct planning *p = job->planning;
	struct plan plan;
	struct err err;

	const struct plan_about about = {
		.host = w->source.host,
		.snapshot = w->snapshot,
		.judgements = judge_all(job, w, &a),
		.n = p->n,
		.params = p->params,
		.root_fd = job->root_fd,
		.named = p->named,
	};

	if (host_is_recording(w->source.host))
		return fail(EXIT_CANNOT, "%s: a recording cannot be changed", p->root);
	if (plan_make(&plan, &about, &a, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	if (plan_write(&plan, &text) < 0)
		return fail(EXIT_CANNOT, "the plan is larger than 64 MiB");
	return output_write(&job->output, buf_get(&text));
}

static int count_in_worker(struct worker *w, void *data)
{
	struct job *job = data;
	_cleanup_arena_ struct arena a = {0};
	struct judgement *all = judge_all(job, w, &a);
	char text[32];
	size_t failing = 0;

	for (size_t i = 0; i < job->planning->n; i++)
		failing += all[i].verdict == VERDICT_FAIL;
	snprintf(text, sizeof(text), "%zu", failing);
	return output_write(&job->output, str_of(text));
}

/* Runs `use` in a worker that has read what the rules need, and returns what it wrote. */
static int ask_worker(const struct planning *p, int (*use)(struct worker *, void *),
					  struct arena *a, struct str *ret)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	const char *root = p->root ? p->root : "/";
	struct job job = {.planning = p, .output = {.path = "the plan"}};
	struct worker w = {
		.source = {.root = p->root, .site = p->site}, .snapshot = snapshot, .use = use, .data = &job};
	_cleanup_buf_ struct buf text = BUF(MAX_PLAN);
	int code;

	for (size_t i = 0; i < p->n; i++)
		judge_wants(p->rules[i], p->params, snapshot);
	snapshot_want(snapshot, table_find(STR("os")));
	job.root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	job.output.fd = memfd_create("revet-plan", MFD_CLOEXEC);
	if (job.root_fd < 0 || job.output.fd < 0)
		code = fail(EXIT_CANNOT, "%s: %s", root, strerror(errno));
	else
		code = worker_run(&w);
	if (code == 0 && lseek(job.output.fd, 0, SEEK_SET) < 0)
		code = fail(EXIT_CANNOT, "the plan cannot be read");
	if (code == 0)
		code = read_file(job.output.fd, "the plan", &text);
	close_fd(&job.root_fd);
	close_fd(&job.output.fd);
	if (code == 0)
		*ret = (struct str){arena_copy(a, text.p, text.n), text.n};
	return code;
}

int make_plan(const struct planning *p, struct arena *a, struct plan *ret)
{
	struct str text = STR_ABSENT;
	struct err err;
	int code = ask_worker(p, plan_in_worker, a, &text);

	if (code == 0 && plan_parse(ret, text, "the plan", a, &err) < 0)
		code = fail(EXIT_CANNOT, "%s", err.msg);
	return code;
}

int count_failing(const struct planning *p, size_t *ret)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text = STR_ABSENT;
	uint64_t n = 0;
	int code = ask_worker(p, count_in_worker, &a, &text);

	if (code == 0 && num_u64(text, 0, MAX_RULES, &n) < 0)
		code = fail(EXIT_CANNOT, "the rules could not be judged again");
	*ret = (size_t)n;
	return code;
}
