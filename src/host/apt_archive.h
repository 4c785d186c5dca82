/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive of packages says of itself: its host, and the Release file that apt fetched last.
 * Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_APT_ARCHIVE_H
#define REVET_HOST_APT_ARCHIVE_H

#include "host/host.h"

/* Absent: not known. Present and empty: it does not say. */
struct apt_archive {
	struct str site, archive, codename, origin, label, version, component;
};

/* The host of a source's URI; "" for a directory of this host. */
struct str apt_site(struct str uri);
/* Fills in what the Release file says. -ENOENT: it has not been fetched, and nothing is filled in. */
int apt_archive_read(struct host *, struct str uri, struct str suite, struct arena *,
					 struct apt_archive *, struct err *);

#endif
