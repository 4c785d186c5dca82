/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether something failed for want of descriptors or memory, or because the disk does not answer:
 * then what was asked for may well be there, and whoever takes any error for "not there" is wrong.
 * base/path.h notes it by itself, once a thread. host/snapshot.h and host_query() look at it, and make
 * a table or an answer in whose reading it happened an error as a whole.
 */
#ifndef REVET_BASE_SHORTAGE_H
#define REVET_BASE_SHORTAGE_H

#include "base/err.h"

/* A result, which is returned: when it is a negative errno that tells of a shortage, and none was
 * noted before, `what` is noted for it. */
int shortage_note(int result, const char *what);
/* What was noted, as an error; 0 when nothing was. Forgets it. */
int shortage_take(struct err *);
/* Notes it again, if it is one. */
void shortage_keep(const struct err *);

#endif
