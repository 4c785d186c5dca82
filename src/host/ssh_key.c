/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ssh_key.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/num.h"

#define MAX_BLOB ((size_t)64 << 10) /* the largest RSA key that OpenSSH takes has 16384 bits */

/* `fields` strings make up the key proper (RFC 4253 6.6, RFC 5656, PROTOCOL.u2f); `measured` is the
 * one whose length gives the bits, 0 when they are fixed. In a certificate (PROTOCOL.certkeys) a
 * nonce stands before them and more behind. */
static const struct ssh_type {
	const char *name, *certificate, *short_name;
	unsigned fields, measured, bits;
} types[] = {
	{"ssh-rsa", "ssh-rsa-cert-v01@openssh.com", "RSA", 2, 2, 0},
	{"ssh-dss", "ssh-dss-cert-v01@openssh.com", "DSA", 4, 1, 0},
	{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ECDSA", 2, 0, 256},
	{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ECDSA", 2, 0, 384},
	{"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ECDSA", 2, 0, 521},
	{"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "ED25519", 1, 0, 256},
	{"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
	 "ECDSA-SK", 3, 0, 256},
	{"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com", "ED25519-SK", 2, 0, 256},
};

/* Signature algorithms that OpenSSH also takes as the name of an RSA key. */
static const char *const rsa_names[] = {"rsa-sha2-256", "rsa-sha2-512"};
static const char *const rsa_certificate_names[] = {
	"rsa-sha2-256-cert-v01@openssh.com",
	"rsa-sha2-512-cert-v01@openssh.com",
};

static const struct ssh_type *find_type(struct str name, bool *ret_certificate)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		*ret_certificate = str_is(name, types[i].certificate);
		if (*ret_certificate || str_is(name, types[i].name))
			return &types[i];
	}
	return NULL;
}

/* May the key be called that in a file? */
static bool is_name_of(const struct ssh_type *type, bool certificate, struct str word)
{
	if (str_is(word, certificate ? type->certificate : type->name))
		return true;
	if (!certificate && str_is_nocase(word, type->short_name))
		return true;
	for (size_t i = 0; type == types && i < ARRAY_LEN(rsa_names); i++)
		if (str_is(word, certificate ? rsa_certificate_names[i] : rsa_names[i]))
			return true;
	return false;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Absent when it is not base64 with its padding. */
static struct str decode(struct arena *arena, struct str text)
{
	unsigned char *out;
	size_t n = 0, pad = 0;
	unsigned bits = 0;

	if (text.n == 0 || text.n % 4 != 0 || text.n > MAX_BLOB)
		return STR_ABSENT;
	while (pad < 2 && text.p[text.n - 1 - pad] == '=')
		pad++;
	out = arena_alloc(arena, text.n / 4 * 3);
	for (size_t i = 0; i < text.n; i++) {
		int digit = i < text.n - pad ? base64_digit(text.p[i]) : 0;

		if (digit < 0)
			return STR_ABSENT;
		bits = bits << 6 | (unsigned)digit;
		if (i % 4 == 3) {
			out[n++] = (unsigned char)(bits >> 16);
			out[n++] = (unsigned char)(bits >> 8);
			out[n++] = (unsigned char)bits;
		}
	}
	return (struct str){(const char *)out, n - pad};
}

bool ssh_take_string(struct str *s, struct str *ret)
{
	size_t n;

	if (s->n < 4 || (n = num_be32(s->p)) > s->n - 4)
		return false;
	*ret = (struct str){s->p + 4, n};
	*s = (struct str){s->p + 4 + n, s->n - 4 - n};
	return true;
}

static unsigned bit_length(struct str number)
{
	unsigned bits = 0;

	while (number.n && number.p[0] == 0)
		number = (struct str){number.p + 1, number.n - 1};
	if (!number.n)
		return 0;
	for (unsigned top = (unsigned char)number.p[0]; top; top >>= 1)
		bits++;
	return bits + 8 * (unsigned)(number.n - 1);
}

static const char *fingerprint(struct arena *arena, struct str blob)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[64];
	unsigned n = 0;
	int length;

	if (EVP_Digest(blob.p, blob.n, digest, &n, EVP_sha256(), NULL) != 1)
		return NULL;
	length = EVP_EncodeBlock((unsigned char *)text, digest, (int)n);
	while (length > 0 && text[length - 1] == '=')
		length--;
	return arena_printf(arena, "SHA256:%.*s", length, text);
}

/* The key as it would be without its certificate. */
static struct str plain_blob(struct arena *arena, const struct ssh_type *type, struct str fields)
{
	size_t n = strlen(type->name);
	char *p = arena_alloc(arena, 4 + n + fields.n);

	p[3] = (char)n;
	memcpy(p + 4, type->name, n);
	memcpy(p + 4 + n, fields.p, fields.n);
	return (struct str){p, 4 + n + fields.n};
}

static bool parse_blob(struct arena *arena, struct str word, struct str blob, struct ssh_key *ret)
{
	struct str rest = blob, name, fields, field = STR_ABSENT;
	const struct ssh_type *type;
	bool certificate = false;

	if (!ssh_take_string(&rest, &name))
		return false;
	type = find_type(name, &certificate);
	if (!type || !is_name_of(type, certificate, word))
		return false;
	if (certificate && !ssh_take_string(&rest, &field))
		return false;
	fields = rest;
	*ret = (struct ssh_key){.bits = type->bits, .certificate = certificate};
	ret->type = certificate ? type->certificate : type->name;
	for (unsigned i = 1; i <= type->fields; i++) {
		if (!ssh_take_string(&rest, &field))
			return false;
		if (i == type->measured)
			ret->bits = bit_length(field);
	}
	if (ret->bits == 0 || (!certificate && rest.n))
		return false;
	fields.n -= rest.n;
	ret->fingerprint = fingerprint(arena, certificate ? plain_blob(arena, type, fields) : blob);
	return ret->fingerprint != NULL;
}

static struct str skip_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct str){s.p + 1, s.n - 1};
	return s;
}

