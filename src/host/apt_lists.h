/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which installed packages have a newer version in apt's local lists, as one query (it works on a
 * tree, too) that two tables share. The lists are tens of megabytes; they are streamed, and only
 * what is newer comes back, a line each (host/fields.h):
 *
 *     name=openssl architecture=amd64 installed=3.0.15-1 candidate=3.0.17-1 archive=stable-security
 *         security
 *
 * A line `gap=REASON` says that a list could not be read, a line APT_NO_SECURITY that there is none of
 * a security archive, so that nothing can be said of security updates. Candidates are chosen as apt does without
 * preferences: archives with NotAutomatic only when ButAutomaticUpgrades and nothing better offers
 * the installed version. Pins in /etc/apt/preferences are not looked at.
 */
#ifndef REVET_HOST_APT_LISTS_H
#define REVET_HOST_APT_LISTS_H

#include "host/host.h"

#define APT_LISTS "/var/lib/apt/lists"
#define APT_NO_SECURITY "no-security-archive"

/* -ENOENT: no dpkg here. */
extern const struct query apt_upgrades_query;

/* The version of a package that is not installed which the lists offer, by the same choice. -ENOENT: none
 * does, or what would is an archive from which nothing is taken unasked. */
int apt_offer(struct host *, const char *name, struct arena *, struct str *ret_version, struct err *);

#endif
