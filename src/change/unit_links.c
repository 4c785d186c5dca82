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

struct unit_links unit_links_find(const struct place *place, const char *unit, struct arena *a)
{
	struct unit_links links = {0};
	struct path_entry *entries;
	size_t n = 0;
	bool more;

	find_in(place, unit, UNIT_LINKS_DIR, a, &links);
	if (path_list(place->root_fd, UNIT_LINKS_DIR, 65536, a, &entries, &n, &more) < 0)
		return links;
	for (size_t i = 0; i < n; i++)
		if (str_ends(str_of(entries[i].name), ".wants") ||
			str_ends(str_of(entries[i].name), ".requires"))
			find_in(place, unit, arena_printf(a, UNIT_LINKS_DIR "/%s", entries[i].name), a, &links);
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

/* "SECONDS NANOSECONDS PATH" */
static void restore_times(const struct place *place, struct str line, struct arena *a)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct str word = STR_ABSENT;
	int64_t seconds = 0, nanoseconds = 0;
	_cleanup_close_ int dir = -1;

	if (str_cut(&line, ' ', &word))
		(void)num_i64(word, 0, INT64_MAX, &seconds);
	if (str_cut(&line, ' ', &word))
		(void)num_i64(word, 0, 999999999, &nanoseconds);
	times[1] = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
	if (line.p)
		dir = path_open(place->root_fd, str_dup(a, line), O_RDONLY | O_DIRECTORY);
	if (dir >= 0)
		(void)futimens(dir, times);
}

/* The links of the saved list ("link PATH TARGET" a line), and no others; then the times of their
 * directories ("times ..."). */
int unit_links_restore(const struct place *place, const char *unit, const struct saved *saved,
						 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, rest, line, path;
	int r = path_read(saved->dir_fd, saved->name, 1u << 20, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	r = unit_links_remove(place, unit, err);
	rest = text;
	while (r == 0 && str_line(&rest, &line))
		if (str_skip(&line, "link ") && str_cut(&line, ' ', &path))
			r = unit_link_make(place, str_dup(&a, path), str_dup(&a, line), err);
	while (r == 0 && str_line(&text, &line))
		if (str_skip(&line, "times "))
			restore_times(place, line, &a);
	return r;
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

	for (size_t i = 0; i < links.n; i++) {
		const char *path = links.p[i].path;

		buf_printf(&text, "link %s %.*s\n", path, STR_ARG(links.p[i].target));
		save_times(place, arena_copy(&a, path, (size_t)(strrchr(path, '/') - path)), &text);
	}
	save_times(place, UNIT_LINKS_DIR, &text);
	if (text.full)
		return err_set(err, EFBIG, "%s: has too many links", unit);
	return fs_save_text(saved, "", buf_get(&text), err);
}
