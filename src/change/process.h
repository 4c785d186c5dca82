/* SPDX-License-Identifier: Apache-2.0 */
/* One process, as the kernel tells of it in /proc/PID/stat; see proc(5). */
#ifndef REVET_CHANGE_PROCESS_H
#define REVET_CHANGE_PROCESS_H

#include "base/str.h"

struct process {
	int pid, parent;
	uint64_t ticks; /* when it started, in clock ticks (sysconf(_SC_CLK_TCK)) after boot */
	bool ended;     /* only its parent has not asked yet how */
	char name[32];
};

/* 0, or -errno: -ENOENT and -ESRCH when there is no such process (any more). */
int process_read(int root_fd, int pid, struct arena *, struct process *ret);

/* Ends those children of this process that began since then (a clock as session_now() has it), what
 * they leave behind, and so on; gives up after some seconds. */
void process_end_children(int64_t since);

#endif
