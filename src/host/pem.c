/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pem.h"

#include <ctype.h>

#include <openssl/x509.h>

#include "host/fields.h"
#include "host/pubkey.h"
#include "host/ssh_key.h"

#define KEY_LINE "private-key:"
#define OPENSSH_MAGIC "openssh-key-v1"

/* --- blocks ---------------------------------------------------------------------------------- */

struct block {
	struct str label, body; /* "RSA PRIVATE KEY"; what stands between the two lines */
};

/* The label of "-----BEGIN LABEL-----"; which is `BEGIN` or `END`. */
static bool take_label(struct str line, const char *which, struct str *ret)
{
	line = str_trim(line);
	if (!str_skip(&line, which) || !str_ends(line, "-----"))
		return false;
	*ret = (struct str){line.p, line.n - 5};
	return true;
}

/* The next block; one that is not closed ends the text. */
static bool next_block(struct str *text, struct block *ret)
{
	struct str line, label;
	const char *from = NULL;

	while (str_line(text, &line)) {
		if (take_label(line, "-----BEGIN ", &label)) {
			ret->label = label;
			from = line.p + line.n;
		} else if (from && take_label(line, "-----END ", &label)) {
			ret->body = (struct str){from, (size_t)(line.p - from)};
			if (str_eq(label, ret->label))
				return true;
			from = NULL;
		}
	}
	return false;
}

static bool is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=';
}

/* The characters of the body that are base64; of an old private key its headers are passed over. */
static struct str base64_of(struct arena *a, struct str body)
{
	struct str line;
	char *text;
	size_t n = 0;

	if (!body.n || body.n > PEM_MAX_BLOCK)
		return STR("");
	text = arena_alloc(a, body.n + 1);
	while (str_line(&body, &line)) {
		if (str_has_char(line, ':'))
			continue;
		for (size_t i = 0; i < line.n; i++)
			if (is_base64(line.p[i]))
				text[n++] = line.p[i];
	}
	return (struct str){text, n - n % 4};
}

/* Empty when it is not base64. */
static struct str decode(struct arena *a, struct str body)
{
	struct str text = base64_of(a, body);
	unsigned char *out = arena_alloc(a, text.n + 1);
	int n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);

	for (size_t i = 0; i < 2 && n > 0 && text.p[text.n - 1 - i] == '='; i++)
		n--;
	return (struct str){(const char *)out, n > 0 ? (size_t)n : 0};
}

/* --- private keys ---------------------------------------------------------------------------- */

/* What may stand there is short. */
static struct str start_of(struct str s)
{
	return (struct str){s.p, MIN(s.n, (size_t)64)};
}

static void put_key(struct buf *out, struct str type, bool encrypted, struct str hash)
{
	buf_puts(out, KEY_LINE);
	fields_put(out, "type", start_of(type));
	fields_put(out, "public", start_of(hash));
	buf_puts(out, encrypted ? " encrypted\n" : "\n");
}

/* Only kinds of which reading is all that it takes: of others libcrypto would compute the public half
 * of numbers that may be of any size. */
static EVP_PKEY *parse_key(struct str der, struct str label)
{
	static const int kinds[] = {NID_rsaEncryption, NID_rsassaPss, NID_X9_62_id_ecPublicKey,
								NID_ED25519, NID_ED448};
	const unsigned char *p = (const unsigned char *)der.p;
	const ASN1_OBJECT *kind = NULL;
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *key = NULL;

	if (!der.n)
		return NULL;
	if (str_is(label, "RSA PRIVATE KEY"))
		return d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	if (str_is(label, "EC PRIVATE KEY"))
		return d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)der.n);
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.n);
	if (info && PKCS8_pkey_get0(&kind, NULL, NULL, NULL, info) == 1)
		for (size_t i = 0; i < ARRAY_LEN(kinds) && !key; i++)
			if (OBJ_obj2nid(kind) == kinds[i])
				key = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

static void scrub_der_key(struct str der, struct str label, struct buf *out)
{
	EVP_PKEY *key = parse_key(der, label);
	char hash[SHA256_HEX];
	struct str kind = STR_ABSENT;

	if (key) {
		put_key(out, str_of(pubkey_type(key)), false,
				pubkey_hash(key, hash) ? str_of(hash) : STR_ABSENT);
		EVP_PKEY_free(key);
		return;
	}
	str_cut(&label, ' ', &kind); /* of "DSA PRIVATE KEY" */
	put_key(out, str_is(kind, "PRIVATE") ? STR_ABSENT : kind, false, STR_ABSENT);
}

/* openssh-key-v1: the name of its cipher and its public half stand in front, in the clear. */
static void scrub_openssh(struct str data, struct buf *out)
{
	struct str cipher, skipped, public_half, type = STR_ABSENT;
	size_t magic = sizeof("openssh-key-v1");

	if (data.n < magic + 4 || memcmp(data.p, "openssh-key-v1", magic) != 0)
		return;
	data = (struct str){data.p + magic, data.n - magic};
	if (!ssh_take_string(&data, &cipher) || !ssh_take_string(&data, &skipped) ||
		!ssh_take_string(&data, &skipped) || data.n < 4)
		return;
	data = (struct str){data.p + 4, data.n - 4}; /* how many keys: one */
	if (ssh_take_string(&data, &public_half))
		ssh_take_string(&public_half, &type);
	put_key(out, type, !str_is(cipher, "none"), STR_ABSENT);
}

