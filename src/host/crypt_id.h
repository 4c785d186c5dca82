/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Password fields of passwd, group and shadow without the password: the marks in front and the
 * method stay, salt and hash go. The scrubbers are for host_read_scrubbed(), so that no byte of a
 * hash is in a table or a recording; each keeps the number of lines, and scrubbing twice changes
 * nothing more.
 */
#ifndef REVET_HOST_CRYPT_ID_H
#define REVET_HOST_CRYPT_ID_H

#include "base/buf.h"

void crypt_scrub_passwd(struct str text, struct buf *out); /* passwd and group */
void crypt_scrub_shadow(struct str text, struct buf *out);

struct crypt_field {
	const char *algorithm; /* "none" when no password is in it */
	bool has_password;     /* a hash is there, be it locked */
	bool locked;           /* no password can match: a mark in front, or no hash at all */
	bool empty;            /* no password is needed */
	bool elsewhere;        /* of /etc/passwd: the password is in /etc/shadow */
};
/* Of a field that was scrubbed. */
struct crypt_field crypt_parse(struct str field);

#endif
