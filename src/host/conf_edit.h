/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lossless editing of plain configuration files: one setting changes, every other byte stays.
 * Pure functions over text, linear in it.
 */
#ifndef REVET_HOST_CONF_EDIT_H
#define REVET_HOST_CONF_EDIT_H

#include "base/buf.h"
#include "host/edit.h"

/* text with the key set: the last line that sets it gets the new value, earlier ones become
 * comments; where none does, a line is added at the end of the section (or of the file). Absent
 * value: all become comments. Keys are compared without regard to case with EDIT_SPACE and
 * EDIT_APT. EDIT_FSTAB: each entry of the mount point gets the option; where there is none, one for
 * a tmpfs is added. -EINVAL: the value cannot be written in this style (line breaks, quotes). */
int conf_edit_key(struct str text, enum edit_style, struct str section, struct str key,
				  struct str value, struct buf *out, struct err *);
/* text with its line `number` replaced (absent: taken out). -ESTALE: it is not `old` any more. */
int conf_edit_line(struct str text, unsigned number, struct str old, struct str value,
				   struct buf *out, struct err *);

#endif
