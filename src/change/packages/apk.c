/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apk: removing, by `apk del`, and installing, by `apk add`, which both change /etc/apk/world and do whatever
 * makes the system fit it: upgrade, keep a package that somebody needs, take along what nobody needs any more.
 * So both are asked first (--simulate), and have to mean the plan's packages and no others; what is to be
 * installed is fetched for a trial, too. apk packs nothing again, so the files, world and the database are kept
 * as they are, and put back as a whole.
 */
#include "host/apk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "base/num.h"
#include "base/vec.h"
#include "change/delta.h"
#include "change/packages.h"

/* Seconds for which another apk is waited for: before there is anything to undo, and then. */
#define LOCK_PATIENCE_BEFORE 10
#define LOCK_PATIENCE 60
/* Seconds until the lock, and minutes until lists are fetched anew: from the lists as they are. */
#define WAITING "--wait", "60"
#define DEL APK, "del", "--no-network", WAITING
#define ADD APK, "add", "--cache-max-age", "5256000", WAITING
#define MAX_LINES ((size_t)4 << 20)

static int read_database(const struct place *place, struct arena *a, struct str *ret,
						 struct err *err)
{
	const char *path;
	int r = apk_read(place->root_fd, a, ret, &path);

	return r < 0 ? err_errno(err, -r, "%s", path) : 0;
}

static int capture_apk(const struct place *place, struct arena *a, struct state *ret,
					   struct err *err)
{
	struct str text, package, name;
	int r = read_database(place, a, &text, err);

	while (r == 0 && apk_next(&text, &package)) {
		name = apk_value(package, 'P');
		if (!name.n)
			return err_set(err, EINVAL, "apk's database has a package without a name");
		state_set(ret, a, str_dup(a, name), apk_value(package, 'V'));
	}
	return r;
}

/* --- its lock ---------------------------------------------------------------------------------- */

struct lock {
	int fds[2];
};
#define LOCK_NONE ((struct lock){{-1, -1}})

static void lock_done(struct lock *lock)
{
	for (size_t i = 0; i < ARRAY_LEN(lock->fds); i++)
		close_fd(&lock->fds[i]);
}

/* As apk itself does, with the file of its that is there: some versions have it elsewhere. */
static int lock_apk(const struct place *place, const char *dir, int patience, struct lock *ret,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *const paths[] = {arena_printf(&a, "%s/lock", dir), "/run/apk/db.lock"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int fd = path_open(place->root_fd, paths[i], O_RDONLY | O_NONBLOCK | O_NOFOLLOW);

		if (fd < 0 && fd != -ENOENT)
			return err_errno(err, -fd, "%s", paths[i]);
		ret->fds[i] = MAX(fd, -1);
		for (int tries = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
			if (tries == patience)
				return err_set(err, errno, "%s: another apk is at work", paths[i]);
			nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		}
	}
	return 0;
}

/* --- asking ------------------------------------------------------------------------------------ */

/* What apk would do. */
struct answer {
	struct names removed;
	struct buf installed; /* "NAME VERSION" a line */
	struct str text;
};

/* "(3/12) Purging NAME@TAG (VERSION)"; *ret_of: the 12. */
static bool next_action(struct str *text, struct str *ret, uint64_t *ret_of)
{
	struct str line, head, of;

	while (str_line(text, &line)) {
		if (!str_skip(&line, "(") || !str_cut(&line, ')', &head) || !str_skip(&line, " "))
			continue;
		of = STR_ABSENT;
		(void)str_cut(&head, '/', &of);
		if (num_u64(head, 1, UINT32_MAX, ret_of) < 0)
			continue;
		*ret = line;
		return true;
	}
	return false;
}

static int add_action(struct answer *answer, struct str action, struct arena *a, struct err *err)
{
	struct str rest = action, name, version;
	bool removes = str_skip(&rest, "Purging ");

	if ((!removes && !str_skip(&rest, "Installing ")) || !str_cut(&rest, ' ', &name) ||
		!str_skip(&rest, "(") || !str_cut(&rest, ')', &version) || rest.n)
		return err_set(err, ENOTSUP, "it would do more: %.*s", STR_ARG(action));
	rest = name;
	(void)str_cut(&rest, '@', &name);
	if (removes)
		*vec_push(a, &answer->removed) = str_dup(a, name);
	else
		buf_printf(&answer->installed, "%.*s %.*s\n", STR_ARG(name), STR_ARG(version));
	return 0;
}

static int ask(const struct place *place, const char *const *command, const struct names *names,
			   struct answer *ret, struct arena *a, struct err *err)
{
	struct str text, action;
	uint64_t found = 0, of = 0;
	int r = packages_run(place, command, names, a, &ret->text, err);

	text = ret->text;
	while (r == 0 && next_action(&text, &action, &of)) {
		r = add_action(ret, action, a, err);
		found++;
	}
	return r == 0 && found != of
			   ? err_set(err, EBADMSG, "apk speaks of %llu changes, and shows %llu",
						 (unsigned long long)of, (unsigned long long)found)
			   : r;
}

