/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm: removing, by `rpm -e`, whatever else works on its database (dnf, yum, microdnf, zypper): it
 * removes exactly what it is told or nothing, where `dnf remove` takes along what depends on it. And
 * installing, by `rpm -i`, what dnf has fetched (dnf.c): it upgrades and replaces nothing. rpm packs
 * nothing again, so the files and the database are kept as they are, and put back as a whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/vec.h"
#include "change/delta.h"
#include "change/packages.h"
#include "host/rpmdb.h"

#define LOCK_PATIENCE 60
#define RPM "/usr/bin/rpm"

/* --- looking ----------------------------------------------------------------------------------- */

struct capturing {
	struct arena *arena;
	struct state *state;
};

/* "[EPOCH:]VERSION-RELEASE"; of several versions all, with commas between. */
static int capture_one(const struct rpm_header *h, void *data)
{
	struct capturing *c = data;
	struct rpm_numbers epochs = rpm_numbers(h, RPM_EPOCH);
	const char *name = str_dup(c->arena, rpm_string(h, RPM_NAME));
	struct str version = rpm_string(h, RPM_VERSION), release = rpm_string(h, RPM_RELEASE), other;
	const char *text = arena_printf(c->arena, "%.*s-%.*s", STR_ARG(version), STR_ARG(release));
	uint64_t epoch;

	if (rpm_number(&epochs, 0, &epoch))
		text = arena_printf(c->arena, "%llu:%s", (unsigned long long)epoch, text);
	other = state_get(c->state, name);
	if (other.p)
		text = arena_printf(c->arena, "%.*s,%s", STR_ARG(other), text);
	state_set(c->state, c->arena, name, str_of(text));
	return 0;
}

static int capture_rpm(const struct place *place, struct arena *a, struct state *ret,
					   struct err *err)
{
	return rpmdb_each(place->root_fd, capture_one, &(struct capturing){a, ret}, err);
}

/* --- rpm --------------------------------------------------------------------------------------- */

struct listing {
	struct arena *arena;
	const struct names *of;
	struct names paths;
};

static int list_file(struct str path, void *data)
{
	struct listing *l = data;

	*vec_push(l->arena, &l->paths) = str_dup(l->arena, path);
	return 0;
}

static int list_package(const struct rpm_header *h, void *data)
{
	struct listing *l = data;

	for (size_t i = 0; i < l->of->n; i++)
		if (str_is(rpm_string(h, RPM_NAME), l->of->p[i]))
			return rpm_each_file(h, list_file, l);
	return 0;
}

static const char *database_dir(const struct place *place, struct arena *a)
{
	const char *path = rpmdb_path(place->root_fd);
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? arena_copy(a, path, (size_t)(slash - path)) : NULL;
}

/* "/PATH" a line, of files of packages; "(contains no files)" is none. */
static int list_coming(const struct place *place, const struct names *files, struct names *ret,
					   struct arena *a, struct err *err)
{
	struct str text = STR(""), line;
	int r = packages_run(place, NAMES(RPM, "-qlp"), files, a, &text, err);

	while (r == 0 && str_line(&text, &line))
		if (str_starts(line, "/"))
			*vec_push(a, ret) = str_dup(a, line);
	return r;
}

static int save_rpm(const struct place *place, const struct step *step, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state installed = {0};
	int r = database_dir(place, &a) ? 0 : err_set(err, ENOTSUP, "there is no database of rpm's");

	if (r < 0 || !packages_installed_by(step, &a).n)
		return r;
	r = capture_rpm(place, &a, &installed, err);
	return r == 0 ? dnf_save(place, step, &installed, saved, err) : r;
}

/* Both are asked first, when all is kept: also a question leaves its mark on the database's files. */
static int run_all(const struct place *place, const struct names *removed,
				   const struct names *files, struct arena *a, struct err *err)
{
	int r = removed->n ? packages_run(place, NAMES(RPM, "-e", "--test"), removed, a, NULL, err) : 0;

	if (r == 0 && files->n)
		r = packages_run(place, NAMES(RPM, "-i", "--test"), files, a, NULL, err);
	if (r == 0 && removed->n)
		r = packages_run(place, NAMES(RPM, "-e"), removed, a, NULL, err);
	return r == 0 && files->n ? packages_run(place, NAMES(RPM, "-i"), files, a, NULL, err) : r;
}

static int perform_rpm(const struct place *place, const struct step *step,
					   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a), database = {0}, files = {0}, coming = {0};
	struct listing l = {.arena = &a, .of = &removed};
	int r = rpmdb_each(place->root_fd, list_package, &l, err);

	*vec_push(&a, &database) = database_dir(place, &a);
	if (r == 0 && packages_installed_by(step, &a).n)
		r = dnf_fetched(place, saved, &a, &files, err);
	if (r == 0 && files.n)
		r = list_coming(place, &files, &coming, &a, err);
	if (r == 0)
		r = packages_keep(place, &l.paths, &coming, &database, saved, err);
	if (r == 0)
		r = run_all(place, &removed, &files, &a, err);
	if (r == 0)
		r = delta_end(place, saved, err);
	if (r == 0)
		packages_fetch_end(saved);
	return r;
}

/* --- putting back ------------------------------------------------------------------------------ */

/* As rpm itself does, in the file .rpm.lock beside the database. */
static int lock_rpm(const struct place *place, const char *dir, struct arena *a, int *ret_fd,
					struct err *err)
{
	const char *path = arena_printf(a, "%s/.rpm.lock", dir);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	*ret_fd = path_open(place->root_fd, path, O_RDWR);
	if (*ret_fd < 0)
		return *ret_fd == -ENOENT ? 0 : err_errno(err, -*ret_fd, "%s", path);
	for (int tries = 0; fcntl(*ret_fd, F_SETLK, &lock) < 0; tries++) {
		if (tries == LOCK_PATIENCE)
			return err_errno(err, errno, "%s", path);
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	return 0;
}

static int undo_rpm(const struct place *place, const struct state *before _unused_,
					const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_close_ int lock = -1;
	const char *dir = database_dir(place, &a);
	int r;

	if (!dir)
		return err_set(err, ENOENT, "there is no database of rpm any more");
	r = lock_rpm(place, dir, &a, &lock, err);
	return r == 0 ? packages_bring_back(place, dir, rpmdb_path(place->root_fd), saved, err) : r;
}

static void undo_rpm_sh(struct buf *out, const struct step *s _unused_)
{
	packages_bring_back_sh(out);
}

static const struct package_manager rpm_manager = {
	.name = "rpm",
	.capture = capture_rpm,
	.save = save_rpm,
	.perform = perform_rpm,
	.undo = undo_rpm,
	.undo_sh = undo_rpm_sh,
};
PACKAGE_MANAGER(rpm_manager);
