/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a process of the name runs; the name is that of its program, as ps -o comm prints it, which the
 * kernel cuts after 15 bytes. */
#include "spec/lookup.h"

enum { RUNNING, COMM };

static const struct attribute attributes[] = {
	[RUNNING] = {"running", EXPECTED, .required = true},
	[COMM] = {"comm", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r _unused_, struct snapshot *s)
{
	want_table(s, "processes");
}

/* The table leaves kernel threads out. */
static bool is_kernel_thread(struct finding *f, struct str name)
{
	struct host_dir dir;
	struct err ignored;
	struct str comm;

	if (host_list(f->host, "/proc", f->arena, &dir, &ignored) < 0)
		return false;
	for (size_t i = 0; i < dir.n; i++)
		if (dir.entries[i].name[0] >= '1' && dir.entries[i].name[0] <= '9' &&
			host_read(f->host, arena_printf(f->arena, "/proc/%s/comm", dir.entries[i].name),
					  f->arena, &comm, &ignored) == 0 &&
			str_eq(str_trim(comm), name))
			return true;
	return false;
}

static int find(struct finding *f, int attribute _unused_, struct datum *ret, struct err *err)
{
	struct str name = f->resource->name;
	const struct rows *rows;
	bool runs = false;
	int r = find_rows(f, "processes", &rows, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rows->n && !runs; i++) {
		struct str comm = cell_text(rows, rows->p[i], "name");

		runs = str_eq(comm, name) ||
			   (comm.n == 15 && name.n > 15 && memcmp(comm.p, name.p, comm.n) == 0);
	}
	runs = runs || is_kernel_thread(f, name);
	if (!runs && rows->gap)
		return err_set(err, ENODATA, "%s", rows->gap);
	*ret = DATUM_YES(runs);
	return 0;
}

static const struct kind process = {"process",         "Process",    attributes,
									.subject = "comm", .want = want, .find = find};
KIND(process);
