/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles: which rules count for a kind of server, how much, and with which parameters. One file of
 * profiles/ each, or of /etc/revet/profiles; one may extend another. See revet-rules(7).
 */
#ifndef REVET_RULE_PROFILE_H
#define REVET_RULE_PROFILE_H

#include "rule/rule.h"

#define PROFILE_DEFAULT "server"
#define PROFILE_USER_DIR "/etc/revet/profiles"

struct profile {
	const char *name;
	struct str title, extends; /* the latter may be absent */
	struct yaml_at at;
};

/* All of them, sorted by name; user_dir NULL: the embedded ones alone. */
int profile_list(struct arena *, const char *user_dir, struct profile **ret, size_t *ret_n,
				 struct err *);
/* Selects the rules of the catalogue, sets their severities and the parameters. -ENOENT: there is none
 * of that name, and the message names the nearest. */
int profile_apply(struct catalogue *, const char *user_dir, const char *name, struct err *);

#endif
