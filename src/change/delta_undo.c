/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "change/delta_private.h"
#include "change/fs.h"
#include "change/lines.h"

/* "gone" when nothing is there. */
static const char *like_now(const struct place *place, struct arena *a, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);
	struct stat st;

	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? delta_like(a, &st)
																		 : "gone";
}

static int delta_end_once(const struct place *place, const struct saved *saved, struct arena *a,
						  struct err *err)
{
	return delta_has_file(saved, a, ".delta") ? 0 : delta_end(place, saved, err);
}

/* --- taking it back ---------------------------------------------------------------------------- */

struct difference {
	char verb; /* the first letter: n(ew), b(ack), t(ime) */
	bool own, foreign;
	const char *kept, *after, *time, *path;
};

struct undoing {
	const struct place *place;
	const struct saved *saved;
	struct arena *arena;
	VEC(struct difference) all;
	VEC(struct linked) linked; /* that are back, by their copies */
	int kept_fd;
};

static int read_delta(struct undoing *u, struct err *err)
{
	struct arena *a = u->arena;
	struct str text, line;
	int r = delta_read(u->saved, a, ".delta", &text, err);

	while (r == 0 && str_line(&text, &line)) {
		struct difference *d = vec_push(a, &u->all);

		d->verb = delta_word(&line, a)[0];
		d->own = delta_word(&line, a)[0] == '1';
		d->kept = delta_word(&line, a);
		d->after = delta_word(&line, a);
		d->time = delta_word(&line, a);
		d->path = str_dup(a, line);
	}
	if (r == 0)
		r = u->kept_fd = delta_open_kept(u->saved, a, err);
	return r < 0 ? r : 0;
}

/* Is it neither as the program left it nor as it was before? A directory is not judged: it goes when it
 * is empty. */
static bool is_foreign(struct undoing *u, const struct difference *d)
{
	const char *now = like_now(u->place, u->arena, d->path);
	struct stat st;

	if (strcmp(now, d->after) == 0 || (d->verb == 'n' && (*now == 'g' || delta_is_dir(now))) ||
		(delta_is_empty(now) && delta_is_empty(d->after)))
		return false;
	if (d->verb == 't')
		return !delta_is_dir(now) || strcmp(delta_time(now), delta_time(d->after)) != 0;
	return d->verb == 'n' || fstatat(u->kept_fd, d->kept, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		   strcmp(now, delta_like(u->arena, &st)) != 0;
}

int delta_foreign(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(DELTA_MAX_TEXT);
	struct undoing u = {.place = place, .saved = saved, .arena = &a, .kept_fd = -1};
	int r = 0;

	if (delta_has_file(saved, &a, ".foreign"))
		return 0;
	r = delta_end_once(place, saved, &a, err);
	if (r == 0)
		r = read_delta(&u, err);
	if (r == 0)
		vec_each(&u.all, d) if (is_foreign(&u, d)) buf_printf(&out, "%s\n", d->path);
	close_fd(&u.kept_fd);
	return r < 0 ? r : delta_write(saved, ".foreign", &out, err);
}

bool delta_is_foreign(const struct saved *saved, const char *path)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, line;
	struct err ignored;

	if (delta_read(saved, &a, ".foreign", &text, &ignored) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_is(line, path))
			return true;
	return false;
}

static bool is_below(struct str path, const char *dir)
{
	size_t n = strlen(dir);

	return str_starts(path, dir) && (path.n == n || path.p[n] == '/');
}

int delta_forgive(const struct saved *saved, const char *path, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(DELTA_MAX_TEXT);
	struct str text, line;
	int r = delta_read(saved, &a, ".foreign", &text, err);

	while (r == 0 && str_line(&text, &line))
		if (!is_below(line, path))
			buf_printf(&out, "%.*s\n", STR_ARG(line));
	return r < 0 ? r : delta_write(saved, ".foreign", &out, err);
}

int delta_new(const struct saved *saved, struct arena *a, const char ***ret, size_t *ret_n,
			  struct err *err)
{
	struct undoing u = {.saved = saved, .arena = a, .kept_fd = -1};
	int r = read_delta(&u, err);

	*ret = arena_new(a, const char *, u.all.n + 1);
	*ret_n = 0;
	vec_each(&u.all, d) if (d->verb == 'n')(*ret)[(*ret_n)++] = d->path;
	close_fd(&u.kept_fd);
	return r;
}

/* Is it in the list, or something below it? */
static bool has_below(struct str list, const char *path)
{
	struct str line;

	while (str_line(&list, &line))
		if (is_below(line, path))
			return true;
	return false;
}

static int remove_new(struct undoing *u, const struct difference *d)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(u->place, d->path, &name);

	if (dir < 0)
		return dir == -ENOENT || dir == -ENOTDIR ? 0 : dir;
	/* What others have put into a directory keeps it. */
	if (delta_is_dir(d->after))
		return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno != EROFS ? 0 : -errno;
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

