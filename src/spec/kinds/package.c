/* SPDX-License-Identifier: Apache-2.0 */
/* A package of dpkg, rpm, pacman or apk. Several of a name, of different architectures or as rpm keeps
 * kernels, have several versions. */
#include "spec/lookup.h"

enum { INSTALLED, VERSIONS, NAME };

static const struct attribute attributes[] = {
	[INSTALLED] = {"installed", EXPECTED, .required = true},
	[VERSIONS] = {"versions", EXPECTED},
	[NAME] = {"name", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r _unused_, struct snapshot *s)
{
	want_table(s, "packages");
}

static bool is_wanted(const struct finding *f, const struct rows *rows, const struct row *row,
					  struct str name, struct str arch)
{
	return str_eq(cell_text(rows, row, "name"), name) &&
		   str_is(cell_text(rows, row, "state"), "installed") &&
		   (!arch.p || str_eq(cell_text(rows, row, "architecture"), arch)) &&
		   (!f->suite->manager || str_is(cell_text(rows, row, "manager"), f->suite->manager));
}

/* name, or name:architecture */
static int find_versions(struct finding *f, struct datum *ret, struct err *err)
{
	struct str arch = f->resource->name, name;
	VEC(struct str) versions = {0};
	const struct rows *rows;
	const size_t *some = NULL;
	size_t n;
	int r = find_rows(f, "packages", &rows, err);

	if (r < 0)
		return r;
	(void)str_cut(&arch, ':', &name);
	if (!rows_with_key(rows, name, f->arena, &some, &n)) {
		some = NULL;
		n = rows->n;
	}
	for (size_t i = 0; i < n; i++) {
		const struct row *row = rows->p[some ? some[i] : i];

		if (is_wanted(f, rows, row, name, arch))
			*vec_push(f->arena, &versions) = cell_text(rows, row, "version");
	}
	if (!versions.n && rows->gap)
		return err_set(err, ENODATA, "%s", rows->gap);
	*ret = datum_texts(f->arena, versions.p, versions.n);
	return 0;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	struct datum versions;
	int r = find_versions(f, &versions, err);

	if (r < 0)
		return r;
	*ret = attribute == INSTALLED ? DATUM_YES(versions.list.n > 0) : versions;
	return 0;
}

static const struct kind package = {"package",     "Package",    attributes,  .subject = "name",
									.gated = true, .want = want, .find = find};
KIND(package);
