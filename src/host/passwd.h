/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/passwd and /etc/group, parsed, for the tables that join with them. NSS is not asked: what a
 * directory server adds is not this host's to harden, and a tree has no NSS.
 * Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_PASSWD_H
#define REVET_HOST_PASSWD_H

#include "base/map.h"
#include "host/host.h"

struct passwd_user {
	struct str name, gecos, home, shell;
	uint32_t uid, gid;
	unsigned line; /* of /etc/passwd */
};

struct passwd_group {
	struct str name;
	const struct str *members;
	size_t n_members;
	uint32_t gid;
	unsigned line; /* of /etc/group */
};

struct passwd_db {
	struct passwd_user *users;
	size_t n_users;
	struct passwd_group *groups;
	size_t n_groups;
	uint32_t uid_min;     /* UID_MIN of login.defs; 1000 when it does not say */
	unsigned bad_lines;   /* lines of either file that are no entry and were passed over */
	struct map by_name;   /* private */
	const struct passwd_user **by_uid;
	const struct passwd_group **by_gid;
	const struct passwd_user **by_primary; /* sorted by their primary group */
};

int passwd_read(struct host *, struct arena *, struct passwd_db *ret, struct err *);
/* The first entry in file order, as getpwnam() and getpwuid() would; NULL when there is none. */
const struct passwd_user *passwd_by_name(const struct passwd_db *, struct str name);
const struct passwd_user *passwd_by_uid(const struct passwd_db *, uint32_t uid);
const struct passwd_group *passwd_group_by_name(const struct passwd_db *, struct str name);
const struct passwd_group *passwd_by_gid(const struct passwd_db *, uint32_t gid);
/* -EBADMSG, with the reason: of the text, of group(5) or gshadow(5), it is not one line with all its fields
 * alone that decides who is in the group. That there is none is no error. */
int passwd_check_group_lines(const char *path, struct str text, struct str name, struct err *);
/* Does the group hold nobody but the user and root? As the one that useradd makes does. One that is on
 * over 64 lines is none of these. */
bool passwd_is_private_group(const struct passwd_db *, uint32_t gid, const struct passwd_user *);
/* The name, or the number in decimal when it has none. */
struct str passwd_user_name(const struct passwd_db *, uint32_t uid, struct arena *);
struct str passwd_group_name(const struct passwd_db *, uint32_t gid, struct arena *);
/* Of n entries that share an id, the names of the others, as the k-th of them sees it, in ret[k]. When
 * there are many, some are named and the last item says how many are not: what thousands share costs
 * no more than its names. */
#define PASSWD_MAX_OTHERS 32
struct passwd_others {
	const struct str *names;
	size_t n;
};
void passwd_others(struct arena *, const struct str *names, size_t n, struct passwd_others *ret);
/* Is the shell one that a person can work in? Not nologin, false, sync, shutdown, halt; an empty
 * one is /bin/sh. */
bool passwd_can_login(const struct passwd_user *);
/* uid below uid_min, or nobody's 65534. */
bool passwd_is_system(const struct passwd_db *, uint32_t uid);

#endif
