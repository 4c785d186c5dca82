/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a walk over the local file systems goes, and where it does not. For the query of the table
 * `walk` only.
 */
#ifndef REVET_HOST_WALK_SCOPE_H
#define REVET_HOST_WALK_SCOPE_H

#include "host/mountinfo.h"

/* Directories of container images and machines: each is, file by file, another system, which may be
 * audited by itself with `--root`. By the last component only: cheap, and true more often. */
bool walk_scope_may_leave_out(const char *name);
/* By the whole path: is it, or is it below, such a directory? */
bool walk_scope_leaves_out(struct arena *, struct str path);

/* The storage of a user's own containers: where anybody can make such a directory, it is walked, for
 * nothing to be hidden there. By the last component, and by the whole path. */
bool walk_scope_may_be_rootless(const char *name);
bool walk_scope_is_rootless(struct str path);
/* Is name, in a directory dir that is open, where ZFS shows its snapshots? */
bool walk_scope_is_snapshots(const char *dir, const char *name, int fd);

/* Is a file system local, by the magic number of statfs(2)? Where there is no list of mounts. */
bool walk_scope_is_local(int fd);

struct walk_root {
	const struct mount *mount;
	int fd; /* the directory, open; walk_roots_done() closes it */
};

struct walk_roots {
	struct walk_root *p;
	size_t n;
	size_t unreadable;
	struct str first; /* of those */
};

/* The mounts of a live host from which every local file system is seen, each once, however often
 * it is mounted. */
int walk_roots_find(struct host *, struct arena *, struct walk_roots *ret, struct err *);
void walk_roots_done(struct walk_roots *);
#define _cleanup_walk_roots_ _cleanup_(walk_roots_done)

#endif
