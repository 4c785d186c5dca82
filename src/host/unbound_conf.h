/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unbound.conf(5), as a list of options in the order in which Unbound takes them: each with the clause
 * that it stands in and as many values as it has. Files that `include` names take its place. Everything
 * lives in the arena that was passed; secrets are masked.
 */
#ifndef REVET_HOST_UNBOUND_CONF_H
#define REVET_HOST_UNBOUND_CONF_H

#include "base/vec.h"
#include "host/host.h"
#include "host/started.h"

#define UNBOUND_CONF "/etc/unbound/unbound.conf"
#define UNBOUND_MAX_VALUES 3

struct unbound_option {
	struct str key;    /* without the colon */
	struct str clause; /* server, remote-control, forward-zone, ... */
	struct str values[UNBOUND_MAX_VALUES];
	unsigned n_values;
	const char *file;
	unsigned line;
};

struct unbound_conf {
	VEC(struct unbound_option) options;
	const char *gap; /* why something may be missing; NULL: complete */
};

/* -ENOENT: there is no unbound.conf. What cannot be read, or is no option, sets gap. */
int unbound_conf_read(struct host *, struct arena *, struct unbound_conf *ret, struct err *);

/* How it is started. */
extern const struct started unbound_started;

#endif
