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
/* What the kernel says of them in the network namespace of this thread, a line each, which begins with
 * family= table= name=, then varies=1 where packets or time change what is in it. Where elements are not
 * understood, or many, digest= stands for them. */
int nft_sets_ask(struct host *, struct buf *out, struct err *);
extern const struct query nft_sets_query;
/* "FAMILY TABLE NAME" -> the elements, as nft -j prints those of a set in a rule. A set that is too large,
 * or of another kind, is left out. Never NULL; the caller releases it. */
json_t *nft_sets_read(struct host *, struct arena *);

#endif
