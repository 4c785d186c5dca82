/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of /etc/fstab, see fstab(5). */
#ifndef REVET_HOST_FSTAB_H
#define REVET_HOST_FSTAB_H

#include "base/str.h"

#define FSTAB_PATH "/etc/fstab"

struct fstab_entry {
	struct str source, target, fstype, options; /* unescaped; the target without a slash at its end */
};

/* False: a line that mounts nothing, as comments and swap. Borrowed from the line, or in the arena. */
bool fstab_entry_parse(struct arena *, struct str line, struct fstab_entry *ret);
/* Is it one of the options, which commas are between? Those of a mount as well. */
bool fstab_has_option(struct str options, const char *name);

#endif
