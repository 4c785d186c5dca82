/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets through the packet filter to a port of this host: the first packet of a TCP connection, or a UDP
 * datagram, that comes in by an interface of a default route, for an address of this host. A walk of all base
 * chains that it passes, for all source addresses at once. What is translated on the way, to another port or
 * to another host such as a container, is followed there. What is not understood is unknown for whom it may be
 * about.
 */
#ifndef REVET_HOST_FW_OPEN_H
#define REVET_HOST_FW_OPEN_H

#include "host/fw_place.h"
#include "host/netfilter.h"

struct fw_open {
	const struct fw_ruleset *set;
	size_t left; /* how many rules may still be tried */
	struct fw_place place;
};

struct fw_sources {
	struct nft_ranges in;      /* they get in */
	struct nft_ranges perhaps; /* they may */
	const char *why;           /* the latter */
};

/* The ruleset is borrowed; everything else lives in the arena. */
void fw_open_init(struct fw_open *, struct host *, const struct fw_ruleset *, struct arena *);
/* *ret in the arena. -E2BIG: there are too many rules. */
int fw_open_port(struct fw_open *, bool v6, bool udp, uint16_t port, struct arena *,
				 struct fw_sources *ret, struct err *);
/* The ports that rules tell apart: cuts[p] is set where p may be treated otherwise than p - 1. Of 65,537. */
void fw_open_cuts(const struct fw_ruleset *, bool udp, bool *cuts);

#endif
