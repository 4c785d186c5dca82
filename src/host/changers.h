/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who, beside root, could change what a path leads to: by writing to it, or by putting something else
 * in its place or in that of a directory or link on the way. What has been looked at is remembered, so
 * that many paths below the same directories cost little. Everything lives in the arena.
 */
#ifndef REVET_HOST_CHANGERS_H
#define REVET_HOST_CHANGERS_H

#include "base/map.h"
#include "host/passwd.h"

struct changers {
	struct host *host;
	struct arena *arena;
	const struct passwd_db *users;
	struct map seen; /* private: path -> what is there */
};

struct changed_by {
	bool others;      /* somebody who is neither root nor the user that was named */
	bool itself;      /* that user */
	const struct str *names; /* "deploy", "group:web", "everyone"; at most CHANGERS_MAX */
	size_t n;
	const char *at; /* the first path on the way that lets others in, or else that user; NULL: none */
};

#define CHANGERS_MAX 16

void changers_init(struct changers *, struct host *, struct arena *, const struct passwd_db *);
/* `self`: whose own rights are told apart from those of others, or NULL. A path that does not exist can
 * be made by whoever may write the directory. Negative errno when something on the way could not be
 * looked at. */
int changers_of(struct changers *, struct str path, const struct passwd_user *self,
				struct changed_by *ret, struct err *);

#endif
