/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/lookup.h"

enum { EXISTS, GID, GROUPNAME };

static const struct attribute attributes[] = {
	[EXISTS] = {"exists", EXPECTED, .required = true},
	[GID] = {"gid", EXPECTED},
	[GROUPNAME] = {"groupname", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r, struct snapshot *s)
{
	want_key(s, "groups", r->name);
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	const struct row *row;
	int r = find_row(f, "groups", f->resource->name, &row, err);

	*ret = DATUM_YES(row != NULL);
	if (r < 0 || attribute == EXISTS)
		return r;
	return find_cell_of(f, "groups", row, "gid", ret, err);
}

static const struct kind group = {"group",       "Group",      attributes,  .subject = "groupname",
								  .gated = true, .want = want, .find = find};
KIND(group);
