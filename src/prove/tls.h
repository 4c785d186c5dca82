/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of TLS that shows whatever certificate it is given and trusts everybody: what is of
 * interest is whom the server lets in. libssl is loaded when it is needed.
 */
#ifndef REVET_PROVE_TLS_H
#define REVET_PROVE_TLS_H

#include "base/err.h"
#include "base/str.h"

struct tls;
struct tls_identity; /* a certificate and its key */

/* One that a CA has signed of which nobody has heard: both are made here. NULL with err. */
struct tls_identity *tls_identity_stranger(struct err *);
/* From a file in PEM with both. NULL with err; -ENOENT as errnum: there is none. */
struct tls_identity *tls_identity_read(int root_fd, const char *path, struct err *);
void tls_identity_free(struct tls_identity *);
static inline void tls_identity_freep(struct tls_identity **i)
{
	tls_identity_free(*i);
}
#define _cleanup_identity_ _cleanup_(tls_identity_freep)

/* A handshake over a connected socket, which stays the caller's and has a time limit of its own
 * (SO_RCVTIMEO); identity NULL: no certificate. NULL with err: the server's alert, as -EACCES where
 * it is one that is about the client's certificate, else -EPROTO; -ENOTSUP: there is no libssl. */
struct tls *tls_connect(int fd, const struct tls_identity *, struct err *);
void tls_free(struct tls *);
/* 0 and how much, or -errno with err as above, -EAGAIN: nothing came in time. With TLS 1.3 a
 * certificate is refused only here; whoever writes first may lose the alert to a connection that is
 * reset. */
int tls_write(struct tls *, struct str, struct err *);
int tls_read(struct tls *, void *p, size_t n, size_t *ret, struct err *);

#endif
