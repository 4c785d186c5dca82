/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What authselect(8) has made of PAM's stacks: the profile, and the features that are switched on, as
 * /etc/authselect/authselect.conf has them: the profile in its first line, and a feature in each of the
 * others. The stacks are its own where the files of /etc/pam.d are links to those that it writes.
 */
#ifndef REVET_HOST_AUTHSELECT_H
#define REVET_HOST_AUTHSELECT_H

#include "host/host.h"

#define AUTHSELECT "/usr/bin/authselect"
#define AUTHSELECT_CONF "/etc/authselect/authselect.conf"

struct authselect {
	struct str profile; /* sssd, custom/ours */
	const struct str *features;
	size_t n;
	const char
		*edited; /* why the stacks are not as it would make them; NULL: its links are in place */
};

/* -ENOENT: it manages nothing here. */
int authselect_read(struct host *, struct arena *, struct authselect *ret, struct err *);
bool authselect_has(const struct authselect *, const char *feature);
/* Does the profile have the feature? Negative errno: it cannot be read. */
int authselect_offers(struct host *, struct arena *, const struct authselect *, const char *feature,
					  struct err *);

#endif
