/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces of revet's own, to try in private what a packet filter would do. They have no
 * name and are gone with their last descriptor; this process itself stays in the host's.
 */
#ifndef REVET_CHANGE_NETNS_H
#define REVET_CHANGE_NETNS_H

#include <sys/socket.h>

#include "base/err.h"

/* A new namespace, in which nothing is up. A descriptor, or -errno. */
int netns_new(struct err *);
/* A socket in the namespace. A descriptor, or -errno. */
int netns_socket(int ns, int family, int type, int protocol);
/* For exec_start(): the program runs in the namespace of the descriptor that data points to; -1: in
 * this process's own. */
int netns_enter(void *data);
/* The interface is up, has the address, and reaches the other one. -errno. */
int netns_set_up(int ns, const char *interface, const struct sockaddr_storage *address,
				 const struct sockaddr_storage *other);
/* A wire between two namespaces, whose ends have these names. -errno. */
int netns_wire(int ns, const char *interface, int other_ns, const char *other_interface);

#endif
