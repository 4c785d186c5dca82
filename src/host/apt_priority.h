/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of its suites apt prefers: what pins for all packages and APT::Default-Release give each, as
 * apt-cache policy has it, and whether the security suite comes to nothing by it. Everything lives in the
 * arena that was passed.
 */
#ifndef REVET_HOST_APT_PRIORITY_H
#define REVET_HOST_APT_PRIORITY_H

#include "host/host.h"

struct apt_suite {
	struct str uri, suite;
	struct str component; /* absent: several */
	bool in_use;          /* enabled, and of binary packages */
	bool security;        /* it is the one for security updates of the release */
	bool release;         /* it is the release's own */
	/* What apt_prioritise() says. */
	int64_t priority;         /* 0: no pin speaks of it */
	bool outranked;           /* of a security suite: older versions are preferred to its own */
	const char *unknown;      /* why the priority is not known; NULL: it is */
	const char *rank_unknown; /* the same of `outranked` */
};

void apt_prioritise(struct host *, struct arena *, struct apt_suite *all, size_t n);

#endif
