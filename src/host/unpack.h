/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file that may be compressed, as a stream of bounded pieces. The format is told by the
 * name's suffix; its library is loaded when it is needed. Owned by whoever opened it.
 */
#ifndef REVET_HOST_UNPACK_H
#define REVET_HOST_UNPACK_H

#include "base/err.h"
#include "base/str.h"

struct unpack;

/* Takes over the fd, also on failure. -ENOTSUP: no library for this format here. */
int unpack_open(int fd, const char *name, struct unpack **ret, struct err *);
/* The regular file at a path under a root. */
int unpack_open_path(int root_fd, const char *path, struct unpack **ret, struct err *);
/* Up to n bytes; 0 at the end; -errno. */
ssize_t unpack_read(struct unpack *, void *p, size_t n);
/* Gives all of it to take(), piece after piece. It returns how many bytes it is done with: the others
 * come again, with more behind them; last: there is no more. -EFBIG: more than 4 GiB, or it is not done
 * with any of UNPACK_PIECE bytes. */
#define UNPACK_PIECE ((size_t)256 << 10)
int unpack_each(struct unpack *, size_t (*take)(void *data, struct str, bool last), void *data);
void unpack_free(struct unpack *);
static inline void unpack_freep(struct unpack **u)
{
	unpack_free(*u);
}

#endif