/* "  NAME: USER ..." where it says why it would keep it. */
static struct str why_kept(struct str text, const char *name)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_skip(&line, "  ") && str_skip(&line, name) && str_skip(&line, ": "))
			return line;
	return STR("it does not say why");
}

static int check_removed(const struct answer *answer, const struct names *wanted, struct err *err)
{
	for (size_t i = 0; i < answer->removed.n; i++)
		if (!names_have(wanted, answer->removed.p[i]))
			return err_set(err, ENOTSUP, "it would remove %s as well", answer->removed.p[i]);
	for (size_t i = 0; i < wanted->n; i++)
		if (!names_have(&answer->removed, wanted->p[i]))
			return err_set(err, ENOTSUP, "it would keep %s: %.*s", wanted->p[i],
						   STR_ARG(why_kept(answer->text, wanted->p[i])));
	return answer->installed.n
			   ? err_set(err, ENOTSUP, "it would install something: %s", answer->installed.p)
			   : 0;
}

static int ask_removing(const struct place *place, const struct names *removed, struct arena *a,
						struct err *err)
{
	static const char *const command[] = {DEL, "--simulate", NULL};
	struct answer answer = {.installed = BUF(MAX_LINES)};
	int r = ask(place, command, removed, &answer, a, err);

	if (r == 0)
		r = check_removed(&answer, removed, err);
	buf_done(&answer.installed);
	return r < 0 ? err_context(err, "apk del") : 0;
}

/* *ret: the names of all that would be new. */
static int ask_installing(const struct place *place, const struct step *step, struct names *ret,
						  struct arena *a, struct err *err)
{
	static const char *const command[] = {ADD, "--simulate", NULL};
	struct names wanted = packages_installed_by(step, a);
	struct answer answer = {.installed = BUF(MAX_LINES)};
	struct state installed = {0};
	struct str lines, line, name;
	int r = capture_apk(place, a, &installed, err);

	if (r == 0)
		r = ask(place, command, &wanted, &answer, a, err);
	if (r == 0 && answer.removed.n)
		r = err_set(err, ENOTSUP, "it would remove %s", answer.removed.p[0]);
	lines = answer.installed.n ? buf_get(&answer.installed) : STR("");
	if (r == 0)
		r = packages_check_new(lines, step, &installed, a, err);
	while (r == 0 && str_line(&lines, &line) && str_cut(&line, ' ', &name))
		*vec_push(a, ret) = str_dup(a, name);
	buf_done(&answer.installed);
	return r < 0 ? err_context(err, "apk add") : 0;
}

static int fetch(const struct place *place, const struct saved *saved, const struct names *what,
				 struct arena *a, struct err *err)
{
	const char *command[] = {APK, "fetch", "--output", NULL, NULL};
	int r = packages_fetch_begin(saved, err);

	if (r == 0)
		r = packages_path(place, saved, ".fetched", a, &command[3], err);
	return r == 0 ? packages_run(place, command, what, a, NULL, err) : r;
}

static int save_apk(const struct place *place, const struct step *step, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_(lock_done) struct lock lock = LOCK_NONE;
	struct names removed = packages_removed_by(step, &a), coming = {0};
	const char *dir = apk_directory(place->root_fd, &a);
	int r = dir ? lock_apk(place, dir, LOCK_PATIENCE_BEFORE, &lock, err)
				: err_set(err, ENOENT, "there is no database of apk");

	lock_done(&lock);
	if (r == 0 && removed.n)
		r = ask_removing(place, &removed, &a, err);
	if (r < 0 || !packages_installed_by(step, &a).n)
		return r;
	r = ask_installing(place, step, &coming, &a, err);
	return r == 0 ? fetch(place, saved, &coming, &a, err) : r;
}

/* --- doing ------------------------------------------------------------------------------------- */

struct listing {
	const struct place *place;
	struct arena *arena;
	struct names paths;
};

/* A path below a directory that is a link to the one of the same name in /usr is kept under that. */
static int list_path(struct str path, bool is_dir _unused_, void *data)
{
	static const char *const merged[] = {"/bin", "/sbin", "/lib", "/lib64"};
	struct listing *l = data;
	const char *prefix = "";
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(merged); i++) {
		struct str below = path;

		if (str_skip(&below, merged[i]) && str_starts(below, "/") &&
			path_stat(l->place->root_fd, merged[i], false, &st) == 0 && S_ISLNK(st.mode))
			prefix = "/usr";
	}
	*vec_push(l->arena, &l->paths) = arena_printf(l->arena, "%s%.*s", prefix, STR_ARG(path));
	return 0;
}

static int list_removed(struct listing *l, const struct names *removed, struct err *err)
{
	struct str text, package;
	int r = read_database(l->place, l->arena, &text, err);

	while (r == 0 && apk_next(&text, &package))
		if (names_have(removed, str_dup(l->arena, apk_value(package, 'P'))))
			r = apk_each_path(package, list_path, l);
	return r;
}

