/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of iptables, as iptables-save prints it, does to which packets. */
#ifndef REVET_HOST_IPT_CLAUSE_H
#define REVET_HOST_IPT_CLAUSE_H

#include "host/netfilter.h"

/* line: what is behind "-A CHAIN", of IPv6 or IPv4. A target's name is borrowed from it. */
void ipt_clauses(struct str line, bool v6, struct arena *, struct fw_rule *ret);

#endif
