/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that hold in memory what they once read of the files that a table reads. The table says what
 * those say now; this, how to tell when a service read them last. To systemd it is a change of the unit's
 * state: a start, or a reload by systemctl. What tells of a reload that went by systemd stands here.
 */
#ifndef REVET_HOST_LOADED_BY_H
#define REVET_HOST_LOADED_BY_H

#include <stdbool.h>

struct loaded_by {
	const char *const *units;   /* patterns; of one that is running */
	const char *const *files;   /* patterns of those of the table's that it reads; NULL: all */
	const char *const *own;     /* of those that it writes itself */
	const char *const *written; /* files that it writes anew when it has read them; NULL: none */
	const char *const
		*workers;  /* command lines of processes that it then starts anew; NULL: none */
	bool at_start; /* a reload does not read them */
};

#define LOADED_BY(...)         \
	(const struct loaded_by[]) \
	{                          \
		{__VA_ARGS__},         \
		{                      \
			0                  \
		}                      \
	}

#endif
