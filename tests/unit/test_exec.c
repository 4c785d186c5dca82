/* SPDX-License-Identifier: Apache-2.0 */
/* Helper programs, on kernels that lack the calls that make it easy as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/exec.h"

/* Linux 4.18, that of RHEL 8, has none of these; with `files` not even a list of descriptors. */
static void forget_calls(bool files)
{
	static const int newer[] = {SCMP_SYS(close_range), SCMP_SYS(pidfd_open), SCMP_SYS(openat2)};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	for (size_t i = 0; i < ARRAY_LEN(newer); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), newer[i], 0) < 0)
			_exit(10);
	if (files && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(getdents64), 0) < 0)
		_exit(11);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_load(ctx) < 0)
		_exit(12);
	seccomp_release(ctx);
}

/* 0: what the program has is just its three. */
static int sees_three(bool list)
{
	const char *const argv[] = {"/bin/sh", "-c", "for fd in 3 4 5 50 99 500; do "
								"[ ! -e /proc/self/fd/$fd ] || echo $fd; done", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result = {0};
	struct exec e;
	struct err err;

	for (int fd = 50; fd < 100; fd++)
		dup2(1, fd);
	dup2(1, 500);
	if (!list)
		forget_calls(true);
	e = exec_start(argv, NULL, NULL);
	if (exec_finish(&e, 4096, 10000, &a, &result, &err) < 0)
		return 1;
	return result.status ? 2 : result.out.n ? 3 : 0;
}

static int ends_in_time(bool list _unused_)
{
	const char *const argv[] = {"/bin/sleep", "30", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result;
	struct exec e = exec_start(argv, NULL, NULL);
	struct timespec begin, end;
	struct err err;
	int pid = e.pid, r;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	r = exec_finish(&e, 4096, 100, &a, &result, &err);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return r != -ETIMEDOUT ? 1 : end.tv_sec - begin.tv_sec > 10 ? 2 : waitpid(pid, NULL, WNOHANG) == 0 ? 3 : 0;
}

/* Where it may not kill either, as in the reader's confinement, it waits for nothing. */
static int gives_up(bool list)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_load(ctx) < 0)
		return 12;
	r = ends_in_time(list);
	return r == 3 ? 0 : r ? r : 4;
}

static int lead_a_group(void *data _unused_)
{
	return setpgid(0, 0);
}

/* The process has ended, be it that nobody has waited for it. */
static bool is_gone(int pid)
{
	char path[64], text[512];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	return n <= 0 || strstr(text, ") Z ");
}

/* The shell ends or stays; what it has started holds its stdout, and its number is in the file
 * that is its stdin. */
static int helper_is_gone(const char *script, int (*in_child)(void *), bool *ret)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	char path[] = "/tmp/revet-exec-XXXXXX", text[32] = "";
	_cleanup_close_ int there = mkstemp(path);
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result;
	struct exec e;
	struct err err;
	int pid = 0;

	unlink(path);
	e = exec_start_input(argv, there, in_child, NULL);
	if (exec_finish(&e, 4096, 500, &a, &result, &err) != -ETIMEDOUT ||
		pread(there, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	for (const char *c = text; *c >= '0' && *c <= '9'; c++)
		pid = pid * 10 + (*c - '0');
	for (int i = 0; i < 100 && !is_gone(pid); i++)
		usleep(in_child ? 20000 : 2000);
	*ret = is_gone(pid);
	kill(pid, SIGKILL);
	return 0;
}

static int ends_with_its_group(bool list _unused_)
{
	static const char *const scripts[] = {"sleep 30 & echo $! >&0; wait", "sleep 30 & echo $! >&0"};
	bool gone;

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		if (helper_is_gone(scripts[i], lead_a_group, &gone) || !gone)
			return 1;
		/* Without a group of its own it would be whoever started it. */
		if (helper_is_gone(scripts[i], NULL, &gone) || gone)
			return 2;
	}
	return 0;
}

/* In a process of its own, because a filter stays. */
static int in_process(int (*run)(bool), bool old, bool list)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (old)
			forget_calls(false);
		_exit(run(list));
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* It does nothing before it may, runs then, and without that is gone with whoever held it. */
static int waits_to_be_let_go(bool list _unused_)
{
	char path[] = "/tmp/revet-exec-XXXXXX";
	const char *const argv[] = {"/bin/rm", path, NULL}, *const none[] = {"/nowhere", NULL};
	_cleanup_close_ int there = mkstemp(path);
	_cleanup_arena_ struct arena a = {0};
	struct exec e = exec_hold(argv, NULL, NULL), lost = exec_hold(argv, NULL, NULL),
				missing = exec_hold(none, NULL, NULL);
	struct exec_result result = {0};
	int pid = lost.pid;
	struct err err;

	usleep(100000);
	if (there < 0 || access(path, F_OK) < 0)
		return 1;
	exec_done(&lost);
	if (kill(pid, 0) == 0 || access(path, F_OK) < 0)
		return 2;
	exec_go(&e);
	if (exec_finish(&e, 4096, 10000, &a, &result, &err) < 0 || result.status ||
		access(path, F_OK) == 0)
		return 3;
	exec_go(&missing);
	return exec_finish(&missing, 4096, 10000, &a, &result, &err) == -ENOENT ? 0 : 4;
}

static void one_that_is_held_waits(void **state _unused_)
{
	assert_int_equal(in_process(waits_to_be_let_go, false, true), 0);
	assert_int_equal(in_process(waits_to_be_let_go, true, true), 0);
}

static void nothing_is_inherited(void **state _unused_)
{
	assert_int_equal(in_process(sees_three, false, true), 0);
	assert_int_equal(in_process(sees_three, true, true), 0);
	assert_int_equal(in_process(sees_three, true, false), 0);
}

static void it_ends_in_time(void **state _unused_)
{
	assert_int_equal(in_process(ends_in_time, false, true), 0);
	assert_int_equal(in_process(ends_in_time, true, true), 0);
	assert_int_equal(in_process(gives_up, true, true), 0);
}

static void what_it_started_ends_with_it(void **state _unused_)
{
	assert_int_equal(in_process(ends_with_its_group, false, true), 0);
	assert_int_equal(in_process(ends_with_its_group, true, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(it_ends_in_time),
		cmocka_unit_test(what_it_started_ends_with_it),
		cmocka_unit_test(one_that_is_held_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
