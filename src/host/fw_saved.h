/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the packet filter that is in force the one that nftables.service loads at boot? Compared are the tables
 * that it loads: chains, rules in their order, sets and what is in them, but for those that packets or time
 * change. A table that is only in force has to be of somebody who makes it when it starts, such as Docker.
 * Comments and counts decide nothing. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_FW_SAVED_H
#define REVET_HOST_FW_SAVED_H

#include "host/table.h"
#include "host/unitfile.h"

#define FW_SAVED_LISTED 32 /* differences that are told */

struct fw_saved {
	const char *unknown; /* why it is not known; NULL: it is */
	const char *broken;  /* why nothing is loaded; NULL: something is */
	struct from from;    /* the file that is loaded, with broken where it says so */
	struct {
		struct str *p;
		size_t n, cap;
	} differences;
};

/* The service that loads rules, of systemd's; NULL: OpenRC does. nft_saved_early() is to be called before;
 * netfilter_ruleset is the program that it runs. */
void fw_saved_read(struct host *, struct arena *, const struct unit_file *service,
				   struct fw_saved *ret);

#endif
