/* SPDX-License-Identifier: Apache-2.0 */
#include "host/openpgp.h"

#include <stdio.h>

#include "base/vec.h"

/* Packet tags. */
enum { SIGNATURE = 2, PUBLIC_KEY = 6, USER_ID = 13, PUBLIC_SUBKEY = 14 };
/* Signature types: certifications of a user id, and of the key itself. */
enum { GENERIC_CERT = 0x10, POSITIVE_CERT = 0x13, DIRECT_KEY = 0x1f };
/* Signature subpackets. */
enum { SIG_CREATED = 2, KEY_EXPIRES = 9, ISSUER = 16, ISSUER_FINGERPRINT = 33 };

#define MAX_KEYS 4096

struct reader {
	struct arena *arena;
	VEC(struct openpgp_key) keys;
	bool of_primary; /* what follows belongs to the key, not to a subkey */
	/* The newest self-signatures on the key itself and on a user id: when they were made, and how
	 * many seconds they give the key (0: for ever). */
	int64_t direct_at, uid_at;
	uint32_t direct_expires, uid_expires;
};

static uint32_t big(const char *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static bool take(struct str *s, size_t n, struct str *ret)
{
	if (s->n < n)
		return false;
	*ret = (struct str){s->p, n};
	s->p += n;
	s->n -= n;
	return true;
}

static bool take_number(struct str *s, size_t n, uint32_t *ret)
{
	struct str bytes;

	if (!take(s, n, &bytes))
		return false;
	*ret = big(bytes.p, n);
	return true;
}

/* --- SHA-1, which is only used to name keys (RFC 4880, 12.2) -------------------------------- */

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const unsigned char *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (size_t i = 0; i < 16; i++)
		w[i] = big((const char *)p + 4 * i, 4);
	for (size_t i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
					 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
					 : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
							  : (b ^ c ^ d) + 0xca62c1d6;
		uint32_t next = rotate(a, 5) + f + e + w[i];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

/* Of two pieces, one after the other. */
static void sha1(struct str head, struct str body, uint32_t h[5])
{
	static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint64_t total = head.n + body.n, bits = total * 8;
	unsigned char block[64];

	memcpy(h, start, sizeof(start));
	/* The padding is a one bit, zeros, and the length in eight bytes. */
	for (uint64_t at = 0, end = (total + 9 + 63) / 64 * 64; at < end; at++) {
		unsigned char byte = at < head.n   ? (unsigned char)head.p[at]
							 : at < total  ? (unsigned char)body.p[at - head.n]
							 : at == total ? 0x80
										   : 0;

		if (at >= end - 8)
			byte = (unsigned char)(bits >> 8 * (end - 1 - at));
		block[at % 64] = byte;
		if (at % 64 == 63)
			sha1_block(h, block);
	}
}

/* --- key packets ----------------------------------------------------------------------------- */

/* Curves by their object identifier, with the bits that gpg prints. */
static const struct curve {
	const char *oid;
	size_t n;
	const char *name;
	unsigned bits;
} curves[] = {
	{"\x2b\x06\x01\x04\x01\xda\x47\x0f\x01", 9, "ed25519", 255},
	{"\x2b\x65\x70", 3, "ed25519", 255},
	{"\x2b\x65\x71", 3, "ed448", 456},
	{"\x2a\x86\x48\xce\x3d\x03\x01\x07", 8, "nistp256", 256},
	{"\x2b\x81\x04\x00\x22", 5, "nistp384", 384},
	{"\x2b\x81\x04\x00\x23", 5, "nistp521", 521},
	{"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", 9, "brainpoolP256r1", 256},
	{"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", 9, "brainpoolP384r1", 384},
	{"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", 9, "brainpoolP512r1", 512},
	{"\x2b\x81\x04\x00\x0a", 5, "secp256k1", 256},
};

/* Public-key algorithms whose first number tells the size, and those that name themselves. */
static const struct {
	unsigned number;
	const char *name;
	bool has_mpi;
	unsigned bits;
} algorithms[] = {
	{1, "rsa", true, 0},       {2, "rsa", true, 0},  {3, "rsa", true, 0},
	{16, "elgamal", true, 0},  {17, "dsa", true, 0}, {27, "ed25519", false, 255},
	{28, "ed448", false, 456},
};

static void set_curve(struct openpgp_key *key, struct str material)
{
	uint32_t n;
	struct str oid;

	key->algorithm = "ecc";
	if (!take_number(&material, 1, &n) || !take(&material, n, &oid))
		return;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		if (oid.n == curves[i].n && memcmp(oid.p, curves[i].oid, oid.n) == 0) {
			key->algorithm = curves[i].name;
			key->bits = curves[i].bits;
		}
	}
}

static void set_algorithm(struct openpgp_key *key, uint32_t number, struct str material)
{
	key->algorithm = "unknown";
	if (number == 18 || number == 19 || number == 22)
		set_curve(key, material);
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		if (algorithms[i].number != number)
			continue;
		key->algorithm = algorithms[i].name;
		key->bits = algorithms[i].bits;
		if (algorithms[i].has_mpi)
			(void)take_number(&material, 2, &key->bits);
	}
}

