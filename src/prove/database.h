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
	uint16_t port;               /* that it has by itself */
	const char *const *programs; /* up to a NULL */
	/* Over a connected socket with a time limit of its own. */
	enum database_answer (*ask)(int fd);
};

/* Which one the program is that listens there, or the port's own where an engine of containers does;
 * NULL: none that is known. */
const struct database *database_of(struct str program, int64_t port);

#endif