/* Scripts take away links to a program of several names that no list has: busybox's, mostly. */
static int list_links(struct listing *l, struct err *err)
{
	static const char *const dirs[] = {"/bin", "/sbin", "/usr/bin", "/usr/sbin"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		struct path_entry *entries = NULL;
		size_t n = 0;
		bool more = false;
		int r = path_list(l->place->root_fd, dirs[i], 65536, l->arena, &entries, &n, &more);

		if (r == -ENOENT)
			continue;
		if (r < 0 || more)
			return err_errno(err, more ? EFBIG : -r, "%s", dirs[i]);
		for (size_t k = 0; k < n; k++)
			if (entries[k].type == DT_LNK)
				(void)list_path(str_of(arena_printf(l->arena, "%s/%s", dirs[i], entries[k].name)),
								false, l);
	}
	return 0;
}

/* The directories that it is in, and it. */
static void add_path(struct names *to, struct str path, struct arena *a)
{
	for (size_t i = 0; i <= path.n; i++)
		if (i == path.n || path.p[i] == '/')
			*vec_push(a, to) = arena_printf(a, "/%.*s", (int)i, path.p);
}

/* "CHECKSUM  PATH" a line, of packages that were fetched; only of files. */
static int list_coming(const struct place *place, const struct saved *saved, struct names *ret,
					   struct arena *a, struct err *err)
{
	static const char *const command[] = {APK, "manifest", NULL};
	struct names files = {0};
	struct str text = STR(""), line, sum = STR_ABSENT;
	int r = packages_fetched(place, saved, ".apk", a, &files, err);

	if (r == 0 && files.n)
		r = packages_run(place, command, &files, a, &text, err);
	while (r == 0 && str_line(&text, &line))
		if (str_cut(&line, ' ', &sum) && str_skip(&line, " ") && line.n)
			add_path(ret, line, a);
	return r;
}

/* Is all that the step does not speak of as it was, but for what came along with what it installs? */
static int check_others(const struct place *place, const struct step *step,
						const struct state *before, struct arena *a, struct err *err)
{
	struct names removed = packages_removed_by(step, a);
	bool installs = packages_installed_by(step, a).n;
	struct state now = {0};
	int r = capture_apk(place, a, &now, err);

	for (size_t i = 0; r == 0 && i < before->n; i++) {
		const struct field *f = &before->p[i];

		if (!names_have(&removed, f->name) && !str_eq(state_get(&now, f->name), f->value))
			r = err_set(err, EIO, "apk has changed the package %s as well", f->name);
	}
	for (size_t i = 0; r == 0 && !installs && i < now.n; i++)
		if (!state_has(before, now.p[i].name))
			r = err_set(err, EIO, "apk has installed the package %s", now.p[i].name);
	return r;
}

static int run_all(const struct place *place, const struct step *step, struct arena *a,
				   struct err *err)
{
	static const char *const del[] = {DEL, NULL}, *const add[] = {ADD, NULL};
	struct names removed = packages_removed_by(step, a), wanted = packages_installed_by(step, a);
	struct state before = {0};
	int r = capture_apk(place, a, &before, err);

	if (r == 0 && removed.n)
		r = packages_run(place, del, &removed, a, NULL, err);
	if (r == 0 && wanted.n)
		r = packages_run(place, add, &wanted, a, NULL, err);
	return r == 0 ? check_others(place, step, &before, a, err) : r;
}

static int perform_apk(const struct place *place, const struct step *step,
					   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a), database = {0}, coming = {0};
	struct listing l = {.place = place, .arena = &a};
	int r = list_removed(&l, &removed, err);

	*vec_push(&a, &database) = apk_directory(place->root_fd, &a);
	if (r == 0)
		r = list_links(&l, err);
	if (r == 0 && packages_installed_by(step, &a).n)
		r = list_coming(place, saved, &coming, &a, err);
	if (r == 0)
		r = packages_keep(place, &l.paths, &coming, &database, saved, err);
	if (r == 0)
		r = run_all(place, step, &a, err);
	if (r == 0)
		r = delta_end(place, saved, err);
	if (r == 0)
		packages_fetch_end(saved);
	return r;
}

/* --- undoing ----------------------------------------------------------------------------------- */

static int undo_apk(const struct place *place, const struct state *before _unused_,
					const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_(lock_done) struct lock lock = LOCK_NONE;
	const char *dir = apk_directory(place->root_fd, &a);
	int r;

	if (!dir)
		return err_set(err, ENOENT, "there is no database of apk any more");
	r = lock_apk(place, dir, LOCK_PATIENCE, &lock, err);
	return r == 0
			   ? packages_bring_back(place, dir, arena_printf(&a, "%s/installed", dir), saved, err)
			   : r;
}

static void undo_apk_sh(struct buf *out, const struct step *s _unused_)
{
	packages_bring_back_sh(out);
}

static const struct package_manager apk_manager = {
	.name = "apk",
	.capture = capture_apk,
	.save = save_apk,
	.perform = perform_apk,
	.undo = undo_apk,
	.undo_sh = undo_apk_sh,
};
PACKAGE_MANAGER(apk_manager);
