/* SPDX-License-Identifier: Apache-2.0 */
/* Whom sudoers lets become root. */
#ifndef REVET_HOST_SUDOERS_ROOT_H
#define REVET_HOST_SUDOERS_ROOT_H

#include "host/passwd.h"
#include "host/sudoers_parse.h"

/* May the user run everything as root, on this host? 1: by *ret_rule; 0: no line says so; -1: a line may,
 * by a host, netgroup or directory that is not known here. What a later line takes away is not seen. */
int sudoers_root(struct sudoers *, struct arena *, const struct passwd_db *,
				 const struct passwd_user *, const struct sudoers_rule **ret_rule);

#endif
