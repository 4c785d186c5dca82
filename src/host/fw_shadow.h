/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the packet filter that no packet reaches, as an earlier one of their chain takes all that they
 * are about. */
#ifndef REVET_HOST_FW_SHADOW_H
#define REVET_HOST_FW_SHADOW_H

#include "host/netfilter.h"

struct fw_shadow {
	const struct fw_clause *by; /* NULL: nothing hides it */
	size_t rule;                /* its number in the chain, from 0 */
	bool same;                  /* it is about the same packets, no more */
};

/* Of each rule of the chain, in the arena. Exact for what boxes can say: what hides surely does, and one
 * rule does alone. *left: how many comparisons may still be made, of all chains. -E2BIG: it takes more. */
int fw_shadows(const struct fw_ruleset *, const struct fw_chain *, struct arena *, size_t *left,
			   const struct fw_shadow **ret, struct err *);

#endif
