/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>

#include "prove/attack.h"

/* A directory as /tmp is, and a file that is nobody's business. */
#define SHARED "shared"
#define SECRET "secret"
#define TARGET "target"

static int make_file(const char *path, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

static int prepare(const char *scratch)
{
	int r;

	if (chdir(scratch) < 0 || mkdir(SHARED, 0700) < 0 || chmod(SHARED, 01777) < 0)
		return -errno;
	r = make_file(SECRET, 0600);
	return r < 0 ? r : make_file(TARGET, 0666);
}

static int plant_symlink(void *data)
{
	(void)data;
	return symlink("../" TARGET, SHARED "/symlink") < 0 ? -errno : 0;
}

/* Anybody may read the target itself: only that it is come to by another user's link may be
 * refused. */
static int follow_symlink(void *data)
{
	_cleanup_close_ int direct = open(TARGET, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd = open(SHARED "/symlink", O_RDONLY | O_CLOEXEC);

	(void)data;
	if (direct < 0)
		return -EIO;
	return fd < 0 ? -errno : 0;
}

static int make_hard_link(void *data)
{
	(void)data;
	return link(SECRET, SHARED "/hard") < 0 ? -errno : 0;
}

static void run(struct trial *t)
{
	int r = prepare(t->scratch), followed, linked;
	struct err err;

	if (r < 0) {
		trial_not_run(t, "%s: %s", t->scratch, strerror(-r));
		return;
	}
	if (actor_run(&ACTOR_STRANGER, plant_symlink, NULL, &r, &err) < 0 ||
		actor_run(&ACTOR_OTHER, follow_symlink, NULL, &followed, &err) < 0 ||
		actor_run(&ACTOR_STRANGER, make_hard_link, NULL, &linked, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	attack_judge(t, "have another user follow a symbolic link in a directory like /tmp",
				 r < 0 ? -EIO : followed);
	attack_judge(t, "make a hard link to a file of root's that it may not read", linked);
}

static const struct experiment kernel_links = {
	.name = "kernel.planted-links-refused",
	.title = "Links that are planted in /tmp are not followed",
	.doc = "A user plants a symbolic link in a directory like /tmp for another one to follow, "
		   "and a hard link to a file of root's",
	.does = "makes files that nobody else sees, and starts processes of users that do not exist",
	.rows = NAMES("I13", "G23"),
	.rules = NAMES("kernel.protected-links"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_links);
