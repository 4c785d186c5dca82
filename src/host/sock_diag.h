/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet sockets of this network namespace, from sock_diag(7) or, where the kernel has no module for
 * the question, from /proc/net. For queries' live() only.
 */
#ifndef REVET_HOST_SOCK_DIAG_H
#define REVET_HOST_SOCK_DIAG_H

#include "base/buf.h"
#include "host/host.h"

/* include/net/tcp_states.h; UDP is established once it is connected, and until then closed. */
#define SOCK_ESTABLISHED 1
#define SOCK_CLOSE 7
#define SOCK_LISTEN 10

/* Sockets of TCP in one state and of UDP in another, a line each: "protocol= family= address= port=
 * inode=", the flag v6only, and where there is a far end "remote= remote_port=". What is past `max`
 * bytes is left out, and a line "more" says so. */
int sock_diag_ask(struct host *, unsigned tcp_state, unsigned udp_state, size_t max,
				  struct buf *out, struct err *);

#endif
