/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ports of an address can be reached, seen from an origin.
 *
 * Of TCP the first packet of a connection is sent to each, and what comes back is taken in. Where a
 * connection is offered, the kernel of the origin's namespace, which has no such connection, resets it,
 * so that no service ever sees one. Of UDP it is a datagram, and what got past the packet filter
 * is seen on the host's side of the wire: few services answer, and the kernel says seldom that a port is
 * closed.
 *
 * What rules pass on to somebody else has another address and port when it leaves. It carries the port
 * that it was sent to: of TCP in its sequence number, of UDP as what it holds.
 */
#ifndef REVET_PROVE_SWEEP_H
#define REVET_PROVE_SWEEP_H

#include "prove/served.h"

enum port_state {
	PORT_UNTRIED,
	PORT_SILENT,
	PORT_CLOSED, /* TCP: it was refused */
	PORT_OPEN,   /* TCP: a connection was offered; UDP: the datagram was delivered */
	PORT_PASSED, /* it left the host for somebody else */
};

struct sweep {
	unsigned char ports[PORTS]; /* enum port_state */
	size_t counts[PORT_PASSED + 1];
	int64_t took_ms;
};

struct sweep_job {
	const struct outside *outside;
	const struct origin *from;
	const struct target *to;
	bool udp;
	bool passed_on;     /* what is passed on is looked for */
	const bool *wanted; /* by port: which are tried */
	/* By port: again, for a second and more, where it is silent: it may have been lost, or kept back by a
	 * rate; NULL: none. */
	const bool *patiently;
	/* By port, of UDP: the datagram is empty, as somebody on the host may read it; NULL: none is. */
	const bool *quietly;
	/* Stops past so many that were closed (UDP: delivered): each is an entry in the host's table of
	 * connections for some seconds. */
	size_t room;
};

/* Half of what is free in that table; where nothing is tracked there is no limit. */
size_t sweep_room(struct trial *);
int sweep_run(const struct sweep_job *, struct sweep *ret, struct err *);
/* Does a packet to it get to somebody? */
bool sweep_reaches(const struct sweep *, unsigned port);
const char *sweep_summary(struct arena *, const struct sweep_job *, const struct sweep *);

#endif
