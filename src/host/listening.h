/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that wait for somebody (TCP that listens, UDP that is not connected), in this network
 * namespace, and which process holds each. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_LISTENING_H
#define REVET_HOST_LISTENING_H

#include "host/procs.h"

struct socket {
	struct str protocol, family, address; /* "tcp" or "udp", "ipv4" or "ipv6", "0.0.0.0" */
	uint64_t port, inode;
	const struct proc
		*proc; /* of several that share it the one they come from; NULL: none is seen */
};

struct listening {
	struct socket *p; /* sorted by protocol and port; one for all workers of a process */
	size_t n;
	const char *unknown; /* why a socket's process may not be seen; NULL: the kernel holds it */
};

/* Processes are those of procs_early(), which is to be called before. */
int listening_read(struct host *, struct arena *, struct listening *ret, struct err *);

#endif
