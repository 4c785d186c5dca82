/* SPDX-License-Identifier: Apache-2.0 */
#include "host/walk_scope.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U /* linux 5.8 */
#endif

#define ZFS_MAGIC 0x2fc12fc1

static const char *const left_out[] = {
	"/var/lib/docker/overlay2",
	"/var/lib/docker/containerd",
	"/var/lib/docker/aufs",
	"/var/lib/docker/btrfs",
	"/var/lib/docker/vfs",
	"/var/lib/docker/zfs",
	"/var/lib/docker/devicemapper/mnt",
	"/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs",
	"/var/lib/containerd/io.containerd.snapshotter.v1.native",
	"/var/lib/containerd/io.containerd.snapshotter.v1.btrfs",
	"/var/lib/rancher/*/containerd/io.containerd.snapshotter.v1.overlayfs",
	"/var/lib/containers/storage/overlay",
	"/var/lib/containers/storage/vfs",
	"/var/lib/containers/storage/btrfs",
	"/var/lib/lxc/*/rootfs",
	"/var/lib/lxd/storage-pools/*/containers",
	"/var/lib/incus/storage-pools/*/containers",
	"/var/lib/machines",
	"/var/lib/revet/changes/*/before", /* what revet's own changes keep, with all modes */
};

static const char *const rootless[] = {
	"*/.local/share/docker/overlay2",
	"*/.local/share/docker/fuse-overlayfs",
	"*/.local/share/containers/storage/overlay",
	"*/.local/share/containers/storage/vfs",
};

static bool has_last(const char *const *patterns, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, strrchr(patterns[i], '/') + 1) == 0)
			return true;
	return false;
}

bool walk_scope_may_leave_out(const char *name)
{
	return has_last(left_out, ARRAY_LEN(left_out), name);
}

bool walk_scope_may_be_rootless(const char *name)
{
	return has_last(rootless, ARRAY_LEN(rootless), name);
}

bool walk_scope_is_rootless(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(rootless); i++)
		if (str_glob(rootless[i], path))
			return true;
	return false;
}

bool walk_scope_is_snapshots(const char *dir, const char *name, int fd)
{
	struct statfs fs;

	return strcmp(dir, ".zfs") == 0 && strcmp(name, "snapshot") == 0 && fstatfs(fd, &fs) == 0 &&
		   fs.f_type == ZFS_MAGIC;
}

bool walk_scope_leaves_out(struct arena *a, struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (str_glob(left_out[i], path) || str_glob(arena_printf(a, "%s/*", left_out[i]), path))
			return true;
	return false;
}

bool walk_scope_is_local(int fd)
{
	static const long local[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC,
		MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC, REISERFS_SUPER_MAGIC, NILFS_SUPER_MAGIC,
		ZFS_MAGIC, 0x3153464a /* jfs */, (long)0xca451a4e /* bcachefs */,
		0x7366746e /* ntfs3 */, 0x24051905 /* ubifs */,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		if (fs.f_type == local[i])
			return true;
	return false;
}

/* On a disk or in memory of this machine. Images that cannot be written (snaps are squashfs) were
 * checked by who made them, and an overlay other than the root is a container's. */
static bool is_local(const struct mount *m)
{
	static const char *const local[] = {"tmpfs", "ramfs", "zfs", "btrfs", "bcachefs", NULL};
	static const char *const images[] = {"squashfs", "erofs", "iso9660", "udf", "cramfs", NULL};

	if (str_is(m->target, "/"))
		return true;
	if (str_is_one_of(m->fstype, images))
		return false;
	return str_is_one_of(m->fstype, local) || str_starts(m->source, "/dev/");
}

static bool is_below(struct str path, struct str dir)
{
	if (str_is(dir, "/"))
		return true;
	return path.n >= dir.n && memcmp(path.p, dir.p, dir.n) == 0 &&
		   (path.n == dir.n || path.p[dir.n] == '/');
}

/* The directory, when it is what the mount shows: one that something else was mounted over, or
 * that is below such a place, is not to be seen. Kernels before 5.8 do not tell mounts apart; there
 * the device number has to do. */
static int open_mounted(struct host *host, struct arena *a, struct str path, const struct mount *m)
{
	int fd = path_open(host_root_fd(host), str_dup(a, path), O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	struct statx st;

	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) == 0 &&
		(!(st.stx_mask & STATX_MNT_ID) || st.stx_mnt_id == m->id))
		return fd;
	close(fd);
	return -ENOENT;
}

/* Does the walk of `other` come by everything that `m` shows? It does when m shows a part of what
 * other shows, and nothing is mounted over that part. */
static bool is_covered(struct host *host, struct arena *a, const struct mount *m,
					   const struct mount *other)
{
	struct str rest = m->root;
	int fd;

	if (!str_eq(m->device, other->device) || !is_below(m->root, other->root))
		return false;
	if (!str_is(other->root, "/")) {
		rest.p += other->root.n;
		rest.n -= other->root.n;
	}
	fd = open_mounted(host, a, str_of(arena_printf(a, "%s/%.*s", str_dup(a, other->target),
												   (int)rest.n, rest.p)), other);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool is_covered_by_any(struct host *host, struct arena *a, const struct mount *m,
							  const struct walk_roots *roots)
{
	for (size_t i = 0; i < roots->n; i++)
		if (is_covered(host, a, m, roots->p[i].mount))
			return true;
	return false;
}

/* What shows most of a file system first, so that the rest are parts of it. */
static int by_root_length(const void *x, const void *y)
{
	const struct mount *a = *(const struct mount *const *)x, *b = *(const struct mount *const *)y;

	if (a->root.n != b->root.n)
		return a->root.n < b->root.n ? -1 : 1;
	return (a > b) - (a < b);
}

static void add_root(struct host *host, struct arena *a, const struct mount *m,
					 struct walk_roots *roots)
{
	int fd = open_mounted(host, a, m->target, m);

	if (fd == -ENOENT || fd == -ENOTDIR) /* mounted over, or a file: met as an entry */
		return;
	if (fd < 0) {
		if (!roots->unreadable++)
			roots->first = m->target;
		return;
	}
	if (is_covered_by_any(host, a, m, roots))
		close(fd);
	else
		roots->p[roots->n++] = (struct walk_root){m, fd};
}

int walk_roots_find(struct host *host, struct arena *a, struct walk_roots *ret, struct err *err)
{
	struct mounts mounts;
	const struct mount **sorted;
	size_t n = 0;
	int r = mountinfo_read(host, a, &mounts, err);

	if (r < 0)
		return r;
	sorted = arena_new(a, const struct mount *, mounts.n + 1);
	for (size_t i = 0; i < mounts.n; i++)
		if (is_local(&mounts.p[i]) && !walk_scope_leaves_out(a, mounts.p[i].target))
			sorted[n++] = &mounts.p[i];
	qsort(sorted, n, sizeof(*sorted), by_root_length);
	ret->p = arena_new(a, struct walk_root, n + 1);
	for (size_t i = 0; i < n; i++)
		add_root(host, a, sorted[i], ret);
	return 0;
}

void walk_roots_done(struct walk_roots *roots)
{
	for (size_t i = 0; i < roots->n; i++)
		close_fd(&roots->p[i].fd);
}