static void scrub_key(struct arena *a, const struct block *block, struct buf *out)
{
	/* A key that only one TPM can use is as good as one with a passphrase. */
	if (str_starts(block->label, "ENCRYPTED ") || str_has(block->body, "ENCRYPTED") ||
		str_is(block->label, "TSS2 PRIVATE KEY"))
		put_key(out, STR_ABSENT, true, STR_ABSENT);
	else if (str_is(block->label, "OPENSSH PRIVATE KEY"))
		scrub_openssh(decode(a, block->body), out);
	else
		scrub_der_key(decode(a, block->body), block->label, out);
}

static void put_certificate(struct str base64, struct buf *out)
{
	buf_puts(out, "-----BEGIN CERTIFICATE-----\n");
	for (size_t i = 0; i < base64.n; i += 64) {
		buf_add(out, base64.p + i, MIN(base64.n - i, (size_t)64));
		buf_putc(out, '\n');
	}
	buf_puts(out, "-----END CERTIFICATE-----\n");
}

/* --- other forms ----------------------------------------------------------------------------- */

static void read_key(struct arena *a, struct str words, struct pem_key *ret)
{
	struct str name, value;

	*ret = (struct pem_key){.type = STR_ABSENT};
	while (fields_next(&words, &name, &value)) {
		if (!value.p)
			ret->encrypted |= str_is(name, "encrypted");
		else if (str_is(name, "type"))
			ret->type = fields_plain(a, value);
		else if (str_is(name, "public"))
			ret->public_hash = fields_plain(a, value);
	}
}

/* "PuTTY-User-Key-File-3: ssh-ed25519", "Encryption: none". */
static void scrub_putty(struct str text, struct buf *out)
{
	struct str line, type;
	bool encrypted = true;

	str_line(&text, &line);
	str_cut(&line, ':', &type);
	type = str_trim(line);
	for (int i = 0; i < 4 && str_line(&text, &line); i++)
		if (str_is(str_trim(line), "Encryption: none"))
			encrypted = false;
	put_key(out, type, encrypted, STR_ABSENT);
}

/* A file of age's holds its key in a line of its own; what was scrubbed before stays. True: it was
 * one of these. */
static bool scrub_line(struct arena *a, struct str line, struct buf *out)
{
	struct pem_key key;

	if (str_starts(line, "AGE-SECRET-KEY-")) {
		put_key(out, STR("age"), false, STR_ABSENT);
		return true;
	}
	if (!str_skip(&line, KEY_LINE))
		return false;
	read_key(a, line, &key);
	put_key(out, key.type, key.encrypted, key.public_hash);
	return true;
}

static void scrub_der(struct arena *a, struct str text, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)text.p;
	X509 *certificate = text.n <= PEM_MAX_BLOCK ? d2i_X509(NULL, &p, (long)text.n) : NULL;
	size_t n = (size_t)(p - (const unsigned char *)text.p);
	char *base64;

	if (!certificate)
		return;
	X509_free(certificate);
	base64 = arena_alloc(a, n / 3 * 4 + 8);
	put_certificate(
		(struct str){base64, (size_t)EVP_EncodeBlock((unsigned char *)base64,
													 (const unsigned char *)text.p, (int)n)},
		out);
}

static void scrub_block(struct arena *a, const struct block *block, struct buf *out)
{
	struct str base64;

	if (str_ends(block->label, "PRIVATE KEY")) {
		scrub_key(a, block, out);
	} else if (str_ends(block->label, "CERTIFICATE")) {
		base64 = base64_of(a, block->body);
		if (base64.n)
			put_certificate(base64, out);
	}
}

/* In the order of the text, in which it is read again. */
static void scrub_text(struct str text, struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	const char *end = text.p + text.n;
	struct str line, label;
	bool closed = true; /* blocks are, from here on */

	for (int n = 0; n < PEM_MAX_BLOCKS && str_line(&text, &line);) {
		struct str ahead = {line.p, (size_t)(end - line.p)};
		struct block block;

		if (scrub_line(&a, line, out)) {
			n++;
		} else if (closed && take_label(line, "-----BEGIN ", &label)) {
			closed = next_block(&ahead, &block);
			if (closed) {
				scrub_block(&a, &block, out);
				text = ahead;
				n++;
			}
		}
		arena_done(&a);
	}
}

void pem_scrub(struct str text, struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};

	if (text.n > 1 && text.p[0] == 0x30 && (unsigned char)text.p[1] >= 0x80)
		scrub_der(&a, text, out);
	else if (str_starts(text, "PuTTY-User-Key-File-"))
		scrub_putty(text, out);
	else
		scrub_text(text, out);
}

/* --- reading --------------------------------------------------------------------------------- */

bool pem_next(struct arena *a, struct str *text, struct pem_item *ret)
{
	struct str line, ahead = *text;
	struct block block;

	while (str_line(&ahead, &line)) {
		if (str_skip(&line, KEY_LINE)) {
			*ret = (struct pem_item){.is_key = true};
			read_key(a, line, &ret->key);
			*text = ahead;
			return true;
		}
		if (!str_starts(line, "-----BEGIN "))
			continue;
		ahead = (struct str){line.p, (size_t)(text->p + text->n - line.p)};
		if (!next_block(&ahead, &block))
			return false;
		*ret = (struct pem_item){.base64 = block.body};
		*text = ahead;
		return true;
	}
	return false;
}

struct str pem_der(struct arena *a, const struct pem_item *item)
{
	return item->is_key ? STR("") : decode(a, item->base64);
}
