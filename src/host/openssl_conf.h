/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openssl.cnf as libcrypto of OpenSSL 3 reads it, config(5): sections, quotes, escapes, lines that go
 * on, `.include`. Variables are not followed: a value that needs one is marked. Everything lives in
 * the arena that was passed.
 */
#ifndef REVET_HOST_OPENSSL_CONF_H
#define REVET_HOST_OPENSSL_CONF_H

#include "host/conf.h"

#define OPENSSL_MAX_FILES 64
#define OPENSSL_MAX_DEPTH 8
#define OPENSSL_MAX_TOTAL ((size_t)128 << 10) /* bytes of the files that are included */

/* What stands for a value with a variable in it: no value of a file can be this one. */
extern const char openssl_conf_variable[];

/* Appends the items; those in front of any section are in "default". -ENOENT when the file is not
 * there; what an include lacks is a gap. */
int openssl_conf_read(struct host *, struct arena *, const char *path, struct conf *ret,
					  struct err *);

#endif
