/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process holds a socket. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_HOLDERS_H
#define REVET_HOST_HOLDERS_H

#include "host/procs.h"

struct holder {
	uint64_t inode;
	const struct proc *proc;
};

struct holders {
	struct holder *p; /* sorted by inode, then pid */
	size_t n;
	const char *unknown; /* why a socket's process may not be among them; NULL: the kernel's */
};

/* Processes are those of procs_early(), which is to be called before. */
void holders_read(struct host *, struct arena *, struct holders *ret);
/* Of several that share the socket, the one that the others come from; NULL: none is seen. */
const struct proc *holders_find(const struct holders *, uint64_t inode);

#endif
