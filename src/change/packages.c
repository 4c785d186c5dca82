/* SPDX-License-Identifier: Apache-2.0 */
#include "change/packages.h"

#include <limits.h>
#include <stdlib.h>

#include "base/vec.h"
#include "change/delta.h"
#include "change/fs.h"

#define SYSTEMCTL "/usr/bin/systemctl"

struct names packages_installed_by(const struct step *step, struct arena *a)
{
	struct names names = {0};

	for (size_t i = 0; i < step->after.n; i++)
		if (step->after.p[i].value.p && !state_get(&step->before, step->after.p[i].name).p)
			*vec_push(a, &names) = step->after.p[i].name;
	return names;
}

struct names packages_removed_by(const struct step *step, struct arena *a)
{
	struct names names = {0};

	for (size_t i = 0; i < step->before.n; i++)
		if (step->before.p[i].value.p && !state_get(&step->after, step->before.p[i].name).p)
			*vec_push(a, &names) = step->before.p[i].name;
	return names;
}

static ssize_t path_of_fd(int fd, struct arena *a, char path[PATH_MAX])
{
	ssize_t n = readlink(arena_printf(a, "/proc/self/fd/%d", fd), path, PATH_MAX - 1);

	if (n >= 0)
		path[n] = '\0';
	return n < 0 ? -errno : n;
}

int packages_path(const struct place *place, const struct saved *saved, const char *suffix,
				  struct arena *a, const char **ret, struct err *err)
{
	char root[PATH_MAX], dir[PATH_MAX];
	ssize_t n = path_of_fd(saved->dir_fd, a, dir), m = path_of_fd(place->root_fd, a, root);

	if (n < 0 || m < 0)
		return err_errno(err, (int)-MIN(n, m), "%s", place->root);
	m = m == 1 ? 0 : m;
	if (strncmp(dir, root, (size_t)m) != 0)
		return err_set(err, EXDEV, "%s is not below %s", dir, root);
	*ret = arena_printf(a, "%s/%s%s", dir + m, saved->name, suffix);
	return 0;
}

const char *packages_unit(const char *path)
{
	static const char *const dirs[] = {"/lib/systemd/system/", "/usr/lib/systemd/system/"};
	static const char *const kinds[] = {".service", ".socket", ".timer", ".path", ".mount"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (str_starts(str_of(path), dirs[i]) && !strchr(path + strlen(dirs[i]), '/') &&
			!strchr(path, '@'))
			for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
				if (str_ends(str_of(path), kinds[k]))
					return path + strlen(dirs[i]);
	return NULL;
}

void packages_note_unit(const struct place *place, const char *unit, struct buf *out)
{
	const char *const argv[] = {SYSTEMCTL, "is-active", "--quiet", unit, NULL};
	struct err ignored;

	if (place->live)
		buf_printf(out, "active %s %s\n", unit,
				   step_run(place, argv, 20000, &ignored) == 0 ? "yes" : "no");
}

/* --- kept whole -------------------------------------------------------------------------------- */

/* Where files of packages are, and what their scripts write to. */
static const struct delta_part parts[] = {
	{"/etc", DELTA_CONTENT, false},
	{"/etc/passwd", DELTA_LINES, false},
	{"/etc/shadow", DELTA_LINES, false},
	{"/etc/group", DELTA_LINES, false},
	{"/etc/gshadow", DELTA_LINES, false},
	{"/etc/mtab", DELTA_SKIP, false},
	{"/etc/resolv.conf", DELTA_SKIP, false},
	{"/etc/letsencrypt", DELTA_SKIP, false},
	{"/usr", DELTA_NAMES, false},
	{"/usr/local", DELTA_SKIP, false},
	{"/usr/src", DELTA_SKIP, false},
	{"/bin", DELTA_NAMES, false},
	{"/sbin", DELTA_NAMES, false},
	{"/lib", DELTA_NAMES, false},
	{"/lib64", DELTA_NAMES, false},
	{"/opt", DELTA_NAMES, false},
	{"/boot", DELTA_NAMES, false},
	{"/var/cache/ldconfig", DELTA_CONTENT, true},
	{"/var/lib/pacman", DELTA_TOP, true},
};

static bool is_in_parts(const char *path)
{
	size_t longest = 0;
	bool seen = false;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t n = strlen(parts[i].path);

		if (n > longest && strncmp(path, parts[i].path, n) == 0 && (path[n] == '/' || !path[n])) {
			longest = n;
			seen = parts[i].depth != DELTA_SKIP;
		}
	}
	return seen;
}

