/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "change/delta_private.h"
#include "change/fs.h"
#include "change/lines.h"

#define MAX_LEVEL 64

/* One thing that was seen. */
struct thing {
	enum delta_depth depth;
	bool own;
	const char *kept; /* the name of its copy, or "-" */
	const char *like;
	const char *path;
};

struct look {
	const struct place *place;
	struct arena *arena;
	const struct delta_part *parts;
	size_t n_parts;
	struct map is_part, is_kept; /* by path */
	VEC(struct thing) things;
	VEC(struct linked) linked;
	int kept_fd; /* where copies go; -1: none are made */
	struct err *err;
};

/* --- looking ----------------------------------------------------------------------------------- */

static char type_of(mode_t mode)
{
	return S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : 'o';
}

/* A directory's size says nothing. */
const char *delta_like(struct arena *a, const struct stat *st)
{
	return arena_printf(a, "%c:%04o:%u:%u:%lld:%lld.%09ld", type_of(st->st_mode),
						st->st_mode & 07777, st->st_uid, st->st_gid,
						S_ISDIR(st->st_mode) ? 0 : (long long)st->st_size,
						(long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

bool delta_is_empty(const char *like)
{
	const char *end = strrchr(like, ':');

	return like[0] == 'f' && end[-1] == '0' && end[-2] == ':';
}

static bool can_be_told(const char *name)
{
	size_t n = strlen(name);

	return n && !strchr(name, '\n') && !strchr(" \t", name[0]) && !strchr(" \t", name[n - 1]);
}

const char *delta_other_name(const struct linked *links, size_t n, const struct stat *st)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].dev == st->st_dev && links[i].ino == st->st_ino)
			return links[i].name;
	return NULL;
}

/* Copies are one file of several names where the originals are. */
static int keep(struct look *l, struct thing *t, const struct stat *st)
{
	const char *other = delta_has_names(st) ? delta_other_name(l->linked.p, l->linked.n, st) : NULL;
	int r;

	t->kept = arena_printf(l->arena, "%zu", l->things.n);
	/* One that was begun before, and killed, has left some. */
	(void)unlinkat(l->kept_fd, t->kept, 0);
	(void)unlinkat(l->kept_fd, t->kept, AT_REMOVEDIR);
	if (other)
		r = linkat(l->kept_fd, other, l->kept_fd, t->kept, 0) < 0 ? -errno : 0;
	else
		r = fs_copy_out(l->place, t->path, l->kept_fd, t->kept);
	if (r == 0 && delta_has_names(st) && !other)
		*vec_push(l->arena, &l->linked) = (struct linked){st->st_dev, st->st_ino, t->kept};
	if (r == -EMEDIUMTYPE || r == -ENOENT) {
		t->kept = "-";
		r = 0;
	}
	return r < 0 ? err_errno(l->err, -r, "%s cannot be copied", t->path) : 0;
}

static int add(struct look *l, const struct delta_part *part, const char *path,
			   const struct stat *st)
{
	struct thing *t = vec_push(l->arena, &l->things);

	*t = (struct thing){part->depth, part->own, "-", delta_like(l->arena, st), path};
	return l->kept_fd >= 0 && (part->depth >= DELTA_CONTENT || map_get(&l->is_kept, str_of(path)))
			   ? keep(l, t, st)
			   : 0;
}

