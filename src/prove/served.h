/* SPDX-License-Identifier: Apache-2.0 */
/* What the site file says that is open to whom, and what listens: ports of one protocol, as bits. */
#ifndef REVET_PROVE_SERVED_H
#define REVET_PROVE_SERVED_H

#include "prove/outside.h"
#include "prove/ruleset.h"

/* Marks what is served to the origin: the lines of `serves`, and sshd for the admins. */
void served_to(struct trial *, const struct origin *, bool udp, bool ret[PORTS]);
/* Who listens on the target, by port; NULL: nobody. False where it is not known, which has been said. */
bool served_listeners(struct trial *, const struct target *, bool udp, const char *ret[PORTS]);
/* Those on which an address of this host may differ from another, whoever listens: which rules name, and
 * some at random. */
void served_doubtful(const struct outside *, bool ret[PORTS]);
/* "22, 443, 8000-8010 and 12 more" of those that are marked. */
const char *served_list(struct trial *, const bool ports[PORTS]);

#endif
