/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacman: removing, by `pacman -R`, which removes exactly what it is told or nothing. It packs nothing
 * again, so the files and the database are kept as they are, and put back as a whole.
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

static int run_pacman(const struct place *place, const char *option, const struct names *what,
					  struct arena *a, struct err *err)
{
	const char **argv = arena_alloc(a, (what->n + 5) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = "/usr/bin/pacman";
	argv[n++] = "--noconfirm";
	argv[n++] = option;
	for (size_t i = 0; i < what->n; i++)
		argv[n++] = what->p[i];
	argv[n] = NULL;
	return step_run(place, argv, PACKAGES_TIMEOUT, err);
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

static int save_pacman(const struct place *place, const struct step *step,
					   const struct saved *saved _unused_, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a);

	if (packages_installed_by(step, &a).n)
		return err_set(err, ENOTSUP, "packages of pacman are only removed");
	return run_pacman(place, "-Rp", &removed, &a, err);
}

static int perform_pacman(const struct place *place, const struct step *step,
						  const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a), database = {0};
	struct listing l = {.place = place, .arena = &a, .of = &removed};
	int r = pacman_each(place->root_fd, list_package, &l, err);

	*vec_push(&a, &database) = PACMAN_LOCAL;
	if (r == 0)
		r = packages_keep(place, &l.paths, &database, saved, err);
	if (r == 0)
		r = run_pacman(place, "-R", &removed, &a, err);
	return r == 0 ? delta_end(place, saved, err) : r;
}

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
