/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate (X.509, RFC 5280) says, by libcrypto. Nothing is verified: who signed it, and
 * whether it was revoked, is for those who connect. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_X509_H
#define REVET_HOST_X509_H

#include "base/str.h"

#define X509_MAX_NAMES 100

struct x509_facts {
	struct str subject, issuer; /* "CN=example.org,O=Example", as RFC 2253 writes them */
	const struct str *names;    /* DNS names and addresses of its subjectAltName */
	size_t n_names;
	int64_t not_before, not_after;
	const char *key_type;   /* rsa, ec, ed25519, ...; NULL: not known */
	unsigned bits;          /* of its key; 0: not known */
	const char *signature;  /* "RSA-SHA256" */
	struct str public_hash; /* SHA-256 of its SubjectPublicKeyInfo, hexadecimal */
	bool self_signed;       /* it names itself as its issuer */
	bool ca;                /* its basic constraints say so */
	bool may_sign;          /* the same, or it is so old that nothing says otherwise */
};

/* False when it is none. */
bool x509_read(struct arena *, struct str der, struct x509_facts *ret);
/* Is the signature made with MD2, MD4, MD5 or SHA-1? */
bool x509_is_weak_signature(const char *signature);

#endif
