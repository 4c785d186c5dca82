/* SPDX-License-Identifier: Apache-2.0 */
/* Who needs a package, by the databases of rpm and pacman; dpkg's: see dpkg_needed_by(). */
#ifndef REVET_HOST_PACKAGE_USERS_H
#define REVET_HOST_PACKAGE_USERS_H

#include "host/host.h"

/* The first other package that asks for something which this one provides, or absent. That a third might
 * provide it too is not looked at. -EEXIST: it is there in several versions. */
int package_user(struct host *, const char *manager, const char *name, struct arena *, struct str *ret,
				 struct err *);
/* Does the manager's configuration keep it from being removed? */
bool package_is_protected(struct host *, const char *manager, const char *name, struct arena *);

#endif
