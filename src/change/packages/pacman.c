/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacman: removing, by `pacman -R`, which removes exactly what it is told or nothing, and installing, by
 * `pacman -S` without -y: from the lists as they are, for newer ones would ask for newer libraries. It is
 * asked first (-Sp) what that takes along, and everything is fetched (-Sw), before anything is changed.
 * It packs nothing again, so the files and the database are kept as they are, and put back as a whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/vec.h"
#include "change/delta.h"
#include "change/fs.h"
#include "change/packages.h"
#include "host/pacman.h"

#define PACMAN "/usr/bin/pacman", "--noconfirm"
#define DATABASE "/var/lib/pacman"
#define LOCK DATABASE "/db.lck"
#define LOCK_PATIENCE 60
#define MAX_FILE ((size_t)16 << 20)

struct capturing {
	struct arena *arena;
	struct state *state;
};

static int capture_one(const char *dir _unused_, struct str desc, void *data)
{
	struct capturing *c = data;
	struct str name = pacman_value(desc, "%NAME%");

	if (name.n)
		state_set(c->state, c->arena, str_dup(c->arena, name), pacman_value(desc, "%VERSION%"));
	return name.n ? 0 : -EINVAL;
}

static int capture_pacman(const struct place *place, struct arena *a, struct state *ret,
						  struct err *err)
{
	return pacman_each(place->root_fd, capture_one, &(struct capturing){a, ret}, err);
}

struct listing {
	const struct place *place;
	struct arena *arena;
	const struct names *of;
	struct names paths;
	struct err *err;
};

/* Paths have no leading slash, and directories one at their end. */
static int list_files(struct listing *l, const char *dir)
{
	const char *file = arena_printf(l->arena, PACMAN_LOCAL "/%s/files", dir);
	struct str text, section = STR_ABSENT, line;
	int r = path_read(l->place->root_fd, file, MAX_FILE, l->arena, &text);

	while (r == 0 && pacman_line(&text, &section, &line)) {
		if (!str_is(section, "%FILES%"))
			continue;
		line.n -= line.n && line.p[line.n - 1] == '/';
		*vec_push(l->arena, &l->paths) = arena_printf(l->arena, "/%.*s", STR_ARG(line));
	}
	return r;
}

static int list_package(const char *dir, struct str desc, void *data)
{
	struct listing *l = data;

	for (size_t i = 0; i < l->of->n; i++)
		if (str_is(pacman_value(desc, "%NAME%"), l->of->p[i]))
			return list_files(l, dir);
	return 0;
}

/* --- installing -------------------------------------------------------------------------------- */

/* What pacman fetches as another user it would have to put where that one may write. */
static int write_config(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(MAX_FILE);
	struct str text, line;
	int r = path_read(place->root_fd, "/etc/pacman.conf", MAX_FILE, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "/etc/pacman.conf");
	while (str_line(&text, &line))
		if (!str_starts(str_trim(line), "DownloadUser"))
			buf_printf(&out, "%.*s\n", STR_ARG(line));
	return fs_save_text(saved, ".conf", out.n ? buf_get(&out) : STR(""), err);
}

static int install_pacman(const struct place *place, const char *const *options,
						  const struct saved *saved, const struct names *what, struct arena *a,
						  struct str *ret, struct err *err)
{
	struct names all = {0};
	const char *conf, *dir;
	int r = packages_path(place, saved, ".conf", a, &conf, err);

	if (r == 0)
		r = packages_path(place, saved, ".fetched", a, &dir, err);
	if (r < 0)
		return r;
	for (; *options; options++)
		*vec_push(a, &all) = *options;
	*vec_push(a, &all) = "--config";
	*vec_push(a, &all) = conf;
	*vec_push(a, &all) = "--cachedir";
	*vec_push(a, &all) = dir;
	*vec_push(a, &all) = NULL;
	return packages_run(place, all.p, what, a, ret, err);
}

/* Its lock, while it fetches, moves the time of the directory that the lock is in. */
static int fetch_pacman(const struct place *place, const struct saved *saved,
						const struct names *what, struct arena *a, struct err *err)
{
	static const char *const fetch[] = {PACMAN, "-Sw", NULL};
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, LOCK, &name);
	struct stat st;
	bool seen = dir >= 0 && fstat(dir, &st) == 0;
	int r = install_pacman(place, fetch, saved, what, a, NULL, err);

	if (seen)
		(void)futimens(dir, (struct timespec[]){st.st_atim, st.st_mtim});
	return r;
}

static int save_installed(const struct place *place, const struct step *step,
						  const struct saved *saved, struct arena *a, struct err *err)
{
	static const char *const ask[] = {PACMAN, "-Sp", "--print-format", "%n %v", NULL};
	struct names wanted = packages_installed_by(step, a);
	struct state installed = {0};
	struct str lines = STR_ABSENT;
	int r = write_config(place, saved, err);

	if (r == 0)
		r = packages_fetch_begin(saved, err);
	if (r == 0)
		r = capture_pacman(place, a, &installed, err);
	if (r == 0)
		r = install_pacman(place, ask, saved, &wanted, a, &lines, err);
	if (r == 0)
		r = packages_check_new(lines, step, &installed, a, err);
	return r == 0 ? fetch_pacman(place, saved, &wanted, a, err) : r;
}

