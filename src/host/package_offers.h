/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a package that is not installed would be installed as: the version that the lists offer which dnf,
 * pacman and apk keep of their repositories, as they are here. The manager has the last word, when a change
 * is applied. apt's: see apt_lists.h.
 */
#ifndef REVET_HOST_PACKAGE_OFFERS_H
#define REVET_HOST_PACKAGE_OFFERS_H

#include "host/host.h"

/* -ENOENT: none offers it, with the reason. */
int pacman_offer(struct host *, const char *name, struct arena *, struct str *ret_version,
				 struct err *);
int apk_offer(struct host *, const char *name, struct arena *, struct str *ret_version,
			  struct err *);
int dnf_offer(struct host *, const char *name, struct arena *, struct str *ret_version,
			  struct err *);

#endif
