/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorities that this host trusts beyond those of its distribution: what lies in the store of
 * certificates and is the same as in none of the files that packages bring.
 */
#include "base/map.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/owner.h"
#include "host/pem.h"
#include "host/pubkey.h"
#include "host/table.h"
#include "host/x509.h"

#define DAY 86400

enum { FILE_, SUBJECT, NOT_AFTER, DAYS_LEFT, KEY_TYPE, BITS, MAY_SIGN, LOCAL, FINGERPRINT };

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "Where it is", COLUMN_LABEL},
	[SUBJECT] = {"subject", TYPE_STRING, "Whom it names", COLUMN_LABEL},
	[NOT_AFTER] = {"not_after", TYPE_TIME, "Not valid after", 0},
	[DAYS_LEFT] = {"days_left", TYPE_INT, "Whole days until then; negative when it has passed", 0},
	[KEY_TYPE] = {"key_type", TYPE_STRING, "rsa, ec, ed25519, ed448, dsa", 0},
	[BITS] = {"bits", TYPE_INT, "Size of its key", 0},
	[MAY_SIGN] =
		{"may_sign", TYPE_BOOL,
		 "May it sign others? If not it vouches for itself alone, as a self-signed one does", 0},
	[LOCAL] = {"local", TYPE_BOOL,
			   "Is it where an administrator adds authorities (/usr/local/share/ca-certificates, "
			   "anchors)? If not it was put into the store past them",
			   0},
	[FINGERPRINT] = {"fingerprint", TYPE_STRING, "SHA-256 of the certificate",
					 COLUMN_KEY | COLUMN_LABEL},
	{0},
};

/* What packages bring; only files that a package owns count. */
static const char *const packaged[] = {
	"/usr/share/ca-certificates/*.crt",         "/usr/share/ca-certificates/*/*.crt",
	"/usr/share/pki/ca-trust-source/*.p11-kit", "/usr/share/ca-certificates/trust-source/*.p11-kit",
	"/usr/share/pki/trust/*.p11-kit",           "/usr/share/pki/trust/anchors/*.pem",
};

/* Where an administrator adds some. */
static const char *const added[] = {
	"/usr/local/share/ca-certificates/*.crt",      "/usr/local/share/ca-certificates/*/*.crt",
	"/etc/pki/ca-trust/source/anchors/*",          "/etc/pki/ca-trust/source/*.pem",
	"/etc/ca-certificates/trust-source/anchors/*", "/etc/pki/trust/anchors/*",
};

/* What programs read. */
static const char *const stores[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ca-certificates/extracted/tls-ca-bundle.pem",
	"/var/lib/ca-certificates/ca-bundle.pem",
	"/etc/ssl/certs/*.0", /* by the hash of the name, as OpenSSL looks for them */
	"/etc/ssl/certs/*.1",
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct arena scratch; /* of files and certificates */
	struct arena texts;   /* of certificates that packages bring */
	VEC(struct pem_item) packaged;
	struct map written; /* those by their text, which tells all but a few of what is in a store */
	bool digested;      /* packages' are in `known`, too */
	struct map known;   /* SHA-256 of certificates, of those that have a row as well */
	const char *unsure; /* why some of packages' may be missing; NULL: none */
};

static bool list(struct reader *r, const char *pattern, struct str **ret, size_t *ret_n)
{
	struct err err = {0};

	*ret_n = 0;
	if (host_glob_loose(r->host, r->rows->arena, str_of(pattern), ret, ret_n, &err) == 0)
		return true;
	rows_gap(r->rows, "%s", err.msg);
	r->unsure = r->rows->gap;
	return false;
}

static struct str digest(struct arena *a, struct str der)
{
	char text[SHA256_HEX];

	sha256_hex(der, text);
	return str_of(arena_strdup(a, text));
}

static int read_file(struct reader *r, struct str path, struct str *ret, struct err *err)
{
	return host_read_scrubbed(r->host, path.p, pem_scrub, &r->scratch, ret, err);
}

/* --- what packages bring --------------------------------------------------------------------- */

static void know_file(struct reader *r, struct str path)
{
	struct pem_item item;
	struct err err = {0};
	struct str text;

	if (read_file(r, path, &text, &err) < 0) {
		r->unsure = arena_strdup(r->rows->arena, err.msg);
		return;
	}
	while (pem_next(&r->scratch, &text, &item)) {
		if (item.is_key)
			continue;
		item.base64 = (struct str){str_dup(&r->texts, item.base64), item.base64.n};
		*vec_push(&r->texts, &r->packaged) = item;
		map_put(&r->written, item.base64, r);
	}
	arena_done(&r->scratch);
}

