/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dpkg: removing; what is to be installed apt installs (apt.c). All that a change removes goes in one
 * run, so that dpkg finds the order.
 *
 * Removing keeps the configuration. Before it, each package is packed again as it is on the disk
 * (deb.h); undoing installs that, then puts back what installing does not: the entry in dpkg's status
 * with the checksums of configuration files that were changed, links of units and whether those ran,
 * apt's marks, alternatives chosen by hand, and times.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "base/vec.h"
#include "change/deb.h"
#include "change/fs.h"
#include "change/packages.h"
#include "change/unit_links.h"
#include "host/dpkg.h"

#define SYSTEMCTL "/usr/bin/systemctl"
#define MAX_TEXT ((size_t)64 << 20)
#define LOCK_PATIENCE 60 /* seconds that undoing waits for another dpkg */

/* --- looking ----------------------------------------------------------------------------------- */

static int capture_dpkg(const struct place *place, struct arena *a, struct state *ret,
						struct err *err)
{
	struct host *host = host_open(place->root, err);
	struct dpkg_db db = {0};
	int r;

	if (!host)
		return -err->errnum;
	r = dpkg_read(host, a, &db, err);
	if (r == 0 && db.gap)
		r = err_set(err, EIO, "%s", db.gap);
	for (size_t i = 0; r == 0 && i < db.n; i++) {
		const struct dpkg_package *p = &db.p[i];
		struct str version = p->version;

		if (str_is(p->state, "config-files"))
			continue;
		if (!str_is(p->state, "installed"))
			version = str_of(arena_printf(a, "%.*s (%.*s)", STR_ARG(version), STR_ARG(p->state)));
		*vec_push(a, ret) = (struct field){str_dup(a, p->name), version};
	}
	host_free(host);
	return r;
}

/* --- dpkg -------------------------------------------------------------------------------------- */

