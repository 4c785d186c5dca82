/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does something answer? Connects, waits a moment for a greeting, and closes; nothing is ever sent.
 * To addresses of this machine alone. Whoever listens may be hostile: of each a few bytes are read,
 * once, and all are asked side by side within a bounded time.
 */
#ifndef REVET_CHANGE_PROBE_H
#define REVET_CHANGE_PROBE_H

#include <sys/socket.h>

#include "base/util.h"

enum answer {                /* a later one is more */
			  ANSWER_NONE,   /* no connection */
			  ANSWER_CLOSES, /* closed at once, without a word */
			  ANSWER_OPEN,   /* stays open and waits for us to speak */
			  ANSWER_GREETS, /* speaks first, as SSH, SMTP and MySQL do */
};

struct probe {
	struct sockaddr_storage to;
	socklen_t to_length;
	enum answer answer;
	char said[16]; /* the beginning of the greeting, with a NUL behind it */
	bool greeted;  /* it did before: a machine that is busy now gets more time for it */
};

/* Where to connect for what is bound to the address (of `family`, in network order); false when that
 * is no address of this machine, and must not be connected to. That of all stands for the loopback. */
bool probe_address(int family, const void *address, uint16_t port, struct probe *ret);
/* Asks them all, side by side. A few seconds at most for a thousand. */
void probe_all(struct probe *const p[], size_t n);

#endif
