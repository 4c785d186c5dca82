/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file that may be compressed, as a stream of bounded pieces. The format is told by the
 * name's suffix; its library is loaded when it is needed. Owned by whoever opened it.
 */
#ifndef REVET_HOST_UNPACK_H
#define REVET_HOST_UNPACK_H

#include "base/err.h"

struct unpack;

/* Takes over the fd, also on failure. -ENOTSUP: no library for this format here. */
int unpack_open(int fd, const char *name, struct unpack **ret, struct err *);
/* Up to n bytes; 0 at the end; -errno. */
ssize_t unpack_read(struct unpack *, void *p, size_t n);
void unpack_free(struct unpack *);
static inline void unpack_freep(struct unpack **u)
{
	unpack_free(*u);
}

#endif
