/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that steps run: what a killed one leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>

#include "base/err.h"
#include "base/num.h"
#include "change/step.h"

static char name[] = "/tmp/revet-step-XXXXXX";

/* A shell whose child leads a session of its own, writes down its number, and stays. */
static pid_t left_behind(const char *end, int timeout_ms)
{
	_cleanup_arena_ struct arena a = {0};
	static const char script[] =
		"setsid sh -c 'echo $$ >\"$1\"; exec sleep 100 >/dev/null 2>&1' sh \"$1\" & "
		"until [ -s \"$1\" ]; do sleep 0.01; done; eval \"$2\"";
	const char *const argv[] = {"/bin/sh", "-c", script, "sh", name, end, NULL};
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct place here = {.live = true};
	struct exec_result result = {0};
	struct err err;
	struct str text;
	uint64_t pid;

	assert_int_equal(truncate(name, 0), 0);
	(void)step_ask(&here, argv, timeout_ms, &a, &result, &err);
	assert_int_equal(path_read(root, name, 64, &a, &text), 0);
	assert_int_equal(num_u64(str_trim(text), 2, INT32_MAX, &pid), 0);
	return (pid_t)pid;
}

static void test_left_behind(void **state _unused_)
{
	pid_t pid = left_behind("exit 0", 10000);

	/* What began well goes on: services are started so where there is no systemd. */
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(kill(left_behind("kill -9 $$", 10000), 0), -1);
	assert_int_equal(kill(left_behind("sleep 100", 500), 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_left_behind)};
	int fd = mkstemp(name), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(name);
	return failed;
}
