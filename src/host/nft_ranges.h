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
void nft_ranges_add_all(struct arena *, struct nft_ranges *, const struct nft_ranges *more);
/* To be called once, when all are added. */
void nft_ranges_join(struct nft_ranges *);
/* Is every value there is within? */
bool nft_ranges_are_all(const struct nft_ranges *);

/* Of those that are joined, in the arena and joined again: every value there is; the values that both
 * have; those of the first that the second has not. */
struct nft_ranges nft_ranges_whole(struct arena *, size_t width);
struct nft_ranges nft_ranges_common(struct arena *, const struct nft_ranges *,
									const struct nft_ranges *);
struct nft_ranges nft_ranges_without(struct arena *, const struct nft_ranges *,
									 const struct nft_ranges *);
/* Is every value of the inner one in the outer, both joined? */
bool nft_ranges_hold(const struct nft_ranges *outer, const struct nft_ranges *inner);
bool nft_ranges_equal(const struct nft_ranges *, const struct nft_ranges *);
/* The number of leading bits that all of them and no others have; 129: they are not such a block. */
unsigned nft_ranges_prefix(const struct nft_ranges *);

/* "10.0.0.0/24, 192.0.2.1-192.0.2.6"; "22, 8000-9000". */
void nft_ranges_print(struct buf *, const struct nft_ranges *);

#endif