/* A type, a key and a comment, from here on. */
static bool parse_key(struct arena *arena, struct str s, struct ssh_key_line *ret)
{
	struct str type, blob;

	if (!str_word(&s, &type) || !str_word(&s, &blob))
		return false;
	blob = decode(arena, blob);
	if (!blob.p || !parse_blob(arena, type, blob, &ret->key))
		return false;
	ret->comment = str_trim(s);
	return true;
}

/* How far the options go: to the first blank outside quotes. */
static size_t options_span(struct str s)
{
	bool quoted = false;
	size_t n = 0;

	for (; n < s.n && (quoted || (s.p[n] != ' ' && s.p[n] != '\t')); n++) {
		if (s.p[n] == '\\' && n + 1 < s.n && s.p[n + 1] == '"')
			n++;
		else if (s.p[n] == '"')
			quoted = !quoted;
	}
	return MIN(n, s.n);
}

/* As sshd: first a key is looked for, then options with a key behind them. */
bool ssh_key_line_parse(struct arena *arena, struct str line, struct ssh_key_line *ret)
{
	size_t n;

	line = skip_blanks(line);
	*ret = (struct ssh_key_line){.options = STR_ABSENT};
	if (!line.n || line.p[0] == '#')
		return false;
	if (parse_key(arena, line, ret))
		return true;
	n = options_span(line);
	ret->options = (struct str){line.p, n};
	return parse_key(arena, (struct str){line.p + n, line.n - n}, ret);
}

bool ssh_key_option(struct str *options, struct str *ret)
{
	bool quoted = false;
	size_t n = 0;

	if (!options->n)
		return false;
	for (; n < options->n && (quoted || options->p[n] != ','); n++) {
		if (options->p[n] == '\\' && n + 1 < options->n && options->p[n + 1] == '"')
			n++;
		else if (options->p[n] == '"')
			quoted = !quoted;
	}
	n = MIN(n, options->n);
	*ret = (struct str){options->p, n};
	n += n < options->n;
	*options = (struct str){options->p + n, options->n - n};
	return true;
}
