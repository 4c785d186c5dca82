/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of /etc/passwd, with the groups that /etc/group gives them. */
#include "base/vec.h"
#include "host/crypt_id.h"
#include "host/edit.h"
#include "host/passwd.h"
#include "host/table.h"
#include "host/value.h"

enum {
	NAME,
	UID,
	GID,
	GECOS,
	HOME,
	SHELL,
	SYSTEM,
	LOGIN_SHELL,
	GROUPS,
	FIRST_LINE,
	UID_SHARED_WITH
};

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the account", COLUMN_KEY | COLUMN_LABEL},
	[UID] = {"uid", TYPE_INT, "Number of the user", 0},
	[GID] = {"gid", TYPE_INT, "Number of the primary group", 0},
	[GECOS] = {"gecos", TYPE_STRING, "Full name and the like", 0},
	[HOME] = {"home", TYPE_STRING, "Home directory", 0},
	[SHELL] = {"shell", TYPE_STRING, "Login shell; empty means /bin/sh", COLUMN_SETTABLE},
	[SYSTEM] = {"system", TYPE_BOOL, "Is the uid below UID_MIN of login.defs, or nobody's 65534?",
				0},
	[LOGIN_SHELL] = {"login_shell", TYPE_BOOL,
					 "Can a person work in the shell: not nologin, false, sync or the like?", 0},
	[GROUPS] = {"groups", TYPE_LIST, "Names of the primary and the supplementary groups",
				COLUMN_SETTABLE},
	[FIRST_LINE] = {"first_line", TYPE_INT,
					"Line of /etc/passwd with the entry of this name that counts; absent: this one",
					0},
	[UID_SHARED_WITH] = {"uid_shared_with", TYPE_LIST,
						 "Other accounts of the same uid; absent when there are none", 0},
	{0},
};

struct groups {
	VEC(struct str) names;
};

/* Only the first names are compared: a list of thousands may hold one twice. */
static void add_group(struct arena *arena, struct groups *groups, struct str name)
{
	for (size_t i = 0; i < MIN(groups->names.n, (size_t)64); i++)
		if (str_eq(groups->names.p[i], name))
			return;
	*vec_push(arena, &groups->names) = name;
}

/* The kernel knows numbers only: a member of one group is in all that share its gid, of which the
 * first is the name that programs show. */
static void add_members(struct rows *rows, const struct passwd_db *db, const struct passwd_group *g,
						const struct map *by_name)
{
	const struct passwd_group *first = passwd_by_gid(db, g->gid);

	for (size_t i = 0; i < g->n_members; i++) {
		struct groups *groups = map_get(by_name, g->members[i]);

		if (!groups)
			continue;
		add_group(rows->arena, groups, g->name);
		if (first != g)
			add_group(rows->arena, groups, first->name);
	}
}

/* Every group of every account, in one pass over /etc/group. */
static void collect_groups(struct rows *rows, const struct passwd_db *db, struct map *ret)
{
	map_init(ret, rows->arena);
	for (size_t i = 0; i < db->n_users; i++) {
		struct groups *groups = arena_new(rows->arena, struct groups, 1);

		*vec_push(rows->arena, &groups->names) =
			passwd_group_name(db, db->users[i].gid, rows->arena);
		if (!map_get(ret, db->users[i].name))
			map_put(ret, db->users[i].name, groups);
	}
	for (size_t i = 0; i < db->n_groups; i++)
		add_members(rows, db, &db->groups[i], ret);
}

static void set_shared(struct rows *rows, const struct passwd_db *db, struct row *const *by_user)
{
	struct str *names = arena_new(rows->arena, struct str, db->n_users);
	struct passwd_others *others = arena_new(rows->arena, struct passwd_others, db->n_users);

	for (size_t i = 0, n; i < db->n_users; i += n) {
		for (n = 0; i + n < db->n_users && db->by_uid[i + n]->uid == db->by_uid[i]->uid; n++)
			names[n] = db->by_uid[i + n]->name;
		if (n == 1)
			continue;
		passwd_others(rows->arena, names, n, others);
		for (size_t k = 0; k < n; k++)
			row_list(by_user[db->by_uid[i + k] - db->users], UID_SHARED_WITH, others[k].names,
					 others[k].n);
	}
}

static struct row *add_user(struct rows *rows, const struct passwd_db *db,
							const struct passwd_user *user, const struct groups *groups)
{
	const struct passwd_user *first = passwd_by_name(db, user->name);
	struct row *row = rows_add(rows, FROM("/etc/passwd", user->line));

	row_str(row, NAME, user->name);
	row_int(row, UID, user->uid);
	row_int(row, GID, user->gid);
	row_str(row, GECOS, user->gecos);
	row_str(row, HOME, user->home);
	row_str(row, SHELL, user->shell);
	row_bool(row, SYSTEM, passwd_is_system(db, user->uid));
	row_bool(row, LOGIN_SHELL, passwd_can_login(user));
	row_list(row, GROUPS, groups->names.p, groups->names.n);
	if (first != user)
		row_int(row, FIRST_LINE, first->line);
	return row;
}

