/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever could log in and become root before a change can do so after it. That is asked of every
 * change to what a login goes through, also of those that no rule calls a risk: a mode, a mount option
 * or a package may be what somebody's way in hangs on.
 */
#ifndef REVET_CHANGE_KEEP_H
#define REVET_CHANGE_KEEP_H

#include "change/plan.h"

#define KEEP_MAX 8 /* administrators that are looked for; the first ones of /etc/passwd */

struct keep {
	struct {
		uint32_t uid;
		bool by_key; /* he can with a key, and may not know his password */
	} who[KEEP_MAX];
	size_t n;
};

/* Before the change. Where no step can have to do with a login, or nobody can log in over SSH, there
 * is nobody to keep. */
int keep_note(const struct place *, const struct plan *, struct arena *, struct keep *ret,
			  struct err *);
/* When the files are written. -EPERM: names the first one who is kept out, and by what. own: asks of
 * the account alone whose session this is, of nobody where it is root's. */
int keep_check(const struct place *, const struct keep *, bool own, struct arena *, struct err *);

#endif
