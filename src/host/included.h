/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a configuration in which files include others: each is read once, and what is included time
 * and again counts each time, so that a small tree of files cannot stand for an endless text.
 */
#ifndef REVET_HOST_INCLUDED_H
#define REVET_HOST_INCLUDED_H

#include "base/map.h"
#include "base/vec.h"
#include "host/host.h"

#define INCLUDED_MAX ((size_t)32 << 20) /* bytes of all files, counted as often as they are included */

struct included {
	const char *of; /* "nginx": whose configuration it is */
	struct map texts;
	VEC(struct str) paths; /* each once, in the order in which they were first read */
	size_t bytes;
};

void included_init(struct included *, const char *of, struct arena *);
/* -E2BIG: that is too much by now. */
int included_read(struct included *, struct host *, const char *path, struct arena *, struct str *ret,
				  struct err *);

#endif