/* dpkg does not wait for another one. Doing need not, undoing has to. */
static int run_dpkg(const struct place *place, const char *option, const struct names *what,
					int patience, struct arena *a, struct err *err)
{
	const char **argv = arena_alloc(a, (what->n + 6) * sizeof(*argv));
	size_t n = 0;
	int r;

	/* The scripts of packages ask through debconf, and there is nobody to answer. */
	argv[n++] = "/usr/bin/env";
	argv[n++] = "DEBIAN_FRONTEND=noninteractive";
	argv[n++] = "dpkg";
	argv[n++] = "--force-confold";
	argv[n++] = option;
	for (size_t i = 0; i < what->n; i++)
		argv[n++] = what->p[i];
	argv[n] = NULL;
	for (int tries = 0;; tries++) {
		r = step_run(place, argv, PACKAGES_TIMEOUT, err);
		if (r == 0 || tries >= patience || !str_has(str_of(err->msg), "lock"))
			return r;
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
}

int dpkg_lock(const struct place *place, int seconds, int fds[2], struct err *err)
{
	static const char *const paths[] = {"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int tries = 0;

		fds[i] = path_open(place->root_fd, paths[i], O_RDWR);
		if (fds[i] < 0)
			return err_errno(err, -fds[i], "%s", paths[i]);
		while (fcntl(fds[i], F_SETLK, &lock) < 0) {
			if (tries++ == seconds)
				return err_errno(err, errno, "%s", paths[i]);
			nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
		}
	}
	return 0;
}

/* --- saving ------------------------------------------------------------------------------------ */

struct saving {
	const struct place *place;
	const struct saved *saved;
	struct arena *arena;
	struct str status; /* dpkg's */
	struct buf notes;  /* "WHAT NAME REST" a line: see put_note() and undo_package() */
};

static int save_deb(struct saving *s, const char *name, struct err *err)
{
	const char *file = arena_printf(s->arena, "%s.%s.deb", s->saved->name, name);
	_cleanup_close_ int fd =
		openat(s->saved->dir_fd, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? err_errno(err, errno, "before/%s", file) : deb_pack(s->place, name, fd, err);

	return r == 0 && fsync(fd) < 0 ? err_errno(err, errno, "before/%s", file) : r;
}

static void note_time(struct saving *s, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(s->place, path, &name);
	struct stat st;

	if (dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		buf_printf(&s->notes, "time %lld.%09ld %s\n", (long long)st.st_mtim.tv_sec,
				   st.st_mtim.tv_nsec, path);
}

static int note_unit(struct saving *s, const char *unit, struct err *err)
{
	struct unit_links links = unit_links_find(s->place, unit, s->arena);

	buf_printf(&s->notes, "unit %s\n", unit);
	for (size_t i = 0; i < links.n; i++)
		buf_printf(&s->notes, "link %s %.*s\n", links.p[i].path, STR_ARG(links.p[i].target));
	return packages_note_unit(s->place, unit, &s->notes, err);
}

/* Is the path a choice of update-alternatives(1) that a person made? */
static void note_choice(struct saving *s, const char *name)
{
	const char *path = arena_printf(s->arena, "/var/lib/dpkg/alternatives/%s", name);
	struct str text, mode = STR_ABSENT, target;

	if (path_read(s->place->root_fd, path, 1u << 20, s->arena, &text) == 0 &&
		str_line(&text, &mode) && str_is(mode, "manual") &&
		path_readlink(s->place->root_fd, arena_printf(s->arena, "/etc/alternatives/%s", name),
					  s->arena, &target) == 0) {
		buf_printf(&s->notes, "choice %s %.*s\n", name, STR_ARG(target));
		note_time(s, path);
	}
}

static int note_files(struct saving *s, const char *name, struct str paragraph, struct err *err)
{
	const char *path = deb_info(s->place, s->arena, name, paragraph, "list");
	struct str list, line;
	int r = path ? path_read(s->place->root_fd, path, MAX_TEXT, s->arena, &list) : -ENOENT;

	if (r < 0)
		return err_errno(err, -r, "the list of the files of %s", name);
	/* dpkg writes a new one, without what an administrator has deleted. */
	r = fs_save_text(s->saved, arena_printf(s->arena, ".%s.list", name), list, err);
	buf_printf(&s->notes, "copy .%s.list %s\n", name, path);
	while (r == 0 && str_line(&list, &line)) {
		const char *file = str_dup(s->arena, line), *unit = packages_unit(file);

		if (unit)
			r = note_unit(s, unit, err);
		note_time(s, file);
	}
	return r;
}

/* What dpkg keeps about the package: its list, its scripts and so on. */
static void note_info(struct saving *s, const char *name)
{
	struct path_entry *entries;
	size_t n, length = strlen(name);
	bool more;

	if (path_list(s->place->root_fd, DPKG_INFO, 65536, s->arena, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (strncmp(entries[i].name, name, length) == 0 && strchr(".:", entries[i].name[length]))
			note_time(s, arena_printf(s->arena, DPKG_INFO "/%s", entries[i].name));
}

static bool is_auto(const struct saving *s, const char *name)
{
	struct str text, paragraph;

	if (path_read(s->place->root_fd, "/var/lib/apt/extended_states", MAX_TEXT, s->arena, &text) < 0)
		return false;
	paragraph = deb_paragraph(text, name);
	return paragraph.p && str_has(paragraph, "Auto-Installed: 1");
}

static int save_one(struct saving *s, const char *name, struct err *err)
{
	struct str paragraph = deb_paragraph(s->status, name);
	int r = save_deb(s, name, err);

	if (r == 0)
		r = fs_save_text(s->saved, arena_printf(s->arena, ".%s.status", name), paragraph, err);
	if (r == 0)
		r = note_files(s, name, paragraph, err);
	note_info(s, name);
	if (r == 0 && is_auto(s, name))
		buf_printf(&s->notes, "auto %s\n", name);
	return r;
}

static void note_shared(struct saving *s)
{
	static const char *const dirs[] = {UNIT_LINKS_DIR, "/etc/alternatives", "/etc/rc0.d",
									   "/etc/rc1.d",   "/etc/rc2.d",        "/etc/rc3.d",
									   "/etc/rc4.d",   "/etc/rc5.d",        "/etc/rc6.d",
									   "/etc/rcS.d",   DPKG_INFO,           "/var/lib/dpkg"};
	struct path_entry *entries;
	size_t n;
	bool more;

	if (path_list(s->place->root_fd, "/var/lib/dpkg/alternatives", 65536, s->arena, &entries, &n,
				  &more) == 0)
		for (size_t i = 0; i < n; i++)
			note_choice(s, entries[i].name);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		note_time(s, dirs[i]);
	if (path_list(s->place->root_fd, UNIT_LINKS_DIR, 65536, s->arena, &entries, &n, &more) == 0)
		for (size_t i = 0; i < n; i++)
			if (str_ends(str_of(entries[i].name), ".wants"))
				note_time(s, arena_printf(s->arena, UNIT_LINKS_DIR "/%s", entries[i].name));
}

static int save_removed(const struct place *place, const struct names *names,
						const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct saving s = {.place = place, .saved = saved, .arena = &a, .notes = BUF(MAX_TEXT)};
	int r = path_read(place->root_fd, DPKG_STATUS, MAX_TEXT, &a, &s.status);

	if (r < 0)
		return err_errno(err, -r, DPKG_STATUS);
	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = save_one(&s, names->p[i], err);
	note_shared(&s);
	if (r == 0)
		r = s.notes.full ? err_set(err, EFBIG, "too many files belong to the packages")
						 : fs_save_text(saved, "", buf_get(&s.notes), err);
	buf_done(&s.notes);
	return r;
}

static int save_dpkg(const struct place *place, const struct step *step, const struct saved *saved,
					 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a);
	int r = removed.n ? save_removed(place, &removed, saved, err) : 0;

	return r == 0 && packages_installed_by(step, &a).n ? apt_save(place, step, saved, err) : r;
}

static int perform_dpkg(const struct place *place, const struct step *step,
						const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct names removed = packages_removed_by(step, &a);
	int r = removed.n ? run_dpkg(place, "--remove", &removed, 0, &a, err) : 0;

	return r == 0 && packages_installed_by(step, &a).n ? apt_install(place, step, saved, err) : r;
}

/* --- putting back ------------------------------------------------------------------------------ */

/* The package's paragraph in dpkg's status, with `other` in its place. */
static int replace_paragraph(const struct place *place, const char *name, struct str other,
							 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT);
	struct state attributes = {0};
	struct str status, old;
	int r = path_read(place->root_fd, DPKG_STATUS, MAX_TEXT, &a, &status);

	if (r < 0)
		return err_errno(err, -r, DPKG_STATUS);
	old = deb_paragraph(status, name);
	if (!old.p || str_eq(old, other))
		return 0;
	buf_add(&text, status.p, (size_t)(old.p - status.p));
	buf_str(&text, other);
	buf_add(&text, old.p + old.n, (size_t)(status.p + status.n - old.p) - old.n);
	r = fs_capture(place, DPKG_STATUS, false, &a, &attributes, err);
	return r < 0 ? r : fs_write(place, DPKG_STATUS, buf_get(&text), &attributes, NULL, err);
}

static int restore_paragraphs(const struct place *place, const struct saved *saved,
							  const struct state *to, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	int fds[2] = {-1, -1}, r = dpkg_lock(place, LOCK_PATIENCE, fds, err);

	fs_remove_temp(place, DPKG_STATUS);
	for (size_t i = 0; r == 0 && i < to->n; i++) {
		const char *file = arena_printf(&a, "%s.%s.status", saved->name, to->p[i].name);
		struct str text;

		r = path_read(saved->dir_fd, file, MAX_TEXT, &a, &text);
		if (r == -ENOENT)
			r = 0;
		else
			r = r < 0 ? err_errno(err, -r, "before/%s", file)
					  : replace_paragraph(place, to->p[i].name, text, err);
	}
	close_fd(&fds[1]);
	close_fd(&fds[0]);
	return r;
}

static int put_time(const struct place *place, struct str time, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct str seconds = STR_ABSENT;
	int64_t s, ns;

	if (str_cut(&time, '.', &seconds) && num_i64(seconds, INT64_MIN, INT64_MAX, &s) == 0) {
		/* Nine digits, of which leading zeros are no part of the number. */
		while (time.n > 1 && time.p[0] == '0')
			time = (struct str){time.p + 1, time.n - 1};
		if (dir >= 0 && num_i64(time, 0, 999999999, &ns) == 0) {
			times[1] = (struct timespec){.tv_sec = s, .tv_nsec = ns};
			(void)utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
		}
	}
	return 0;
}

static int put_copy(const struct place *place, const struct saved *saved, const char *suffix,
					const char *path, struct arena *a, struct err *err)
{
	const char *name = arena_printf(a, "%s%s", saved->name, suffix);
	struct state attributes = {0};
	struct str text;
	int r = path_read(saved->dir_fd, name, MAX_TEXT, a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", name);
	r = fs_capture(place, path, false, a, &attributes, err);
	return r < 0 || state_is(&attributes, "type", "absent")
			   ? r
			   : fs_write(place, path, text, &attributes, NULL, err);
}

static int put_note(const struct place *place, const struct saved *saved, struct str what,
					const char *name, struct str rest, struct arena *a, struct err *err)
{
	const char *text = str_dup(a, rest);

	if (str_is(what, "unit"))
		return unit_links_remove(place, name, err);
	if (str_is(what, "link"))
		return unit_link_make(place, name, text, err);
	if (str_is(what, "copy"))
		return put_copy(place, saved, name, text, a, err);
	if (str_is(what, "time"))
		return put_time(place, str_of(name), text);
	if (str_is(what, "active") && place->live) {
		const char *const argv[] = {SYSTEMCTL, str_is(rest, "yes") ? "start" : "stop", name, NULL};

		return step_run(place, argv, 120000, err);
	}
	if (str_is(what, "auto")) {
		const char *const argv[] = {"/usr/bin/apt-mark", "auto", name, NULL};

		return step_run(place, argv, 60000, err);
	}
	if (str_is(what, "choice")) {
		const char *const argv[] = {"/usr/bin/update-alternatives", "--set", name, text, NULL};

		return step_run(place, argv, 60000, err);
	}
	return 0;
}

/* Is what the note would do done already? apt and the alternatives write their files all the same. */
static bool is_noted(const struct place *place, struct str what, const char *name, struct str rest,
					 struct arena *a)
{
	struct saving s = {.place = place, .arena = a};
	struct str target;

	if (str_is(what, "auto"))
		return is_auto(&s, name);
	return str_is(what, "choice") &&
		   path_readlink(place->root_fd, arena_printf(a, "/etc/alternatives/%s", name), a,
						 &target) == 0 &&
		   str_eq(target, rest);
}

static int put_notes(const struct place *place, const struct saved *saved, struct arena *a,
					 struct err *err)
{
	const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
	struct str text, line, what, name = STR_ABSENT;
	bool reloaded = !place->live;
	int r = path_read(saved->dir_fd, saved->name, MAX_TEXT, a, &text);

	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	while (r == 0 && str_line(&text, &line)) {
		(void)str_cut(&line, ' ', &what);
		(void)str_cut(&line, ' ', &name);
		if (!reloaded && str_is(what, "active")) {
			r = step_run(place, reload, 60000, err);
			reloaded = true;
		}
		if (r == 0 && name.p && !is_noted(place, what, str_dup(a, name), line, a))
			r = put_note(place, saved, what, str_dup(a, name), line, a, err);
	}
	return r;
}

static int undo_removed(const struct place *place, const struct state *before,
						const struct saved *saved, struct arena *a, struct err *err)
{
	struct names install = {0};
	struct state now = {0};
	int r = capture_dpkg(place, a, &now, err);

	for (size_t i = 0; r == 0 && i < before->n; i++) {
		const char *name = before->p[i].name;
		struct str have = state_get(&now, name), want = before->p[i].value;

		if (want.p && (!have.p || !str_eq(have, want)))
			r = packages_path(place, saved, arena_printf(a, ".%s.deb", name), a,
							  vec_push(a, &install), err);
	}
	if (r == 0 && install.n)
		r = run_dpkg(place, "--install", &install, LOCK_PATIENCE, a, err);
	if (r == 0)
		r = restore_paragraphs(place, saved, before, err);
	return r == 0 ? put_notes(place, saved, a, err) : r;
}

static int undo_dpkg(const struct place *place, const struct state *before,
					 const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	bool installed = false, removed = false;
	int r = 0;

	for (size_t i = 0; i < before->n; i++)
		*(before->p[i].value.p ? &removed : &installed) = true;
	if (installed)
		r = apt_undo(place, saved, err);
	return r == 0 && removed ? undo_removed(place, before, saved, &a, err) : r;
}

/* --- the script -------------------------------------------------------------------------------- */

static void undo_removed_sh(struct buf *out, const struct step *s)
{
	buf_puts(out, "INSIDE=${SAVED#\"${TOP%/}\"}\nset --\n");
	for (size_t i = 0; i < s->before.n; i++)
		if (s->before.p[i].value.p)
			buf_printf(out, "set -- \"$@\" \"$INSIDE.%s.deb\"\n", s->before.p[i].name);
	buf_puts(out, "chroot \"$TOP\" env DEBIAN_FRONTEND=noninteractive dpkg --force-confold "
				  "--install \"$@\"\n");
	for (size_t i = 0; i < s->before.n; i++)
		if (s->before.p[i].value.p)
			buf_printf(out,
					   "chroot \"$TOP\" sh -c 'cd /var/lib/dpkg && cp -p status status.revet && "
					   "awk -v RS= -v ORS=\"\\n\\n\" -v p=\"Package: $2\" \"NR == FNR { saved = "
					   "\\$0; next } "
					   "index(\\$0, p \\\"\\n\\\") == 1 { \\$0 = saved } { print }\" \"$1\" status "
					   ">status.revet && mv -f status.revet status' sh \"$INSIDE.%s.status\" %s\n",
					   s->before.p[i].name, s->before.p[i].name);
	buf_puts(out, "[ -n \"$ROOT\" ] || systemctl daemon-reload\n"
				  "while read -r what name rest; do\n"
				  "case $what in\n"
				  "unit) unlink_unit \"$name\" ;;\n"
				  "link) ln -s \"$rest\" \"$ROOT$name\" ;;\n"
				  "active) [ -n \"$ROOT\" ] || case $rest in yes) systemctl start \"$name\" ;; "
				  "*) systemctl stop \"$name\" ;; esac ;;\n"
				  "auto) chroot \"$TOP\" apt-mark auto \"$name\" ;;\n"
				  "choice) chroot \"$TOP\" update-alternatives --set \"$name\" \"$rest\" ;;\n"
				  "copy) cat \"$SAVED$name\" >\"$ROOT$rest\" ;;\n"
				  "time) dated \"@$name\" \"${name%.*}\" \"$ROOT$rest\" ;;\n"
				  "esac\ndone <\"$SAVED\"\n");
}

/* dpkg and its friends run inside the system, which sees the change's directory elsewhere. */
static void undo_dpkg_sh(struct buf *out, const struct step *s)
{
	_cleanup_arena_ struct arena a = {0};

	buf_puts(out, "TOP=$(cd \"${ROOT:-/}\" && pwd)\n");
	if (packages_installed_by(s, &a).n)
		apt_undo_sh(out);
	if (packages_removed_by(s, &a).n)
		undo_removed_sh(out, s);
}

static const struct package_manager dpkg_manager = {
	.name = "dpkg",
	.capture = capture_dpkg,
	.save = save_dpkg,
	.perform = perform_dpkg,
	.undo = undo_dpkg,
	.undo_sh = undo_dpkg_sh,
};
PACKAGE_MANAGER(dpkg_manager);
