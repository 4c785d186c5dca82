/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code that processes of a live host have mapped and that is no longer at its path: shared
 * libraries that were deleted, or replaced by renaming another over them, as package managers do.
 * Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_MAPPED_H
#define REVET_HOST_MAPPED_H

#include "host/host.h"

struct mapped {
	uint32_t pid;
	const struct str *files; /* as the process sees their paths; each once */
	size_t n;
};

struct mapped_all {
	struct mapped *p; /* sorted by pid; those without such files are left out */
	size_t n;
	const char *gap; /* why some may be missing; NULL: complete */
};

/* Asks now, in a process of its own: under Landlock one may not look at the memory of others. For
 * struct table.early. */
void mapped_early(struct host *);
int mapped_read(struct host *, struct arena *, struct mapped_all *ret, struct err *);

#endif
