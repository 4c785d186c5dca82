/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of iptables, as iptables-save prints it, does to the packets it is tried with. */
#ifndef REVET_HOST_IPT_MATCH_H
#define REVET_HOST_IPT_MATCH_H

#include "host/netfilter.h"

/* line: what is behind "-A CHAIN". A target's name is borrowed from it. */
struct fw_effect ipt_effect(const struct fw_ruleset *, struct str line, enum fw_packet);
/* The next word, or string in quotes, which only comments and log prefixes are, and empty here. */
bool ipt_value(struct str *line, struct str *ret);

#endif
