/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of nftables, as `nft -j` prints it, does to the packets it is tried with. */
#ifndef REVET_HOST_NFT_MATCH_H
#define REVET_HOST_NFT_MATCH_H

#include <jansson.h>

#include "host/netfilter.h"

/* The statements of one rule of the chain, for all packets. Targets live in the arena. */
void nft_effects(const struct fw_ruleset *, const struct fw_chain *, const json_t *statements,
				 struct arena *, struct fw_rule *ret);

/* Does it have a condition, or anything at all, of iptables' own modules, of which nft shows the name only? */
bool nft_has_xt_match(const json_t *statements);
bool nft_has_xt(const json_t *statements);
/* Does it drop or reject anything, or may it? */
bool nft_refuses(const json_t *statements);

#endif
