/* SPDX-License-Identifier: Apache-2.0 */
#include "change/packages.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include "base/vec.h"
#include "change/delta.h"
#include "change/fs.h"
#include "change/units.h"

#define SYSTEMCTL "/usr/bin/systemctl"

bool names_have(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->p[i], name) == 0)
			return true;
	return false;
}

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

int packages_run(const struct place *place, const char *const *command, const struct names *names,
				 struct arena *a, struct str *ret, struct err *err)
{
	struct exec_result result = {0};
	struct names argv = {0};
	int r;

	for (; *command; command++)
		*vec_push(a, &argv) = *command;
	for (size_t i = 0; i < names->n; i++)
		*vec_push(a, &argv) = names->p[i];
	*vec_push(a, &argv) = NULL;
	if (!ret)
		return step_run(place, argv.p, PACKAGES_TIMEOUT, err);
	r = step_ask(place, argv.p, PACKAGES_TIMEOUT, a, &result, err);
	if (r == 0 && result.status)
		return step_run(place, argv.p, PACKAGES_TIMEOUT, err);
	*ret = result.out;
	return r;
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

int packages_note_unit(const struct place *place, const char *unit, struct buf *out, struct err *err)
{
	bool active = false;
	int r = place->live ? units_is_active(place, unit, &active, err) : 0;

	if (r == 0 && place->live)
		buf_printf(out, "active %s %s\n", unit, active ? "yes" : "no");
	return r;
}

int packages_stop_new(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names argv = {0};
	const char **paths;
	struct err ignored;
	size_t n;
	int r = place->live ? delta_new(saved, &a, &paths, &n, err) : 0;

	if (r < 0 || !place->live)
		return r;
	*vec_push(&a, &argv) = SYSTEMCTL;
	*vec_push(&a, &argv) = "stop";
	for (size_t i = 0; i < n; i++)
		if (packages_unit(paths[i]))
			*vec_push(&a, &argv) = packages_unit(paths[i]);
	if (argv.n == 2)
		return 0;
	*vec_push(&a, &argv) = NULL;
	(void)step_run(place, argv.p, 120000, &ignored);
	return 0;
}

void packages_stop_new_sh(struct buf *out)
{
	buf_puts(out, "[ -n \"$ROOT\" ] || [ ! -e \"$SAVED.delta\" ] || "
				  "while read -r verb own kept after time path; do\n"
				  "case $verb,$path in\n"
				  "new,*@* | new,*/systemd/system/*/*) ;;\n"
				  "new,*/lib/systemd/system/*.service | new,*/lib/systemd/system/*.socket | "
				  "new,*/lib/systemd/system/*.timer | new,*/lib/systemd/system/*.path) "
				  "systemctl stop \"${path##*/}\" ;;\n"
				  "esac\ndone <\"$SAVED.delta\"\n");
}

/* --- fetched ----------------------------------------------------------------------------------- */

static const char *fetched_dir(const struct saved *saved, struct arena *a)
{
	return arena_printf(a, "%s.fetched", saved->name);
}

int packages_fetch_begin(const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};

	return mkdirat(saved->dir_fd, fetched_dir(saved, &a), 0700) < 0 && errno != EEXIST
			   ? err_errno(err, errno, "before/%s", fetched_dir(saved, &a))
			   : 0;
}

int packages_fetched(const struct place *place, const struct saved *saved, const char *suffix,
					 struct arena *a, struct names *ret, struct err *err)
{
	struct path_entry *entries = NULL;
	const char *dir;
	size_t n = 0;
	bool more = false;
	int r = path_list(saved->dir_fd, fetched_dir(saved, a), 4096, a, &entries, &n, &more);

	if (r < 0 || more)
		return err_errno(err, r < 0 ? -r : EFBIG, "before/%s", fetched_dir(saved, a));
	r = packages_path(place, saved, ".fetched", a, &dir, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_ends(str_of(entries[i].name), suffix))
			*vec_push(a, ret) = arena_printf(a, "%s/%s", dir, entries[i].name);
	return r;
}

