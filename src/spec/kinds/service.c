/* SPDX-License-Identifier: Apache-2.0 */
/* A service of systemd, or, where that does not run, of SysV init or OpenRC: for these, whether it is
 * started in a runlevel is seen in links, and whether it runs cannot be told. */
#include <stdio.h>

#include "spec/lookup.h"

enum { ENABLED, RUNNING, RUNLEVELS, NAME };

static const struct attribute attributes[] = {
	[ENABLED] = {"enabled", EXPECTED},
	[RUNNING] = {"running", EXPECTED},
	[RUNLEVELS] = {"runlevels", EXPECTED},
	[NAME] = {"name", SETTING_TEXT},
	{0},
};

static void want(const struct resource *r _unused_, struct snapshot *s)
{
	want_table(s, "units");
}

/* Without a suffix it is a service, as systemctl(1) has it. */
static struct str unit_name(struct arena *a, struct str name)
{
	static const char *const suffixes[] = {".service", ".socket",    ".timer", ".target",
										   ".mount",   ".path",      ".slice", ".scope",
										   ".swap",    ".automount", ".device"};

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return name;
	return str_of(arena_printf(a, "%.*s.service", STR_ARG(name)));
}

/* An alias is its unit. */
static int find_unit(struct finding *f, struct str name, const struct row **ret, struct err *err)
{
	const struct rows *rows;
	const char *slash;
	struct str path;
	int r = find_row(f, "units", name, ret, err);

	if (r < 0 || !*ret)
		return r;
	(void)find_rows(f, "units", &rows, err);
	path = cell_text(rows, *ret, "fragment");
	if (!str_is(cell_text(rows, *ret, "enabled"), "alias") || !path.n)
		return 0;
	slash = memrchr(path.p, '/', path.n);
	if (!slash)
		return 0;
	return find_row(f, "units", (struct str){slash + 1, path.n - (size_t)(slash + 1 - path.p)}, ret,
					err);
}

/* Where `systemctl is-enabled` ends with 0. */
static bool counts_as_enabled(struct str state)
{
	return str_is_one_of(state, NAMES("enabled", "enabled-runtime", "static", "alias", "indirect",
									  "generated", "transient"));
}

static int find_state(struct finding *f, const char *column, struct datum *ret, struct err *err)
{
	struct str name = unit_name(f->arena, f->resource->name);
	const struct row *row;
	struct datum state;
	int r = find_unit(f, name, &row, err);

	*ret = DATUM_YES(false);
	if (r < 0 || !row)
		return r;
	r = find_cell_of(f, "units", row, column, &state, err);
	if (r == 0 && state.kind == DATUM_TEXT)
		*ret = DATUM_YES(strcmp(column, "enabled") == 0
							 ? counts_as_enabled(state.text)
							 : str_is(state.text, "active") || str_is(state.text, "reloading") ||
								   str_is(state.text, "refreshing"));
	return r;
}

/* --- SysV init and OpenRC -------------------------------------------------------------------- */

static void add_levels(struct finding *f, const char *dir, const char *level, const char *name,
					   struct datum *levels)
{
	struct host_dir entries;
	struct err ignored;

	if (host_list(f->host, dir, f->arena, &entries, &ignored) < 0)
		return;
	for (size_t i = 0; i < entries.n; i++) {
		const char *entry = entries.entries[i].name;
		bool sysv = entry[0] == 'S' && strlen(entry) > 3 && strcmp(entry + 3, name) == 0;

		if (sysv || strcmp(entry, name) == 0) {
			struct datum *more = arena_new(f->arena, struct datum, levels->list.n + 1);

			if (levels->list.n)
				memcpy(more, levels->list.p, levels->list.n * sizeof(*more));
			more[levels->list.n] = DATUM_STR(str_of(level));
			*levels = datum_list(more, levels->list.n + 1);
			return;
		}
	}
}

static struct datum find_levels(struct finding *f)
{
	static const char *const sysv[] = {"0", "1", "2", "3", "4", "5", "6", "S"};
	const char *name = str_dup(f->arena, f->resource->name);
	struct datum levels = datum_list(NULL, 0);
	struct host_dir dir;
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(sysv); i++)
		add_levels(f, arena_printf(f->arena, "/etc/rc%s.d", sysv[i]), sysv[i], name, &levels);
	if (host_list(f->host, "/etc/runlevels", f->arena, &dir, &ignored) == 0)
		for (size_t i = 0; i < dir.n; i++)
			add_levels(f, arena_printf(f->arena, "/etc/runlevels/%s", dir.entries[i].name),
					   dir.entries[i].name, name, &levels);
	return levels;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	const struct rows *units;
	struct datum levels;

	if (attribute == RUNLEVELS) {
		*ret = find_levels(f);
		return 0;
	}
	if (find_rows(f, "units", &units, err) == 0 || err->errnum != ENOENT)
		return find_state(f, attribute == ENABLED ? "enabled" : "active_state", ret, err);
	if (attribute == RUNNING)
		return err_set(err, ENOTSUP, "whether it runs can be told of systemd's services only");
	levels = find_levels(f);
	*ret = DATUM_YES(levels.list.n > 0);
	return 0;
}

static const struct kind service = {"service",         "Service",    attributes,
									.subject = "name", .want = want, .find = find};
KIND(service);
