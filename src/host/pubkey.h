/* SPDX-License-Identifier: Apache-2.0 */
/* What tables say of keys of libcrypto's, and by which certificates and keys are told apart. */
#ifndef REVET_HOST_PUBKEY_H
#define REVET_HOST_PUBKEY_H

#include <openssl/evp.h>

#include "base/str.h"

#define SHA256_HEX 65 /* digits of a SHA-256, and a NUL */

void sha256_hex(struct str data, char ret[SHA256_HEX]);

/* rsa, ec, ed25519, ed448 or dsa; NULL for others. */
const char *pubkey_type(const EVP_PKEY *);
/* The SHA-256 of its SubjectPublicKeyInfo: the same for a private key and its certificate. */
bool pubkey_hash(const EVP_PKEY *, char ret[SHA256_HEX]);

#endif
