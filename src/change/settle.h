/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which edit has decided what: a key of a file, one of its lines, the whole of it, an attribute, a
 * field of a state. Two rules that want different values of one thing cannot both have their way.
 * The edits are borrowed.
 */
#ifndef REVET_CHANGE_SETTLE_H
#define REVET_CHANGE_SETTLE_H

#include "base/buf.h"
#include "base/map.h"
#include "host/edit.h"

struct settled {
	struct arena *arena;
	struct map by_thing;
};

void settled_begin(struct settled *, struct arena *);
/* The edit of another rule, or of the same, that this one contradicts; NULL: there is none. Bits of a
 * mode are never in the way of each other: see joined_modes() of plan.c. */
const struct edit *settled_against(const struct settled *, const struct edit *);
void settled_add(struct settled *, const struct edit *);

/* "PermitRootLogin in /etc/ssh/sshd_config.d/00-revet.conf", for people. */
void settled_thing(struct buf *, const struct edit *);
/* What it is to be, on one line: "no". */
void settled_value(struct buf *, const struct edit *);

#endif
