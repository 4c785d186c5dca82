/* SPDX-License-Identifier: Apache-2.0 */
/* Single files, as rules ask for them by path or pattern. */
#include <sys/stat.h>

#include "host/acl.h"
#include "host/glob.h"
#include "host/passwd.h"
#include "host/edit.h"
#include "host/table.h"

enum { NAME, PATH, KIND, MODE, OWNER, GROUP, UID, GID, SIZE, MTIME, AGE_DAYS, TARGET, NLINK, ACL };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Path or pattern as the rule asks for it",
			  COLUMN_KEY | COLUMN_ASKED},
	[PATH] = {"path", TYPE_STRING, "The file", COLUMN_LABEL},
	[KIND] = {"type", TYPE_STRING,
			  "regular, directory, socket, fifo, block, char; symlink when its target is not "
			  "there; absent when nothing has the name. This and all below are of a link's target",
			  0},
	[MODE] = {"mode", TYPE_MODE, "Permission bits", COLUMN_SETTABLE},
	[OWNER] = {"owner", TYPE_STRING, "Name of the owner; the uid when it has none",
			   COLUMN_SETTABLE},
	[GROUP] = {"group", TYPE_STRING, "Name of the group; the gid when it has none",
			   COLUMN_SETTABLE},
	[UID] = {"uid", TYPE_INT, "Owner", 0},
	[GID] = {"gid", TYPE_INT, "Group", 0},
	[SIZE] = {"size", TYPE_SIZE, "Size in bytes", 0},
	[MTIME] = {"mtime", TYPE_TIME, "When its content was last written", 0},
	[AGE_DAYS] = {"age_days", TYPE_INT, "Whole days since then; absent: it is yet to come", 0},
	[TARGET] = {"target", TYPE_STRING, "What the link says; absent: it is no link", 0},
	[NLINK] = {"nlink", TYPE_INT, "Number of hard links", 0},
	[ACL] = {"acl", TYPE_LIST,
			 "What an access control list gives to users and groups by name: user:ops:rw-, "
			 "default:group:web:r-x; absent: none",
			 COLUMN_SETTABLE},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct passwd_db users;
	bool has_users;
};

/* What cannot be examined is not known in any respect, not even to be there. */
static void set_unknown(struct rows *rows, struct row *row, const struct err *err)
{
	const char *why = arena_strdup(rows->arena, err->msg);

	for (int column = KIND; column <= ACL; column++)
		row_unknown(row, column, why);
}

#define CLOCKS_DIFFER 60 /* seconds: what is written while it is read, or on another machine */

static void set_age(const struct reader *r, struct row *row, int64_t mtime)
{
	int64_t now = host_now(r->host);

	if (mtime <= now + CLOCKS_DIFFER)
		row_int(row, AGE_DAYS, MAX(now - mtime, 0) / 86400);
}

static void set_stat(const struct reader *r, struct row *row, const struct path_stat *st)
{
	static const char no_users[] = "/etc/passwd or /etc/group could not be read";

	row_strz(row, KIND, path_kind(st->mode));
	row_int(row, MODE, st->mode & 07777);
	row_int(row, UID, st->uid);
	row_int(row, GID, st->gid);
	row_int(row, SIZE, st->size);
	row_int(row, MTIME, st->mtime);
	set_age(r, row, st->mtime);
	row_int(row, NLINK, st->nlink);
	if (r->has_users) {
		row_str(row, OWNER, passwd_user_name(&r->users, st->uid, r->rows->arena));
		row_str(row, GROUP, passwd_group_name(&r->users, st->gid, r->rows->arena));
	} else {
		row_unknown(row, OWNER, no_users);
		row_unknown(row, GROUP, no_users);
	}
}

/* -ENOTDIR: something on the way is a file, so that what is asked for cannot be there. */
static bool is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* A link in a circle, into /proc/PID, or to a name that is too long: it gives access to nothing. */
static bool is_nowhere(int r)
{
	return r == -ELOOP || r == -ENAMETOOLONG;
}

/* Where nothing has an ACL, as in a tree from an archive, that is all there is to say. */
static void set_acl(const struct reader *r, struct row *row, const char *path)
{
	struct str *entries;
	size_t n = 0;
	struct err err = {0};
	int e = acl_read(r->host, path, true, &r->users, r->rows->arena, &entries, &n, &err);

	if (e == 0 && n)
		row_list(row, ACL, entries, n);
	else if (e < 0 && !is_missing(e) && !is_nowhere(e))
		row_unknown(row, ACL, arena_strdup(r->rows->arena, err.msg));
}

