/* SPDX-License-Identifier: Apache-2.0 */
#include "host/x509.h"

#include <arpa/inet.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "base/vec.h"
#include "host/pubkey.h"

#define MAX_NAME 1024 /* bytes of a subject that are shown */

/* A name is shown with everything escaped that is not printable ASCII. */
static struct str name_of(struct arena *a, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct str ret = STR("");
	char *p = NULL;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		long n = BIO_get_mem_data(bio, &p);

		ret.n = n > 0 ? MIN((size_t)n, (size_t)MAX_NAME) : 0;
		ret.p = arena_copy(a, p ? p : "", ret.n);
	}
	BIO_free(bio);
	return ret;
}

static struct str alternative(struct arena *a, const GENERAL_NAME *name)
{
	char text[INET6_ADDRSTRLEN];
	const ASN1_STRING *s = name->d.ia5;

	if (name->type == GEN_DNS)
		return (struct str){arena_copy(a, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)),
							(size_t)ASN1_STRING_length(s)};
	if (name->type != GEN_IPADD)
		return STR_ABSENT;
	s = name->d.iPAddress;
	if (ASN1_STRING_length(s) != 4 && ASN1_STRING_length(s) != 16)
		return STR_ABSENT;
	inet_ntop(ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text,
			  sizeof(text));
	return str_of(arena_strdup(a, text));
}

static void set_names(struct arena *a, const X509 *x, struct x509_facts *ret)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	VEC(struct str) names = {0};

	for (int i = 0; i < sk_GENERAL_NAME_num(all) && names.n < X509_MAX_NAMES; i++) {
		struct str name = alternative(a, sk_GENERAL_NAME_value(all, i));

		if (name.p)
			*vec_push(a, &names) = name;
	}
	GENERAL_NAMES_free(all);
	ret->names = names.p;
	ret->n_names = names.n;
}

static int64_t seconds(const ASN1_TIME *time)
{
	struct tm tm = {0};

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static void set_key(struct arena *a, const X509 *x, struct x509_facts *ret)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	char hash[SHA256_HEX];

	if (!key)
		return;
	ret->key_type = pubkey_type(key);
	ret->bits = (unsigned)MAX(EVP_PKEY_get_bits(key), 0);
	if (pubkey_hash(key, hash))
		ret->public_hash = str_of(arena_strdup(a, hash));
}

bool x509_read(struct arena *a, struct str der, struct x509_facts *ret)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = der.n && der.n <= LONG_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;

	if (!x)
		return false;
	*ret = (struct x509_facts){
		.subject = name_of(a, X509_get_subject_name(x)),
		.issuer = name_of(a, X509_get_issuer_name(x)),
		.not_before = seconds(X509_get0_notBefore(x)),
		.not_after = seconds(X509_get0_notAfter(x)),
		.signature = OBJ_nid2sn(X509_get_signature_nid(x)),
		.self_signed = X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0,
		.ca = X509_check_ca(x) == 1,
		.may_sign = X509_check_ca(x) != 0,
	};
	set_names(a, x, ret);
	set_key(a, x, ret);
	X509_free(x);
	return true;
}

bool x509_is_weak_signature(const char *signature)
{
	struct str s = str_of(signature);

	return str_ends(s, "SHA1") || str_ends(s, "MD5") || str_ends(s, "MD4") || str_ends(s, "MD2") ||
		   str_ends(s, "SHA");
}
