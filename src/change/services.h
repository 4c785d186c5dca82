/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What works before a change, and has to afterwards: every service that runs, and everything that
 * answers on a socket. Excused is what the plan itself stops or removes.
 * For the process that applies, on the running system. Everything lives in the arena that was passed.
 */
#ifndef REVET_CHANGE_SERVICES_H
#define REVET_CHANGE_SERVICES_H

#include "change/plan.h"
#include "change/probe.h"
#include "change/sockets.h"
#include "change/units.h"

struct watched { /* a socket that has to be there afterwards */
	struct bound_socket socket;
	bool connects; /* its answer counts; else that it is bound */
	struct probe before, now;
	bool fine;
};

struct services {
	const struct place *place;
	const struct plan *plan;
	struct arena *arena;
	struct active_units units;
	bool *excused; /* of each unit */
	VEC(struct watched) watched;
	int64_t activated; /* when the change took effect, in milliseconds of CLOCK_MONOTONIC */
};

/* Before: looks at what is there, and connects to nothing. */
int services_look(const struct place *, const struct plan *, struct arena *, struct services *ret,
				  struct err *);
/* Before: asks what listens whether it answers. What does not is nobody's fault later. */
void services_probe(struct services *);
/* The change takes effect now. */
void services_activated(struct services *);
/* After: 0 when all of it works, as soon as it does. -EIO names what does not, and what it does
 * instead: at once for a service that has failed, else after some seconds. */
int services_check(struct services *, struct err *);
/* After it was undone: what still does not work is started again. -EIO names what cannot be. */
int services_revive(struct services *, struct err *);
/* For people: what has to work afterwards. */
void services_describe(const struct services *, struct buf *);

#endif