/* A link whose target is not there, or that leads in a circle, is shown as the link that it is. */
static int stat_target(struct reader *r, const char *path, struct row *row, struct path_stat *st,
					   struct err *err)
{
	struct str target;
	struct path_stat of_target;
	int e = host_readlink(r->host, path, r->rows->arena, &target, err);

	if (e < 0)
		return e;
	row_str(row, TARGET, target);
	e = host_stat(r->host, path, true, &of_target, err);
	if (is_missing(e) || is_nowhere(e))
		return 0;
	if (e == 0)
		*st = of_target;
	return e;
}

static void add_file(struct reader *r, struct str name, struct str path)
{
	const char *file = str_dup(r->rows->arena, path);
	struct row *row = rows_add(r->rows, FROM(file, 0));
	struct path_stat st;
	struct err err = {0};
	int e;

	row_str(row, NAME, name);
	row_str(row, PATH, path);
	e = host_stat(r->host, file, false, &st, &err);
	if (e == 0 && S_ISLNK(st.mode))
		e = stat_target(r, file, row, &st, &err);
	if (is_missing(e))
		row_strz(row, KIND, "absent");
	else if (e < 0)
		set_unknown(r->rows, row, &err);
	else {
		set_stat(r, row, &st);
		set_acl(r, row, file);
	}
}

static void add_matches(struct reader *r, struct str pattern)
{
	struct str *paths;
	size_t n = 0;
	struct err err = {0};
	struct row *row;
	int e = host_glob_loose(r->host, r->rows->arena, pattern, &paths, &n, &err);

	for (size_t i = 0; e == 0 && i < n; i++)
		add_file(r, pattern, paths[i]);
	if (e == 0 && n)
		return;
	row = rows_add(r->rows, FROM(str_dup(r->rows->arena, pattern), 0));
	row_str(row, NAME, pattern);
	row_str(row, PATH, pattern);
	if (e < 0)
		set_unknown(r->rows, row, &err);
	else
		row_strz(row, KIND, "absent");
}

static int read_files(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};
	struct err ignored = {0};

	r.has_users = rows->demand->n && passwd_read(host, rows->arena, &r.users, &ignored) == 0;
	for (size_t i = 0; i < rows->demand->n; i++) {
		struct str name = rows->demand->keys[i];

		if (str_is_glob(name))
			add_matches(&r, name);
		else
			add_file(&r, name, name);
	}
	return 0;
}

/* Who is named there is taken out, one and all: which of them is meant, a rule does not say. */
static int set_acl_absent(struct host *host, const struct wish *wish, struct edits *edits, struct err *err)
{
	const char *path = str_dup(edits->arena, wish->row->cells[PATH].string);
	struct str access, other, plain;
	int r = acl_texts(host, path, edits->arena, &access, &other, err);

	if (r == 0 && wish->value.state == VALUE_SET)
		return err_set(err, ENOTSUP, "%s: what its access control list should have is said by hand", path);
	if (r < 0)
		return r;
	plain = acl_without_names(edits->arena, access);
	if (!str_eq(access, plain))
		edit_state(edits, "acl", path, "access", access, plain);
	if (other.p)
		edit_state(edits, "acl", path, "default", other, STR_ABSENT);
	return 0;
}

static int set_files(struct host *host, const struct wish *wish, struct edits *edits, struct err *err)
{
	if (wish->column < 0)
		return err_set(err, ENOTSUP, "files are not deleted");
	if (wish->column == ACL)
		return set_acl_absent(host, wish, edits, err);
	edit_attribute(edits, str_dup(edits->arena, wish->row->cells[PATH].string),
				   wish->table->columns[wish->column].name, edit_text(edits, wish, ","));
	return 0;
}

static const struct table files = {
	.name = "files",
	.doc = "Files that are asked for by path or pattern: one row for each that matches, or one of "
		   "type absent when none does",
	.columns = columns,
	.read = read_files,
	.set = set_files,
	.fix = "set mode, owner and group of {path}, and take named users and groups out of its ACL",
};
TABLE(files);
