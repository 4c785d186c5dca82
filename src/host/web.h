/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tables of web servers have in common: what the workers may read and write, from where an
 * address is reached, and what lies about in the roots of sites. A file, a key and a root is looked at
 * once, however many servers name it. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_WEB_H
#define REVET_HOST_WEB_H

#include "base/map.h"
#include "host/account.h"
#include "host/directive.h"
#include "host/table.h"

/* A list in the making; what was found stands beside why there may be more. */
struct web_list {
	struct str *p;
	size_t n, cap;
	const char *why; /* NULL: it is complete */
};

struct web {
	struct host *host;
	struct arena *arena;
	struct account worker; /* ACCOUNT_ANYBODY until web_find_worker() */
	bool has_accounts;     /* private, as is all that follows */
	struct map keys;       /* by path: "" or the path */
	struct map roots;      /* by path: struct web_list */
	size_t looked;
};

void web_init(struct web *, struct host *, struct arena *);
/* Is one of the programs there? A configuration that a removed package has left behind is nobody's.
 * 1: yes; 0: no; an error when that cannot be seen. */
int web_is_installed(struct host *, const char *const *programs, size_t n, struct err *);

/* The user of the workers, with the group that the configuration gives it; absent: none. */
void web_find_worker(struct web *, struct str user, struct str group);
/* Of the files and of the directories that hold them those that the workers may write. */
void web_writable(struct web *, const struct str *files, size_t n, struct web_list *ret);
/* Appends the key when the workers may read it. */
void web_open_key(struct web *, struct str path, struct web_list *);

/* What docroot_private() finds below the root. */
const struct web_list *web_private(struct web *, struct str root);
/* Counts the paths for which it is found out who answers; false: they are too many. */
bool web_may_look(struct web *);
#define WEB_TOO_MANY "too many private files lie about"

enum web_reach { WEB_LOOPBACK, WEB_PRIVATE, WEB_PUBLIC };
const char *web_reach_name(enum web_reach);
/* Of "80", "*:80", "10.0.0.1:80", "[::1]:80", "localhost". */
enum web_reach web_reach(struct str address);

void web_split(struct arena *, struct str text, char separator, struct web_list *);
/* Sets a list; unknown when nothing was found of one that is not complete. */
void web_row_list(struct row *, int column, const struct web_list *);
/* Where the column's value stands; NULL: nowhere. */
void web_row_from(struct row *, int column, const struct directive *);

#endif
