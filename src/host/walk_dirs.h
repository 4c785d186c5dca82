/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories that a walk has still to read, and how it gets back to them: by descriptors, of which
 * each thread keeps few. A directory is shared among threads by its count of references, a stack and what
 * is open belong to one thread. For host/walker.c only.
 */
#ifndef REVET_HOST_WALK_DIRS_H
#define REVET_HOST_WALK_DIRS_H

#include <sys/stat.h>

#include "base/buf.h"

#define WALK_DIRS_OPEN 24 /* directories that a thread keeps open above the present one */

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif

/* A directory. It lives as long as one below it does, for its name. */
struct walk_dir {
	struct walk_dir *parent; /* NULL: one of the walk's roots */
	_Atomic unsigned refs;
	bool own; /* ours, so that O_NOATIME is allowed */
	bool rootless; /* in the storage of the containers of this account: */
	uint32_t rootless_uid, rootless_gid;
	int fd;   /* of a root; -1 */
	uint32_t dev_major, dev_minor;
	uint64_t mnt_id, ino;
	int64_t from; /* the rest of it begins here; 0: all of it is to be read */
	size_t n;
	char name[];
};

/* The last one is next: depth first. */
struct walk_stack {
	struct walk_dir **p;
	size_t n, cap;
};

/* Ancestors of what is next, the deepest last. */
struct walk_open {
	struct {
		struct walk_dir *dir;
		int fd;
	} p[WALK_DIRS_OPEN];
	size_t n;
};

/* One reference to it is the caller's; it takes one to its parent. uid: who walks. */
struct walk_dir *walk_dir_new(struct walk_dir *parent, const char *name, const struct statx *st,
							  uint32_t uid);
void walk_dir_unref(struct walk_dir *); /* or NULL */
/* Adds "/a/b/name", escaped; of one that is too long the end, with "..." in front. dir NULL: the name is
 * a root's path. */
void walk_dir_put_path(struct buf *, const struct walk_dir *dir, const char *name);

void walk_stack_push(struct walk_stack *, struct walk_dir *);
/* Moves n of the oldest, which are the nearest to the root and so the largest. */
void walk_stack_move(struct walk_stack *from, struct walk_stack *to, size_t n);

/* Opens it to be read, by way of what is open already; the descriptor is the caller's. */
int walk_open_dir(struct walk_open *, struct walk_dir *);
/* Keeps the directory open for what is below it; takes the descriptor. */
void walk_open_push(struct walk_open *, struct walk_dir *, int fd);
void walk_open_done(struct walk_open *);

#endif
