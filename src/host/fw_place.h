/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the packet filter is: the addresses there are, those of this host, and which networks lie behind which
 * of its interfaces. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_FW_PLACE_H
#define REVET_HOST_FW_PLACE_H

#include "host/fw_box.h"
#include "host/host.h"

/* A network that this host has an address in, such as one of containers. */
struct fw_link {
	struct nft_ranges network;
	unsigned char name[FW_IFNAME]; /* of the interface */
};

struct fw_place {
	struct nft_ranges world[2]; /* addresses that packets come from, of IPv4 and IPv6 */
	struct nft_ranges own[2];   /* of this host, but for its link; none: they are not known */
	struct {
		struct fw_link *p;
		size_t n, cap;
	} links;
};

void fw_place_read(struct host *, struct arena *, struct fw_place *ret);
/* The interface behind which the address is, by the smallest of the networks; empty: it is in none. */
void fw_place_link(const struct fw_place *, const struct nft_ranges *address,
				   unsigned char ret[FW_IFNAME]);

#endif
