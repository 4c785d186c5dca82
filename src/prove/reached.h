/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the site file has this host go, beside networks: to hosts by their names, to the resolvers, time
 * servers and mirrors of packages that the host is configured for. Each address is an origin of kind
 * ORIGIN_REACHED, which can be had in a copy alone, as it is somebody's.
 */
#ifndef REVET_PROVE_REACHED_H
#define REVET_PROVE_REACHED_H

#include "prove/outside.h"

/* At an address that this host goes to. */
struct reached {
	struct site_ports ports;
	bool needed;      /* it has to get there; else it may */
	const char *name; /* one of whose addresses it is; NULL: it is configured as an address */
};

/* The tables that the experiment has to name. */
#define REACHED_TABLES "resolver", "time_sync", "apt_sources"

/* What cannot be known has been said by trial_not_run(). */
void reached_add(struct trial *, struct outside *);
/* Does the site let it go there? What is said of networks too. */
bool reached_is(const struct trial *, const struct origin *, struct site_ports);
/* Does it resolve names by itself, so that it may ask anybody? */
bool reached_asks_anybody(struct trial *, const struct outside *);

#endif