/* The fingerprint's last eight bytes. */
static void set_id(struct openpgp_key *key, struct str body)
{
	const char head[3] = {(char)0x99, (char)(body.n >> 8), (char)body.n};
	uint32_t h[5];

	if (body.n > UINT16_MAX)
		return;
	sha1((struct str){head, 3}, body, h);
	snprintf(key->id, sizeof(key->id), "%08X%08X", h[3], h[4]);
}

static int read_key(struct reader *r, struct str body)
{
	struct openpgp_key key = {.uid = STR_ABSENT};
	struct str rest = body;
	uint32_t version, created, days = 0, length, algorithm;

	if (!take_number(&rest, 1, &version) || !take_number(&rest, 4, &created))
		return -EINVAL;
	if (version < 4 && !take_number(&rest, 2, &days)) /* its validity, in days */
		return -EINVAL;
	if (!take_number(&rest, 1, &algorithm) || (version > 4 && !take_number(&rest, 4, &length)))
		return -EINVAL;
	if (r->keys.n == MAX_KEYS)
		return -E2BIG;
	key.created = created;
	key.expires = days ? created + (int64_t)days * 86400 : 0;
	set_algorithm(&key, algorithm, rest);
	if (version == 4)
		set_id(&key, body);
	*vec_push(r->arena, &r->keys) = key;
	r->of_primary = true;
	r->direct_at = r->uid_at = -1;
	r->direct_expires = r->uid_expires = 0;
	return 0;
}

/* --- signatures ------------------------------------------------------------------------------ */

struct self_signature {
	uint32_t created, expires; /* expires: seconds after the key's creation */
	struct str issuer;         /* the key's id, eight bytes; absent */
};

/* RFC 4880, 5.2.3.1: lengths of one, two or five bytes. */
static bool take_subpacket(struct str *s, struct str *ret)
{
	uint32_t n, more;

	if (!take_number(s, 1, &n))
		return false;
	if (n >= 192 && n < 255) {
		if (!take_number(s, 1, &more))
			return false;
		n = (n - 192) * 256 + more + 192;
	} else if (n == 255 && !take_number(s, 4, &n)) {
		return false;
	}
	return n && take(s, n, ret);
}

static void read_subpackets(struct str area, struct self_signature *sig)
{
	struct str packet;

	while (take_subpacket(&area, &packet)) {
		unsigned type = (unsigned char)packet.p[0] & 0x7f; /* the top bit says "critical" */

		if (type == SIG_CREATED && packet.n == 5)
			sig->created = big(packet.p + 1, 4);
		else if (type == KEY_EXPIRES && packet.n == 5)
			sig->expires = big(packet.p + 1, 4);
		else if (type == ISSUER && packet.n == 9)
			sig->issuer = (struct str){packet.p + 1, 8};
		else if (type == ISSUER_FINGERPRINT && packet.n == 22 && !sig->issuer.p)
			sig->issuer = (struct str){packet.p + 14, 8};
	}
}

static bool is_by(const struct openpgp_key *key, struct str issuer)
{
	char id[17];

	snprintf(id, sizeof(id), "%08X%08X", big(issuer.p, 4), big(issuer.p + 4, 4));
	return strcmp(id, key->id) == 0;
}

/* As gpg has it: a signature on the key itself that names a time counts before those on its user
 * ids; of each kind the newest. */
static void set_expiry(struct reader *r, struct openpgp_key *key, unsigned type,
					   const struct self_signature *sig)
{
	int64_t *at = type == DIRECT_KEY ? &r->direct_at : &r->uid_at;
	uint32_t seconds;

	if (sig->created < *at)
		return;
	*at = sig->created;
	*(type == DIRECT_KEY ? &r->direct_expires : &r->uid_expires) = sig->expires;
	seconds = r->direct_expires ? r->direct_expires : r->uid_expires;
	key->expires = seconds ? key->created + seconds : 0;
}

