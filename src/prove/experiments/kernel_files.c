/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>

#include "prove/attack.h"

/* A directory as /tmp is. */
#define SHARED "shared"

static int plant(void *data)
{
	_cleanup_close_ int fd = open(SHARED "/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	(void)data;
	if (fd < 0 || fchmod(fd, 0666) < 0 || mkfifo(SHARED "/fifo", 0600) < 0 ||
		chmod(SHARED "/fifo", 0666) < 0)
		return -errno;
	return 0;
}

/* As a program opens what it means to create; without O_CREAT it is not refused. */
static int open_planted(const char *path)
{
	_cleanup_close_ int there = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600);

	if (there < 0)
		return -EIO;
	return fd < 0 ? -errno : 0;
}

static int open_file(void *data)
{
	(void)data;
	return open_planted(SHARED "/file");
}

static int open_fifo(void *data)
{
	(void)data;
	return open_planted(SHARED "/fifo");
}

static void run(struct trial *t)
{
	int r, file, fifo;
	struct err err;

	if (chdir(t->scratch) < 0 || mkdir(SHARED, 0700) < 0 || chmod(SHARED, 01777) < 0) {
		trial_not_run(t, "%s: %s", t->scratch, strerror(errno));
		return;
	}
	if (actor_run(&ACTOR_STRANGER, plant, NULL, &r, &err) < 0 ||
		actor_run(&ACTOR_OTHER, open_file, NULL, &file, &err) < 0 ||
		actor_run(&ACTOR_OTHER, open_fifo, NULL, &fifo, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	attack_judge(t, "have another one write to a file planted in a directory like /tmp",
				 r < 0 ? -EIO : file);
	attack_judge(t, "have another one write to a FIFO planted in a directory like /tmp",
				 r < 0 ? -EIO : fifo);
}

static const struct experiment kernel_files = {
	.name = "kernel.planted-files-refused",
	.title = "Files that are planted in /tmp are not written to",
	.doc = "A user plants a file and a FIFO in a directory like /tmp, where another one means to "
		   "create them",
	.does = "makes files that nobody else sees, and starts processes of users that do not exist",
	.rows = NAMES("I13", "G23"),
	.rules = NAMES("kernel.protected-files"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_files);
