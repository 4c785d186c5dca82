/* SPDX-License-Identifier: Apache-2.0 */
/* The packet filter that is in force, as the programs that manage it print it, to be tried or copied. */
#ifndef REVET_PROVE_RULESET_H
#define REVET_PROVE_RULESET_H

#include "base/vec.h"
#include "prove/experiment.h"

#define PORTS 65536

struct ruleset {
	struct str nft; /* `nft list ruleset`, without the tables of iptables-nft */
	struct str legacy
		[4]; /* what iptables prints for -restore: IPv4 and IPv6, of nftables, then of before */
	bool unlimited_log;                 /* some rule logs every packet that it is about */
	bool named[PORTS];                  /* numbers that rules name, which may be ports */
	bool passes_on[2];                  /* some rule passes TCP (UDP) on to another address */
	bool passed[2][PORTS];              /* ports that such a rule may be about */
	bool passes_nowhere_known;          /* some of them does not say to whom */
	VEC(struct site_network) passes_to; /* to whom: addresses, each with its whole length */
};

/* -errno with err where it cannot be known. A host without any filter has one without a rule. */
int ruleset_read(struct trial *, struct ruleset *ret, struct err *);
/* Of a line as nft or iptables print it, what matters beside what it does where it is loaded. */
void ruleset_note(struct ruleset *, struct str line, struct arena *);
/* Does some rule tell the interface from others? "eth*" and "eth+" name several. */
bool ruleset_names(const struct ruleset *, const char *interface);
/* May some rule tell the address from others that this host has, as one that packets go to? */
bool ruleset_tells(const struct ruleset *, const struct site_network *address);

/* Puts the rules in force in the namespace, where nothing is yet but the interfaces. */
int ruleset_load(struct trial *, const struct ruleset *, int ns, struct err *);

#endif
