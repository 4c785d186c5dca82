/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which package owns a path, from the package manager's own file lists.
 */
#ifndef REVET_HOST_OWNER_H
#define REVET_HOST_OWNER_H

#include "host/host.h"

/* ret[i] is the package of paths[i], or absent when no package owns it. One pass over the lists
 * for all paths; both spellings of a merged /usr are looked up. An error means that nothing is
 * known about any of them. Works live, on a tree, and on a recording of the same questions. */
int owner_lookup(struct host *, struct arena *, const struct str *paths, size_t n, struct str *ret,
				 struct err *);

#endif
