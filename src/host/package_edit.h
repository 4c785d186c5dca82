/* SPDX-License-Identifier: Apache-2.0 */
/* Edits that install packages, for tables whose wishes one brings about, and that remove apk's. While a plan is
 * made. */
#ifndef REVET_HOST_PACKAGE_EDIT_H
#define REVET_HOST_PACKAGE_EDIT_H

#include "host/edit.h"

/* Installs the first of the names that a source offers, with what it depends on. None is installed now.
 * -ENOTSUP says why a person has to. */
int package_install(struct host *, const struct str *names, size_t n, struct edits *, struct err *);
/* Removes the package, and what was only there for it. -ENOTSUP: who needs it, or what keeps it. */
int package_remove_apk(struct host *, const char *name, struct edits *, struct err *);
/* The same, of the texts of its database and of /etc/apk/world. */
int package_remove_apk_of(struct str installed, struct str world, const char *name, struct edits *,
						  struct err *);

#endif
