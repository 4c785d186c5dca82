/* SPDX-License-Identifier: Apache-2.0 */
/* The conditions of a rule of nftables, as `nft -j` prints them: which packets are left. */
#ifndef REVET_HOST_NFT_CONDITION_H
#define REVET_HOST_NFT_CONDITION_H

#include <jansson.h>

#include "host/netfilter.h"

struct nft_reader {
	const struct fw_ruleset *set;
	const struct fw_chain *chain;
	struct arena *arena;
	struct fw_rule *rule;
	struct fw_clause now; /* the conditions so far */
};

/* left: "payload", "meta", "ct" and so on; op: "==", "in", "!=" ...; right: a value, a set, "@name". */
void nft_narrow(struct nft_reader *, const json_t *left, const char *op, const json_t *right);
/* What looks into a header is about packets that have it. */
void nft_narrow_to_header(struct nft_reader *, const json_t *left);
void nft_less_sure(struct nft_reader *, enum fw_certainty);
/* Would a rule that changes it change what other rules decide? */
bool nft_is_looked_at(const json_t *left);
/* An element of a set without the counter or comment of its own that it may have. */
const json_t *nft_plain(const json_t *value);

#endif
