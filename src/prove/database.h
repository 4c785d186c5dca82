/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases and stores as they answer on the network: what a client that shows no password is let
 * do. Each is asked one thing that changes nothing.
 */
#ifndef REVET_PROVE_DATABASE_H
#define REVET_PROVE_DATABASE_H

#include "base/str.h"

enum database_answer {
	DATABASE_SILENT,  /* closed, or nothing that is its protocol */
	DATABASE_REFUSES, /* asks for a password or turns the client away */
	DATABASE_LETS_IN,
};

struct database {
	const char *name;            /* "PostgreSQL" */
	const char *const *programs; /* up to a NULL */
	/* Over a connected socket with a time limit of its own. */
	enum database_answer (*ask)(int fd);
};

/* Which one the program is; NULL: none that is known. */
const struct database *database_of(struct str program);

#endif
