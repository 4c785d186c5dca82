/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX access control lists of files. With one, the group's bits of the mode are the mask, so what
 * a named user or group may do cannot be told from the mode alone.
 */
#ifndef REVET_HOST_ACL_H
#define REVET_HOST_ACL_H

#include "host/host.h"
#include "host/passwd.h"

/* What an ACL of the file, or a directory's default one, gives to named users and groups after its
 * mask: "user:ops:rw-", "default:group:web:r-x". Those that get nothing are left out; *ret_n is 0
 * for a file without. Only regular files and directories are looked at, and none is opened.
 * follow: the target of a link. */
int acl_read(struct host *, const char *path, bool follow, const struct passwd_db *, struct arena *,
			 struct str **ret, size_t *ret_n, struct err *);
/* 1 when one of them may write, or may in what is made in the directory; 0; or negative errno. */
int acl_others_write(struct host *, const char *path, bool follow, const struct passwd_db *,
					 struct arena *, struct err *);

#endif
