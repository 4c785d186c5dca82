/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in named sets of nftables, over netlink: nft itself would print sets of a million addresses
 * whole. Only sets whose elements rules are judged by, and only so many of them.
 */
#ifndef REVET_HOST_NFT_SETS_H
#define REVET_HOST_NFT_SETS_H

#include <jansson.h>

#include "host/host.h"

/* Before the process confines itself: listing takes CAP_NET_ADMIN. */
void nft_sets_early(struct host *);
/* "FAMILY TABLE NAME" -> the elements, as nft -j prints those of a set in a rule. A set that is too large,
 * or of another kind, is left out. Never NULL; the caller releases it. */
json_t *nft_sets_read(struct host *, struct arena *);

#endif
