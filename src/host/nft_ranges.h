/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses or ports as the elements of a set, the way nft lists them: sorted, what touches or overlaps
 * joined, so that the kernel takes them as they are and a listing says the same.
 */
#ifndef REVET_HOST_NFT_RANGES_H
#define REVET_HOST_NFT_RANGES_H

#include "base/buf.h"
#include "base/vec.h"

struct nft_range {
	unsigned char low[16], high[16]; /* in network order; as many bytes as the ranges' width says */
};

struct nft_ranges {
	size_t width; /* bytes of a value: 4, 16, or 2 for ports */
	VEC(struct nft_range) list;
};

/* The address with all others that share its first `prefix` bits. */
void nft_ranges_add_network(struct arena *, struct nft_ranges *, const unsigned char *address,
							unsigned prefix);
void nft_ranges_add_ports(struct arena *, struct nft_ranges *, uint16_t low, uint16_t high);
/* To be called once, when all are added. */
void nft_ranges_join(struct nft_ranges *);
/* Is every value there is within? */
bool nft_ranges_are_all(const struct nft_ranges *);
/* "10.0.0.0/24, 192.0.2.1-192.0.2.6"; "22, 8000-9000". */
void nft_ranges_print(struct buf *, const struct nft_ranges *);

#endif
