/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys in OpenPGP files (RFC 4880, RFC 9580): what kind of key, made when, good until when.
 * Nothing is verified: whether a signature is valid is for gpgv; here it is only asked what the
 * owner of the file claims. Everything lives in the arena that was passed.
 */
#ifndef REVET_HOST_OPENPGP_H
#define REVET_HOST_OPENPGP_H

#include "base/err.h"
#include "base/str.h"

struct openpgp_key {
	char id[17];           /* sixteen hexadecimal digits; "" when its version is not known here */
	const char *algorithm; /* "rsa", "dsa", "elgamal", or a curve: "ed25519", "nistp256" */
	unsigned bits;         /* 0: not known */
	int64_t created;
	int64_t expires; /* 0: never */
	struct str uid;  /* the first one; absent */
};

/* The primary keys of a file, binary or armored (several blocks may follow each other). -EINVAL for
 * what is none. */
int openpgp_keys(struct str data, struct arena *, struct openpgp_key **ret, size_t *ret_n,
				 struct err *);

#endif
