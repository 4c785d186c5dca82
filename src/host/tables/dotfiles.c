/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden files and directories in the homes of accounts with a login shell, and the secrets that are
 * known to lie in such directories. The owner chooses what is there, so a symbolic link is a row
 * of its own and never followed, and a directory is entered only when it is one.
 */
#include <dirent.h>

#include "base/map.h"
#include "host/acl.h"
#include "host/passwd.h"
#include "host/edit.h"
#include "host/table.h"

#define MAX_IN_HOME 2000 /* rows for one home */

enum {
	USER,
	PATH,
	NAME,
	TYPE,
	MODE,
	OWNER,
	OWNER_MATCHES,
	GROUP_WRITABLE,
	WORLD_WRITABLE,
	WORLD_READABLE,
	OTHERS_WRITE,
};

static const struct column columns[] = {
	[USER] = {"user", TYPE_STRING, "Account whose home it is in", COLUMN_LABEL},
	[PATH] = {"path", TYPE_STRING, "Where it is", COLUMN_KEY | COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "Relative to the home: .netrc, .ssh/id_rsa", 0},
	[TYPE] = {"type", TYPE_STRING, "regular, directory, symlink or other", 0},
	[MODE] = {"mode", TYPE_MODE, "Permission bits; absent for a link to /dev/null",
			  COLUMN_SETTABLE},
	[OWNER] = {"owner", TYPE_STRING, "Who owns it (a link: the link itself)", 0},
	[OWNER_MATCHES] = {"owner_matches", TYPE_BOOL, "Does the account own it?", 0},
	[GROUP_WRITABLE] = {"group_writable", TYPE_BOOL, "May the group write?", 0},
	[WORLD_WRITABLE] = {"world_writable", TYPE_BOOL, "May others write?", 0},
	[WORLD_READABLE] = {"world_readable", TYPE_BOOL, "May others read?", 0},
	[OTHERS_WRITE] =
		{"others_write", TYPE_BOOL,
		 "May anybody write but the account and root: others, or a group with more in it?",
		 COLUMN_SETTABLE},
	{0},
};

/* Directories of which more than the directory itself is of interest, and which entries of them. */
static const struct {
	const char *dir, *pattern;
} inside[] = {
	{".ssh", "id_*"},        {".ssh", "config"},    {".ssh", "authorized_keys*"},
	{".ssh", "rc"},          {".ssh", "*.pem"},     {".ssh", "environment"},
	{".ssh", "identity"},    {".ssh", "*[._-]key"}, {".ssh", "*.ppk"},
	{".ssh", "*_rsa"},       {".ssh", "*_dsa"},     {".ssh", "*_ecdsa"},
	{".ssh", "*_ed25519"},   {".aws", "config"},    {".docker", "config.json"},
	{".aws", "credentials"}, {".gnupg", "*"},       {".azure", "*.json"},
	{".kube", "config"},
};

struct home {
	struct host *host;
	struct rows *rows;
	const struct passwd_db *db;
	const struct passwd_user *user;
	struct str path; /* without a slash at its end */
	size_t n;
	struct arena scratch; /* of its listings, which a user may make long */
};

static const char *kind_name(uint32_t mode)
{
	return S_ISREG(mode)   ? "regular"
		   : S_ISDIR(mode) ? "directory"
		   : S_ISLNK(mode) ? "symlink"
						   : "other";
}

/* History files are often linked to /dev/null, where nothing can be read or written. */
static bool is_discarded(struct home *h, const char *path)
{
	return host_is_masked(h->host, path, &h->scratch);
}

/* With an ACL that names somebody who may write, the mode shows its mask, which has the group's w. */
static void set_others_write(struct home *h, struct row *row, const char *path,
							 const struct path_stat *st)
{
	struct err err = {0};
	int r = (st->mode & S_IWOTH) != 0;

	if (!r && st->mode & S_IWGRP)
		r = passwd_is_private_group(h->db, st->gid, h->user)
				? acl_others_write(h->host, path, false, h->db, &h->scratch, &err)
				: 1;
	if (r < 0)
		row_unknown(row, OTHERS_WRITE, arena_strdup(h->rows->arena, err.msg));
	else
		row_bool(row, OTHERS_WRITE, r);
}

static void set_mode(struct home *h, struct row *row, const char *path, const struct path_stat *st)
{
	static const int mode_columns[] = {
		MODE, GROUP_WRITABLE, WORLD_WRITABLE, WORLD_READABLE, OTHERS_WRITE,
	};
	bool discarded;

	if (!S_ISLNK(st->mode)) {
		row_int(row, MODE, st->mode & 07777);
		row_bool(row, GROUP_WRITABLE, st->mode & S_IWGRP);
		row_bool(row, WORLD_WRITABLE, st->mode & S_IWOTH);
		row_bool(row, WORLD_READABLE, st->mode & S_IROTH);
		set_others_write(h, row, path, st);
		return;
	}
	discarded = is_discarded(h, path);
	for (size_t i = 0; i < ARRAY_LEN(mode_columns); i++) {
		if (!discarded)
			row_unknown(row, mode_columns[i], "a symbolic link, which is not followed");
		else if (mode_columns[i] != MODE)
			row_bool(row, mode_columns[i], false);
	}
}

