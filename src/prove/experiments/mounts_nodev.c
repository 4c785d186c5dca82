/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "prove/mount.h"

/* It is there for as long as three calls take. Killed between these it stays, as what /dev has for
 * everybody, and the next run takes it away. */
#define NODE ".revet-null"
#define NULL_DEVICE makedev(1, 3) /* see the kernel's devices.txt */

static void remove_node(int directory)
{
	struct stat st;

	if (fstatat(directory, NODE, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
		st.st_rdev == NULL_DEVICE && st.st_uid == 0)
		unlinkat(directory, NODE, 0);
}

/* 0: it could be opened; -errno: not. *ret_made: it could be made. */
static int open_node(int directory, bool *ret_made)
{
	_cleanup_close_ int fd = -1;
	int r;

	*ret_made = mknodat(directory, NODE, S_IFCHR | 0600, NULL_DEVICE) == 0;
	if (!*ret_made)
		return -errno;
	fd = openat(directory, NODE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	unlinkat(directory, NODE, 0);
	return r;
}

/* False: it is no case. */
static bool try_there(struct trial *t, const char *target)
{
	_cleanup_close_ int directory = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool made = false;
	int r = directory < 0 ? -errno : 0;

	if (r == 0) {
		remove_node(directory);
		r = open_node(directory, &made);
	}
	if (made && r == 0)
		trial_refuted(t, "%s: a device is opened there, though it is to be nodev", target);
	else if (made && r == -EACCES)
		trial_proven(t, "%s: no device is opened there, by root either", target);
	else if (!made && r == -EROFS)
		trial_saw(t, "%s: nothing can be written there, so that nothing is tried", target);
	else
		trial_not_run(t, "%s: no device can be %s there: %s", target, made ? "opened" : "made",
					  strerror(-r));
	return r != -EROFS;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "mounts");
	size_t n = 0;

	for (size_t i = 0; rows && i < rows->n; i++)
		if (mount_has(rows, rows->p[i], "nodev") && mount_holds_files(rows, rows->p[i]))
			n += try_there(t, str_dup(t->arena, trial_text(rows, rows->p[i], "target")));
	if (rows && !n)
		trial_not_run(t, "no file system that can be written to is mounted nodev, or to be");
}

static const struct experiment mounts_nodev = {
	.name = "mounts.device-refused",
	.title = "No device is opened where the mount forbids it",
	.doc = "Root makes a node of the null device on each file system that is mounted nodev, or "
		   "that fstab has so, and opens it",
	.does = "makes the file .revet-null on each, and removes it at once",
	.rows = NAMES("I13"),
	.rules = NAMES("mounts.local-nodev"),
	.seconds = 10,
	.tables = NAMES("mounts"),
	.run = run,
};
EXPERIMENT(mounts_nodev);
