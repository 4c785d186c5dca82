/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/crypttab: what is decrypted at boot, and with what; crypttab(5). */
#include "base/vec.h"
#include "host/passwd.h"
#include "host/table.h"

#define CRYPTTAB "/etc/crypttab"

enum { NAME, SOURCE, KEY_FILE, RANDOM_KEY, KEY_MODE, KEY_OWNER, OPTIONS };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the decrypted device", COLUMN_LABEL},
	[SOURCE] = {"source", TYPE_STRING, "What it lies on", 0},
	[KEY_FILE] = {"key_file", TYPE_STRING, "Where its key is; absent: somebody is asked",
				  COLUMN_LABEL},
	[RANDOM_KEY] = {"random_key", TYPE_BOOL, "The key is a new one at each boot", 0},
	[KEY_MODE] = {"key_mode", TYPE_MODE, "Permission bits of the key file; absent: no such file",
				  0},
	[KEY_OWNER] = {"key_owner", TYPE_STRING, "Who owns it", 0},
	[OPTIONS] = {"options", TYPE_LIST, "luks, discard, tpm2-device=auto", 0},
	{0},
};

static void set_key(struct host *host, struct rows *rows, struct row *row, struct str file,
					const struct passwd_db *db)
{
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(host, str_dup(rows->arena, file), true, &st, &err);

	if (r == 0 && S_ISREG(st.mode)) {
		row_int(row, KEY_MODE, st.mode & 07777);
		row_str(row, KEY_OWNER, passwd_user_name(db, st.uid, rows->arena));
	} else if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
		row_unknown(row, KEY_MODE, arena_strdup(rows->arena, err.msg));
		row_unknown(row, KEY_OWNER, arena_strdup(rows->arena, err.msg));
	}
}

/* NAME SOURCE [KEY [OPTIONS]]; "none" and "-" ask for a passphrase. */
static void add_line(struct host *host, struct rows *rows, struct str line, unsigned number,
					 const struct passwd_db *db)
{
	VEC(struct str) options = {0};
	struct str name, source, key = STR("none"), words = STR(""), option;
	struct row *row;

	if (!str_word(&line, &name) || name.p[0] == '#')
		return;
	row = rows_add(rows, FROM(CRYPTTAB, number));
	row_str(row, NAME, name);
	if (str_word(&line, &source))
		row_str(row, SOURCE, source);
	if (str_word(&line, &key))
		str_word(&line, &words);
	while (str_cut(&words, ',', &option))
		if (option.n)
			*vec_push(rows->arena, &options) = option;
	row_list(row, OPTIONS, options.p, options.n);
	row_bool(row, RANDOM_KEY,
			 str_is(key, "/dev/urandom") || str_is(key, "/dev/random") ||
				 str_is(key, "/dev/hw_random"));
	if (str_is(key, "none") || str_is(key, "-"))
		return;
	row_str(row, KEY_FILE, key);
	if (str_starts(key, "/"))
		set_key(host, rows, row, key, db);
}

static int read_crypttab(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	struct str text, line;
	int r = host_read(host, CRYPTTAB, rows->arena, &text, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = passwd_read(host, rows->arena, &db, err);
	for (unsigned n = 1; r == 0 && str_line(&text, &line); n++)
		add_line(host, rows, line, n, &db);
	return r;
}

static const struct table crypttab = {
	.name = "crypttab",
	.doc = "Disks that are decrypted at boot, from /etc/crypttab",
	.columns = columns,
	.read = read_crypttab,
};
TABLE(crypttab);
