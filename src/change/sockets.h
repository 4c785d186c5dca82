/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for somebody on the running system: TCP that listens, UDP and Unix sockets that are
 * bound, and who holds them. Read from what the kernel itself writes; of processes only which
 * sockets they have, their name and their control group. For the process that applies.
 */
#ifndef REVET_CHANGE_SOCKETS_H
#define REVET_CHANGE_SOCKETS_H

#include "change/step.h"

enum socket_kind { SOCKET_TCP, SOCKET_UDP, SOCKET_UNIX };

struct bound_socket {
	enum socket_kind kind;
	const char *name; /* "0.0.0.0:80", "[::]:80" as sshd -T writes them, or a path */
	int family;       /* AF_INET, AF_INET6; of a path AF_UNIX */
	unsigned char address[16];
	uint16_t port;
	uint64_t inode;
	/* Of who holds it, systemd last; pid 0: nobody who was found. */
	int pid;
	const char *process;
	const char *unit; /* NULL: none, or not known */
	bool of_user;     /* in somebody's session, who may open and close what they like */
};

struct sockets {
	struct bound_socket *p;
	size_t n, cap;
};

/* TCP that listens alone, without who holds it. */
void sockets_read_tcp(const struct place *, struct arena *, struct sockets *ret);
/* All of it. What cannot be read is left out. */
void sockets_read(const struct place *, struct arena *, struct sockets *ret);
const struct bound_socket *sockets_find(const struct sockets *, enum socket_kind, const char *name);

#endif
