/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A systemd unit: whether it is started at boot (the links in /etc/systemd/system) and whether it
 * runs. The links that were there are kept one by one, so that undoing brings back exactly those.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"
#include "change/fs.h"
#include "host/unitfile.h"

#define DIR "/etc/systemd/system"
#define SYSTEMCTL "/usr/bin/systemctl"

struct link {
	const char *path;
	struct str target;
};

struct links {
	struct link *p;
	size_t n, cap;
};

static struct str base_of(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);

	return slash ? (struct str){slash + 1, path.n - (size_t)(slash + 1 - path.p)} : path;
}

/* Links of the unit's name, or to a file of that name, in the directory. */
static void find_in(const struct place *place, const char *unit, const char *dir, struct arena *a,
					struct links *ret)
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
			*vec_push(a, ret) = (struct link){path, target};
	}
}

static struct links find_links(const struct place *place, const char *unit, struct arena *a)
{
	struct links links = {0};
	struct path_entry *entries;
	size_t n = 0;
	bool more;

	find_in(place, unit, DIR, a, &links);
	if (path_list(place->root_fd, DIR, 65536, a, &entries, &n, &more) < 0)
		return links;
	for (size_t i = 0; i < n; i++)
		if (str_ends(str_of(entries[i].name), ".wants") ||
			str_ends(str_of(entries[i].name), ".requires"))
			find_in(place, unit, arena_printf(a, DIR "/%s", entries[i].name), a, &links);
	return links;
}

/* --- looking ----------------------------------------------------------------------------------- */

static int capture_enabled(const struct place *place, const char *target, struct arena *a,
						   struct state *ret, struct err *err)
{
	const char *only[] = {target, NULL};
	struct host *host = host_open(place->root, err);
	const struct unit_file *unit;
	struct unit_files files;

	if (!host)
		return -err->errnum;
	unitfiles_read(host, a, only, &files);
	unit = unitfiles_find(&files, str_of(target));
	if (!unit && files.gap)
		err_set(err, EIO, "%s: %s", target, files.gap);
	state_set(ret, a, "enabled", str_of(unit ? unit->enabled : NULL));
	host_free(host);
	return !unit && files.gap ? -EIO : 0;
}

static int capture_unit(const struct place *place, const char *target, struct arena *a,
						struct state *ret, struct err *err)
{
	const char *const argv[] = {SYSTEMCTL, "is-active", "--quiet", target, NULL};
	struct err ignored;
	int r = capture_enabled(place, target, a, ret, err);

	if (r == 0 && place->live)
		state_set(ret, a, "active",
				  step_run(place, argv, 20000, &ignored) == 0 ? STR("yes") : STR("no"));
	return r;
}

/* --- changing ---------------------------------------------------------------------------------- */

static int remove_link(const struct place *place, const char *path, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);

	if (dir >= 0 && (unlinkat(dir, name, 0) == 0 || errno == ENOENT) && fsync(dir) == 0)
		return 0;
	return err_errno(err, dir < 0 ? -dir : errno, "%s", path);
}

static int make_link(const struct place *place, const char *path, const char *target,
					 struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);

	if (dir >= 0 && symlinkat(target, dir, name) == 0 && fsync(dir) == 0)
		return 0;
	return err_errno(err, dir < 0 ? -dir : errno, "%s", path);
}

static int mask(const struct place *place, const char *unit, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *path = arena_printf(&a, DIR "/%s", unit);
	struct path_stat st;
	int r;

	if (path_stat(place->root_fd, path, false, &st) == 0) {
		if (!S_ISLNK(st.mode))
			return err_set(err, EEXIST, "%s is a file: a mask would take its place", path);
		r = remove_link(place, path, err);
		if (r < 0)
			return r;
	}
	return make_link(place, path, "/dev/null", err);
}

/* All links but those of an instance or template of another name. */
static int remove_links(const struct place *place, const char *unit, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct links links = find_links(place, unit, &a);
	int r = 0;

	for (size_t i = 0; r == 0 && i < links.n; i++)
		r = remove_link(place, links.p[i].path, err);
	return r;
}

static int put_enabled(const struct place *place, const char *unit, struct str wanted,
					   struct err *err)
{
	const char *const argv[] = {SYSTEMCTL, "--no-reload", "enable", unit, NULL};

