/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of Apache's configuration: a directive for all servers in a file of revet's own.
 */
#ifndef REVET_HOST_APACHE_EDIT_H
#define REVET_HOST_APACHE_EDIT_H

#include "host/edit.h"

#define APACHE_DEBIAN_OWN "/etc/apache2/conf-enabled/zz-revet.conf"

/* -ENOTSUP: something else has the last word on it, so a person has to; err says what. */
int apache_edit(struct host *, struct edits *, const char *name, const char *value, struct err *);

#endif
