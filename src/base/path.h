/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files under a root. Every path is resolved beneath root_fd as if it were "/": absolute symbolic
 * links and ".." stay inside, magic links (/proc/PID/fd) are refused. openat2(RESOLVE_IN_ROOT)
 * where the kernel has it (5.6), else a component-wise walk with the same result.
 * Any thread of any process may call these; nothing is cached.
 */
#ifndef REVET_BASE_PATH_H
#define REVET_BASE_PATH_H

#include <sys/stat.h>

#include "base/str.h"

/* An fd (always O_CLOEXEC), or -errno. -ELOOP: more than 40 links. For flags with O_NOFOLLOW the
 * last component is not followed (-ELOOP, unless O_PATH too). Never creates. */
int path_open(int root_fd, const char *path, int flags);
/* The same without openat2, for kernels and sandboxes without it; path_open() calls it then. */
int path_open_stepwise(int root_fd, const char *path, int flags);

/* Reads a regular file, or a kernel file in /proc or /sys, whole, into the arena with a NUL behind
 * it. O_NONBLOCK, so that a FIFO cannot hang it; -EINVAL for what is not a regular file, -EFBIG
 * past max bytes. */
int path_read(int root_fd, const char *path, size_t max, struct arena *, struct str *ret);

struct path_stat {
	uint32_t mode; /* st_mode, with the type bits */
	uint32_t uid, gid, nlink;
	int64_t size, mtime; /* bytes, seconds since 1970 */
	int64_t ctime_usec;  /* since 1970: when it changed or its attributes did; nobody sets it at will */
	uint64_t dev, ino;
};
/* follow: the link's target rather than the link. */
int path_stat(int root_fd, const char *path, bool follow, struct path_stat *ret);
/* What a mode says that it is: regular, directory, symlink, socket, fifo, block or char. */
const char *path_kind(uint32_t mode);
int path_readlink(int root_fd, const char *path, struct arena *, struct str *ret);

struct path_entry {
	const char *name;
	unsigned char type; /* DT_REG, DT_DIR, DT_LNK, ... or DT_UNKNOWN */
};
/* The entries of a directory but "." and "..", sorted bytewise. At most max of them; past that
 * *ret_more is set and the rest is left out (which part is not defined). */
int path_list(int root_fd, const char *path, size_t max, struct arena *,
			  struct path_entry **ret, size_t *ret_n, bool *ret_more);

struct buf;
/* Reads an open file to its end; 0, -errno, or -ENOBUFS when the buffer is full. */
int fd_read_all(int fd, struct buf *);
/* Only root, and whom this process runs as, can have written it. False, with errno, also where it cannot be told. */
bool fd_is_trusted(int fd);
/* Writes all of it to an open file, however often it takes; 0 or -errno. */
int fd_write_all(int fd, struct str);

#endif
