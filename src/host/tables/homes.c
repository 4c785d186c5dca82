/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The home directories of accounts with a login shell.
 * A home that is a symbolic link is followed only when root made the link.
 */
#include "host/acl.h"
#include "host/passwd.h"
#include "host/edit.h"
#include "host/table.h"

enum {
	USER,
	PATH,
	EXISTS,
	TYPE,
	MODE,
	OWNER,
	GROUP,
	UID,
	OWNER_MATCHES,
	GROUP_WRITABLE,
	WORLD_ACCESSIBLE,
	OTHERS_WRITE,
	SYSTEM,
};

static const struct column columns[] = {
	[USER] = {"user", TYPE_STRING, "Name of the account", COLUMN_KEY | COLUMN_LABEL},
	[PATH] = {"path", TYPE_STRING, "Its home directory, as in /etc/passwd", COLUMN_LABEL},
	[EXISTS] = {"exists", TYPE_BOOL, "Is there anything?", 0},
	[TYPE] = {"type", TYPE_STRING, "directory, symlink or other; absent when nothing is there", 0},
	[MODE] = {"mode", TYPE_MODE, "Permission bits", COLUMN_SETTABLE},
	[OWNER] = {"owner", TYPE_STRING, "Who owns it: name, or number without one", 0},
	[GROUP] = {"group", TYPE_STRING, "Its group: name, or number without one", 0},
	[UID] = {"uid", TYPE_INT, "The account's uid, which should own it", 0},
	[OWNER_MATCHES] = {"owner_matches", TYPE_BOOL, "Does the account own it?", 0},
	[GROUP_WRITABLE] = {"group_writable", TYPE_BOOL, "May the group write?", 0},
	[WORLD_ACCESSIBLE] = {"world_accessible", TYPE_BOOL, "May others read, write or enter?", 0},
	[OTHERS_WRITE] =
		{"others_write", TYPE_BOOL,
		 "May anybody write but the account and root: others, or a group with more in it?",
		 COLUMN_SETTABLE},
	[SYSTEM] = {"system", TYPE_BOOL, "Is the uid below UID_MIN, or nobody's, and not root's?", 0},
	{0},
};

/* What depends on the inode; unknown together. */
static const int inode_columns[] = {
	MODE, OWNER, GROUP, OWNER_MATCHES, GROUP_WRITABLE, WORLD_ACCESSIBLE, OTHERS_WRITE,
};

static void set_unknown(struct row *row, const char *why)
{
	for (size_t i = 0; i < ARRAY_LEN(inode_columns); i++)
		row_unknown(row, inode_columns[i], why);
}

/* With an ACL that names somebody who may write, the mode shows its mask, which has the group's w. */
static void set_others_write(struct host *host, struct rows *rows, struct row *row,
							 const struct passwd_db *db, const struct passwd_user *user,
							 const struct path_stat *st)
{
	const char *path = str_dup(rows->arena, user->home);
	struct err err = {0};
	int r = (st->mode & S_IWOTH) != 0;

	if (!r && st->mode & S_IWGRP)
		r = passwd_is_private_group(db, st->gid, user)
				? acl_others_write(host, path, true, db, rows->arena, &err)
				: 1;
	if (r < 0)
		row_unknown(row, OTHERS_WRITE, arena_strdup(rows->arena, err.msg));
	else
		row_bool(row, OTHERS_WRITE, r);
}

static void set_inode(struct host *host, struct rows *rows, struct row *row,
					  const struct passwd_db *db, const struct passwd_user *user,
					  const struct path_stat *st)
{
	row_int(row, MODE, st->mode & 07777);
	row_str(row, OWNER, passwd_user_name(db, st->uid, rows->arena));
	row_str(row, GROUP, passwd_group_name(db, st->gid, rows->arena));
	row_bool(row, OWNER_MATCHES, st->uid == user->uid);
	row_bool(row, GROUP_WRITABLE, st->mode & S_IWGRP);
	row_bool(row, WORLD_ACCESSIBLE, st->mode & S_IRWXO);
	set_others_write(host, rows, row, db, user, st);
}

/* A link that leads nowhere is no home. */
static void follow_home(struct host *host, struct rows *rows, struct row *row,
						const struct passwd_db *db, const struct passwd_user *user,
						const char *path)
{
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(host, path, true, &st, &err);

	if (r == 0)
		set_inode(host, rows, row, db, user, &st);
	else if (r == -ENOENT || r == -ENOTDIR)
		row_bool(row, EXISTS, false);
	else
		set_unknown(row, arena_strdup(rows->arena, err.msg));
}

static void stat_home(struct host *host, struct rows *rows, struct row *row,
					  const struct passwd_db *db, const struct passwd_user *user)
{
	const char *path = str_dup(rows->arena, user->home);
	struct path_stat st;
	struct err err = {0};
	int r = *path == '/' ? host_stat(host, path, false, &st, &err) : -ENOENT;

	if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
		row_unknown(row, EXISTS, arena_strdup(rows->arena, err.msg));
		row_unknown(row, TYPE, arena_strdup(rows->arena, err.msg));
		set_unknown(row, arena_strdup(rows->arena, err.msg));
		return;
	}
	row_bool(row, EXISTS, r == 0);
	if (r < 0)
		return;
	row_strz(row, TYPE, S_ISLNK(st.mode) ? "symlink" : S_ISDIR(st.mode) ? "directory" : "other");
	if (!S_ISLNK(st.mode))
		set_inode(host, rows, row, db, user, &st);
	else if (st.uid != 0)
		set_unknown(row, "a symbolic link that is not root's is not followed");
	else
		follow_home(host, rows, row, db, user, path);
}

static int read_homes(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	int r = passwd_read(host, rows->arena, &db, err);

	for (size_t i = 0; r == 0 && i < db.n_users; i++) {
		const struct passwd_user *user = &db.users[i];
		struct row *row;

		if (!passwd_can_login(user))
			continue;
		row = rows_add(rows, FROM("/etc/passwd", user->line));
		row_str(row, USER, user->name);
		row_str(row, PATH, user->home);
		row_int(row, UID, user->uid);
		row_bool(row, SYSTEM, user->uid != 0 && passwd_is_system(&db, user->uid));
		stat_home(host, rows, row, &db, user);
	}
	if (r == 0 && db.bad_lines)
		rows_gap(rows, "%u lines of /etc/passwd or /etc/group are no entries of theirs",
				 db.bad_lines);
	return r;
}

static int set_homes(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	const char *name = wish->column < 0 ? "" : wish->table->columns[wish->column].name;

	if (wish->column == OTHERS_WRITE)
		return edit_closed(edits, str_dup(edits->arena, wish->row->cells[PATH].string),
						   &wish->row->cells[MODE], err);
	if (strcmp(name, "mode") != 0 && strcmp(name, "owner") != 0)
		return err_set(err, ENOTSUP, "homes are not written or deleted");
	edit_attribute(edits, str_dup(edits->arena, wish->row->cells[PATH].string), name,
				   edit_text(edits, wish, ","));
	return 0;
}

static const struct table homes = {
	.name = "homes",
	.doc = "Home directories of accounts with a login shell",
	.columns = columns,
	.read = read_homes,
	.set = set_homes,
	.fix = "chmod {path}",
};
TABLE(homes);
