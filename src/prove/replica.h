/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of this host's packet filter in a network namespace of its own, with interfaces and addresses
 * as the host has them, sockets where somebody listens, and a wire from each interface to the origins
 * that come in by it. For what cannot be tried on the host itself: its rules tell interfaces apart, an
 * address is somebody's. What the copy does not have are the host's sysctls and routes, and what its
 * containers run.
 */
#ifndef REVET_PROVE_REPLICA_H
#define REVET_PROVE_REPLICA_H

#include "prove/outside.h"

/* A socket in the copy that waits as one of the host does. */
struct copied_socket {
	int fd;
	int family;
	uint16_t port;
	bool udp;
};
/* For all rows of the table listeners but those that only this host can reach. They stay open until the
 * experiment ends. */
size_t replica_listen(struct trial *, const struct outside *, const struct copied_socket **ret);
/* Calls look() with wires into the host itself, and then, for the origins that could not be had there,
 * with wires into a copy, which has been said by trial_on_shadow(). Origins of other kinds
 * are left out; with `floods`, thousands of packets are sent. */
#define ORIGINS(kind) (1u << (kind))
#define ORIGINS_ALL (ORIGINS(ORIGIN_REACHED) - 1)
void replica_try(struct trial *, unsigned kinds, bool floods,
				 void (*look)(struct trial *, const struct outside *, bool is_copy));

/* Calls look() for each origin and each address of its family, the main one of each family first. What
 * could not be looked at has been said by trial_not_run(). In a copy there are sockets like the host's. */
void replica_each(struct trial *, const struct outside *, bool is_copy,
				  void (*look)(void *data, const struct origin *, const struct target *),
				  void *data);

#endif
