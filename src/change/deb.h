/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An installed Debian package, packed again as it is on the disk now: its files with their owners,
 * modes and whatever an administrator has changed in them, its scripts, and its entry of dpkg's
 * status. So a package that is removed can be put back when nobody has its archive any more.
 */
#ifndef REVET_CHANGE_DEB_H
#define REVET_CHANGE_DEB_H

#include "change/step.h"

#define DPKG_STATUS "/var/lib/dpkg/status"
#define DPKG_INFO "/var/lib/dpkg/info"

/* The package's paragraph in the text of a status file, with the newline of its last line. Absent
 * when it has none. */
struct str deb_paragraph(struct str status, const char *name);
/* Where dpkg keeps the file about the package: info/NAME.EXT, or NAME:ARCH.EXT. NULL: it has none. */
const char *deb_info(const struct place *, struct arena *, const char *name, struct str paragraph,
					 const char *extension);
/* Packs it into the file. -ENOTSUP: it has what such an archive cannot hold, devices or files that
 * another package has diverted. Not synced. */
int deb_pack(const struct place *, const char *name, int fd, struct err *);

#endif
