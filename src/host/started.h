/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a service is started with the configuration that a table reads: what is set in another file
 * must not be judged by the usual one. What a unit file says counts, without variables.
 */
#ifndef REVET_HOST_STARTED_H
#define REVET_HOST_STARTED_H

#include "host/host.h"

/* For struct table.started. */
struct started {
	const char *const *units; /* that start it, up to a NULL */
	const char *const
		*options;             /* that name a configuration, "-c"; "": any word that ends in .conf */
	const char *const *usual; /* patterns of the paths that the table reads */
};

#define STARTED(...) ((const char *const[]){__VA_ARGS__, NULL})

/* 0, also where there is no such unit. -ENOTSUP: one names another file, or it is not known. */
int started_as_usual(struct host *, struct arena *, const struct started *, struct err *);

#endif
