/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "spec/lookup.h"

enum { EXISTS, ADDRS, MTU, NAME };

static const struct attribute attributes[] = {
	[EXISTS] = {"exists", EXPECTED, .required = true},
	[ADDRS] = {"addrs", EXPECTED},
	[MTU] = {"mtu", EXPECTED},
	[NAME] = {"name", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r _unused_, struct snapshot *s)
{
	want_table(s, "interfaces");
}

static int find_mtu(struct finding *f, struct datum *ret, struct err *err)
{
	struct str text;
	uint64_t mtu;
	const char *path =
		arena_printf(f->arena, "/sys/class/net/%.*s/mtu", STR_ARG(f->resource->name));
	int r = host_read(f->host, path, f->arena, &text, err);

	if (r < 0)
		return r;
	if (num_u64(str_trim(text), 0, UINT32_MAX, &mtu) < 0)
		return err_set(err, EBADMSG, "%s: is no number", path);
	*ret = DATUM_NUMBER((int64_t)mtu);
	return 0;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	const struct row *row;
	int r = find_row(f, "interfaces", f->resource->name, &row, err);

	*ret = DATUM_YES(row != NULL);
	if (r < 0 || attribute == EXISTS)
		return r;
	if (attribute == MTU)
		return find_mtu(f, ret, err);
	r = find_cell_of(f, "interfaces", row, "addresses", ret, err);
	if (r == 0 && ret->kind == DATUM_NULL)
		*ret = datum_list(NULL, 0);
	return r;
}

static const struct kind interface = {"interface",   "Interface",  attributes,  .subject = "name",
									  .gated = true, .want = want, .find = find};
KIND(interface);
