/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/lookup.h"

enum { EXISTS, UID, GID, HOME, GROUPS, SHELL, USERNAME };

static const struct attribute attributes[] = {
	[EXISTS] = {"exists", EXPECTED, .required = true},
	[UID] = {"uid", EXPECTED},
	[GID] = {"gid", EXPECTED},
	[HOME] = {"home", EXPECTED},
	[GROUPS] = {"groups", EXPECTED},
	[SHELL] = {"shell", EXPECTED},
	[USERNAME] = {"username", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r, struct snapshot *s)
{
	want_key(s, "users", r->name);
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	static const char *const columns[] = {
		[UID] = "uid", [GID] = "gid", [HOME] = "home", [GROUPS] = "groups", [SHELL] = "shell"};
	const struct row *row;
	int r = find_row(f, "users", f->resource->name, &row, err);

	*ret = DATUM_YES(row != NULL);
	if (r < 0 || attribute == EXISTS)
		return r;
	r = find_cell_of(f, "users", row, columns[attribute], ret, err);
	if (r == 0 && ret->kind == DATUM_NULL)
		*ret = attribute == GROUPS ? datum_list(NULL, 0) : DATUM_STR(STR(""));
	return r;
}

static const struct kind user = {"user",        "User",       attributes,  .subject = "username",
								 .gated = true, .want = want, .find = find};
KIND(user);
