/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account that a change has made is taken away again: what runs as it ends first, for a number that is
 * given to somebody else later must not find it still there. For the process that undoes, as root.
 */
#ifndef REVET_CHANGE_EVICT_H
#define REVET_CHANGE_EVICT_H

#include "change/step.h"

/* Before the account is made: what has the number already is not its. */
int evict_note(const struct place *, struct str uid, const struct saved *, struct err *);
/* Ends the processes whose real user has the number, that began since, and that come from a login of the
 * account or run in this system itself: a container's are its own. Does nothing while an account has the
 * number. -ESTALE: it is asked for in a session of that account, and nothing was ended (with saved->force
 * that is no error); -EBUSY: one does not end. */
int evict(const struct place *, const struct saved *, struct err *);

#endif
