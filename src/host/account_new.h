/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account of a person that is yet to be made, as useradd(8) or adduser(8) would make it on this
 * host: its number, its home directory, its shell, and the group whose members may use sudo.
 */
#ifndef REVET_HOST_ACCOUNT_NEW_H
#define REVET_HOST_ACCOUNT_NEW_H

#include "host/edit.h"

struct account_defaults {
	const char *homes, *skel,
		*shell; /* where home directories are; what a new one is filled with */
	unsigned home_mode;
	uint32_t uid_min, uid_max;
	bool own_group; /* each has a group of its own */
};

/* login.defs(5) and /etc/default/useradd. */
int account_defaults_read(struct host *, struct arena *, struct account_defaults *ret,
						  struct err *);
/* May it be written to passwd(5)? As useradd has it, in lower case. */
bool account_is_name(struct str name);
/* The edits that make it an administrator who logs in with these keys, lines of authorized_keys.
 * -ENOTSUP, with the reason, where somebody has to decide first. */
int account_create(struct host *, struct str name, const struct str *keys, size_t n_keys,
				   struct edits *, struct err *);

#endif
