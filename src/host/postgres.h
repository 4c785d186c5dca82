/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clusters of PostgreSQL and their settings, as the next start of each would read them:
 * postgresql.conf with its includes, then postgresql.auto.conf of the data directory. Everything
 * lives in the arena that was passed.
 */
#ifndef REVET_HOST_POSTGRES_H
#define REVET_HOST_POSTGRES_H

#include "host/settings.h"

struct pg_cluster {
	const char *name;    /* "15/main", or its data directory */
	const char *config;  /* its postgresql.conf */
	const char *data;    /* its data directory; NULL: not known */
	unsigned version;    /* 15; 0: not known */
	const char *dropins; /* the directory of its first include_dir; NULL: none */
	struct settings settings;
	bool network; /* it listens on more than loopback */
};

struct pg_clusters {
	struct pg_cluster *p;
	size_t n, cap;
};

/* Those of Debian's layout, of which the program is there, and those in the usual data directories. */
int postgres_read(struct host *, struct arena *, struct pg_clusters *ret, struct err *);

/* `path` as the cluster understands it that stands in `file`. */
const char *postgres_path(struct arena *, const char *file, struct str path);

/* A value that says yes: PostgreSQL takes any beginning of true, yes, on and 1 that is not ambiguous. */
bool postgres_bool(struct str, bool *ret);

/* How it is started. */
extern const struct started postgres_started;

#endif
