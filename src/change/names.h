/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that a packet filter knows by name: the sets name4.NAME and name6.NAME of the table of the site
 * (host/site_ruleset.h), which have to hold today's addresses. Names are asked for by getent(1), as
 * nobody; what it said is kept in /var/lib/revet/names, so that a name that does not resolve keeps
 * the addresses that it had, over a boot as well, and one with many addresses those of the last day.
 *
 * For whoever loads the table, and for the timer.
 */
#ifndef REVET_CHANGE_NAMES_H
#define REVET_CHANGE_NAMES_H

#include "base/vec.h"
#include "change/step.h"

struct names_result {
	size_t names, addresses;
	VEC(struct str) unresolved;
};

/* Asks for all names of the table, which need not be loaded yet. The commands are for nft_feed(), once it
 * is; absent: it has no names. In the arena. */
struct str names_ask(const struct place *, struct str table, struct arena *,
					 struct names_result *ret);

#endif
