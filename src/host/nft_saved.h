/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nftables.service loads at boot, as the kernel would have it: nft loads its file in a network
 * namespace that is nobody's and ends with that. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_NFT_SAVED_H
#define REVET_HOST_NFT_SAVED_H

#include "host/unitfile.h"

struct nft_saved {
	const char *path;   /* the file */
	const char *broken; /* what nft says of it where it loads nothing of it; NULL: it does */
	unsigned line;      /* with broken: where; 0: not known */
	struct str sets;    /* as nft_sets_ask() says it, */
	struct str list;    /* and as nft -j -t lists it */
};

/* Before the process confines itself: takes the power to make a namespace. */
void nft_saved_early(struct host *);
/* The service, of systemd's; NULL: OpenRC starts it. An error: what it would load is not known. */
int nft_saved_read(struct host *, struct arena *, const struct unit_file *service,
				   struct nft_saved *ret, struct err *);

#endif