static int read_users(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	struct row **by_user;
	struct map groups;
	int r = passwd_read(host, rows->arena, &db, err);

	if (r < 0)
		return r;
	collect_groups(rows, &db, &groups);
	by_user = arena_new(rows->arena, struct row *, db.n_users);
	for (size_t i = 0; i < db.n_users; i++)
		by_user[i] = add_user(rows, &db, &db.users[i], map_get(&groups, db.users[i].name));
	set_shared(rows, &db, by_user);
	if (db.bad_lines)
		rows_gap(rows, "%u lines of /etc/passwd or /etc/group are no entries of theirs",
				 db.bad_lines);
	return 0;
}

/* --- fixing ------------------------------------------------------------------------------------ */

/* What the lines of /etc/group do not decide alone is not theirs to undo. */
static int refuse_membership(const struct passwd_db *db, const struct row *row, struct str name,
							 struct err *err)
{
	const struct passwd_group *g = passwd_group_by_name(db, name);
	struct str user = row->cells[NAME].string;

	if (g && row->cells[GID].number == g->gid)
		return err_set(
			err, ENOTSUP,
			"%.*s is the primary group of %.*s: usermod -g OTHER %.*s, when its files are "
			"given to the other group as well",
			STR_ARG(name), STR_ARG(user), STR_ARG(user));
	for (size_t i = 0; g && i < db->n_groups; i++)
		if (&db->groups[i] != g && db->groups[i].gid == g->gid)
			return err_set(err, ENOTSUP, "/etc/group:%u: %.*s has the number of %.*s as well",
						   db->groups[i].line, STR_ARG(db->groups[i].name), STR_ARG(name));
	return g ? 0 : err_set(err, ENOTSUP, "/etc/group has no group %.*s", STR_ARG(name));
}

static bool names_member(struct str text, struct str group, struct str user)
{
	struct str line, field = STR_ABSENT;
	bool found = false;

	while (str_line(&text, &line)) {
		if (!str_cut(&line, ':', &field) || !str_eq(field, group))
			continue;
		for (int i = 0; i < 2; i++)
			(void)str_cut(&line, ':', &field);
		while (str_cut(&line, ',', &field))
			found = found || str_eq(str_trim(field), user);
	}
	return found;
}

/* Whom gshadow names may enter the group with newgrp(1), also when /etc/group does not name him. */
static int leave_group(struct host *host, const struct row *row, struct str group,
					   struct edits *edits, struct err *err)
{
	static const char *const files[] = {"/etc/group", "/etc/gshadow"};
	struct str user = row->cells[NAME].string;
	struct arena *a = edits->arena;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct str text;
		int r = host_read_scrubbed(host, files[i], crypt_scrub_passwd, a, &text, err);

		if (r == -ENOENT)
			continue;
		if (r == 0)
			r = passwd_check_group_lines(files[i], text, group, err);
		if (r < 0)
			return r;
		if (names_member(text, group, user))
			edit_state(edits, "group", str_dup(a, group),
					   arena_printf(a, "%s %.*s", files[i], STR_ARG(user)), STR("member"),
					   STR_ABSENT);
	}
	return 0;
}

static int leave_groups(struct host *host, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	const struct value *have = &wish->row->cells[GROUPS];
	struct passwd_db db;
	int r = passwd_read(host, edits->arena, &db, err);

	for (size_t i = 0; r == 0 && i < wish->value.list.n; i++)
		if (!value_has_item(have, wish->value.list.items[i]))
			r = err_set(err, ENOTSUP, "who is given a group is decided by hand");
	for (size_t i = 0; r == 0 && have->state == VALUE_SET && i < have->list.n; i++) {
		if (value_has_item(&wish->value, have->list.items[i]))
			continue;
		r = refuse_membership(&db, wish->row, have->list.items[i], err);
		if (r == 0)
			r = leave_group(host, wish->row, have->list.items[i], edits, err);
	}
	return r;
}

static int set_users(struct host *host, const struct wish *wish, struct edits *edits,
					 struct err *err)
{
	if (wish->row && wish->column == GROUPS && wish->value.state == VALUE_SET)
		return leave_groups(host, wish, edits, err);
	if (!wish->row || wish->column != SHELL || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "which accounts there are is decided by hand");
	edit_state(edits, "account", str_dup(edits->arena, wish->row->cells[NAME].string), "shell",
			   wish->row->cells[SHELL].string, edit_text(edits, wish, ""));
	return 0;
}

static const struct table users = {
	.name = "users",
	.doc = "The accounts of /etc/passwd",
	.columns = columns,
	.read = read_users,
	.set = set_users,
	.fix = "usermod --shell, or gpasswd --delete, for {name}",
};
TABLE(users);
