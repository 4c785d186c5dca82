/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/num.h"
#include "prove/attack.h"
#include "prove/mount.h"

#define ID "/usr/bin/id"

/* A program in a file without a name, which is gone with its last descriptor: nothing is left
 * there. */
struct nameless {
	int fd;
};

static int make_nameless(const char *directory, int *ret)
{
	_cleanup_close_ int in = open(ID, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0700);
	char path[64], chunk[65536];
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		if (fd_write_all(out, (struct str){chunk, (size_t)n}) < 0)
			return -EIO;
	/* What is open for writing is not executed. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
	if (n < 0 || fchmod(out, 04755) < 0 || (*ret = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -errno;
	return 0;
}

/* The user that it says it is; -errno: it was not started. */
static int start(void *data)
{
	const struct nameless *program = data;
	char *const argv[] = {(char *)"id", (char *)"-u", NULL}, *const none[] = {NULL};
	int out[2], status = 0;
	char text[32] = "";
	uint64_t id = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (dup2(out[1], STDOUT_FILENO) >= 0)
			fexecve(program->fd, argv, none);
		_exit(errno);
	}
	close_fd(&out[1]);
	n = pid < 0 ? -1 : read(out[0], text, sizeof(text) - 1);
	close_fd(&out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -ECHILD;
	if (n <= 0)
		return WIFEXITED(status) && WEXITSTATUS(status) ? -WEXITSTATUS(status) : -ECHILD;
	return num_u64(str_trim((struct str){text, (size_t)n}), 0, INT32_MAX, &id) < 0 ? -ENOEXEC
																				   : (int)id;
}

static void conclude(struct trial *t, const char *target, bool noexec, bool nosuid, int r)
{
	if (noexec && r >= 0)
		trial_refuted(t, "%s: a program is started there, though it is to be noexec", target);
	else if (nosuid && r == 0)
		trial_refuted(t, "%s: a SUID program is root there, though it is to be nosuid", target);
	else if (noexec && r == -EACCES)
		trial_proven(t, "%s: no program is started there", target);
	else if (nosuid && r > 0)
		trial_proven(t, "%s: a program that is SUID root stays uid %d there", target, r);
	else if (!noexec && r == -EACCES)
		trial_proven(t, "%s: no program is started there, SUID or not", target);
	else
		trial_not_run(t, "%s: the program failed there: %s", target, strerror(-r));
}

/* False: it is no case. */
static bool try_there(struct trial *t, const char *target, bool noexec, bool nosuid)
{
	struct nameless program = {-1};
	struct err err;
	int r = make_nameless(target, &program.fd), said;

	if (r == -EROFS)
		trial_saw(t, "%s: nothing can be written there, so that nothing is tried", target);
	else if (r < 0)
		trial_not_run(t, "%s: no file without a name can be made there: %s", target, strerror(-r));
	else if (actor_run(&ACTOR_STRANGER, start, &program, &said, &err) < 0)
		trial_not_run(t, "%s: %s", target, err.msg);
	else
		conclude(t, target, noexec, nosuid, said);
	close_fd(&program.fd);
	return r != -EROFS;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "mounts");
	size_t n = 0;

	for (size_t i = 0; rows && i < rows->n; i++) {
		const struct row *row = rows->p[i];
		bool noexec = mount_has(rows, row, "noexec"), nosuid = mount_has(rows, row, "nosuid");

		if ((noexec || nosuid) && mount_holds_files(rows, row))
			n += try_there(t, str_dup(t->arena, trial_text(rows, row, "target")), noexec, nosuid);
	}
	if (rows && !n)
		trial_not_run(t, "no file system is mounted noexec or nosuid, or to be");
}

static const struct experiment mounts_noexec = {
	.name = "mounts.program-refused",
	.title = "No program is started, and none is SUID, where the mount forbids it",
	.doc = "A user without privilege starts a program that is SUID root on each file system "
		   "that is mounted noexec or nosuid, or that fstab has so",
	.does =
		"writes a copy of `id` to each, in a file without a name that is gone when it is closed",
	.rows = NAMES("I13"),
	.rules = NAMES("mounts.tmp-noexec", "mounts.var-tmp-noexec", "mounts.shm-noexec",
				   "mounts.tmp-nosuid", "mounts.var-tmp-nosuid", "mounts.shm-nosuid",
				   "mounts.home-nosuid", "mounts.var-nosuid", "mounts.log-options",
				   "mounts.boot-options"),
	.seconds = 10,
	.tables = NAMES("mounts"),
	.run = run,
};
EXPERIMENT(mounts_noexec);
