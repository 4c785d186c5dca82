/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of nftables, as `nft -j` prints it, does to which packets. */
#ifndef REVET_HOST_NFT_CLAUSE_H
#define REVET_HOST_NFT_CLAUSE_H

#include <jansson.h>

#include "host/netfilter.h"

/* The statements of one rule of the chain, in the order in which they are tried. */
void nft_clauses(const struct fw_ruleset *, const struct fw_chain *, const json_t *statements,
				 struct arena *, struct fw_rule *ret);

#endif
