/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up power. Called by a process about itself, before it parses anything; there is no way
 * back. The layers are independent, so that a kernel without one still has the others.
 */
#ifndef REVET_BASE_CONFINE_H
#define REVET_BASE_CONFINE_H

#include "base/err.h"

struct confinement {
	bool no_new_privs;
	bool capabilities; /* down to what reading needs: DAC_READ_SEARCH and SYS_PTRACE */
	bool seccomp;      /* an allow-list of system calls; open for writing, exec and the network fail */
	bool landlock;     /* no file system write of any kind; kernel 5.13 and later */
	int landlock_abi;
};

/* For the worker that reads the host: may read anything, write to descriptors it has, use
 * AF_NETLINK sockets, start threads, and reap children that it had started before.
 * What the kernel lacks is false in *ret; that no_new_privs or the capabilities cannot be dropped
 * is an error. */
int confine_reader(struct confinement *ret, struct err *);
/* The same for a thread that opens a great many directories, started by a process that has not
 * confined itself yet. Landlock watches truncation by looking at every directory above what is
 * opened, a good part of what a walk costs; this thread is not watched, and has no call that
 * truncates: openat2(2) fails in it, and the flags of the other calls are seen by seccomp. An error
 * when there is no seccomp. */
int confine_walker(struct err *err);
/* For a helper program, between fork and exec: no new privileges, and no write to the file system
 * but /dev/null. Async-signal-safe. Returns 0 or -errno; a kernel without Landlock is 0. */
int confine_helper(void);

#endif
