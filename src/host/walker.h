/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks file systems with all cores and writes down the files that a security check asks about:
 * SUID and SGID, with capabilities, world-writable, and without an owner. For the query of the
 * table `walk` only.
 *
 * Everything is relative to directory descriptors, so that depth and length of paths do not matter
 * and no link that is swapped in meanwhile is followed. Memory is bounded by what is pending, not by
 * what there is.
 */
#ifndef REVET_HOST_WALKER_H
#define REVET_HOST_WALKER_H

#include "base/buf.h"
#include "host/passwd.h"

#define WALKER_MAX_FINDINGS 20000 /* of either kind: with privilege, and the others */
#define WALKER_MAX_THREADS 16
#define WALKER_MAX_PATH 4096 /* longer ones are shown shortened */

struct walker_root {
	const char *path; /* absolute, as it is shown; "" for the root directory */
	int fd;           /* open directory, borrowed */
};

struct walker {
	const struct walker_root *roots;
	size_t n_roots;
	bool cross;                    /* enter local file systems mounted below; else never */
	const struct passwd_db *users; /* NULL: every uid and gid has a name */
};

/* Lines of host/fields.h: "path= mode= uid= gid= caps=" for each finding, in no order; caps is the
 * attribute security.capability in hexadecimal, mode the whole st_mode in octal. Then what is
 * missing: "unreadable=N first=DIRECTORY", "unexamined=N first=FILE", "more". */
int walker_run(const struct walker *, struct buf *out, struct err *err);

#endif
