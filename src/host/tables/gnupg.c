/* SPDX-License-Identifier: Apache-2.0 */
/* Options of GnuPG: /etc/gnupg/gpg.conf and those in the homes of accounts with a login shell. */
#include "base/buf.h"
#include "base/map.h"
#include "host/host.h"
#include "host/passwd.h"
#include "host/table.h"

enum { KEY, VALUE, USER };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the option without dashes, as in gpg(1)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its argument; empty when it has none", COLUMN_VALUE},
	[USER] = {"user", TYPE_STRING, "Whose; absent: everybody's", COLUMN_LABEL},
	{0},
};

/* What weakens it, or says how it trusts; a passphrase may stand in such a file, too. */
static const char *const options[] = {
	"allow-weak-digest-algos",
	"allow-weak-key-signatures",
	"allow-old-cipher-algos",
	"allow-non-selfsigned-uid",
	"always-trust",
	"trust-model",
	"weak-digest",
	"digest-algo",
	"cert-digest-algo",
	"cipher-algo",
	"s2k-digest-algo",
	"s2k-cipher-algo",
	"personal-digest-preferences",
	"personal-cipher-preferences",
	"default-preference-list",
	"ignore-crc-error",
	"ignore-mdc-error",
	"ignore-time-conflict",
	"no-sig-create-check",
	NULL,
};

/* The option of a line, and what follows it. */
static bool take_option(struct str line, struct str *ret_key, struct str *ret_value)
{
	if (!str_word(&line, ret_key))
		return false;
	str_skip(ret_key, "--");
	*ret_value = str_trim(line);
	return str_is_one_of_nocase(*ret_key, options);
}

static void keep_options(struct str text, struct buf *out)
{
	struct str line, key, value;

	while (str_line(&text, &line)) {
		if (take_option(line, &key, &value))
			buf_str(out, line);
		buf_putc(out, '\n');
	}
}

static void read_conf(struct host *host, struct rows *rows, const char *path, struct str user,
					  bool follow)
{
	struct path_stat st;
	struct err err = {0};
	struct str text, line, key, value;
	unsigned number = 0;
	int r = host_stat(host, path, follow, &st, &err);

	if (r == 0 && S_ISLNK(st.mode))
		r = err_set(&err, ELOOP, "%s: a symbolic link, which is not followed", path);
	if (r == 0)
		r = host_read_scrubbed(host, path, keep_options, rows->arena, &text, &err);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(rows, "%s", err.msg);
	while (r == 0 && str_line(&text, &line)) {
		struct row *row;

		number++;
		if (!take_option(line, &key, &value))
			continue;
		row = rows_add(rows, FROM(path, number));
		row_str(row, KEY, key);
		row_str(row, VALUE, value);
		row_str(row, USER, user);
	}
}

static int read_gnupg(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	struct map seen;
	int r = passwd_read(host, rows->arena, &db, err);

	read_conf(host, rows, "/etc/gnupg/gpg.conf", STR_ABSENT, true);
	map_init(&seen, rows->arena);
	for (size_t i = 0; r == 0 && i < db.n_users; i++) {
		const struct passwd_user *user = &db.users[i];
		const char *path;

		if (!passwd_can_login(user) || !str_starts(user->home, "/") ||
			map_put(&seen, user->home, rows))
			continue;
		path = arena_printf(rows->arena, "%s/.gnupg/gpg.conf", str_dup(rows->arena, user->home));
		read_conf(host, rows, path, user->name, false);
	}
	return r == -ENOENT ? 0 : r;
}

static const struct table gnupg = {
	.name = "gnupg",
	.doc = "Options of GnuPG that /etc/gnupg/gpg.conf and the users' own files set",
	.columns = columns,
	.read = read_gnupg,
	.multi = true,
};
TABLE(gnupg);
