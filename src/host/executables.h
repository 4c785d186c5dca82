/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the programs of processes were built that are root's or have sockets, of a live host. What runs is
 * looked at, not what lies at its path now. Those of containers are left out. Everything lives in the
 * arena that was passed.
 */
#ifndef REVET_HOST_EXECUTABLES_H
#define REVET_HOST_EXECUTABLES_H

#include "host/elf.h"
#include "host/procs.h"

struct executable {
	struct elf elf;
	const char *unknown; /* why the former is not known; NULL: it is */
};

struct executables {
	const struct executable *
		*by_proc; /* of each of procs->p; NULL: not looked at, or it has ended */
	size_t n;     /* of by_proc */
};

/* Asks now, in a process of its own, which opens the programs, confines itself, and parses them then:
 * under Landlock those of others cannot be opened. For struct table.early. */
void executables_early(struct host *);
int executables_read(struct host *, struct arena *, const struct procs *, struct executables *ret,
					 struct err *);

#endif
