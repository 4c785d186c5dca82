/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How exposed a service's settings leave the rest of the system: systemd's own measure, as
 * `systemd-analyze security --offline=yes` of systemd 252 computes it from unit files. Everything lives
 * in the arena that was passed.
 */
#ifndef REVET_HOST_EXPOSURE_H
#define REVET_HOST_EXPOSURE_H

#include "host/unitfile.h"

enum { BADNESS_NOT_APPLICABLE = -1, BADNESS_UNKNOWN = -2 };

struct assessment {
	const char *field; /* as in systemd's JSON */
	const char *line;  /* what nearly every daemon can have instead; NULL: that takes thought */
	int left;          /* how bad it is with that line */
	unsigned weight, range; /* badness 0 is good, range is as bad as can be */
	int badness;            /* or BADNESS_* */
	unsigned tenths;        /* of the overall exposure that it makes up, rounded up */
	const char *why;        /* BADNESS_UNKNOWN */
};

struct exposure {
	struct assessment *p;
	size_t n;
	unsigned weight;   /* of all that applies */
	unsigned tenths;   /* 0 to 100: 96 is what systemd shows as 9.6 */
	const char *level; /* PERFECT, SAFE, OK, MEDIUM, EXPOSED, UNSAFE */
	const char *why;   /* it is not known, and why; NULL: it is */
};

/* Is it a service whose settings are known of: no alias, not masked, no init script? */
bool exposure_has(const struct unit_file *);
/* A template counts as its instance "i", as systemd does it. */
void exposure_read(const struct unit_file *, struct arena *, struct exposure *ret);

#endif
