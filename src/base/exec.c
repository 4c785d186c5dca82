/* SPDX-License-Identifier: Apache-2.0 */
#include "base/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "base/num.h"

static char *const fixed_env[] = {
	(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C", (char *)"TZ=UTC", NULL};

/* As the kernel lays them out, see getdents(2); the one of readdir() takes memory, which is not to be
 * had between fork and exec. */
struct dirent64_head {
	uint64_t ino;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* Those that /proc lists. False: it cannot be asked, in a tree that has none mounted for one. */
static bool close_listed(int first)
{
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64_head) char chunk[4096];
	long n;

	if (dir < 0)
		return false;
	while ((n = syscall(SYS_getdents64, dir, chunk, sizeof(chunk))) > 0)
		for (long at = 0; at < n;) {
			const struct dirent64_head *entry = (const void *)(chunk + at);
			uint64_t fd;

			if (num_u64(str_of(entry->name), (uint64_t)first, INT32_MAX, &fd) == 0 &&
				(int)fd != dir)
				close((int)fd);
			at += entry->size;
		}
	close(dir);
	return n == 0;
}

void exec_close_fds(int first)
{
	struct rlimit limit = {.rlim_cur = 1024};

	/* Since Linux 5.9. */
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0 || close_listed(first))
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = first; (rlim_t)fd < MIN(limit.rlim_cur, (rlim_t)1 << 20); fd++)
		close(fd);
}

struct start {
	const char *const *argv;
	char *const *env; /* NULL: the fixed one */
	int input;
	int go; /* it waits for this; -1: it does not */
	pid_t parent;
	int (*in_child)(void *);
	void *data;
};

/* Whoever could let it go may end without a word, be it before this is told to end as well. */
static bool is_let_go(const struct start *s)
{
	uint64_t count;

	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == s->parent &&
		   read(s->go, &count, sizeof(count)) == sizeof(count);
}

static void __attribute__((noreturn)) child(const struct start *s, const int fds[3], int report)
{
	char *const *env = s->env ? s->env : fixed_env;
	int failed;

	if (s->go >= 0 && !is_let_go(s))
		_exit(126);
	/* What it needs may be an fd, the root of a tree say, which is closed below. */
	if (s->in_child && s->in_child(s->data))
		_exit(126);
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(126);
	/* The report pipe moves to 3 and closes on exec: silence there means that exec worked. */
	if (dup2(report, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) < 0)
		_exit(126);
	exec_close_fds(4);
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	if (!s->env)
		umask(077);
	execve(s->argv[0], (char *const *)s->argv, env);
	/* Before Debian 12 a system may have /bin and /sbin of its own; where /usr is not merged, as on
	 * Debian 11, /usr/bin/systemctl is /bin/systemctl. */
	if (errno == ENOENT && strncmp(s->argv[0], "/usr/", 5) == 0)
		execve(s->argv[0] + 4, (char *const *)s->argv, env);
	failed = errno;
	(void)!write(3, &failed, sizeof(failed));
	_exit(127);
}

/* One that leads a group ends with what it has started, also when it has ended itself: until it is
 * waited for, nothing else has its number. */
static void kill_group(const struct exec *e)
{
	if (getpgid(e->pid) == e->pid)
		(void)kill(-e->pid, SIGKILL);
}

/* Through the pidfd, so that a confined process needs no kill(2). Before Linux 5.3 there is none, and
 * a confined process cannot kill. */
static bool kill_child(const struct exec *e)
{
	kill_group(e);
	return e->pidfd >= 0 ? syscall(SYS_pidfd_send_signal, e->pidfd, SIGKILL, NULL, 0u) == 0
						 : kill(e->pid, SIGKILL) == 0;
}

static int pipe_cloexec(int fds[2])
{
	return pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;
}

static void take_report(struct exec *e)
{
	if (read(e->report_fd, &e->start_errno, sizeof(e->start_errno)) != sizeof(e->start_errno))
		e->start_errno = 0;
	close_fd(&e->report_fd);
}

static struct exec spawn(const struct start *s)
{
	int out[2] = {-1, -1}, errs[2] = {-1, -1}, report[2] = {-1, -1};
	struct exec e = EXEC_NONE;

	if (pipe_cloexec(out) < 0 || pipe_cloexec(errs) < 0 || pipe_cloexec(report) < 0) {
		e.start_errno = errno;
		goto out;
	}
	e.pid = fork();
	if (e.pid == 0)
		child(s, (int[]){s->input, out[1], errs[1]}, report[1]);
	if (e.pid < 0) {
		e.start_errno = errno;
		goto out;
	}
	close_fd(&report[1]);
	e.report_fd = take_fd(&report[0]);
	if (s->go < 0)
		take_report(&e);
	e.pidfd = (int)syscall(SYS_pidfd_open, e.pid, 0u);
	e.out_fd = take_fd(&out[0]);
	e.err_fd = take_fd(&errs[0]);
out:
	for (int i = 0; i < 2; i++) {
		close_fd(&out[i]);
		close_fd(&errs[i]);
		close_fd(&report[i]);
	}
	return e;
}

