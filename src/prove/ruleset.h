/* SPDX-License-Identifier: Apache-2.0 */
/* The packet filter that is in force, as the programs that manage it print it, to be tried or copied. */
#ifndef REVET_PROVE_RULESET_H
#define REVET_PROVE_RULESET_H

#include "prove/experiment.h"

struct ruleset {
	struct str nft; /* `nft list ruleset`, without the tables of iptables-nft */
	struct str legacy
		[4]; /* what iptables prints for -restore: IPv4 and IPv6, of nftables, then of before */
	bool unlimited_log; /* some rule logs every packet that it is about */
	bool passes_on[2];  /* some rule passes TCP (UDP) on to another address */
};

/* -errno with err where it cannot be known. A host without any filter has one without a rule. */
int ruleset_read(struct trial *, struct ruleset *ret, struct err *);
/* Does some rule tell the interface from others? "eth*" and "eth+" name several. */
bool ruleset_names(const struct ruleset *, const char *interface);

/* Puts the rules in force in the namespace, where nothing is yet but the interfaces. */
int ruleset_load(struct trial *, const struct ruleset *, int ns, struct err *);

#endif
