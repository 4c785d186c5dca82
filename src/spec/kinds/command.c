/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command, run by the shell as whoever runs the tests, with that one's environment: this is what the
 * kind is for. The command is the user's, from a file that nobody else can change, and no word of it comes
 * from the host.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/exec.h"
#include "spec/lookup.h"

enum { EXIT_STATUS, STDOUT, STDERR, EXEC, TIMEOUT };

static const struct attribute attributes[] = {
	[EXIT_STATUS] = {"exit-status", EXPECTED, .required = true},
	[STDOUT] = {"stdout", EXPECTED_TEXT},
	[STDERR] = {"stderr", EXPECTED_TEXT},
	[EXEC] = {"exec", SETTING_TEXT},
	[TIMEOUT] = {"timeout", SETTING_NUMBER},
	{0},
};

/* A group of its own, so that all of it can be ended; and with whoever started it. */
static int alone(void *ignored _unused_)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0;
}

/* What it leaves running may still hold the outputs: it is ended when the time is over. */
static int run(const struct resource *r, struct arena *a, struct exec_result *ret, struct err *err)
{
	const char *argv[] = {"/bin/sh", "-c", str_dup(a, r->name), NULL};
	_cleanup_close_ int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int64_t ms = setting_number(r, "timeout", 10000);
	struct exec e = exec_start_env(argv, input, environ, alone, NULL);
	int pid = e.pid, status = exec_finish_both(&e, MAX_ANSWER, MAX_ANSWER, (int)ms, a, ret, err);

	if (status < 0 && pid > 0)
		kill(-pid, SIGKILL);
	if (status == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "it did not end within %lld ms", (long long)ms);
	return status;
}

static void ask(const struct resource *r, struct buf *answer)
{
	_cleanup_arena_ struct arena a = {0};
	struct exec_result result;
	struct err err;

	if (run(r, &a, &result, &err) < 0) {
		answer_error(answer, &err);
		return;
	}
	answer_parts(answer, result.status, result.out, result.err);
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	struct answer_parts answer;
	int r = find_parts(f, &answer, err);

	if (r < 0)
		return r;
	*ret = DATUM_NUMBER(answer.status);
	if (attribute != EXIT_STATUS)
		*ret = DATUM_STR(attribute == STDOUT ? answer.first : answer.second);
	return 0;
}

static const struct kind command_kind = {"command",         "Command",  attributes,
										 .subject = "exec", .ask = ask, .find = find};
KIND(command_kind);
