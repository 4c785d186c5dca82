/* SPDX-License-Identifier: Apache-2.0 */
/* Who administers this server, as the site file has it, and whether they can: do they have an account? */
#include "base/vec.h"
#include "host/account_new.h"
#include "host/edit.h"
#include "host/nsswitch.h"
#include "host/passwd.h"
#include "host/site_file.h"
#include "host/table.h"

enum { NAME, ACCOUNT, KEYS };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the account", COLUMN_KEY | COLUMN_LABEL},
	[ACCOUNT] = {"account", TYPE_BOOL, "Has /etc/passwd an account of that name?", COLUMN_SETTABLE},
	[KEYS] = {"keys", TYPE_LIST,
			  "Public keys that a new account of theirs is to have; absent when there are none", 0},
	{0},
};

static void put_keys(struct rows *rows, struct row *row, const struct site_file *site,
					 struct str name)
{
	VEC(struct str) keys = {0};

	for (size_t i = 0; i < site->admins.keys.n; i++)
		if (str_eq(site->admins.keys.p[i].user, name))
			*vec_push(rows->arena, &keys) = site->admins.keys.p[i].line;
	if (keys.n)
		row_list(row, KEYS, keys.p, keys.n);
}

static void add(struct host *host, struct rows *rows, const struct site_file *site,
				const struct passwd_db *db, struct str name)
{
	const struct yaml_at *at = &site->admins.at;
	struct row *row = rows_add(rows, FROM(SITE_FILE, at->doc->nodes[at->i].line));
	const struct passwd_user *user = passwd_by_name(db, name);
	const char *elsewhere =
		user ? NULL : nsswitch_elsewhere(host, rows->arena, "passwd:", "may know the account");

	row_str(row, NAME, name);
	if (elsewhere || (!user && db->bad_lines))
		row_unknown(row, ACCOUNT,
					elsewhere ? elsewhere : "/etc/passwd has lines that are no entries");
	else
		row_bool(row, ACCOUNT, user != NULL);
	put_keys(rows, row, site, name);
}

static int read_site_admins(struct host *host, struct rows *rows, struct err *err)
{
	struct site_file *site = arena_new(rows->arena, struct site_file, 1);
	struct passwd_db db;
	struct str text;
	int r = host_read(host, SITE_FILE, rows->arena, &text, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = site_file_parse(text, SITE_FILE, rows->arena, site, err);
	if (r == 0)
		r = passwd_read(host, rows->arena, &db, err);
	for (size_t i = 0; r == 0 && i < site->admins.users.n; i++)
		add(host, rows, site, &db, site->admins.users.p[i]);
	return r;
}

static int set_site_admins(struct host *host, const struct wish *wish, struct edits *edits,
						   struct err *err)
{
	const struct value *keys = wish->row ? &wish->row->cells[KEYS] : NULL;
	bool set = keys && keys->state == VALUE_SET;

	if (!wish->row || wish->column != ACCOUNT || wish->value.state != VALUE_SET ||
		!wish->value.number)
		return err_set(err, ENOTSUP, "which accounts there are is decided by hand");
	return account_create(host, wish->row->cells[NAME].string, set ? keys->list.items : NULL,
						  set ? keys->list.n : 0, edits, err);
}

static const struct table site_admins = {
	.name = "site_admins",
	.doc = "The administrators that the site file names",
	.columns = columns,
	.read = read_site_admins,
	.set = set_site_admins,
	.fix = "make the account {name}, as a member of the group whose members may use sudo, with its "
		   "keys",
};
TABLE(site_admins);
