/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pubkey.h"

#include <stdio.h>

#include <openssl/sha.h>
#include <openssl/x509.h>

const char *pubkey_type(const EVP_PKEY *key)
{
	static const struct {
		int id;
		const char *name;
	} types[] = {
		{EVP_PKEY_RSA, "rsa"},         {EVP_PKEY_RSA_PSS, "rsa"}, {EVP_PKEY_EC, "ec"},
		{EVP_PKEY_ED25519, "ed25519"}, {EVP_PKEY_ED448, "ed448"}, {EVP_PKEY_DSA, "dsa"},
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (EVP_PKEY_get_base_id(key) == types[i].id)
			return types[i].name;
	return NULL;
}

void sha256_hex(struct str data, char ret[SHA256_HEX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)data.p, data.n, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

bool pubkey_hash(const EVP_PKEY *key, char ret[SHA256_HEX])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	if (n > 0)
		sha256_hex((struct str){(const char *)der, (size_t)n}, ret);
	OPENSSL_free(der);
	return n > 0;
}
