/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that apt may verify archives with. */
#include "host/table.h"

#include "base/vec.h"
#include "host/apt_conf.h"
#include "host/openpgp.h"

enum { FILE_, KEYID, ALGORITHM, BITS, CREATED, EXPIRES, EXPIRED, UID_NAME, USED };

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The keyring", COLUMN_LABEL},
	[KEYID] = {"keyid", TYPE_STRING, "Of the primary key, sixteen hexadecimal digits",
			   COLUMN_KEY | COLUMN_LABEL},
	[ALGORITHM] = {"algorithm", TYPE_STRING, "rsa, dsa, or a curve: ed25519, nistp256, ...", 0},
	[BITS] = {"bits", TYPE_INT, "Of the primary key", 0},
	[CREATED] = {"created", TYPE_TIME, "When the key was made", 0},
	[EXPIRES] = {"expires", TYPE_TIME,
				 "As its newest self-signature says, which is not verified; absent: never", 0},
	[EXPIRED] = {"expired", TYPE_BOOL, "That time has passed", 0},
	[UID_NAME] = {"uid_name", TYPE_STRING, "Its first user id", 0},
	[USED] = {"used", TYPE_BOOL,
			  "apt takes it for sources that name no key, or a source names its keyring", 0},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	VEC(struct str) sources; /* the texts that may name a keyring */
	const char *unread;      /* why one of them could not be read */
};

/* --- who uses a keyring ---------------------------------------------------------------------- */

static void add_source(struct reader *r, const char *path)
{
	struct err err = {0};
	struct str text;
	int result = host_read(r->host, path, r->rows->arena, &text, &err);

	if (result == 0)
		*vec_push(r->rows->arena, &r->sources) = text;
	else if (result != -ENOENT)
		r->unread = arena_strdup(r->rows->arena, err.msg);
}

static void read_sources(struct reader *r)
{
	static const char *const suffixes[] = {".list", ".sources"};

	add_source(r, "/etc/apt/sources.list");
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct err err = {0};
		struct str *files;
		size_t n = 0;

		if (host_list_files(r->host, "/etc/apt/sources.list.d", suffixes[i], r->rows->arena, &files,
							&n, &err) < 0)
			r->unread = arena_strdup(r->rows->arena, err.msg);
		for (size_t k = 0; k < n; k++)
			add_source(r, files[k].p);
	}
}

/* The ending is left out, as a keyring may have two names. */
static bool is_named(const struct reader *r, const char *path)
{
	const char *name = str_dup(r->rows->arena,
							   (struct str){path, (size_t)(strrchr(path, '.') - path) + 1});

	for (size_t i = 0; i < r->sources.n; i++) {
		struct str text = r->sources.p[i], line;

		while (str_line(&text, &line))
			if (!str_starts(str_trim(line), "#") && str_has(line, name))
				return true;
	}
	return false;
}

static void set_used(const struct reader *r, struct row *row, const char *path)
{
	if (str_starts(str_of(path), "/etc/apt/trusted.gpg") || is_named(r, path))
		row_bool(row, USED, true);
	else if (r->unread)
		row_unknown(row, USED, r->unread);
	else
		row_bool(row, USED, false);
}

/* --- keyrings -------------------------------------------------------------------------------- */

static void add_key(struct reader *r, const char *path, const struct openpgp_key *key)
{
	struct row *row = rows_add(r->rows, FROM(path, 0));

	row_strz(row, FILE_, path);
	if (*key->id)
		row_strz(row, KEYID, key->id);
	else
		row_unknown(row, KEYID, "a key of a version that is not known");
	row_strz(row, ALGORITHM, key->algorithm);
	if (key->bits)
		row_int(row, BITS, key->bits);
	else
		row_unknown(row, BITS, "an algorithm that is not known");
	row_int(row, CREATED, key->created);
	if (key->expires)
		row_int(row, EXPIRES, key->expires);
	row_bool(row, EXPIRED, key->expires && key->expires <= host_now(r->host));
	row_str(row, UID_NAME, key->uid);
	set_used(r, row, path);
	if (!*key->id) { /* then its self-signatures could not be told from others' */
		row_unknown(row, EXPIRES, "a key of a version that is not known");
		row_unknown(row, EXPIRED, "a key of a version that is not known");
	}
}

static void read_keyring(struct reader *r, const char *path)
{
	struct openpgp_key *keys;
	struct err err = {0};
	struct str data;
	size_t n;
	int result = host_read(r->host, path, r->rows->arena, &data, &err);

	if (result == -ENOENT || (result == 0 && !data.n)) /* apt makes an empty trusted.gpg */
		return;
	if (result < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	if (openpgp_keys(data, r->rows->arena, &keys, &n, &err) < 0) {
		rows_gap(r->rows, "%s: %s", path, err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_key(r, path, &keys[i]);
}

/* A link to another file of the directory, which is read by itself: Debian has .gpg for .pgp. */
static bool is_second_name(struct reader *r, struct str path, const char *const *suffixes)
{
	struct err err = {0};
	struct str target;

	if (host_readlink(r->host, path.p, r->rows->arena, &target, &err) < 0 ||
		str_has_char(target, '/'))
		return false;
	for (; *suffixes; suffixes++)
		if (str_ends(target, *suffixes))
			return true;
	return false;
}

static void read_dir(struct reader *r, const char *dir, const char *suffix,
					 const char *const *suffixes)
{
	struct err err = {0};
	struct str *files;
	size_t n;

	if (host_list_files(r->host, dir, suffix, r->rows->arena, &files, &n, &err) < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_second_name(r, files[i], suffixes))
			read_keyring(r, files[i].p);
}

static int read_apt_keys(struct host *host, struct rows *rows, struct err *err _unused_)
{
	/* Of trusted.gpg.d apt takes the first two only. */
	static const struct {
		const char *dir, *suffixes[4];
	} places[] = {
		{"/etc/apt/trusted.gpg.d", {".gpg", ".asc"}},
		{"/etc/apt/keyrings", {".gpg", ".asc", ".pgp"}},
		{"/usr/share/keyrings", {".gpg", ".asc", ".pgp"}},
	};
	struct reader r = {.host = host, .rows = rows};
	struct apt_conf conf;
	const char *elsewhere;
	struct path_stat st;
	struct err none = {0};

	if (host_stat(host, "/etc/apt", true, &st, &none) == -ENOENT)
		return 0; /* no apt: /usr/share/keyrings is then somebody else's */
	apt_conf_read(host, rows->arena, &conf);
	elsewhere = conf.gap ? conf.gap : apt_conf_elsewhere(&conf, rows->arena);
	if (elsewhere)
		rows_gap(rows, "%s", elsewhere);
	read_sources(&r);
	read_keyring(&r, "/etc/apt/trusted.gpg");
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		for (const char *const *suffix = places[i].suffixes; *suffix; suffix++)
			read_dir(&r, places[i].dir, *suffix, places[i].suffixes);
	return 0;
}

static const struct table apt_keys = {
	.name = "apt_keys",
	.doc = "Primary keys in the keyrings of /etc/apt and /usr/share/keyrings",
	.columns = columns,
	.read = read_apt_keys,
	.multi = true,
};
TABLE(apt_keys);
