/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables, and the files of NAME=VALUE lines that systemd reads them from (systemd.exec(5),
 * "EnvironmentFile="): quotes, backslashes and continued lines mean what they mean there. Everything
 * lives in the arena that was passed.
 */
#ifndef REVET_HOST_ENVFILE_H
#define REVET_HOST_ENVFILE_H

#include "host/host.h"

struct env_item {
	struct str name, value;
	const char *file;
	unsigned line;
};

struct env {
	struct env_item *p; /* in the order in which they are set */
	size_t n, cap;
};

void env_put(struct env *, struct arena *, struct env_item);
/* The last of the name; NULL: it is not set. */
const struct env_item *env_find(const struct env *, struct str name);

/* Appends those of a file, without their secrets. -EINVAL where versions of systemd differ about what it says. */
int envfile_read(struct host *, struct arena *, const char *path, struct env *, struct err *);

#endif
