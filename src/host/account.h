/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an account may do with a file, as owner, by its groups and as anybody: mode bits along the
 * path. Access control lists are not looked at.
 */
#ifndef REVET_HOST_ACCOUNT_H
#define REVET_HOST_ACCOUNT_H

#include "host/passwd.h"

struct account {
	uint32_t uid; /* ACCOUNT_ANYBODY: only what everybody may */
	const uint32_t *gids;
	size_t n_gids;
};
#define ACCOUNT_ANYBODY UINT32_MAX
#define ACCOUNT_READ 4U
#define ACCOUNT_WRITE 2U

/* The user with its groups, and with the group that a service gives it beside (absent: none); a name
 * that nobody has is ACCOUNT_ANYBODY. */
struct account account_named(const struct passwd_db *, struct str user, struct str group,
							 struct arena *);
/* 1: it may, by this path or by where the link leads to; 0: it may not, or nothing is there; or
 * negative errno. Root, who may everything, gets 0: that is another matter. */
int account_may(struct host *, const struct account *, const char *path, unsigned bits,
				struct arena *, struct err *);

#endif
