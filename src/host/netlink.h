/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dumps from the kernel over netlink: one request, then a message for each object. For the queries
 * of tables only.
 */
#ifndef REVET_HOST_NETLINK_H
#define REVET_HOST_NETLINK_H

#include <linux/netlink.h>

#include "base/str.h"

/* Called for each message, with its body; false: that was enough, and the rest is not received. */
typedef bool netlink_each(void *arg, unsigned type, struct str body);

/* Asks for a dump: `request` is the body behind the header. Returns 0 or -errno; -ENOENT when the
 * kernel has no module for it. An error in the middle leaves what came before, and -EINTR is one
 * that happens when the list kept changing: the caller starts again. */
int netlink_dump(int protocol, unsigned type, const void *request, size_t n, netlink_each *each,
				 void *arg);

/* The value of an attribute behind a fixed part of `skip` bytes; absent when it has none. The last
 * one counts. */
struct str netlink_attribute(struct str body, size_t skip, unsigned type);

/* The number at the beginning of an attribute's value; 0 when it is too short. */
uint32_t netlink_u32(struct str value);

#endif
