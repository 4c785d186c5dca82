/* SPDX-License-Identifier: Apache-2.0 */
/* Where the C library looks names up besides this host's own files: nsswitch.conf(5). */
#ifndef REVET_HOST_NSSWITCH_H
#define REVET_HOST_NSSWITCH_H

#include "host/host.h"

/* "/etc/nsswitch.conf: sss WHAT", for the first source of the database ("passwd") that is a directory
 * server's, or why the file could not be read; NULL: there are only files, as also without it. */
const char *nsswitch_elsewhere(struct host *, struct arena *, const char *database,
							   const char *what);

/* Does it name the source for the database? False also when it cannot be read. */
bool nsswitch_asks(struct host *, struct arena *, const char *database, const char *source);

#endif
