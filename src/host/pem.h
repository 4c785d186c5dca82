/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with certificates and private keys: PEM, DER (certificates), OpenSSH's own form and PuTTY's.
 * Of a private key nothing gets past pem_scrub() but its kind, whether a passphrase protects it, and
 * a hash of its public half, so a table may look at such files and a recording may hold them.
 *
 * The files may be anybody's: linear time, at most PEM_MAX_BLOCKS blocks of PEM_MAX_BLOCK bytes.
 */
#ifndef REVET_HOST_PEM_H
#define REVET_HOST_PEM_H

#include "base/buf.h"

#define PEM_MAX_BLOCKS 1000
#define PEM_MAX_BLOCK ((size_t)64 << 10)

/* For host_read_scrubbed(): certificates stay, a private key becomes a line of words, and all else
 * goes. */
void pem_scrub(struct str text, struct buf *out);

struct pem_key {
	struct str type;        /* rsa, ec, ed25519, ssh-rsa, age, ...; absent: not known */
	struct str public_hash; /* SHA-256 of its SubjectPublicKeyInfo; absent: not known */
	bool encrypted;
};

struct pem_item {
	bool is_key;
	struct str base64;  /* of a certificate, borrowed from the text; each is written in one way only */
	struct pem_key key; /* borrowed from the text */
};

/* The next certificate or key of scrubbed text; false at its end. */
bool pem_next(struct arena *, struct str *text, struct pem_item *ret);
/* The certificate, in the arena; empty for a key and for what is none. */
struct str pem_der(struct arena *, const struct pem_item *);

#endif
