/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof that a packet filter admits the session of whoever applies it, by trying: the new table is
 * loaded in a network namespace with the same addresses and name of interface, and a connection from
 * the peer's address to the port that the session came in by is opened there. Other tables need not be
 * tried with it. A packet has to get through each, and those that are there let the session in.
 */
#ifndef REVET_CHANGE_SHADOW_H
#define REVET_CHANGE_SHADOW_H

#include "change/plan.h"

/* Of every table of nftables that the plan loads: nft accepts it, and it admits this session; from a
 * console, sshd's port from an address that is nobody's (RFC 5737). -EPERM: it would be cut off; any
 * other error: it is not known. *evidence: what was tried; NULL: the plan loads none. */
int shadow_check(const struct place *, const struct plan *, struct arena *, const char **evidence,
				 struct err *);

#endif
