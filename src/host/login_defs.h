/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The defaults of shadow-utils: /etc/login.defs. SUSE keeps the vendor's in /usr/etc, and there
 * (shadow-utils with libeconf) login.defs.d is read on top.
 */
#ifndef REVET_HOST_LOGIN_DEFS_H
#define REVET_HOST_LOGIN_DEFS_H

#include "host/conf.h"

/* All lines, in the order in which they apply. No file at all is no error and no line. */
int login_defs_read(struct host *, struct arena *, struct conf *ret, struct err *);
/* The value of a line, as shadow-utils takes it. */
struct str login_defs_unquote(struct str value);
/* Of the last line of the key; one without a value is none. Absent: not set. */
struct str login_defs_get(const struct conf *, const char *key);

#endif
