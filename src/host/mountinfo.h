/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of this process, from /proc/self/mountinfo (see proc(5)), in the order in which they
 * were made. Live hosts only. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_MOUNTINFO_H
#define REVET_HOST_MOUNTINFO_H

#include "base/buf.h"
#include "host/host.h"

#define MOUNTINFO_PATH "/proc/self/mountinfo"

struct mount {
	uint64_t id;
	struct str device;  /* MAJOR:MINOR */
	struct str root;    /* which directory of the file system is seen there */
	struct str target, fstype, source;
	struct str options; /* of the mount, then of the file system, comma-separated */
	unsigned line;
};

struct mounts {
	struct mount *p;
	size_t n;
};

int mountinfo_read(struct host *, struct arena *, struct mounts *ret, struct err *);
/* Undoes \040 and the like, as the kernel and fstab(5) write blanks. Borrowed when there is
 * nothing to undo. */
struct str mountinfo_unescape(struct arena *, struct str);

#endif
