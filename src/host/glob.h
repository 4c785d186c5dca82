/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell patterns over paths of the host, as glob(3) without flags does it for `Include` lines of
 * daemons: `*`, `?` and `[...]` stay within a component, and a name that begins with a dot is only
 * matched by a pattern that begins with one. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_GLOB_H
#define REVET_HOST_GLOB_H

#include "host/host.h"

#define HOST_GLOB_MAX 4096 /* the most paths that are returned, and directories that are listed */

/* What matches, sorted bytewise; nothing at all is no error. A pattern without wildcards matches
 * when the path exists. -E2BIG past HOST_GLOB_MAX; an error when a directory cannot be listed,
 * because then what it holds is not known. */
int host_glob(struct host *, struct arena *, struct str pattern, struct str **ret, size_t *ret_n,
			  struct err *);

/* The same for places where users put links: one that leads in a circle, or into /proc/PID, or to a
 * name that is too long, is its own business, and nothing below it matches. */
int host_glob_loose(struct host *, struct arena *, struct str pattern, struct str **ret, size_t *ret_n,
					struct err *);

#endif