	if (str_is(wanted, "masked"))
		return mask(place, unit, err);
	if (str_is(wanted, "disabled"))
		return remove_links(place, unit, err);
	if (str_is(wanted, "enabled")) {
		int r = remove_links(place, unit, err);

		return r < 0 ? r : step_run(place, argv, 30000, err);
	}
	return err_set(err, ENOTSUP, "%s: units are not put into that state", unit);
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
static int restore_links(const struct place *place, const char *unit, const struct saved *saved,
						 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, rest, line, path;
	int r = path_read(saved->dir_fd, saved->name, 1u << 20, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	r = remove_links(place, unit, err);
	rest = text;
	while (r == 0 && str_line(&rest, &line))
		if (str_skip(&line, "link ") && str_cut(&line, ' ', &path))
			r = make_link(place, str_dup(&a, path), str_dup(&a, line), err);
	while (r == 0 && str_line(&text, &line))
		if (str_skip(&line, "times "))
			restore_times(place, line, &a);
	return r;
}

static int put_active(const struct place *place, const char *unit, struct str wanted,
					  struct err *err)
{
	const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
	const char *const argv[] = {SYSTEMCTL, str_is(wanted, "yes") ? "start" : "stop", unit, NULL};
	int r = step_run(place, reload, 60000, err);

	return r < 0 || !wanted.p ? r : step_run(place, argv, 120000, err);
}

static int put_unit(const struct place *place, const char *target, const struct state *to,
					const struct saved *saved, struct err *err)
{
	struct str enabled = state_get(to, "enabled"), active = state_get(to, "active");
	bool stop = place->live && str_is(active.p ? active : STR(""), "no");
	int r = 0;

	/* A masked unit cannot be started, and one that is to stop must still be known. */
	if (stop)
		r = put_active(place, target, active, err);
	if (r == 0)
		r = saved ? restore_links(place, target, saved, err)
				  : put_enabled(place, target, enabled.p ? enabled : STR(""), err);
	if (r == 0 && place->live)
		r = put_active(place, target, stop ? STR_ABSENT : active, err);
	return r;
}

static void save_times(const struct place *place, const char *path, struct buf *out)
{
	_cleanup_close_ int dir = path_open(place->root_fd, path, O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (dir >= 0 && fstat(dir, &st) == 0)
		buf_printf(out, "times %lld %ld %s\n", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, path);
}

static int save_unit(const struct place *place, const struct step *s, const struct saved *saved,
					 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(1u << 20);
	struct links links = find_links(place, s->target, &a);
	_cleanup_close_ int fd = openat(saved->dir_fd, saved->name,
									O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	for (size_t i = 0; i < links.n; i++) {
		const char *path = links.p[i].path;

		buf_printf(&text, "link %s %.*s\n", path, STR_ARG(links.p[i].target));
		save_times(place, arena_copy(&a, path, (size_t)(strrchr(path, '/') - path)), &text);
	}
	save_times(place, DIR, &text);
	if (fd < 0 || text.full || write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) < 0 ||
		fsync(saved->dir_fd) < 0)
		return err_errno(err, errno, "%s: its links cannot be saved", s->target);
	return 0;
}

static void undo_unit(struct buf *out, const struct step *s)
{
	buf_puts(out, "find \"$ROOT\"" DIR " -type l \\( -name ");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, " -o -lname '*/'");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, " \\) -exec rm -f {} +\n"
				  "while read -r what link target; do\n"
				  "\t[ \"$what\" != link ] || ln -s \"$target\" \"$ROOT$link\"\n"
				  "done <\"$SAVED\"\n"
				  "[ -n \"$ROOT\" ] || systemctl daemon-reload\n");
	if (state_is(&s->before, "active", "yes")) {
		buf_puts(out, "[ -n \"$ROOT\" ] || systemctl start ");
		step_shell_word(out, str_of(s->target));
		buf_puts(out, "\n");
	}
}

static const struct step_type unit_step = {
	.name = "unit",
	.doc = "a systemd unit: is it started at boot, and does it run",
	.order = 60,
	.capture = capture_unit,
	.put = put_unit,
	.save = save_unit,
	.undo_sh = undo_unit,
};
STEP_TYPE(unit_step);
