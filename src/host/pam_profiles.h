/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks that Debian's pam-auth-update keeps, /etc/pam.d/common-*: which profiles of
 * /usr/share/pam-configs they are made of, as /var/lib/pam remembers, and what somebody has changed
 * in them since. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_PAM_PROFILES_H
#define REVET_HOST_PAM_PROFILES_H

#include "host/edit.h"
#include "host/host.h"

#define PAM_AUTH_UPDATE "/usr/sbin/pam-auth-update"
#define PAM_CONFIGS "/usr/share/pam-configs"

enum pam_type { PAM_AUTH, PAM_ACCOUNT, PAM_PASSWORD, PAM_SESSION, PAM_NONINTERACTIVE, PAM_TYPES };
extern const char *const pam_type_names[PAM_TYPES]; /* as files are called: common-NAME */

struct pam_enabled {
	struct str name;
	unsigned types; /* a bit for each stack that has lines of it */
};

struct pam_profiles {
	const struct pam_enabled *enabled;
	size_t n;
	const char
		*edited; /* a file that is not as the tool makes it, which may refuse; NULL: all are */
	struct str options; /* "auth pam_unix.so -obscure": taken from lines or added, and kept */
	bool nullok;        /* an option that is not among those: of pam_unix in common-auth */
};

/* -ENOENT: there is no such tool here. */
int pam_profiles_read(struct host *, struct arena *, struct pam_profiles *ret, struct err *);
/* The names of those that no feature below is made of, sorted, with blanks between. */
struct str pam_profiles_others(const struct pam_profiles *, struct arena *);

/* What revet can have the tool put into the stacks. */
struct pam_feature {
	const char *name, *module;
	struct {
		const char *name;
		unsigned types;
		const char *text; /* %s is for the module's arguments; NULL: a package brings it */
	} profiles[2];
};
extern const struct pam_feature pam_features[]; /* ends with one without a name */

/* Is the i-th profile of the feature in all stacks that it is for? */
bool pam_profiles_has(const struct pam_profiles *, const struct pam_feature *, size_t i);

const struct pam_feature *pam_feature_find(struct str name); /* NULL when there is none */
/* Its profiles, as far as they are revet's, as files; the arguments begin with a blank, or are "". */
void pam_feature_write(struct edits *, const struct pam_feature *, const char *arguments);
/* Does PAM's own directory have the module? */
bool pam_has_module(struct host *, struct arena *, const char *module);

#endif