/* Takes the fd. What is mounted below is another's. */
static int look_below(struct look *l, const struct delta_part *part, const char *path, int fd,
					  dev_t dev, unsigned level)
{
	_cleanup_close_ int dir = fd;
	struct path_entry *entries = NULL;
	size_t n = 0;
	bool more = false;
	int r = path_list(dir, ".", 1u << 20, l->arena, &entries, &n, &more);

	if (r < 0 || more || level == MAX_LEVEL)
		return err_errno(l->err, r < 0 ? -r : EFBIG, "%s", path);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *below = arena_printf(l->arena, "%s/%s", path, entries[i].name);
		struct stat st;

		if (!can_be_told(entries[i].name) || map_get(&l->is_part, str_of(below)) ||
			fstatat(dir, entries[i].name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		r = add(l, part, below, &st);
		if (r < 0 || !S_ISDIR(st.st_mode) || st.st_dev != dev || part->depth == DELTA_TOP)
			continue;
		fd = openat(dir, entries[i].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			r = look_below(l, part, below, fd, dev, level + 1);
	}
	return r;
}

/* A part that is a link stands for one that is looked at under its own name: /lib for /usr/lib. */
static int look_at(struct look *l, const struct delta_part *part)
{
	const char *name = NULL;
	_cleanup_close_ int dir = fs_open_parent(l->place, part->path, &name);
	struct stat st;
	int fd, r;

	if (part->depth == DELTA_SKIP || dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		S_ISLNK(st.st_mode))
		return 0;
	r = add(l, part, part->path, &st);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_errno(l->err, errno, "%s", part->path)
				  : look_below(l, part, part->path, fd, st.st_dev, 0);
}

static int look(struct look *l)
{
	int r = 0;

	map_init(&l->is_part, l->arena);
	for (size_t i = 0; i < l->n_parts; i++)
		map_put(&l->is_part, str_of(l->parts[i].path), l);
	for (size_t i = 0; r == 0 && i < l->n_parts; i++)
		r = look_at(l, &l->parts[i]);
	return r;
}

/* --- the files of the change ------------------------------------------------------------------- */

static const char *delta_file(const struct saved *saved, struct arena *a, const char *suffix)
{
	return arena_printf(a, "%s%s", saved->name, suffix);
}

bool delta_has_file(const struct saved *saved, struct arena *a, const char *suffix)
{
	struct path_stat st;

	return path_stat(saved->dir_fd, delta_file(saved, a, suffix), false, &st) == 0;
}

int delta_open_kept(const struct saved *saved, struct arena *a, struct err *err)
{
	const char *name = delta_file(saved, a, ".kept");
	int fd = openat(saved->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_errno(err, errno, "before/%s", name) : fd;
}

int delta_read(const struct saved *saved, struct arena *a, const char *suffix, struct str *ret,
			   struct err *err)
{
	int r = path_read(saved->dir_fd, delta_file(saved, a, suffix), DELTA_MAX_TEXT, a, ret);

	return r < 0 ? err_errno(err, -r, "before/%s%s", saved->name, suffix) : 0;
}

const char *delta_word(struct str *line, struct arena *a)
{
	struct str word = STR("");

	(void)str_cut(line, ' ', &word);
	return str_dup(a, word);
}

/* Whole or not at all: that it is there says that it is complete. */
int delta_write(const struct saved *saved, const char *suffix, const struct buf *text,
				struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *name = delta_file(saved, &a, suffix), *part = arena_printf(&a, "%s.part", name);
	_cleanup_close_ int fd = -1;
	int r;

	if (text->full)
		return err_set(err, EFBIG, "before/%s would be too large", name);
	fd = openat(saved->dir_fd, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : text->n ? fd_write_all(fd, buf_get(text)) : 0;
	if (r == 0 && (fsync(fd) < 0 || renameat(saved->dir_fd, part, saved->dir_fd, name) < 0 ||
				   fsync(saved->dir_fd) < 0))
		r = -errno;
	return r < 0 ? err_errno(err, -r, "before/%s", name) : 0;
}

int delta_begin(const struct place *place, const struct delta_watch *watch,
				const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(DELTA_MAX_TEXT);
	_cleanup_close_ int kept = -1;
	const struct delta_part *parts = watch->parts;
	struct look l = {
		.place = place, .arena = &a, .parts = parts, .n_parts = watch->n_parts, .err = err};
	int r;

	map_init(&l.is_kept, &a);
	for (size_t i = 0; i < watch->n_kept; i++)
		map_put(&l.is_kept, str_of(watch->kept[i]), &l);
	if (mkdirat(saved->dir_fd, delta_file(saved, &a, ".kept"), 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "before/%s.kept", saved->name);
	r = l.kept_fd = kept = delta_open_kept(saved, &a, err);
	if (r >= 0)
		r = look(&l);
	/* One for all: each for itself takes seconds. */
	if (r == 0 && syncfs(kept) < 0)
		r = err_errno(err, errno, "before/%s.kept", saved->name);
	for (size_t i = 0; i < watch->n_parts; i++)
		buf_printf(&text, "part %d %d %s\n", parts[i].depth, parts[i].own, parts[i].path);
	vec_each(&l.things, t)
		buf_printf(&text, "%d %d %s %s %s\n", t->depth, t->own, t->kept, t->like, t->path);
	return r < 0 ? r : delta_write(saved, ".seen", &text, err);
}

bool delta_was_begun(const struct saved *saved)
{
	_cleanup_arena_ struct arena a = {0};

	return delta_has_file(saved, &a, ".seen") || delta_has_file(saved, &a, ".delta");
}

int delta_begin_once(const struct place *place, const struct delta_watch *watch,
					 const struct saved *saved, struct err *err)
{
	return delta_was_begun(saved) ? 0 : delta_begin(place, watch, saved, err);
}

/* --- what is different ------------------------------------------------------------------------- */

struct seen {
	VEC(struct delta_part) parts;
	VEC(struct thing) things;
	struct map by_path;
};

static void parse_seen(struct seen *seen, struct str text, struct arena *a)
{
	struct str line;

	map_init(&seen->by_path, a);
	while (str_line(&text, &line)) {
		bool part = str_skip(&line, "part ");
		enum delta_depth depth = (enum delta_depth)(delta_word(&line, a)[0] - '0');
		bool own = delta_word(&line, a)[0] == '1';

		if (part) {
			*vec_push(a, &seen->parts) = (struct delta_part){str_dup(a, line), depth, own};
		} else {
			const char *kept = delta_word(&line, a), *was = delta_word(&line, a);

			*vec_push(a, &seen->things) = (struct thing){depth, own, kept, was, str_dup(a, line)};
		}
	}
	vec_each(&seen->things, t) map_put(&seen->by_path, str_of(t->path), t);
}

static void put_line(struct buf *out, const char *verb, const struct thing *t, const char *kept,
					 const char *after, const char *time)
{
	buf_printf(out, "%s %d %s %s %s %s\n", verb, t->own, kept, after, time, t->path);
}

/* Is all but the time the same? */
static bool only_time_differs(const char *a, const char *b)
{
	return delta_time(a) - a == delta_time(b) - b && memcmp(a, b, (size_t)(delta_time(a) - a)) == 0;
}

static void compare(struct buf *out, const struct thing *before, const struct thing *now)
{
	/* A file there may be anybody's. */
	if (now->depth == DELTA_TOP && !delta_is_dir(now->like) &&
		(!before || strcmp(before->kept, "-") == 0))
		return;
	if (!before)
		put_line(out, "new", now, "-", now->like, "-");
	else if (strcmp(before->like, now->like) == 0)
		return;
	else if ((delta_is_dir(now->like) || delta_is_empty(now->like)) &&
			 only_time_differs(before->like, now->like))
		put_line(out, "time", now, "-", now->like, delta_time(before->like));
	else if (strcmp(before->kept, "-") != 0)
		put_line(out, "back", now, before->kept, now->like, "-");
}

/* What was added to files of lines. */
static int save_lines(const struct place *place, const struct saved *saved, struct seen *seen,
					  struct arena *a, struct err *err)
{
	_cleanup_buf_ struct buf record = BUF(DELTA_MAX_LINES);
	_cleanup_close_ int kept = delta_open_kept(saved, a, err);

	if (kept < 0)
		return kept;
	vec_each(&seen->things, t)
	{
		struct str before, after;

		if (t->depth == DELTA_LINES && path_read(kept, t->kept, DELTA_MAX_LINES, a, &before) == 0 &&
			path_read(place->root_fd, t->path, DELTA_MAX_LINES, a, &after) == 0)
			lines_record(&record, t->path, before, after);
	}
	return delta_write(saved, ".lines", &record, err);
}

/* Copies that the delta does not name are of no use any more. */
static void prune(const struct saved *saved, struct str delta, struct arena *a)
{
	struct err ignored;
	_cleanup_close_ int fd = delta_open_kept(saved, a, &ignored);
	struct map named;
	struct path_entry *entries = NULL;
	struct str line;
	size_t n = 0;
	bool more;

	map_init(&named, a);
	while (str_line(&delta, &line)) {
		(void)delta_word(&line, a);
		(void)delta_word(&line, a);
		map_put(&named, str_of(delta_word(&line, a)), &named);
	}
	if (fd < 0 || path_list(fd, ".", 1u << 20, a, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (!map_get(&named, str_of(entries[i].name)))
			(void)unlinkat(fd, entries[i].name, entries[i].type == DT_DIR ? AT_REMOVEDIR : 0);
	(void)unlinkat(saved->dir_fd, delta_file(saved, a, ".seen"), 0);
}

int delta_end(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(DELTA_MAX_TEXT);
	struct look l = {.place = place, .arena = &a, .kept_fd = -1, .err = err};
	struct seen seen = {0};
	struct map still;
	struct str text;
	int r = delta_read(saved, &a, ".seen", &text, err);

	if (r < 0)
		return r;
	parse_seen(&seen, text, &a);
	l.parts = seen.parts.p;
	l.n_parts = seen.parts.n;
	r = look(&l);
	if (r < 0)
		return r;
	map_init(&still, &a);
	vec_each(&l.things, t)
	{
		map_put(&still, str_of(t->path), t);
		compare(&out, map_get(&seen.by_path, str_of(t->path)), t);
	}
	vec_each(&seen.things, t) if (!map_get(&still, str_of(t->path)) && strcmp(t->kept, "-") != 0)
		put_line(&out, "back", t, t->kept, "gone", "-");
	r = save_lines(place, saved, &seen, &a, err);
	if (r == 0)
		r = delta_write(saved, ".delta", &out, err);
	if (r == 0)
		prune(saved, buf_get(&out), &a);
	return r;
}
