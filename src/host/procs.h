/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a live host, from one pass over /proc that several tables share (a kernel query,
 * so it is made once and recorded once). Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_PROCS_H
#define REVET_HOST_PROCS_H

#include "host/host.h"

struct proc {
	uint32_t pid, ppid, uid;
	int64_t began;          /* seconds since 1970; 0: not known */
	bool has_exe;           /* false: its exe could not be read; exe is then absent */
	bool exe_deleted, no_new_privs;
	bool inner;             /* of a container: its processes have numbers of their own */
	struct str name, exe, cmdline; /* cmdline: arguments joined by blanks, without
								  * their secrets (host/secret.h), at most 4 KiB */
	struct str unit;        /* systemd unit from its cgroup; absent when there is none */
	struct str label;       /* LSM label; absent when there is none */
	uint64_t cap_effective;
	int seccomp;            /* 0 disabled, 1 strict, 2 filter */
	const uint64_t *sockets; /* inodes of its sockets */
	size_t n_sockets;
	bool sockets_unknown;   /* its descriptors could not be read, or not all of them */
};

struct procs {
	struct proc *p; /* sorted by pid; kernel threads left out */
	size_t n;
	const char *gap; /* why processes may be missing; NULL: complete */
};

/* Takes the raw pass over /proc now and keeps it: a process under Landlock may not look at others'
 * executables and descriptors. Parses nothing but the arguments, for secrets. For struct table.early. */
void procs_early(struct host *);
int procs_read(struct host *, struct arena *, struct procs *ret, struct err *);

#endif
