/* SPDX-License-Identifier: Apache-2.0 */
/* Who administers this server, as the site file has it, and whether they can: by an account, a shell and
 * sudo. */
#include "base/vec.h"
#include "host/account_new.h"
#include "host/edit.h"
#include "host/nsswitch.h"
#include "host/passwd.h"
#include "host/site_file.h"
#include "host/sudoers_root.h"
#include "host/table.h"

enum { NAME, ACCOUNT, KEYS, SHELL, ROOT };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the account", COLUMN_KEY | COLUMN_LABEL},
	[ACCOUNT] = {"account", TYPE_BOOL, "Has /etc/passwd an account of that name?", COLUMN_SETTABLE},
	[KEYS] = {"keys", TYPE_LIST,
			  "Public keys that a new account of theirs is to have; absent when there are none", 0},
	[SHELL] = {"login_shell", TYPE_BOOL,
			   "It has a shell that a person can work in; absent: there is no account", 0},
	[ROOT] = {"becomes_root", TYPE_BOOL,
			  "It is root's, or sudo lets it run everything as root; absent: there is no account",
			  0},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	const struct site_file *site;
	struct passwd_db users;
	struct sudoers sudoers;
	const char *why; /* what sudo says is not known; NULL: it is */
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

static void put_root(struct reader *r, struct row *row, const struct passwd_user *u)
{
	const struct sudoers_rule *by;
	int root = !u->uid || r->why ? 0 : sudoers_root(&r->sudoers, r->rows->arena, &r->users, u, &by);

	if (root > 0)
		row_from(row, ROOT, FROM(by->file->path, by->line));
	if (!u->uid || root > 0)
		row_bool(row, ROOT, true);
	else if (root < 0)
		row_unknown(row, ROOT, "a line of sudoers may be about it, or not");
	else if (r->why)
		row_unknown(row, ROOT, r->why);
	else
		row_bool(row, ROOT, false);
}

static void put_account(struct reader *r, struct row *row, struct str name)
{
	const struct passwd_user *user = passwd_by_name(&r->users, name);
	const char *why =
		user ? NULL : nsswitch_elsewhere(r->host, r->rows->arena, "passwd", "may know the account");

	if (!user && !why && r->users.bad_lines)
		why = "/etc/passwd has lines that are no entries";
	if (why) {
		row_unknown(row, ACCOUNT, why);
		row_unknown(row, SHELL, why);
		row_unknown(row, ROOT, why);
		return;
	}
	row_bool(row, ACCOUNT, user);
	if (!user)
		return;
	row_bool(row, SHELL, passwd_can_login(user));
	put_root(r, row, user);
}

static void read_sudo(struct reader *r)
{
	struct path_stat st;
	struct err err = {0};

	if (sudoers_read(r->host, r->rows->arena, &r->sudoers, &err) < 0)
		r->why = arena_strdup(r->rows->arena, err.msg);
	else if (r->sudoers.gap)
		r->why = r->sudoers.gap;
	else if (host_stat(r->host, "/etc/doas.conf", true, &st, &err) != -ENOENT)
		r->why = "doas may let it (/etc/doas.conf)";
}

static int read_site_admins(struct host *host, struct rows *rows, struct err *err)
{
	struct reader reader = {.host = host, .rows = rows};
	int r = site_file_read(host, rows->arena, &reader.site, err);

	if (r < 0 || !reader.site || !reader.site->admins.users.n)
		return r;
	r = passwd_read(host, rows->arena, &reader.users, err);
	if (r < 0)
		return r;
	read_sudo(&reader);
	vec_each(&reader.site->admins.users, name)
	{
		const struct yaml_at *at = &reader.site->admins.at;
		struct row *row = rows_add(rows, FROM(SITE_FILE, at->doc->nodes[at->i].line));

		row_str(row, NAME, *name);
		put_account(&reader, row, *name);
		put_keys(rows, row, reader.site, *name);
	}
	return 0;
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
