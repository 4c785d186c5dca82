/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in the root of a web site and is for nobody outside: repositories, dumps, settings with
 * passwords. Told by names alone; no file is opened.
 */
#ifndef REVET_HOST_DOCROOT_H
#define REVET_HOST_DOCROOT_H

#include "host/host.h"

/* Paths below the root, as a request would name them: "/.git/HEAD", "/dump.sql". At most DOCROOT_MAX.
 * A root that is not there holds none. */
#define DOCROOT_MAX 32
int docroot_private(struct host *, const char *root, struct arena *, struct str **ret,
					size_t *ret_n, struct err *);

#endif