int packages_keep(const struct place *place, const struct names *paths,
				  const struct names *database, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf units = BUF(1u << 20);
	VEC(struct delta_part) all = {0};
	struct delta_watch watch;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		*vec_push(&a, &all) = parts[i];
	for (size_t i = 0; i < database->n; i++)
		*vec_push(&a, &all) = (struct delta_part){database->p[i], DELTA_CONTENT, true};
	for (size_t i = 0; i < paths->n; i++) {
		if (packages_unit(paths->p[i]))
			packages_note_unit(place, packages_unit(paths->p[i]), &units);
		if (!is_in_parts(paths->p[i]))
			*vec_push(&a, &all) = (struct delta_part){paths->p[i], DELTA_TOP, false};
	}
	watch = (struct delta_watch){all.p, all.n, paths->p, paths->n};
	r = fs_save_text(saved, ".units", units.n ? buf_get(&units) : STR(""), err);
	return r == 0 ? delta_begin(place, &watch, saved, err) : r;
}

/* Units that ran run again; systemd has to see them first. */
static int start_units(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
	const char *name = arena_printf(&a, "%s.units", saved->name);
	struct str text, line, unit;
	int r = path_read(saved->dir_fd, name, 1u << 20, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", name);
	if (!place->live || !text.n)
		return 0;
	r = step_run(place, reload, 60000, err);
	while (r == 0 && str_line(&text, &line)) {
		const char *argv[] = {SYSTEMCTL, "start", NULL, NULL};

		if (!str_skip(&line, "active ") || !str_cut(&line, ' ', &unit) || !str_is(line, "yes"))
			continue;
		argv[2] = str_dup(&a, unit);
		r = step_run(place, argv, 120000, err);
	}
	return r;
}

int packages_bring_back(const struct place *place, const char *directory, const char *telling,
						const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct err started;
	int r, s;

	if (!delta_was_begun(saved))
		return 0;
	r = delta_foreign(place, saved, err);
	if (r < 0)
		return r;
	if (!saved->force && delta_is_foreign(saved, telling)) {
		(void)unlinkat(saved->dir_fd, arena_printf(&a, "%s.foreign", saved->name), 0);
		return err_set(err, ESTALE,
					   "%s: somebody has installed or removed packages since, so what was "
					   "removed is installed by hand (--force puts the whole database back)",
					   telling);
	}
	r = delta_forgive(saved, directory, err);
	if (r < 0)
		return r;
	r = delta_undo(place, saved, err);
	if (r < 0 && r != -ESTALE)
		return r;
	s = start_units(place, saved, &started);
	if (s < 0 && r == 0)
		*err = started;
	return r < 0 ? r : s;
}

void packages_bring_back_sh(struct buf *out)
{
	buf_puts(out, "if [ -e \"$SAVED.delta\" ] || [ -e \"$SAVED.seen\" ]; then\n");
	delta_undo_sh(out);
	buf_puts(
		out,
		"if [ -z \"$ROOT\" ] && [ -s \"$SAVED.units\" ]; then\n"
		"systemctl daemon-reload\n"
		"while read -r what name active; do [ \"$active\" != yes ] || systemctl start \"$name\"; "
		"done <\"$SAVED.units\"\nfi\nfi\n");
}