static void read_signature(struct reader *r, struct str body)
{
	struct openpgp_key *key = r->keys.n ? &r->keys.p[r->keys.n - 1] : NULL;
	struct self_signature sig = {.issuer = STR_ABSENT};
	struct str hashed, unhashed;
	uint32_t version, type, n;
	size_t width;

	if (!key || !r->of_primary || !take_number(&body, 1, &version) || version < 4 ||
		!take_number(&body, 1, &type) || !take_number(&body, 2, &n))
		return;
	width = version > 4 ? 4 : 2;
	if ((type < GENERIC_CERT || type > POSITIVE_CERT) && type != DIRECT_KEY)
		return;
	if (!take_number(&body, width, &n) || !take(&body, n, &hashed))
		return;
	read_subpackets(hashed, &sig);
	if (take_number(&body, width, &n) && take(&body, n, &unhashed)) {
		struct self_signature other = {.issuer = sig.issuer};

		read_subpackets(unhashed, &other); /* of these only the issuer may be believed */
		sig.issuer = other.issuer;
	}
	if (sig.issuer.p && is_by(key, sig.issuer))
		set_expiry(r, key, type, &sig);
}

/* --- packets --------------------------------------------------------------------------------- */

static bool take_new_length(struct str *s, uint32_t *ret)
{
	uint32_t n, more;

	if (!take_number(s, 1, &n))
		return false;
	if (n >= 224 && n < 255) /* partial lengths are for data, not for keys */
		return false;
	if (n >= 192 && n < 224) {
		if (!take_number(s, 1, &more))
			return false;
		n = (n - 192) * 256 + more + 192;
	} else if (n == 255 && !take_number(s, 4, &n)) {
		return false;
	}
	*ret = n;
	return true;
}

static bool take_packet(struct str *s, unsigned *ret_tag, struct str *ret)
{
	uint32_t head, n;

	if (!take_number(s, 1, &head) || !(head & 0x80))
		return false;
	if (head & 0x40) {
		*ret_tag = head & 0x3f;
		return take_new_length(s, &n) && take(s, n, ret);
	}
	*ret_tag = head >> 2 & 0xf;
	if ((head & 3) == 3) /* of indeterminate length */
		return false;
	return take_number(s, (size_t)1 << (head & 3), &n) && take(s, n, ret);
}

static int read_packets(struct reader *r, struct str data, struct err *err)
{
	struct str body;
	unsigned tag;

	while (data.n) {
		if (!take_packet(&data, &tag, &body))
			return err_set(err, EINVAL, "not an OpenPGP public key");
		if (tag == PUBLIC_KEY && read_key(r, body) < 0)
			return err_set(err, EINVAL, "a public key that is damaged, or too many of them");
		if (tag == PUBLIC_SUBKEY)
			r->of_primary = false;
		if (tag == SIGNATURE)
			read_signature(r, body);
		if (tag == USER_ID && r->keys.n && !r->keys.p[r->keys.n - 1].uid.p)
			r->keys.p[r->keys.n - 1].uid = body;
	}
	return 0;
}

/* --- armor (RFC 4880, 6.2) ------------------------------------------------------------------- */

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Takes a block's base64 lines off *text: headers come before a blank line, a checksum or the end
 * behind. */
static struct str take_block(struct str *text)
{
	struct str line, block, before;

	while (str_line(text, &line) && str_trim(line).n)
		continue;
	block = *text;
	do {
		before = *text;
	} while (str_line(text, &line) && !str_starts(line, "-----END") && !str_starts(line, "="));
	block.n -= before.n;
	return block;
}

static struct str dearmor(struct arena *a, struct str block)
{
	char *out = arena_alloc(a, block.n / 4 * 3 + 3);
	uint32_t word = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < block.n; i++) {
		int value = base64_value(block.p[i]);

		if (value < 0)
			continue;
		word = word << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(word >> bits);
		}
	}
	return (struct str){out, n};
}

int openpgp_keys(struct str data, struct arena *a, struct openpgp_key **ret, size_t *ret_n,
				 struct err *err)
{
	struct reader r = {.arena = a};
	struct str line, rest = data;
	int result = 0;

	if (data.n && !((unsigned char)data.p[0] & 0x80)) {
		while (result == 0 && str_line(&rest, &line))
			if (str_starts(line, "-----BEGIN PGP PUBLIC KEY BLOCK-----"))
				result = read_packets(&r, dearmor(a, take_block(&rest)), err);
	} else {
		result = read_packets(&r, data, err);
	}
	if (result == 0 && !r.keys.n)
		result = err_set(err, EINVAL, "no OpenPGP public key in it");
	if (result < 0)
		return result;
	*ret = r.keys.p;
	*ret_n = r.keys.n;
	return 0;
}
