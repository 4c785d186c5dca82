/* SPDX-License-Identifier: Apache-2.0 */
/* pacman's database: a directory NAME-VERSION for each package, with the files desc and files, which hold
 * sections: a name between percent signs, then its lines. */
#ifndef REVET_HOST_PACMAN_H
#define REVET_HOST_PACMAN_H

#include "base/err.h"
#include "base/path.h"

#define PACMAN_LOCAL "/var/lib/pacman/local"

/* The next line of a file, and the section that it is in ("%NAME%"); *section is to be absent at first. */
bool pacman_line(struct str *text, struct str *section, struct str *ret);
/* The first line of a section; absent when there is none. */
struct str pacman_value(struct str text, const char *section);
/* Calls back for each package with its directory's name and its desc. A negative return ends it.
 * -ENOENT: no pacman here. */
int pacman_each(int root_fd, int (*each)(const char *dir, struct str desc, void *data), void *data,
				struct err *);

#endif