static void set_time(struct undoing *u, const char *path, const char *time)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(u->place, path, &name);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct str rest = str_of(time), seconds = STR_ABSENT;
	int64_t s;

	if (dir < 0 || !str_cut(&rest, '.', &seconds) || num_i64(seconds, INT64_MIN, INT64_MAX, &s) < 0)
		return;
	times[1].tv_sec = s;
	for (size_t i = 0; i < rest.n; i++)
		times[1].tv_nsec = times[1].tv_nsec * 10 + (rest.p[i] - '0');
	(void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

/* Beside it, and renamed, as a copy is. */
static int link_back(struct undoing *u, const char *from, const char *path)
{
	const char *old_name, *name;
	_cleanup_close_ int old = fs_open_parent(u->place, from, &old_name),
						dir = fs_open_parent(u->place, path, &name);
	const char *temp = arena_printf(u->arena, ".%s.revet", dir < 0 ? "" : name);

	if (old < 0 || dir < 0)
		return MIN(old, dir);
	if ((unlinkat(dir, temp, 0) < 0 && errno != ENOENT) ||
		linkat(old, old_name, dir, temp, 0) < 0 || renameat(dir, temp, dir, name) < 0)
		return -errno;
	/* Renaming onto the same file does nothing. */
	(void)unlinkat(dir, temp, 0);
	return 0;
}

static int bring_back(struct undoing *u, const struct difference *d)
{
	const char *other;
	struct stat st;
	int r;

	if (fstatat(u->kept_fd, d->kept, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!delta_has_names(&st))
		return fs_copy_in(u->place, d->path, u->kept_fd, d->kept);
	other = delta_other_name(u->linked.p, u->linked.n, &st);
	r = other ? link_back(u, other, d->path) : fs_copy_in(u->place, d->path, u->kept_fd, d->kept);
	if (r == 0 && !other)
		*vec_push(u->arena, &u->linked) = (struct linked){st.st_dev, st.st_ino, d->path};
	return r;
}

/* The directory that it is in keeps its times, which are a difference of their own. */
static int undo_one(struct undoing *u, const struct difference *d)
{
	const char *slash = strrchr(d->path, '/');
	const char *parent = arena_copy(u->arena, d->path, (size_t)(slash - d->path));
	const char *was = *parent ? like_now(u->place, u->arena, parent) : "gone";
	int r = d->verb == 'n' ? remove_new(u, d) : bring_back(u, d);

	if (delta_is_dir(was))
		set_time(u, parent, delta_time(was));
	return r;
}

static void undo_times(struct undoing *u)
{
	for (size_t i = u->all.n; i-- > 0;) {
		const struct difference *d = &u->all.p[i];
		struct stat st;

		if (d->foreign)
			continue;
		if (d->verb == 't')
			set_time(u, d->path, d->time);
		else if (d->verb == 'b' && fstatat(u->kept_fd, d->kept, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				 S_ISDIR(st.st_mode))
			set_time(u, d->path, delta_time(delta_like(u->arena, &st)));
	}
}

/* In reverse what is new, then what was there before, times last. */
static int undo_all(struct undoing *u, struct err *err)
{
	int r = 0;

	for (size_t i = u->all.n; r == 0 && i-- > 0;)
		if (u->all.p[i].verb == 'n' && !u->all.p[i].foreign)
			r = undo_one(u, &u->all.p[i]);
	for (size_t i = 0; r == 0 && i < u->all.n; i++)
		if (u->all.p[i].verb == 'b' && !u->all.p[i].foreign) {
			r = undo_one(u, &u->all.p[i]);
			if (r < 0)
				return err_errno(err, -r, "%s", u->all.p[i].path);
		}
	undo_times(u);
	/* Wherever it all was. */
	sync();
	return r < 0 ? err_errno(err, -r, "what is new cannot be removed") : 0;
}

static int tell_foreign(const struct undoing *u, struct err *err)
{
	for (size_t i = 0; i < u->all.n; i++) {
		const struct difference *d = &u->all.p[i];

		if (d->foreign && !d->own && d->verb != 't')
			return err_set(err, ESTALE,
						   "%s: somebody has changed it since, and it stays as it is "
						   "(--force overwrites)",
						   d->path);
	}
	return 0;
}

/* Somebody else has changed it: only what the program has added is taken out. */
static int undo_lines(struct undoing *u, struct difference *d, struct str record, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF(DELTA_MAX_LINES);
	struct state attributes = {0};
	struct str now;
	int r;

	if (path_read(u->place->root_fd, d->path, DELTA_MAX_LINES, u->arena, &now) < 0 ||
		!lines_undo(record, d->path, now, &out))
		return 0;
	d->own = true; /* there is nothing to tell */
	if (str_eq(now, buf_get(&out)))
		return 0;
	r = fs_capture(u->place, d->path, false, u->arena, &attributes, err);
	return r < 0 ? r : fs_write(u->place, d->path, buf_get(&out), &attributes, NULL, err);
}

static int undo_foreign(struct undoing *u, struct err *err)
{
	struct str record;
	int r = delta_read(u->saved, u->arena, ".lines", &record, err);

	for (size_t i = 0; r == 0 && i < u->all.n; i++)
		if (u->all.p[i].foreign && u->all.p[i].verb == 'b')
			r = undo_lines(u, &u->all.p[i], record, err);
	return r < 0 ? r : tell_foreign(u, err);
}

int delta_undo(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct undoing u = {.place = place, .saved = saved, .arena = &a, .kept_fd = -1};
	struct map foreign;
	struct str text, line;
	int r = read_delta(&u, err);

	map_init(&foreign, &a);
	if (r == 0)
		r = delta_read(saved, &a, ".foreign", &text, err);
	while (r == 0 && !saved->force && str_line(&text, &line))
		map_put(&foreign, line, &u);
	vec_each(&u.all, d) d->foreign = map_get(&foreign, str_of(d->path)) != NULL;
	if (r == 0)
		r = undo_all(&u, err);
	if (r == 0)
		r = undo_foreign(&u, err);
	close_fd(&u.kept_fd);
	return r;
}

int delta_undo_other(const struct place *place, const struct saved *other,
					 const struct saved *first, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct undoing u = {.place = place, .saved = other, .arena = &a, .kept_fd = -1},
				   known = {.saved = first, .arena = &a, .kept_fd = -1};
	struct str foreign = STR("");
	struct map named;
	int r = delta_end_once(place, other, &a, err);

	map_init(&named, &a);
	if (r == 0)
		r = read_delta(&u, err);
	if (r == 0)
		r = read_delta(&known, err);
	vec_each(&known.all, d) map_put(&named, str_of(d->path), d);
	if (r == 0 && !first->force)
		r = delta_read(first, &a, ".foreign", &foreign, err);
	vec_each(&u.all, d) d->foreign =
		map_get(&named, str_of(d->path)) &&
		(strcmp(d->after, "gone") != 0 || !has_below(foreign, d->path));
	if (r == 0)
		r = undo_all(&u, err);
	close_fd(&u.kept_fd);
	close_fd(&known.kept_fd);
	return r;
}

/* --- the script -------------------------------------------------------------------------------- */

void delta_undo_sh(struct buf *out)
{
	/* Of a program that was cut short nobody has seen what it did: what was there comes back. */
	buf_puts(out,
			 "[ -e \"$SAVED.delta\" ] || while read -r depth own kept like path; do\n"
			 "case $depth,$like,$kept in part,* | *,d:*,* | *,-) ;; "
			 "*) echo \"back $own $kept - - $path\" ;; esac\n"
			 "done <\"$SAVED.seen\" >\"$SAVED.delta\"\n");
	/* A directory is made before what is in it, and emptied before it is removed. Times come last. What
	 * fails in a pipe is known by how the pipe ends. */
	buf_puts(out,
			 "tac \"$SAVED.delta\" | {\n"
			 "while read -r verb own kept after time path; do\n"
			 "case $verb,$after in\n"
			 "new,d:*) rmdir \"$ROOT$path\" 2>/dev/null ;;\n"
			 "new,*) rm -f \"$ROOT$path\" || failed \"$path\" ;;\n"
			 "esac\ndone\n[ -z \"$FAILED\" ]\n} || FAILED=1\n"
			 "while read -r verb own kept after time path; do\n"
			 "[ \"$verb\" != back ] || { at=$(stat -c '%Y %y' \"$ROOT${path%/*}/\"); "
			 "replace \"$SAVED.kept/$kept\" \"$ROOT$path\"; "
			 "dated \"${at#* }\" \"${at%% *}\" \"$ROOT${path%/*}/\"; }\n"
			 "done <\"$SAVED.delta\"\n"
			 "tac \"$SAVED.delta\" | {\n"
			 "while read -r verb own kept after time path; do\n"
			 "case $verb in\n"
			 "time) dated \"@$time\" \"${time%.*}\" \"$ROOT$path\" ;;\n"
			 "back) [ ! -d \"$SAVED.kept/$kept\" ] || [ -L \"$SAVED.kept/$kept\" ] || "
			 "touch -c -m -r \"$SAVED.kept/$kept\" \"$ROOT$path\" || failed \"$path\" ;;\n"
			 "esac\ndone\n[ -z \"$FAILED\" ]\n} || FAILED=1\n");
}
