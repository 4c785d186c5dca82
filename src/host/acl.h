/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX access control lists of files. With one, the group's bits of the mode are the mask, so what
 * a named user or group may do cannot be told from the mode alone.
 */
#ifndef REVET_HOST_ACL_H
#define REVET_HOST_ACL_H

#include "base/buf.h"
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

/* --- whole lists, as setfacl(1) takes them ------------------------------------------------------- */

#define ACL_MAX 16384 /* bytes of one as the kernel has it: 2,000 entries */

/* The value of system.posix_acl_access or _default as text, in its own order and ids as numbers:
 * "user::rw-,user:1000:r--,group::r--,mask::r--,other::---". 0, -EINVAL or -ENOBUFS. */
int acl_print(const void *value, size_t n, struct buf *out);
/* The other way. *ret_n: bytes of ret. -EINVAL: it is not what acl_print() makes of any. */
int acl_parse(struct str text, unsigned char ret[ACL_MAX], size_t *ret_n);
/* That of a file which has none: its mode in other words. 44 bytes. */
void acl_of_mode(unsigned mode, struct buf *out);
/* The permission bits of the mode that it stands for. */
unsigned acl_mode(struct str text);
/* Without named users and groups, so that a mode can say it. The owning group keeps what it has, not
 * what the mask would have given to others. */
struct str acl_without_names(struct arena *, struct str text);

/* Both of what the path leads to; *ret_default is absent where it has none. */
int acl_texts(struct host *, const char *path, struct arena *, struct str *ret_access,
			  struct str *ret_default, struct err *);

#endif
