/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ports of an address can be reached, seen from an origin.
 *
 * Of TCP the first packet of a connection is sent to each, and what comes back is taken in. Where a
 * connection is offered, the kernel of the origin's namespace, which has no such connection, resets it,
 * so that no service ever sees one. Of UDP it is an empty datagram, and what got past the packet filter
 * is seen on the host's side of the wire: few services answer, and the kernel says seldom that a port is
 * closed.
 */
#ifndef REVET_PROVE_SWEEP_H
#define REVET_PROVE_SWEEP_H

#include "prove/served.h"

enum port_state {
	PORT_UNTRIED,
	PORT_SILENT,
	PORT_CLOSED, /* TCP: it was refused */
	PORT_OPEN,   /* TCP: a connection was offered; UDP: the datagram was delivered */
};

struct sweep {
	unsigned char ports[PORTS]; /* enum port_state */
	size_t counts[PORT_OPEN + 1];
	int64_t took_ms;
};

struct sweep_job {
	const struct outside *outside;
	const struct origin *from;
	const struct target *to;
	bool udp;
	const bool *wanted; /* by port: which are tried */
	const bool
		*patiently; /* by port: again, for a second and more, where it is silent: it may have been
							* lost, or kept back by a rate; NULL: none */
	/* Stops past so many that were closed (UDP: delivered): each is an entry in the host's table of
	 * connections for some seconds. */
	size_t room;
};

/* Half of what is free in that table; where nothing is tracked there is no limit. */
size_t sweep_room(struct trial *);
int sweep_run(const struct sweep_job *, struct sweep *ret, struct err *);
const char *sweep_summary(struct arena *, const struct sweep_job *, const struct sweep *);

#endif
