/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces of revet's own, to try in private what a packet filter would do. They have no
 * name and are gone with their last descriptor; this process itself stays in the host's.
 */
#ifndef REVET_CHANGE_NETNS_H
#define REVET_CHANGE_NETNS_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

/* A new namespace, in which nothing is up. A descriptor, or -errno. */
int netns_new(struct err *);
/* A socket in the namespace; ns -1: in this process's own. A descriptor, or -errno. */
int netns_socket(int ns, int family, int type, int protocol);
/* For exec_start(): the program runs in the namespace of the descriptor that data points to; -1: in
 * this process's own. */
int netns_enter(void *data);
/* Writes to a file below /proc/sys/net, as it is there. 0 or -errno. */
int netns_write(int ns, const char *path, struct str text);
/* The interface is up, has the address, and reaches the other one. -errno. */
int netns_set_up(int ns, const char *interface, const struct sockaddr_storage *address,
				 const struct sockaddr_storage *other);
/* A wire between two namespaces, whose ends have these names. -errno. In all that follow, ns may be -1. */
int netns_wire(int ns, const char *interface, int other_ns, const char *other_interface);
int netns_index(int ns, const char *interface, int *ret);
int netns_bring_up(int ns, const char *interface);
/* A wire takes a while to run once both ends are up. */
bool netns_is_running(int ns, const char *interface);
/* With all its addresses and routes; of a wire both ends. */
int netns_remove(int ns, const char *interface);
/* The address alone, without a network around it. */
int netns_add_address(int ns, const char *interface, const struct sockaddr_storage *address);
/* To that one address, which is at the other end of the wire. -EEXIST: there is one already. */
int netns_add_route(int ns, const char *interface, const struct sockaddr_storage *to);
/* Who has the address is at the other end of the wire: nobody is asked for it, by ARP or neighbour
 * discovery, which may be filtered. */
int netns_add_neighbour(int ns, const char *interface, const struct sockaddr_storage *to);
/* Would the kernel deliver what comes in there from one address to the other, an address of its own, if
 * no packet filter kept it back? */
bool netns_takes(int ns, const char *interface, const struct sockaddr_storage *from,
				 const struct sockaddr_storage *to);

#endif
