/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of the kernel in the defaults of GRUB, /etc/default/grub and what Debian's grub-mkconfig
 * reads after it: added in a file of our own, taken out where they stand. The menu is made anew.
 */
#ifndef REVET_HOST_GRUB_EDIT_H
#define REVET_HOST_GRUB_EDIT_H

#include "host/edit.h"

/* -ENOTSUP: there is no such GRUB here. */
int grub_add(struct host *, struct edits *, struct str key, struct str value, struct err *);
/* `word`: KEY or KEY=VALUE, as it stands there. -ENOTSUP also where it does not. */
int grub_take_out(struct host *, struct edits *, struct str word, struct err *);

#endif
