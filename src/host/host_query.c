/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel queries: run once and remembered, by the thread that asks, by one that was confined for it, or
 * by a process of its own. */
#include "host/host_private.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/confine.h"
#include "base/shortage.h"

struct errand {
	struct host *host;
	const struct query *query;
	struct memo *memo;
	int (*confine)(struct err *);
	sem_t confined;
	pthread_t thread;
};

static _Thread_local struct memo *running;

static void wait_for_errand(struct memo *m)
{
	struct errand *e = take_ptr(m->errand);

	if (e)
		pthread_join(e->thread, NULL);
}

/* One that has not answered in time may hang in a call, and is not waited for: it ends with this one. */
static void end_child(struct memo *m, bool in_time)
{
	close_fd(&m->child_fd);
	if (m->child > 0)
		waitpid(m->child, NULL, in_time ? 0 : WNOHANG);
	m->child = -1;
}

/* The caller holds the lock. */
static struct memo *memo_new(struct host *h, const char *name, size_t max)
{
	struct memo *m = arena_new(&h->arena, struct memo, 1);

	m->name = arena_strdup(&h->arena, name);
	m->child = m->child_fd = -1;
	m->answer = BUF(max);
	pthread_mutex_init(&m->lock, NULL);
	*vec_push(&h->arena, &h->memos) = m;
	return m;
}

static struct memo *memo_of(struct host *h, const struct query *q)
{
	struct mem_limit *limit = lock(h);
	struct memo *m = map_get(&h->memo_of, str_of(q->name));

	if (!m) {
		m = memo_new(h, q->name, q->max ? q->max : HOST_MAX_FILE);
		map_put(&h->memo_of, str_of(m->name), m);
	}
	unlock(h, limit);
	return m;
}

/* An answer for which something could not be opened, for want of descriptors, may lack it. */
static int ask(struct host *h, const struct query *q, struct memo *m)
{
	struct err before = {0}, now = {0};
	int r;

	(void)shortage_take(&before);
	r = q->live ? q->live(h, &m->answer, &m->err) : q->live_with(h, q->data, &m->answer, &m->err);
	if (shortage_take(&now) < 0 && r == 0) {
		m->err = now;
		r = -now.errnum;
	}
	shortage_keep(&before);
	shortage_keep(&now);
	return r;
}

static void run_query(struct host *h, const struct query *q, struct memo *m)
{
	int r = ask(h, q, m);

	if (r == 0 && m->answer.full)
		r = err_set(&m->err, EFBIG, "%s: the answer is over %zu bytes", q->name, m->answer.max);
	m->error = r;
	m->done = true;
	if (!q->files)
		host_keep(h, "query", q->name, r < 0 ? -r : 0,
				  r < 0 ? str_of(m->err.msg) : buf_get(&m->answer));
}

/* --- questions that a process of its own asks ---------------------------------------------- */

#define ANSWER_MS 30000 /* live() has time limits of its own, which are shorter */

static bool in_child;

int host_query_confine(struct err *err)
{
	struct confinement ignored;

	return in_child ? confine_reader(&ignored, err) : 0;
}

/* In the child: the errno and, when it is 0, the answer; else the message. */
static void __attribute__((noreturn))
answer(struct host *h, const struct query *q, struct memo *m, int fd)
{
	int r = ask(h, q, m);
	int32_t error = r < 0 ? -r : m->answer.full ? EFBIG : 0;
	struct str text = error ? str_of(m->err.msg) : buf_get(&m->answer);

	if (write(fd, &error, sizeof(error)) != sizeof(error))
		_exit(1);
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n <= 0)
			_exit(1);
		text.p += n;
		text.n -= (size_t)n;
	}
	_exit(0);
}

void host_query_fork(struct host *h, const struct query *q)
{
	struct memo *m;
	int fds[2];

	if (h->replay || !h->live)
		return;
	m = memo_of(h, q);
	if (m->done || m->child_fd >= 0 || pipe2(fds, O_CLOEXEC) < 0)
		return;
	m->child = fork();
	if (m->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		in_child = true;
		close(fds[0]);
		answer(h, q, m, fds[1]);
	}
	close(fds[1]);
	m->child_fd = fds[0];
	if (m->child < 0)
		close_fd(&m->child_fd);
}

/* 1: there is more; 0: that was all; else -errno. */
static int read_some(int fd, struct buf *out)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ready = poll(&p, 1, ANSWER_MS);
	char *to = buf_reserve(out, 65536);
	ssize_t n;

	if (ready <= 0 || !to)
		return ready == 0 ? -ETIMEDOUT : !to ? -EFBIG : -errno;
	n = read(fd, to, 65536);
	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	buf_commit(out, (size_t)n);
	return n > 0;
}

