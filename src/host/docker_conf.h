/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Docker's daemon is told: daemon.json, and the options that its unit (or an init script's
 * DOCKER_OPTS) starts it with, under the names that daemon.json has for them. Everything lives in
 * the arena that was passed.
 */
#ifndef REVET_HOST_DOCKER_CONF_H
#define REVET_HOST_DOCKER_CONF_H

#include "base/vec.h"
#include "host/table.h"

struct docker_setting {
	struct str key;   /* log-opts.max-size for a member of an object */
	struct str value; /* true, false, a number, text; of a list its items with a blank between */
	struct from from;
};

struct docker_conf {
	VEC(struct docker_setting) all;
	const char *gap; /* why something may be missing; NULL: complete */
};

void docker_conf_read(struct host *, struct arena *, struct docker_conf *ret);
/* NULL: it is not set. */
const struct docker_setting *docker_conf_get(const struct docker_conf *, const char *key);

#endif
