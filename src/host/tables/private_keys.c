/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in the homes of accounts with a login shell: in .ssh, and age's. Only the kind of a key
 * and whether a passphrase protects it are read. The owner chooses what is there, so symbolic links
 * are not followed.
 */
#include <dirent.h>

#include "base/map.h"
#include "host/passwd.h"
#include "host/pem.h"
#include "host/table.h"

#define MAX_IN_DIR 200               /* files in one directory that are looked into */
#define MAX_SIZE ((int64_t)64 << 10) /* bytes of a file with a key */

enum { PATH, USER, TYPE, ENCRYPTED };

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The file", COLUMN_KEY | COLUMN_LABEL},
	[USER] = {"user", TYPE_STRING, "Account whose home it is in", COLUMN_LABEL},
	[TYPE] =
		{"type", TYPE_STRING,
		 "ssh-ed25519, ssh-rsa, sk-ssh-ed25519@openssh.com (on a token), rsa, age; absent: not "
		 "to be told, as with some passphrases",
		 0},
	[ENCRYPTED] = {"encrypted", TYPE_BOOL, "Does a passphrase protect it, or a TPM hold it?", 0},
	{0},
};

static const char *const dirs[] = {".ssh", ".config/age", ".config/sops/age"};

struct home {
	struct host *host;
	struct rows *rows;
	const struct passwd_user *user;
	struct arena scratch;
};

static void read_key(struct home *h, const char *path)
{
	struct arena *a = h->rows->arena;
	struct pem_item item;
	struct path_stat st;
	struct str text;
	struct err err = {0};
	int r = host_stat(h->host, path, false, &st, &err);

	if (r == 0 && S_ISLNK(st.mode))
		rows_gap(h->rows, "%s: a symbolic link, which is not followed", path);
	if (r == 0 && (!S_ISREG(st.mode) || st.size > MAX_SIZE))
		return;
	if (r == 0)
		r = host_read_scrubbed(h->host, path, pem_scrub, &h->scratch, &text, &err);
	if (r < 0) {
		if (r != -ENOENT)
			rows_gap(h->rows, "%s", err.msg);
		return;
	}
	while (pem_next(&h->scratch, &text, &item)) {
		struct row *row;

		if (!item.is_key)
			continue;
		row = rows_add(h->rows, FROM(arena_strdup(a, path), 0));
		row_strz(row, PATH, row->from.path);
		row_str(row, USER, h->user->name);
		row_bool(row, ENCRYPTED, item.key.encrypted);
		if (item.key.type.p)
			row_strz(row, TYPE, str_dup(a, item.key.type));
		return;
	}
}

static bool is_public(struct str name)
{
	return str_ends(name, ".pub") || str_starts(name, "known_hosts") ||
		   str_starts(name, "authorized_keys") || str_is(name, "config");
}

/* Nothing of the path may be a link: it is the user who made it. */
static bool is_directory(struct home *h, const char *path)
{
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(h->host, path, false, &st, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(h->rows, "%s", err.msg);
	if (r == 0 && S_ISLNK(st.mode))
		rows_gap(h->rows, "%s: a symbolic link, which is not followed", path);
	return r == 0 && S_ISDIR(st.mode);
}

static void read_dir(struct home *h, struct str base, const char *name)
{
	const char *dir = arena_printf(&h->scratch, "%s/%s", str_dup(&h->scratch, base), name);
	struct str parts = str_of(name), part;
	struct host_dir entries = {0};
	struct err err = {0};
	size_t n = 0;

	for (const char *at = str_dup(&h->scratch, base); str_cut(&parts, '/', &part);) {
		at = arena_printf(&h->scratch, "%s/%s", at, str_dup(&h->scratch, part));
		if (!is_directory(h, at))
			return;
	}
	if (host_list(h->host, dir, &h->scratch, &entries, &err) < 0) {
		rows_gap(h->rows, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < entries.n && n < MAX_IN_DIR; i++) {
		if (is_public(str_of(entries.entries[i].name)))
			continue;
		read_key(h, arena_printf(&h->scratch, "%s/%s", dir, entries.entries[i].name));
		n++;
	}
	if (n == MAX_IN_DIR || entries.more)
		rows_gap(h->rows, "%s: over %d files", dir, MAX_IN_DIR);
}

/* Root's links alone are followed, as for /root and the directory of homes itself. */
static bool is_home(struct home *h, struct str path)
{
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(h->host, str_dup(&h->scratch, path), false, &st, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(h->rows, "%s", err.msg);
	if (r == 0 && S_ISLNK(st.mode) && st.uid != 0)
		rows_gap(h->rows, "%.*s: a symbolic link that is not root's is not followed",
				 STR_ARG(path));
	return r == 0 && (S_ISDIR(st.mode) || (S_ISLNK(st.mode) && st.uid == 0));
}

static int read_private_keys(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	struct map seen;
	int r = passwd_read(host, rows->arena, &db, err);

	map_init(&seen, rows->arena);
	for (size_t i = 0; r == 0 && i < db.n_users; i++) {
		struct home home = {.host = host, .rows = rows, .user = &db.users[i]};
		struct str path = home.user->home;

		while (path.n > 1 && str_ends(path, "/"))
			path.n--;
		if (!passwd_can_login(home.user) || !str_starts(path, "/") ||
			map_put(&seen, path, home.rows))
			continue;
		for (size_t k = 0; is_home(&home, path) && k < ARRAY_LEN(dirs); k++)
			read_dir(&home, path, dirs[k]);
		arena_done(&home.scratch);
	}
	return r;
}

static const struct table private_keys = {
	.name = "private_keys",
	.doc =
		"Private keys in the homes of accounts with a login shell, without anything that is secret "
		"in them",
	.columns = columns,
	.read = read_private_keys,
	.multi = true,
};
TABLE(private_keys);
