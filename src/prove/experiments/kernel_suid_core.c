/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "prove/attack.h"

#define SLEEP "/usr/bin/sleep"
#define PLAIN "../plain"
#define SUID "../suid"
#define CORES "cores"
#define PATTERN "/proc/sys/kernel/core_pattern"

/* The working directory becomes the one where cores go. */
static int prepare(const char *scratch)
{
	int r;

	if (chdir(scratch) < 0 || mkdir(CORES, 0700) < 0 || chmod(CORES, 01777) < 0 || chdir(CORES) < 0)
		return -errno;
	r = actor_copy_program(SLEEP, PLAIN, 0755);
	return r < 0 ? r : actor_copy_program(SLEEP, SUID, 04755);
}

/* 0: a core was dumped. -EPERM: it ended without. */
static int crash(const char *program)
{
	int started[2], status = 0;
	char none;
	pid_t pid;

	if (pipe2(started, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		execl(program, program, "10", (char *)NULL);
		_exit(127);
	}
	close(started[1]);
	(void)!read(started[0], &none, 1);
	close(started[0]);
	/* The real user is ours still, so that we may. */
	if (pid < 0 || kill(pid, SIGSEGV) < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		return -ENOEXEC;
	return WCOREDUMP(status) ? 0 : -EPERM;
}

static int crash_plain(void *data)
{
	(void)data;
	return crash(PLAIN);
}

static int crash_suid(void *data)
{
	(void)data;
	return crash(SUID);
}

/* A core that a program of the host's is given, or that has a place of its own, would stay there:
 * nothing may be tried that could make one. */
static bool stays_private(struct trial *t)
{
	char pattern[256] = "";
	_cleanup_close_ int fd = open(PATTERN, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) < 0) {
		trial_not_run(t, PATTERN ": %s", strerror(errno));
		return false;
	}
	pattern[strcspn(pattern, "\n")] = '\0';
	if (!strchr(pattern, '|') && !strchr(pattern, '/'))
		return true;
	trial_not_run(t, "a core would be left at \"%s\", where " PATTERN " has them go", pattern);
	return false;
}

static void run(struct trial *t)
{
	const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
	int r, plain, suid;
	struct err err;

	if (!stays_private(t))
		return;
	r = prepare(t->scratch);
	if (r < 0 || setrlimit(RLIMIT_CORE, &any) < 0) {
		trial_not_run(t, "a core cannot be tried: %s", strerror(r < 0 ? -r : errno));
		return;
	}
	if (actor_run(&ACTOR_STRANGER, crash_plain, NULL, &plain, &err) < 0 ||
		actor_run(&ACTOR_STRANGER, crash_suid, NULL, &suid, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else if (plain < 0)
		trial_not_run(t,
					  "no core is written of other programs either, so that it shows nothing: %s",
					  strerror(-plain));
	else
		attack_judge(t, "get the memory of a SUID program in a core", suid);
}

static const struct experiment kernel_suid_core = {
	.name = "kernel.suid-core-refused",
	.title = "No core is written of a SUID program",
	.doc = "A user has a SUID program crash, and looks for its core",
	.does = "has two copies of sleep crash, one of them SUID, which nobody else sees",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.setuid-dumps"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_suid_core);