/* Adds what is there; *ret_dir says whether it is a directory that may be entered. */
static void add_entry(struct home *h, const char *name, bool *ret_dir)
{
	struct arena *arena = h->rows->arena;
	size_t n = h->path.n + 1;
	const char *path = arena_printf(arena, "%s/%s", str_dup(&h->scratch, h->path), name);
	struct path_stat st;
	struct err err = {0};
	struct row *row;
	int r = host_stat(h->host, path, false, &st, &err);

	*ret_dir = r == 0 && S_ISDIR(st.mode);
	if (r == -ENOENT || r == -ENOTDIR)
		return;
	if (r < 0) {
		rows_gap(h->rows, "%s", err.msg);
		return;
	}
	h->n++;
	row = rows_add(h->rows, FROM(path, 0));
	row_str(row, USER, h->user->name);
	row_strz(row, PATH, path);
	row_strz(row, NAME, path + n);
	row_strz(row, TYPE, kind_name(st.mode));
	row_str(row, OWNER, passwd_user_name(h->db, st.uid, arena));
	row_bool(row, OWNER_MATCHES, st.uid == h->user->uid);
	set_mode(h, row, path, &st);
}

static bool list(struct home *h, const char *path, struct host_dir *ret)
{
	struct err err = {0};
	int r = host_list(h->host, path, &h->scratch, ret, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(h->rows, "%s", err.msg);
	if (r == 0 && ret->more)
		rows_gap(h->rows, "%s: too many entries", path);
	return r == 0;
}

/* Public keys are meant to be read. */
static bool is_of_interest(const char *dir, struct str name)
{
	if (str_ends(name, ".pub"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (strcmp(inside[i].dir, dir) == 0 && str_glob(inside[i].pattern, name))
			return true;
	return false;
}

static void enter(struct home *h, const char *dir)
{
	struct arena *arena = &h->scratch;
	struct host_dir entries = {0};
	bool is_dir;

	if (!list(h, arena_printf(arena, "%s/%s", str_dup(arena, h->path), dir), &entries))
		return;
	for (size_t i = 0; i < entries.n && h->n < MAX_IN_HOME; i++)
		if (is_of_interest(dir, str_of(entries.entries[i].name)))
			add_entry(h, arena_printf(arena, "%s/%s", dir, entries.entries[i].name), &is_dir);
}

static bool has_inside(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (strcmp(inside[i].dir, name) == 0)
			return true;
	return false;
}

static void read_home(struct home *h)
{
	struct host_dir entries = {0};
	bool is_dir;

	if (!list(h, h->path.n ? str_dup(&h->scratch, h->path) : "/", &entries))
		return;
	for (size_t i = 0; i < entries.n && h->n < MAX_IN_HOME; i++) {
		const struct path_entry *e = &entries.entries[i];

		if (e->name[0] != '.')
			continue;
		add_entry(h, e->name, &is_dir);
		if (is_dir && has_inside(e->name))
			enter(h, e->name);
	}
	if (h->n >= MAX_IN_HOME)
		rows_gap(h->rows, "%.*s: over %d hidden files", STR_ARG(h->path), MAX_IN_HOME);
}

/* A home may itself be a link, but only root's are followed. */
static bool is_followed(struct home *h)
{
	const char *path = str_dup(&h->scratch, h->path);
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(h->host, path, false, &st, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(h->rows, "%s", err.msg);
	if (r == 0 && S_ISLNK(st.mode) && st.uid != 0) {
		rows_gap(h->rows, "%s: a symbolic link that is not root's is not followed", path);
		return false;
	}
	return r == 0 && (S_ISLNK(st.mode) || S_ISDIR(st.mode));
}

static int read_dotfiles(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	struct map seen; /* homes that accounts share are read once */
	int r = passwd_read(host, rows->arena, &db, err);

	map_init(&seen, rows->arena);
	for (size_t i = 0; r == 0 && i < db.n_users; i++) {
		struct passwd_user *user = &db.users[i];
		struct home home = {
			.host = host, .rows = rows, .db = &db, .user = user, .path = user->home};

		while (str_ends(home.path, "/"))
			home.path.n--;
		if (!passwd_can_login(user) || !str_starts(user->home, "/") ||
			map_put(&seen, home.path, user))
			continue;
		if (!home.path.n || is_followed(&home))
			read_home(&home);
		arena_done(&home.scratch);
	}
	if (r == 0 && db.bad_lines)
		rows_gap(rows, "%u lines of /etc/passwd or /etc/group are no entries of theirs",
				 db.bad_lines);
	return r;
}

static int set_dotfiles(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	const char *name = wish->column < 0 ? "" : wish->table->columns[wish->column].name;

	/* Applying would refuse it: it may be a link to something of root's. */
	if (wish->column >= 0 && wish->row->cells[OWNER_MATCHES].state == VALUE_SET &&
		!wish->row->cells[OWNER_MATCHES].number)
		return err_set(err, ENOTSUP, "%.*s does not belong to the account in whose home it is",
					   STR_ARG(wish->row->cells[PATH].string));
	if (wish->column == OTHERS_WRITE)
		return edit_closed(edits, str_dup(edits->arena, wish->row->cells[PATH].string),
						   &wish->row->cells[MODE], err);
	if (strcmp(name, "mode") != 0 && strcmp(name, "owner") != 0)
		return err_set(err, ENOTSUP, "dot files are not written or deleted");
	edit_attribute(edits, str_dup(edits->arena, wish->row->cells[PATH].string), name,
				   edit_text(edits, wish, ","));
	return 0;
}

static const struct table dotfiles = {
	.name = "dotfiles",
	.doc =
		"Hidden files and directories in the homes of accounts with a login shell, and secrets in "
		"such directories",
	.columns = columns,
	.read = read_dotfiles,
	.set = set_dotfiles,
	.fix = "chmod {path}",
};
TABLE(dotfiles);
