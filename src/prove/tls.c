/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/path.h"
#include "host/library.h"

#define LIBRARY "libssl.so.3"
#define MAX_FILE ((size_t)1 << 20)
#define DAY (24 * 60 * 60L)

struct tls_identity {
	X509 *certificate, *issuer; /* issuer NULL: it is not sent along */
	EVP_PKEY *key;
};

struct tls {
	SSL_CTX *context;
	SSL *ssl;
};

/* --- libssl ----------------------------------------------------------------------------------- */

static struct {
	const SSL_METHOD *(*TLS_client_method)(void);
	SSL_CTX *(*SSL_CTX_new)(const SSL_METHOD *);
	void (*SSL_CTX_free)(SSL_CTX *);
	long (*SSL_CTX_ctrl)(SSL_CTX *, int, long, void *);
	int (*SSL_CTX_use_certificate)(SSL_CTX *, X509 *);
	int (*SSL_CTX_use_PrivateKey)(SSL_CTX *, EVP_PKEY *);
	SSL *(*SSL_new)(SSL_CTX *);
	void (*SSL_free)(SSL *);
	int (*SSL_set_fd)(SSL *, int);
	int (*SSL_connect)(SSL *);
	int (*SSL_read)(SSL *, void *, int);
	int (*SSL_write)(SSL *, const void *, int);
	void *library;
} lib;

#define SYMBOL(name)     \
	{                    \
#name, &lib.name \
	}

static int load(struct err *err)
{
	struct library_symbol symbols[] = {
		SYMBOL(TLS_client_method),
		SYMBOL(SSL_CTX_new),
		SYMBOL(SSL_CTX_free),
		SYMBOL(SSL_CTX_ctrl),
		SYMBOL(SSL_CTX_use_certificate),
		SYMBOL(SSL_CTX_use_PrivateKey),
		SYMBOL(SSL_new),
		SYMBOL(SSL_free),
		SYMBOL(SSL_set_fd),
		SYMBOL(SSL_connect),
		SYMBOL(SSL_read),
		SYMBOL(SSL_write),
	};

	return lib.library ? 0 : library_open(LIBRARY, symbols, ARRAY_LEN(symbols), &lib.library, err);
}

/* --- identities ------------------------------------------------------------------------------- */

static bool name_it(X509_NAME *name, const char *common)
{
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1,
									  -1, 0);
}

/* A certificate of this key, valid for a day, that the issuer signs. */
static X509 *certify(EVP_PKEY *key, const char *common, const char *issuer, EVP_PKEY *issuer_key)
{
	X509 *c = X509_new();

	if (c && X509_set_version(c, 2) && ASN1_INTEGER_set(X509_get_serialNumber(c), 1) &&
		X509_gmtime_adj(X509_getm_notBefore(c), -DAY) &&
		X509_gmtime_adj(X509_getm_notAfter(c), DAY) && X509_set_pubkey(c, key) &&
		name_it(X509_get_subject_name(c), common) && name_it(X509_get_issuer_name(c), issuer) &&
		X509_sign(c, issuer_key, EVP_sha256()))
		return c;
	X509_free(c);
	return NULL;
}

struct tls_identity *tls_identity_stranger(struct err *err)
{
	struct tls_identity *i = mem_calloc(1, sizeof(*i));
	EVP_PKEY *ca = EVP_EC_gen("P-256");

	i->key = EVP_EC_gen("P-256");
	if (ca && i->key) {
		i->issuer = certify(ca, "revet nobody's CA", "revet nobody's CA", ca);
		i->certificate = certify(i->key, "revet", "revet nobody's CA", ca);
	}
	EVP_PKEY_free(ca);
	if (i->issuer && i->certificate)
		return i;
	err_set(err, EPROTO, "a certificate cannot be made");
	tls_identity_free(i);
	return NULL;
}

struct tls_identity *tls_identity_read(int root_fd, const char *path, struct err *err)
{
	struct tls_identity *i = mem_calloc(1, sizeof(*i));
	_cleanup_arena_ struct arena a = {0};
	struct str text;
	int r = path_read(root_fd, path, MAX_FILE, &a, &text);
	BIO *certificate = r < 0 ? NULL : BIO_new_mem_buf(text.p, (int)text.n);
	BIO *key = r < 0 ? NULL : BIO_new_mem_buf(text.p, (int)text.n);

	if (certificate && key) {
		i->certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
		/* An empty passphrase: nobody is asked for one. */
		i->key = PEM_read_bio_PrivateKey(key, NULL, NULL, (void *)"");
	}
	BIO_free(certificate);
	BIO_free(key);
	if (i->certificate && i->key)
		return i;
	if (r < 0)
		err_errno(err, -r, "%s", path);
	else
		err_set(err, EINVAL, "%s: holds no certificate with its key in PEM", path);
	tls_identity_free(i);
	return NULL;
}

void tls_identity_free(struct tls_identity *i)
{
	if (!i)
		return;
	X509_free(i->certificate);
	X509_free(i->issuer);
	EVP_PKEY_free(i->key);
	free(i);
}

/* --- connections ------------------------------------------------------------------------------ */

/* What a server says of a client that has no certificate, or none that it wants (RFC 8446, 6.2). An
 * older one says only that they could not agree. */
static bool is_about_certificate(int reason)
{
	switch (reason) {
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
		return true;
	default:
		return false;
	}
}

static int explain(struct err *err)
{
	int saved = errno;
	unsigned long code = ERR_peek_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;
	int errnum = code && is_about_certificate(ERR_GET_REASON(code)) ? EACCES : EPROTO;

	ERR_clear_error();
	if (text)
		return err_set(err, errnum, "%s", text);
	if (saved == EAGAIN)
		return err_set(err, EAGAIN, "no answer in time");
	/* A connection that is cut says less than an alert. */
	return err_set(err, EPROTO, "%s", saved ? strerror(saved) : "the connection was closed");
}

static bool show(SSL_CTX *context, const struct tls_identity *i)
{
	if (!i)
		return true;
	if (lib.SSL_CTX_use_certificate(context, i->certificate) != 1 ||
		lib.SSL_CTX_use_PrivateKey(context, i->key) != 1)
		return false;
	/* SSL_CTX_add1_chain_cert(), which is a macro. */
	return !i->issuer || lib.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, i->issuer) == 1;
}

struct tls *tls_connect(int fd, const struct tls_identity *identity, struct err *err)
{
	struct tls *t;

	if (load(err) < 0)
		return NULL;
	t = mem_calloc(1, sizeof(*t));
	t->context = lib.SSL_CTX_new(lib.TLS_client_method());
	if (t->context && show(t->context, identity))
		t->ssl = lib.SSL_new(t->context);
	errno = 0;
	if (t->ssl && lib.SSL_set_fd(t->ssl, fd) == 1 && lib.SSL_connect(t->ssl) == 1)
		return t;
	explain(err);
	tls_free(t);
	return NULL;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	if (t->ssl)
		lib.SSL_free(t->ssl);
	if (t->context)
		lib.SSL_CTX_free(t->context);
	free(t);
}

int tls_write(struct tls *t, struct str text, struct err *err)
{
	errno = 0;
	return lib.SSL_write(t->ssl, text.p, (int)text.n) == (int)text.n ? 0 : explain(err);
}

int tls_read(struct tls *t, void *p, size_t n, size_t *ret, struct err *err)
{
	int r;

	errno = 0;
	r = lib.SSL_read(t->ssl, p, (int)n);
	*ret = r > 0 ? (size_t)r : 0;
	return r > 0 ? 0 : explain(err);
}
