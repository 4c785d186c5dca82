/* SPDX-License-Identifier: Apache-2.0 */
/* Helper programs: started before the process confines itself, collected after. */
#include "host/host_private.h"

#include "base/confine.h"
#include "base/shortage.h"

/* Tables have a descriptor each for what may be the same program. */
static bool is_same(const struct helper *a, const struct helper *b)
{
	size_t i = 0;

	while (a->argv[i] && b->argv[i] && strcmp(a->argv[i], b->argv[i]) == 0)
		i++;
	return !a->argv[i] && !b->argv[i] && a->max == b->max && a->timeout_ms == b->timeout_ms &&
		   a->status_ok == b->status_ok && str_eq(str_of(a->needs), str_of(b->needs));
}

static struct helper_run *find_run(struct host *h, const struct helper *helper)
{
	vec_each(&h->runs, s) if (is_same((*s)->helper, helper)) return *s;
	return NULL;
}

static int no_writes(void *unused _unused_)
{
	return confine_helper() < 0;
}

/* The caller holds the lock. */
static struct helper_run *start(struct host *h, const struct helper *helper)
{
	struct helper_run *s = arena_new(&h->arena, struct helper_run, 1);
	struct path_stat st;
	int r = path_stat(h->root_fd, helper->argv[0], true, &st);

	*s = (struct helper_run){.helper = helper, .exec = EXEC_NONE};
	pthread_mutex_init(&s->lock, NULL);
	*vec_push(&h->arena, &h->runs) = s;
	if (r == 0 && helper->needs && !(h->given_path && strcmp(helper->needs, h->given_path) == 0))
		r = path_stat(h->root_fd, helper->needs, true, &st);
	if (r < 0)
		s->missing = -r;
	else
		s->exec = (helper->rare ? exec_hold : exec_start)(helper->argv, no_writes, NULL);
	return s;
}

void host_prestart(struct host *h, const struct helper *helper)
{
	struct mem_limit *limit;

	if (!h->live || h->replay)
		return;
	limit = lock(h);
	if (!find_run(h, helper))
		start(h, helper);
	unlock(h, limit);
}

static const char *command_line(const struct helper *helper, struct arena *a)
{
	const char *line = helper->argv[0];

	for (size_t i = 1; helper->argv[i]; i++)
		line = arena_printf(a, "%s %s", line, helper->argv[i]);
	return line;
}

static int run_failed(const struct helper *helper, const struct exec_result *result,
					  struct err *err)
{
	struct str rest = result->err, line = STR_ABSENT;

	if (!str_line(&rest, &line)) {
		rest = result->out;
		(void)str_line(&rest, &line);
	}
	return err_set(err, EIO, "%s: exit %d: %.*s", helper->argv[0], result->status,
				   (int)MIN(line.n, (size_t)200), line.p ? line.p : "");
}

/* The caller holds the helper's lock. */
static int collect(struct helper_run *s)
{
	const struct helper *helper = s->helper;
	struct exec_result result = {0};
	int r;

	if (s->missing)
		return err_errno(&s->err, s->missing, "%s", helper->argv[0]);
	exec_go(&s->exec);
	r = exec_finish(&s->exec, helper->max ? helper->max : HOST_MAX_FILE,
					helper->timeout_ms ? helper->timeout_ms : 10000, &s->arena, &result, &s->err);
	if (r < 0)
		return err_context(&s->err, "%s", helper->argv[0]);
	if (result.status && !helper->status_ok)
		return run_failed(helper, &result, &s->err);
	s->out = result.out;
	return 0;
}

/* What several ask for failed once and is remembered, so each of them notes it. EIO is a program that
 * failed as well. */
int host_note_shared(int error, const char *what)
{
	return error == -EIO ? error : shortage_note(error, what);
}

static int run_live(struct host *h, const struct helper *helper, struct str *ret, struct err *err)
{
	struct mem_limit *limit;
	struct helper_run *s;

	limit = lock(h);
	s = find_run(h, helper);
	if (!s)
		s = start(h, helper);
	unlock(h, limit);
	/* What it says is kept for every table that asks, and is no one table's memory. */
	limit = mem_limit(NULL);
	pthread_mutex_lock(&s->lock);
	if (!s->done)
		s->error = collect(s);
	s->done = true;
	pthread_mutex_unlock(&s->lock);
	mem_limit(limit);
	if (s->error < 0)
		*err = s->err;
	else
		*ret = s->out;
	return host_note_shared(s->error, helper->argv[0]);
}

int host_run(struct host *h, const struct helper *helper, struct arena *a, struct str *ret,
			 struct err *err)
{
	const char *line = command_line(helper, a);
	struct str out = STR("");
	int r;

	if (!h->live)
		return host_offline(helper->argv[0], err);
	if (h->replay) {
		r = host_replay(h, "run", line, &out, err);
		if (r == 0)
			*ret = (struct str){arena_copy(a, out.p, out.n), out.n};
		return r;
	}
	r = run_live(h, helper, &out, err);
	host_keep(h, "run", line, r < 0 ? -r : 0, r < 0 ? str_of(err->msg) : out);
	if (r == 0)
		*ret = (struct str){arena_copy(a, out.p, out.n), out.n};
	return r;
}

void host_end_programs(struct host *h)
{
	vec_each(&h->runs, s)
	{
		exec_done(&(*s)->exec);
		arena_done(&(*s)->arena);
		pthread_mutex_destroy(&(*s)->lock);
	}
}
