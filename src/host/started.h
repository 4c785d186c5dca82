/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a service is started with the configuration that a table reads. What a command line, a
 * variable or another copy of the program says instead has the last word, so whatever is not known to
 * leave the table's values as they are makes the table unknown. Looked at are the units that start the
 * program, the defaults of its init scripts, and, on a live host, its processes outside of containers.
 */
#ifndef REVET_HOST_STARTED_H
#define REVET_HOST_STARTED_H

#include "host/host.h"

/* For struct table.started. Lists of patterns, up to a NULL; one that is missing is empty. */
struct started {
	const char *const *programs; /* their names or paths, and scripts' that start it */
	const char *const *units;    /* its usual ones: what else they start may start it, too */
	const char *with;            /* a word without which the program is no service; NULL: none */
	const char *const *checks;   /* words with which it only says something, and ends */
	/* What may stand on its command line, words with a blank between, and what of it has to, because
	 * without it the program reads nothing. */
	const char *const *usual, *const *needed;
	/* What its processes show, in its own units, in place of a command line. */
	const char *const *titles;
	/* Of its environment, what changes what it reads or sets it, but for these files of them. */
	const char *const *variables, *const *followed;
};

#define STARTED(...) ((const char *const[]){__VA_ARGS__, NULL})

/* 0, also where nothing starts it. -ENOTSUP: it is started otherwise, or that is not known. */
int started_as_usual(struct host *, struct arena *, const struct started *, struct err *);

/* Takes the processes now, as procs_early() does. For whoever will call the above. */
void started_early(struct host *);

/* One way in which it is started: the words behind the program, with a blank between. */
struct started_command {
	const char *of; /* "nginx.service", "process 812" */
	const char *file;
	unsigned line;
	struct str words;
	bool partial; /* they are part of those of an init script */
};
struct started_commands {
	struct started_command *p;
	size_t n, cap;
};
/* All of them, for a table that follows its options itself. */
int started_commands(struct host *, struct arena *, const struct started *,
					 struct started_commands *ret, struct err *);

#endif
