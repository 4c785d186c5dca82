/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of nginx's configuration: a directive where it stands, or in a file of revet's own.
 */
#ifndef REVET_HOST_NGINX_EDIT_H
#define REVET_HOST_NGINX_EDIT_H

#include "host/edit.h"

#define NGINX_DROP_IN "/etc/nginx/conf.d/00-revet.conf"

/* from: where the directive stands; without a path nowhere, and it is set for all servers. -ENOTSUP:
 * a person has to, and err says why. */
int nginx_edit(struct host *, struct edits *, const char *name, struct str value, struct from from,
			   struct err *);

#endif
