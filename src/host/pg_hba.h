/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_hba.conf, which says who may connect to a cluster of PostgreSQL and how: its lines, with those of what
 * it includes, in the order in which the server tries them. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_PG_HBA_H
#define REVET_HOST_PG_HBA_H

#include "base/vec.h"
#include "host/postgres.h"

struct pg_hba_line {
	struct str type, address, mask, method; /* absent: not there */
	const struct str *databases, *users, *options;
	size_t n_databases, n_users, n_options;
	const char *scope; /* where the clients are: socket, loopback, network, or all */
	bool superuser;    /* it admits one that may be a superuser */
	bool shadowed;     /* an earlier line decides all that it is about */
	struct from from;
};

struct pg_hba {
	VEC(struct pg_hba_line) lines;
	const char *gap; /* why something may be missing; NULL: complete */
};

void pg_hba_read(struct host *, struct arena *, const struct pg_cluster *, struct pg_hba *ret);

#endif