/* Is it one that packages bring, or that was met before? What is written in another way may be the same. */
static bool is_known(struct reader *r, struct str fingerprint)
{
	for (size_t i = 0; !r->digested && i < r->packaged.n; i++) {
		struct str der = pem_der(&r->scratch, &r->packaged.p[i]);

		if (der.n)
			map_put(&r->known, digest(r->rows->arena, der), r);
	}
	r->digested = true;
	return map_put(&r->known, fingerprint, r);
}

static void know_packaged(struct reader *r)
{
	VEC(struct str) paths = {0};
	struct str *owners, *found;
	struct err err = {0};
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(packaged); i++)
		if (list(r, packaged[i], &found, &n))
			for (size_t k = 0; k < n; k++)
				*vec_push(r->rows->arena, &paths) = found[k];
	owners = arena_new(r->rows->arena, struct str, paths.n + 1);
	if (paths.n && owner_lookup(r->host, r->rows->arena, paths.p, paths.n, owners, &err) < 0) {
		r->unsure = arena_strdup(r->rows->arena, err.msg);
		return;
	}
	for (size_t i = 0; i < paths.n; i++)
		if (owners[i].p)
			know_file(r, paths.p[i]);
}

/* --- what is trusted ------------------------------------------------------------------------- */

static void add_row(struct reader *r, const char *path, struct str fingerprint, struct str der,
					bool local)
{
	struct row *row = rows_add(r->rows, FROM(path, 0));
	struct x509_facts facts;

	row_strz(row, FILE_, path);
	row_str(row, FINGERPRINT, fingerprint);
	row_bool(row, LOCAL, local);
	if (!x509_read(r->rows->arena, der, &facts)) {
		for (int column = SUBJECT; column <= MAY_SIGN; column++)
			row_unknown(row, column, "not a certificate that can be read");
		return;
	}
	row_str(row, SUBJECT, facts.subject);
	row_bool(row, MAY_SIGN, facts.may_sign);
	row_int(row, NOT_AFTER, facts.not_after);
	row_int(row, DAYS_LEFT,
			(facts.not_after - host_now(r->host)) / DAY - (facts.not_after < host_now(r->host)));
	if (facts.key_type) {
		row_strz(row, KEY_TYPE, facts.key_type);
		row_int(row, BITS, facts.bits);
	} else {
		row_unknown(row, KEY_TYPE, "a kind of key that is not known");
		row_unknown(row, BITS, "a kind of key that is not known");
	}
}

static void read_store(struct reader *r, struct str path, bool local)
{
	const char *name = str_dup(r->rows->arena, path);
	struct pem_item item;
	struct err err = {0};
	struct str text;
	int e = read_file(r, path, &text, &err);

	if (e < 0 && e != -ENOENT)
		rows_gap(r->rows, "%s", err.msg);
	while (e == 0 && pem_next(&r->scratch, &text, &item)) {
		struct str der, fingerprint;

		if (item.is_key || map_get(&r->written, item.base64))
			continue;
		der = pem_der(&r->scratch, &item);
		if (!der.n)
			continue;
		fingerprint = digest(r->rows->arena, der);
		if (is_known(r, fingerprint))
			continue;
		if (r->unsure)
			rows_gap(r->rows, "%s: it is not known which authorities packages bring", r->unsure);
		else
			add_row(r, name, fingerprint, der, local);
	}
	arena_done(&r->scratch);
}

static void read_stores(struct reader *r, const char *const *patterns, size_t n, bool local)
{
	struct str *found;
	size_t n_found;

	for (size_t i = 0; i < n; i++)
		if (list(r, patterns[i], &found, &n_found))
			for (size_t k = 0; k < n_found; k++)
				read_store(r, found[k], local);
}

static int read_ca_store(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};

	map_init(&r.known, rows->arena);
	map_init(&r.written, &r.texts);
	know_packaged(&r);
	read_stores(&r, added, ARRAY_LEN(added), true);
	read_stores(&r, stores, ARRAY_LEN(stores), false);
	arena_done(&r.texts);
	return 0;
}

static const struct table ca_store = {
	.name = "ca_store",
	.doc = "Authorities that are trusted beyond those that the distribution's packages bring",
	.columns = columns,
	.read = read_ca_store,
	.multi = true,
	.cost = 15,
};
TABLE(ca_store);
