/* SPDX-License-Identifier: Apache-2.0 */
/* The process that runs commands and talks to servers. It looks at nothing of what they answer, and hands
 * it to the one that judges, which can do neither. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/path.h"
#include "host/http_client.h"
#include "spec/lookup.h"

#define MAX_THREADS 256
#define MAX_ALL ((size_t)512 << 20)

struct header {
	uint32_t index, n;
};

struct asking {
	const struct suite *suite;
	int fd;
	atomic_size_t next;
	pthread_mutex_t lock;
};

static bool is_asked(const struct resource *r)
{
	return r->kind->ask && !r->skip;
}

static void ask_one(struct asking *a, size_t i)
{
	const struct resource *r = a->suite->resources.p[i];
	/* A command has two outputs of up to so much. */
	_cleanup_buf_ struct buf answer = BUF(2 * MAX_ANSWER + 4096);
	struct header header;
	struct str text;

	r->kind->ask(r, &answer);
	if (answer.full) {
		buf_clear(&answer);
		buf_puts(&answer, "-the answer is too large");
	}
	text = buf_get(&answer);
	header = (struct header){(uint32_t)i, (uint32_t)text.n};
	pthread_mutex_lock(&a->lock);
	if (fd_write_all(a->fd, (struct str){(const char *)&header, sizeof(header)}) < 0 ||
		fd_write_all(a->fd, text) < 0)
		_exit(1);
	pthread_mutex_unlock(&a->lock);
}

static void *ask_some(void *data)
{
	struct asking *a = data;

	for (;;) {
		size_t i = atomic_fetch_add(&a->next, 1);

		if (i >= a->suite->resources.n)
			return NULL;
		if (is_asked(a->suite->resources.p[i]))
			ask_one(a, i);
	}
}

static void __attribute__((noreturn)) ask_all(const struct suite *s, unsigned threads, int fd)
{
	struct asking a = {.suite = s, .fd = fd, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t ids[MAX_THREADS];
	sigset_t none;
	struct err ignored;
	unsigned n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < s->resources.n; i++)
		if (is_asked(s->resources.p[i]) && strcmp(s->resources.p[i]->kind->name, "http") == 0) {
			(void)http_client_open(&ignored); /* each request says it again */
			break;
		}
	while (n + 1 < threads && pthread_create(&ids[n], NULL, ask_some, &a) == 0)
		n++;
	ask_some(&a);
	for (unsigned i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	_exit(0);
}

int suite_ask(const struct suite *s, unsigned at_once, int *ret_pid, int *ret_fd, struct err *err)
{
	size_t n = 0;
	int fds[2];

	*ret_pid = 0;
	*ret_fd = -1;
	for (size_t i = 0; i < s->resources.n; i++)
		n += is_asked(s->resources.p[i]);
	if (!n)
		return 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	fflush(stdout);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		close(fds[0]);
		ask_all(s, (unsigned)MIN(MIN((size_t)MAX(at_once, 1u), n), (size_t)MAX_THREADS), fds[1]);
	}
	close(fds[1]);
	*ret_fd = fds[0];
	if (*ret_pid < 0) {
		*ret_pid = 0;
		close_fd(ret_fd);
		return err_errno(err, errno, "fork");
	}
	return 0;
}

/* 1: all of it; 0: the end before its first byte. */
static int read_whole(int fd, void *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, (char *)p + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 || got ? -EIO : 0;
		got += (size_t)r;
	}
	return 1;
}

int suite_take_answers(struct suite *s, int fd, struct err *err)
{
	_cleanup_close_ int own = fd;
	struct header header;
	size_t all = 0;
	int r;

	while ((r = read_whole(own, &header, sizeof(header))) > 0) {
		struct resource *resource;
		char *text;

		all += header.n;
		if (header.index >= s->resources.n || header.n > 2 * MAX_ANSWER + 4096 || all > MAX_ALL)
			return err_set(err, EFBIG, "the answers are larger than %zu MiB", MAX_ALL >> 20);
		resource = s->resources.p[header.index];
		text = arena_raw(&s->arena, header.n + 1);
		if (read_whole(own, text, header.n) < (header.n ? 1 : 0))
			return err_set(err, EIO, "the process that asks has ended");
		resource->answer = (struct str){text, header.n};
	}
	return r < 0 ? err_set(err, EIO, "the process that asks has ended") : 0;
}