/* "NAME /PATH" a line, of what was fetched. */
static int list_coming(const struct place *place, const struct saved *saved, struct names *ret,
					   struct arena *a, struct err *err)
{
	static const char *const list[] = {PACMAN, "-Qlp", NULL};
	struct names files = {0}, packages = {0};
	struct str text = STR(""), line, name = STR_ABSENT;
	int r = packages_fetched(place, saved, "", a, &files, err);

	for (size_t i = 0; i < files.n; i++)
		if (!str_ends(str_of(files.p[i]), ".sig") && !str_ends(str_of(files.p[i]), ".part"))
			*vec_push(a, &packages) = files.p[i];
	if (r == 0 && packages.n)
		r = packages_run(place, list, &packages, a, &text, err);
	while (r == 0 && str_line(&text, &line))
		if (str_cut(&line, ' ', &name) && line.p && str_starts(line, "/")) {
			line.n -= line.p[line.n - 1] == '/';
			*vec_push(a, ret) = str_dup(a, line);
		}
	return r;
}

static int save_pacman(const struct place *place, const struct step *step,
					   const struct saved *saved, struct err *err)
{
	static const char *const ask[] = {PACMAN, "-Rp", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a);
	int r = removed.n ? packages_run(place, ask, &removed, &a, NULL, err) : 0;

	return r == 0 && packages_installed_by(step, &a).n ? save_installed(place, step, saved, &a, err)
													   : r;
}

static int perform_pacman(const struct place *place, const struct step *step,
						  const struct saved *saved, struct err *err)
{
	static const char *const remove[] = {PACMAN, "-R", NULL};
	static const char *const install[] = {PACMAN, "-S", NULL};
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a), database = {0}, coming = {0};
	struct names wanted = packages_installed_by(step, &a);
	struct listing l = {.place = place, .arena = &a, .of = &removed};
	int r = pacman_each(place->root_fd, list_package, &l, err);

	*vec_push(&a, &database) = PACMAN_LOCAL;
	if (r == 0 && wanted.n)
		r = list_coming(place, saved, &coming, &a, err);
	if (r == 0)
		r = packages_keep(place, &l.paths, &coming, &database, saved, err);
	if (r == 0 && removed.n)
		r = packages_run(place, remove, &removed, &a, NULL, err);
	if (r == 0 && wanted.n)
		r = install_pacman(place, install, saved, &wanted, &a, NULL, err);
	if (r == 0)
		r = delta_end(place, saved, err);
	if (r == 0)
		packages_fetch_end(saved);
	return r;
}

/* --- undoing ----------------------------------------------------------------------------------- */

static bool is_at_work(struct arena *a)
{
	struct path_entry *entries = NULL;
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = 0;
	bool more = false;
	struct str comm;

	if (proc < 0 || path_list(proc, ".", 1u << 20, a, &entries, &n, &more) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (path_read(proc, arena_printf(a, "%s/comm", entries[i].name), 64, a, &comm) == 0 &&
			str_is(str_trim(comm), "pacman"))
			return true;
	return false;
}

/* As pacman itself does: the file is there for as long as it is at work, and stays when it is killed. */
static int lock_pacman(const struct place *place, int *ret_dir, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *name;
	int fd;

	*ret_dir = fs_open_parent(place, LOCK, &name);
	if (*ret_dir < 0)
		return err_errno(err, -*ret_dir, LOCK);
	for (int tries = 0;; tries++) {
		fd = openat(*ret_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
		if (fd >= 0 || errno != EEXIST || tries == LOCK_PATIENCE)
			break;
		if (!is_at_work(&a))
			return 0;
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	if (fd < 0)
		return err_errno(err, errno, LOCK);
	close(fd);
	return 0;
}

static int undo_pacman(const struct place *place, const struct state *before _unused_,
					   const struct saved *saved, struct err *err)
{
	_cleanup_close_ int dir = -1;
	struct stat st;
	int r = lock_pacman(place, &dir, err);

	if (r < 0)
		return r;
	r = packages_bring_back(place, DATABASE, PACMAN_LOCAL, saved, err);
	/* The lock moves the time of the directory that it is in. */
	if (fstat(dir, &st) == 0 && unlinkat(dir, strrchr(LOCK, '/') + 1, 0) == 0)
		(void)futimens(dir, (struct timespec[]){st.st_atim, st.st_mtim});
	return r;
}

static void undo_pacman_sh(struct buf *out, const struct step *s _unused_)
{
	packages_bring_back_sh(out);
}

static const struct package_manager pacman_manager = {
	.name = "pacman",
	.capture = capture_pacman,
	.save = save_pacman,
	.perform = perform_pacman,
	.undo = undo_pacman,
	.undo_sh = undo_pacman_sh,
};
PACKAGE_MANAGER(pacman_manager);
