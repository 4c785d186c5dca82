/* SPDX-License-Identifier: Apache-2.0 */
#include "change/unit_links.h"

#include <fcntl.h>

#include "base/num.h"
#include "base/vec.h"
#include "change/fs.h"

static struct str base_of(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);

	return slash ? (struct str){slash + 1, path.n - (size_t)(slash + 1 - path.p)} : path;
}

/* Links of the unit's name, or to a file of that name, in the directory. */
static void find_in(const struct place *place, const char *unit, const char *dir, struct arena *a,
					struct unit_links *ret)
{
	struct path_entry *entries;
	size_t n;
	bool more;

	if (path_list(place->root_fd, dir, 65536, a, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", dir, entries[i].name);
		struct str target;

		if (path_readlink(place->root_fd, path, a, &target) == 0 &&
			(strcmp(entries[i].name, unit) == 0 || str_is(base_of(target), unit)))
			*vec_push(a, ret) = (struct unit_link){path, target};
	}
}

/* UNIT_LINKS_DIR, and those below it that say what wants or requires what. */
static struct str *list_dirs(const struct place *place, struct arena *a, size_t *ret_n)
{
	VEC(struct str) dirs = {0};
	struct path_entry *entries;
	size_t n = 0;
	bool more;

	*vec_push(a, &dirs) = STR(UNIT_LINKS_DIR);
	if (path_list(place->root_fd, UNIT_LINKS_DIR, 65536, a, &entries, &n, &more) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (str_ends(str_of(entries[i].name), ".wants") ||
			str_ends(str_of(entries[i].name), ".requires"))
			*vec_push(a, &dirs) = str_of(arena_printf(a, UNIT_LINKS_DIR "/%s", entries[i].name));
	*ret_n = dirs.n;
	return dirs.p;
}

struct unit_links unit_links_find(const struct place *place, const char *unit, struct arena *a)
{
	struct unit_links links = {0};
	size_t n;
	struct str *dirs = list_dirs(place, a, &n);

	for (size_t i = 0; i < n; i++)
		find_in(place, unit, dirs[i].p, a, &links);
	return links;
}

int unit_link_remove(const struct place *place, const char *path, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);

	if (dir >= 0 && (unlinkat(dir, name, 0) == 0 || errno == ENOENT) && fsync(dir) == 0)
		return 0;
	return err_errno(err, dir < 0 ? -dir : errno, "%s", path);
}

int unit_link_make(const struct place *place, const char *path, const char *target,
					 struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);

	if (dir >= 0 && symlinkat(target, dir, name) == 0 && fsync(dir) == 0)
		return 0;
	return err_errno(err, dir < 0 ? -dir : errno, "%s", path);
}

/* All links but those of an instance or template of another name. */
int unit_links_remove(const struct place *place, const char *unit, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct unit_links links = unit_links_find(place, unit, &a);
	int r = 0;

	for (size_t i = 0; r == 0 && i < links.n; i++)
		r = unit_link_remove(place, links.p[i].path, err);
	return r;
}

/* --- to and from a file of the change --------------------------------------------------------------- */

/* "SECONDS NANOSECONDS PATH" */
static bool parse_times(struct str line, struct timespec ret[2], struct str *ret_path)
{
	struct str seconds = STR_ABSENT, nanoseconds = STR_ABSENT;
	int64_t s = 0, ns = 0;

	if (!str_cut(&line, ' ', &seconds) || !str_cut(&line, ' ', &nanoseconds) || !line.p ||
		num_i64(seconds, 0, INT64_MAX, &s) < 0 || num_i64(nanoseconds, 0, 999999999, &ns) < 0)
		return false;
	ret[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	ret[1] = (struct timespec){.tv_sec = s, .tv_nsec = ns};
	*ret_path = line;
	return true;
}

/* Directories get the times back that they had; one that was not there goes, when it is empty. Those in
 * which no link is any more as well: what undid that may have been killed. */
static void restore_dirs(const struct place *place, struct str saved, struct arena *a)
{
	size_t n;
	struct str *dirs = list_dirs(place, a, &n), line, path = STR_ABSENT;

	for (size_t i = 0; i < n; i++) {
		struct str rest = saved;
		struct timespec times[2];
		_cleanup_close_ int fd = -1;
		const char *name;
		bool known = false;

		while (!known && str_line(&rest, &line))
			known = str_skip(&line, "times ") && parse_times(line, times, &path) &&
					str_eq(path, dirs[i]);
		fd = fs_open_parent(place, dirs[i].p, &name);
		if (fd >= 0 && known)
			(void)utimensat(fd, name, times, 0);
		else if (fd >= 0)
			(void)unlinkat(fd, name, AT_REMOVEDIR);
	}
}

int unit_links_restore(const struct place *place, const char *unit, const struct saved *saved,
					   struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, rest, line, path;
	int r = path_read(saved->dir_fd, saved->name, 1u << 20, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	r = unit_links_remove(place, unit, err);
	for (rest = text; r == 0 && str_line(&rest, &line);)
		if (str_skip(&line, "link ") && str_cut(&line, ' ', &path))
			r = unit_link_make(place, str_dup(&a, path), str_dup(&a, line), err);
	return r;
}

void unit_links_restore_dirs(const struct place *place, const struct saved *saved)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text;

	if (path_read(saved->dir_fd, saved->name, 1u << 20, &a, &text) < 0)
		return;
	/* Directories in UNIT_LINKS_DIR go first, which moves its own times. */
	restore_dirs(place, text, &a);
	restore_dirs(place, text, &a);
}

static void save_times(const struct place *place, const char *path, struct buf *out)
{
	_cleanup_close_ int dir = path_open(place->root_fd, path, O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (dir >= 0 && fstat(dir, &st) == 0)
		buf_printf(out, "times %lld %ld %s\n", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, path);
}

int unit_links_save(const struct place *place, const char *unit, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	struct unit_links links = unit_links_find(place, unit, &a);
	size_t n;
	struct str *dirs = list_dirs(place, &a, &n);

	for (size_t i = 0; i < links.n; i++)
		buf_printf(&text, "link %s %.*s\n", links.p[i].path, STR_ARG(links.p[i].target));
	for (size_t i = 0; i < n; i++)
		save_times(place, dirs[i].p, &text);
	if (text.full)
		return err_set(err, EFBIG, "%s: has too many links", unit);
	return fs_save_text(saved, "", buf_get(&text), err);
}
