/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of /etc/group. */
#include "host/passwd.h"
#include "host/table.h"

enum { NAME, GID, MEMBERS, FIRST_LINE, GID_SHARED_WITH };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the group", COLUMN_KEY | COLUMN_LABEL},
	[GID] = {"gid", TYPE_INT, "Number of the group", 0},
	[MEMBERS] = {"members", TYPE_LIST,
				 "Accounts that the line names; those whose primary group it is are not among them",
				 0},
	[FIRST_LINE] = {"first_line", TYPE_INT,
					"Line of /etc/group with the entry of this name that counts; absent: this one",
					0},
	[GID_SHARED_WITH] = {"gid_shared_with", TYPE_LIST,
						 "Other groups of the same gid; absent when there are none", 0},
	{0},
};

static void set_shared(struct rows *rows, const struct passwd_db *db, struct row *const *by_group)
{
	struct str *names = arena_new(rows->arena, struct str, db->n_groups);
	struct passwd_others *others = arena_new(rows->arena, struct passwd_others, db->n_groups);

	for (size_t i = 0, n; i < db->n_groups; i += n) {
		for (n = 0; i + n < db->n_groups && db->by_gid[i + n]->gid == db->by_gid[i]->gid; n++)
			names[n] = db->by_gid[i + n]->name;
		if (n == 1)
			continue;
		passwd_others(rows->arena, names, n, others);
		for (size_t k = 0; k < n; k++)
			row_list(by_group[db->by_gid[i + k] - db->groups], GID_SHARED_WITH, others[k].names,
					 others[k].n);
	}
}

static int read_groups(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db db;
	struct row **by_group;
	struct map by_name; /* the first entry of each */
	int r = passwd_read(host, rows->arena, &db, err);

	if (r < 0)
		return r;
	by_group = arena_new(rows->arena, struct row *, db.n_groups);
	map_init(&by_name, rows->arena);
	for (size_t i = 0; i < db.n_groups; i++) {
		struct passwd_group *g = &db.groups[i];
		const struct passwd_group *first = map_get(&by_name, g->name);
		struct row *row = rows_add(rows, FROM("/etc/group", g->line));

		row_str(row, NAME, g->name);
		row_int(row, GID, g->gid);
		row_list(row, MEMBERS, g->members, g->n_members);
		if (first)
			row_int(row, FIRST_LINE, first->line);
		else
			map_put(&by_name, g->name, g);
		by_group[i] = row;
	}
	set_shared(rows, &db, by_group);
	if (db.bad_lines)
		rows_gap(rows, "%u lines of /etc/passwd or /etc/group are no entries of theirs",
				 db.bad_lines);
	return 0;
}

static const struct table groups = {
	.name = "groups",
	.doc = "The groups of /etc/group",
	.columns = columns,
	.read = read_groups,
};
TABLE(groups);