static struct exec spawn_without_input(struct start s)
{
	_cleanup_close_ int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct exec e = EXEC_NONE;

	s.input = null_fd;
	if (null_fd >= 0)
		return spawn(&s);
	e.start_errno = errno;
	return e;
}

struct exec exec_start(const char *const argv[], int (*in_child)(void *), void *data)
{
	return spawn_without_input(
		(struct start){.argv = argv, .go = -1, .in_child = in_child, .data = data});
}

struct exec exec_start_input(const char *const argv[], int input, int (*in_child)(void *),
							 void *data)
{
	return exec_start_env(argv, input, NULL, in_child, data);
}

struct exec exec_start_env(const char *const argv[], int input, char *const env[],
						   int (*in_child)(void *), void *data)
{
	return spawn(&(struct start){
		.argv = argv, .env = env, .input = input, .go = -1, .in_child = in_child, .data = data});
}

struct exec exec_hold(const char *const argv[], int (*in_child)(void *), void *data)
{
	_cleanup_close_ int go = eventfd(0, EFD_CLOEXEC);
	struct exec e = EXEC_NONE;

	if (go < 0) {
		e.start_errno = errno;
		return e;
	}
	e = spawn_without_input((struct start){
		.argv = argv, .go = go, .parent = getpid(), .in_child = in_child, .data = data});
	e.go_fd = take_fd(&go);
	return e;
}

void exec_go(struct exec *e)
{
	const uint64_t one = 1;

	if (e->go_fd < 0)
		return;
	(void)!write(e->go_fd, &one, sizeof(one));
	close_fd(&e->go_fd);
	if (e->report_fd >= 0)
		take_report(e);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Reads what is there into the buffer; closes the fd at its end. Past the maximum the rest of
 * stderr is thrown away and stdout is an error. */
static void drain(int *fd, struct buf *b)
{
	char chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n > 0) {
		size_t room = b->max - b->n;

		buf_add(b, chunk, MIN((size_t)n, room));
		if ((size_t)n > room)
			b->full = true;
	} else if (n == 0 || errno != EINTR) {
		close_fd(fd);
	}
}

static int collect(struct exec *e, struct buf *out, struct buf *errs, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	while (e->out_fd >= 0 || e->err_fd >= 0) {
		struct pollfd fds[] = {{.fd = e->out_fd, .events = POLLIN},
							   {.fd = e->err_fd, .events = POLLIN}};
		int64_t left = deadline - now_ms();
		int n;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(fds, 2, (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		if (fds[0].revents)
			drain(&e->out_fd, out);
		if (fds[1].revents)
			drain(&e->err_fd, errs);
		if (out->full)
			return -EFBIG;
	}
	return 0;
}

/* Waits for the end of a child that has closed its outputs, or kills it at the deadline. One that
 * cannot be killed is left to itself: it has nobody to write to any more. */
static int reap(struct exec *e, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	int status = 0, how = WNOHANG;

	while (waitpid(e->pid, &status, how) == 0) {
		struct pollfd fd = {.fd = e->pidfd, .events = POLLIN};
		int64_t left = deadline - now_ms();

		if (left <= 0) {
			status = SIGKILL;
			if (!kill_child(e))
				break;
			how = 0;
		} else {
			poll(&fd, e->pidfd >= 0, (int)MIN(left, 20));
		}
	}
	e->pid = -1;
	close_fd(&e->pidfd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void exec_done(struct exec *e)
{
	if (e->pid > 0) {
		kill_group(e);
		reap(e, 0);
	}
	close_fd(&e->out_fd);
	close_fd(&e->err_fd);
	close_fd(&e->go_fd);
	close_fd(&e->report_fd);
	*e = EXEC_NONE;
}

int exec_finish(struct exec *e, size_t max, int timeout_ms, struct arena *a,
				struct exec_result *ret, struct err *err)
{
	return exec_finish_both(e, max, 1024, timeout_ms, a, ret, err);
}

int exec_finish_both(struct exec *e, size_t max, size_t max_err, int timeout_ms, struct arena *a,
					 struct exec_result *ret, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF(max), errs = BUF(max_err);
	int r;

	if (e->start_errno) {
		r = e->start_errno;
		exec_done(e);
		return err_errno(err, r, "cannot be started");
	}
	if (e->pid < 0)
		return err_set(err, ECHILD, "was not started");
	r = collect(e, &out, &errs, timeout_ms);
	if (r < 0) {
		exec_done(e);
		if (r == -ETIMEDOUT)
			return err_set(err, ETIMEDOUT, "gave no answer in %d s", timeout_ms / 1000);
		if (r == -EFBIG)
			return err_set(err, EFBIG, "printed more than %zu bytes", max);
		return err_errno(err, -r, "cannot be read from");
	}
	ret->status = reap(e, 1000);
	ret->out = (struct str){arena_copy(a, out.p, out.n), out.n};
	ret->err = (struct str){arena_copy(a, errs.p, errs.n), errs.n};
	exec_done(e);
	return 0;
}