static void take_answer(struct host *h, const struct query *q, struct memo *m)
{
	_cleanup_buf_ struct buf text = BUF((q->max ? q->max : HOST_MAX_FILE) + 65536);
	int32_t error = 0;
	int r;

	do
		r = read_some(m->child_fd, &text);
	while (r > 0);
	end_child(m, r != -ETIMEDOUT);
	if (r == 0 && text.n < sizeof(error))
		r = -ECHILD;
	if (r == 0)
		memcpy(&error, text.p, sizeof(error));
	if (r < 0)
		m->error = err_errno(&m->err, -r, "%s", q->name);
	else if (error)
		m->error = err_set(&m->err, error, "%.*s", (int)MIN(text.n - sizeof(error), (size_t)400),
						   text.p + sizeof(error));
	else
		buf_add(&m->answer, text.p + sizeof(error), text.n - sizeof(error));
	m->done = true;
	host_keep(h, "query", q->name, -m->error, m->error ? str_of(m->err.msg) : buf_get(&m->answer));
}

int host_query(struct host *h, const struct query *q, struct arena *a, struct str *ret,
			   struct err *err)
{
	struct memo *m;
	int r;

	if (!h->live && !q->tree)
		return host_offline(q->name, err);
	if (h->replay && !q->files) {
		struct str data;

		r = host_replay(h, "query", q->name, &data, err);
		if (r == 0)
			*ret = (struct str){arena_copy(a, data.p, data.n), data.n};
		return r;
	}
	m = memo_of(h, q);
	pthread_mutex_lock(&m->lock);
	wait_for_errand(m);
	if (!m->done) {
		m->outer = running;
		running = m;
		if (m->child_fd >= 0)
			take_answer(h, q, m);
		if (!m->done)
			run_query(h, q, m);
		running = m->outer;
	}
	pthread_mutex_unlock(&m->lock);
	if (m->error < 0) {
		*err = m->err;
		return host_note_shared(m->error, q->name);
	}
	*ret = buf_get(&m->answer);
	return 0;
}

/* --- what tables share ------------------------------------------------------------------------ */

static struct memo *shared_memo(struct host *h, const struct shared *s, bool begin)
{
	struct mem_limit *limit = lock(h);
	struct memo *m = NULL;

	vec_each(&h->memos, each) if ((*each)->shared == s && (*each)->round == h->round) m = *each;
	if (!m && begin && h->round) {
		m = memo_new(h, s->name, 0);
		m->shared = s;
		m->round = h->round;
	}
	unlock(h, limit);
	return m;
}

/* What something could not be opened for, for want of descriptors, is nothing to share. */
static void make(struct host *h, struct memo *m)
{
	struct err before = {0}, now = {0};
	const void *made;

	(void)shortage_take(&before);
	made = m->shared->make(h, &m->arena);
	m->made = shortage_take(&now) < 0 ? NULL : made;
	m->done = true;
	shortage_keep(&before);
}

const void *host_shared(struct host *h, const struct shared *s, bool begin)
{
	struct memo *m = shared_memo(h, s, begin);

	if (!m)
		return NULL;
	pthread_mutex_lock(&m->lock);
	if (!m->done) {
		m->outer = running;
		running = m;
		make(h, m);
		running = m->outer;
	}
	pthread_mutex_unlock(&m->lock);
	return m->made;
}

/* --- queries that a thread of their own asks ---------------------------------------------------- */

static void *errand_run(void *data)
{
	struct errand *e = data;
	struct err ignored;
	int r = e->confine(&ignored);

	sem_post(&e->confined);
	if (r == 0)
		run_query(e->host, e->query, e->memo);
	return NULL;
}

void host_query_start(struct host *h, const struct query *q, int (*confine)(struct err *))
{
	struct memo *m;
	struct errand *e;
	struct mem_limit *limit;

	if (h->replay || (!h->live && !q->tree))
		return;
	m = memo_of(h, q);
	limit = lock(h);
	e = arena_new(&h->arena, struct errand, 1);
	unlock(h, limit);
	*e = (struct errand){.host = h, .query = q, .memo = m, .confine = confine};
	sem_init(&e->confined, 0, 0);
	pthread_mutex_lock(&m->lock);
	if (!m->done && !m->errand && pthread_create(&e->thread, NULL, errand_run, e) == 0) {
		m->errand = e;
		/* What is parsed next must not share its memory with a thread that may do everything. */
		while (sem_wait(&e->confined) < 0)
			continue;
	}
	pthread_mutex_unlock(&m->lock);
}

void host_give_up(int error, const char *why)
{
	for (struct memo *m = running; m; m = m->outer) {
		m->error = err_set(&m->err, error, "%s: %s", m->name, why);
		m->done = true;
		arena_done(&m->arena);
		pthread_mutex_unlock(&m->lock);
	}
	running = NULL;
}

void host_end_queries(struct host *h)
{
	vec_each(&h->memos, m)
	{
		wait_for_errand(*m);
		end_child(*m, true);
		buf_done(&(*m)->answer);
		arena_done(&(*m)->arena);
		pthread_mutex_destroy(&(*m)->lock);
	}
}