void packages_fetch_end(const struct saved *saved)
{
	_cleanup_arena_ struct arena a = {0};
	struct path_entry *entries = NULL;
	const char *dir = fetched_dir(saved, &a);
	size_t n = 0;
	bool more;

	if (path_list(saved->dir_fd, dir, 65536, &a, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		(void)unlinkat(saved->dir_fd, arena_printf(&a, "%s/%s", dir, entries[i].name),
					   entries[i].type == DT_DIR ? AT_REMOVEDIR : 0);
	(void)unlinkat(saved->dir_fd, dir, AT_REMOVEDIR);
}

static int check_version(const struct step *step, struct str name, struct str version,
						 struct arena *a, struct err *err)
{
	struct str planned = state_get(&step->after, str_dup(a, name));
	struct str rest = version;

	/* A source that says "0:" and one that says nothing mean the same. */
	(void)str_skip(&rest, "0:");
	return !planned.p || str_eq(version, planned) || str_eq(rest, planned)
			   ? 0
			   : err_set(err, ESTALE, "%.*s %.*s would be installed, and the plan says %.*s",
						 STR_ARG(name), STR_ARG(version), STR_ARG(planned));
}

int packages_check_new(struct str lines, const struct step *step, const struct state *installed,
					   struct arena *a, struct err *err)
{
	struct names wanted = packages_installed_by(step, a);
	struct str line, name = STR_ABSENT;
	size_t found = 0;
	int r = 0;

	while (r == 0 && str_line(&lines, &line)) {
		if (!str_cut(&line, ' ', &name) || !line.p)
			return err_set(err, EBADMSG, "'%.*s' was not expected", STR_ARG(name));
		if (state_has(installed, str_dup(a, name)))
			return err_set(err, ENOTSUP, "it would upgrade or replace %.*s", STR_ARG(name));
		for (size_t i = 0; i < wanted.n; i++)
			found += str_is(name, wanted.p[i]);
		r = check_version(step, name, line, a, err);
	}
	return r == 0 && found < wanted.n ? err_set(err, ESTALE, "not all of it would be installed")
									  : r;
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

/* Directories in which new ones may be made; files in them may be anybody's. */
static const struct delta_part shared[] = {
	{"/var", DELTA_TOP, true},
	{"/var/lib", DELTA_TOP, true},
	{"/var/cache", DELTA_TOP, true},
	{"/var/log", DELTA_TOP, true},
	{"/var/spool", DELTA_TOP, true},
	{"/srv", DELTA_TOP, true},
	{"/var/lib/revet", DELTA_SKIP, false},
};

static bool is_part(const struct delta_part *all, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].path, path) == 0)
			return true;
	return false;
}

int packages_keep(const struct place *place, const struct names *removed,
				  const struct names *coming, const struct names *database,
				  const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf units = BUF(1u << 20);
	VEC(struct delta_part) all = {0};
	struct delta_watch watch;
	struct path_stat st;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		*vec_push(&a, &all) = parts[i];
	for (size_t i = 0; i < database->n; i++)
		*vec_push(&a, &all) = (struct delta_part){database->p[i], DELTA_CONTENT, true};
	for (size_t i = 0; r == 0 && i < removed->n; i++) {
		if (packages_unit(removed->p[i]))
			r = packages_note_unit(place, packages_unit(removed->p[i]), &units, err);
		if (!is_in_parts(removed->p[i]))
			*vec_push(&a, &all) = (struct delta_part){removed->p[i], DELTA_TOP, false};
	}
	for (size_t i = 0; coming->n && i < ARRAY_LEN(shared); i++)
		if (!is_part(all.p, all.n, shared[i].path))
			*vec_push(&a, &all) = shared[i];
	for (size_t i = 0; i < coming->n; i++)
		if (!is_in_parts(coming->p[i]) && !is_part(all.p, all.n, coming->p[i]) &&
			path_stat(place->root_fd, coming->p[i], false, &st) == -ENOENT)
			*vec_push(&a, &all) = (struct delta_part){coming->p[i], DELTA_NAMES, false};
	watch = (struct delta_watch){all.p, all.n, removed->p, removed->n};
	if (r == 0)
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
	struct path_stat st;
	int r = path_read(saved->dir_fd, name, 1u << 20, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", name);
	if (!place->live || path_stat(place->root_fd, "/run/systemd/system", true, &st) < 0)
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
					   "%s: somebody has installed or removed packages since, so what this "
					   "change did is undone by hand (--force puts the whole database back)",
					   telling);
	}
	r = delta_forgive(saved, directory, err);
	if (r == 0)
		r = packages_stop_new(place, saved, err);
	if (r < 0)
		return r;
	packages_fetch_end(saved);
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
	packages_stop_new_sh(out);
	delta_undo_sh(out);
	buf_puts(
		out,
		"if [ -z \"$ROOT\" ] && [ -d /run/systemd/system ]; then\n"
		"systemctl daemon-reload\n"
		"while read -r what name active; do [ \"$active\" != yes ] || systemctl start \"$name\"; "
		"done <\"$SAVED.units\"\nfi\nfi\n");
}
