/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ports of an address answer, seen from an origin. A first packet of TCP is sent to each, and
 * what comes back is taken in; where a connection is offered, the kernel of the origin's namespace,
 * which has no such connection, resets it, so that no service ever sees one.
 */
#ifndef REVET_PROVE_SWEEP_H
#define REVET_PROVE_SWEEP_H

#include "prove/served.h"

enum port_state { PORT_UNTRIED, PORT_SILENT, PORT_CLOSED, PORT_OPEN };

struct sweep {
	unsigned char ports[PORTS]; /* enum port_state */
	size_t counts[PORT_OPEN + 1];
};

/* Tries the ports that are marked in `wanted`; again those of `patiently` that were silent, for a
 * second and more, because a packet may be lost or kept back by a rate. Stops once more than
 * max_closed were closed: each is an entry in the table of connections for some seconds. */
int sweep_tcp(const struct origin *, const struct target *, const bool wanted[PORTS],
			  const bool patiently[PORTS], size_t max_closed, struct sweep *ret, struct err *);

#endif
