/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service's unit file says about system calls and address families, assignment by assignment
 * as systemd 252 adds them up: the first says whether the list allows or forbids, later ones add to it
 * or take away, an empty one starts anew. Words that systemd does not know it passes over, and so do
 * these. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_UNITFILTER_H
#define REVET_HOST_UNITFILTER_H

#include "host/syscall_sets.h"
#include "host/unitfile.h"

struct call_filter {
	bool allows;                   /* false: it forbids, if only nothing */
	bool listed[SYSCALL_SETS_MAX]; /* by the index of syscall_sets.h */
};

void unitfilter_calls(const struct unit_file *, struct arena *, struct call_filter *ret);
/* May a call of the group be made that this machine's architecture has? */
bool unitfilter_lets(const struct call_filter *, const char *set);

enum family_class {
	FAMILY_INET,
	FAMILY_UNIX,
	FAMILY_NETLINK,
	FAMILY_PACKET,
	FAMILY_OTHER,
	N_FAMILIES
};

/* ret[class]: may it make sockets of the class, as systemd reckons: one family that is forbidden, and
 * the class is; one that is allowed, and it is allowed. */
void unitfilter_families(const struct unit_file *, struct arena *, bool ret[N_FAMILIES]);

/* The next word of a value, with the quotes around it taken off. */
bool unitfilter_word(struct str *value, struct str *ret);

#endif
