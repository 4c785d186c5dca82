/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of apk's database, and of its indexes: a line "X:VALUE" for each field, whose name is one letter,
 * and a blank line behind each package. P: name, V: version, A: architecture, D: what it depends on, p: what
 * it provides, i: what it is installed for; F: a directory, R: a file in the last one.
 */
#ifndef REVET_HOST_APK_H
#define REVET_HOST_APK_H

#include "host/host.h"

#define APK "/sbin/apk"
#define APK_WORLD "/etc/apk/world"

/* Where the database may be, NULL behind the last; the second where /lib is no link to /usr/lib. */
extern const char *const apk_databases[];

/* The first that is there, as a directory under its own name: what /lib/apk/db is where /lib is a link. NULL:
 * none. */
const char *apk_directory(int root_fd, struct arena *);
/* The whole database; *ret_path: where it is. -ENOENT: no apk here. */
int apk_read(int root_fd, struct arena *, struct str *ret, const char **ret_path);

/* The lines of the next package; false at the end. */
bool apk_next(struct str *text, struct str *ret);
/* The next field of a package. */
bool apk_field(struct str *package, char *ret_name, struct str *ret);
/* The first value of a field, or absent. */
struct str apk_value(struct str package, char name);
/* The paths of a package's directories and files; a negative return ends it. */
int apk_each_path(struct str package, int (*each)(struct str path, bool is_dir, void *data),
				  void *data);

/* The next of a list of packages, without its version, tag or checksum: what an installed one is to provide.
 * *ret_more, which may be NULL: what is behind the name. Those that must not be there ("!NAME") have a true
 * *ret_not; without room for that they are left out. */
bool apk_dependency(struct str *list, struct str *ret, struct str *ret_more, bool *ret_not);

#endif
