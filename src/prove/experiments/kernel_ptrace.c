/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "prove/attack.h"

/* A program as any other of the user's; it ends with us. -errno. */
static pid_t start_victim(void)
{
	int ready[2];
	char none;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "10", (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	/* Its end closes when it has become that program. */
	(void)!read(ready[0], &none, 1);
	close(ready[0]);
	return pid < 0 ? -errno : pid;
}

/* The parent of a process may trace it under all but the strictest setting: it is a sibling that
 * tries. */
static int attack_sibling(pid_t victim)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(ptrace(PTRACE_SEIZE, victim, NULL, NULL) < 0 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static int trace_other(void *data)
{
	pid_t victim = start_victim();
	int r = victim < 0 ? victim : attack_sibling(victim);

	(void)data;
	/* One that has no such program ended before. */
	if (victim > 0 && waitpid(victim, NULL, WNOHANG) == victim)
		return -ENOENT;
	if (victim > 0) {
		kill(victim, SIGKILL);
		waitpid(victim, NULL, 0);
	}
	return r;
}

static void run(struct trial *t)
{
	attack_try(t, &(struct attack){"trace another process of the same user", trace_other});
}

static const struct experiment kernel_ptrace = {
	.name = "kernel.ptrace-refused",
	.title = "A process is not traced by another one of its user",
	.doc = "A process attaches to another one of the same user that is not its child",
	.does = "starts three processes of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.ptrace"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_ptrace);
