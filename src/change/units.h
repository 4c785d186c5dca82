/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd says of the services, sockets, timers and paths that it has loaded: asked before a
 * change and again after it, by the process that applies. Everything lives in the arena.
 */
#ifndef REVET_CHANGE_UNITS_H
#define REVET_CHANGE_UNITS_H

#include "change/step.h"

/* Properties as systemctl(1) shows them; empty when it has none. */
struct active_unit {
	struct str name, names; /* names: all, with blanks between */
	struct str active, sub, result, type, invocation, job;
	struct str triggered_by, wanted_by, fragment, source;
	bool transient;
	uint64_t restarts; /* that systemd made by itself */
};

struct active_units {
	struct active_unit *p;
	size_t n, cap;
};

/* Where systemd does not run there are none. */
int units_ask(const struct place *, struct arena *, struct active_units *ret, struct err *);
/* Does the one unit run, or, while the host boots, wait to be started? That is no other state than running
 * is later. Of a template, and where systemd does not run, nothing does. */
int units_is_active(const struct place *, const char *unit, bool *ret, struct err *);

const struct active_unit *units_find(const struct active_units *, struct str name);
/* Is the unit, by any of its names, in the list with blanks? */
bool units_has(struct str list, const struct active_unit *);

bool unit_is_up(const struct active_unit *);
/* May it end by itself, with nothing wrong? */
bool unit_comes_and_goes(const struct active_unit *);

#endif
