/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks that Debian's pam-auth-update keeps: which profiles are in them, which the tool is told,
 * and the option nullok of pam_unix, which is taken out in the way that the tool keeps. What else is in
 * them is part of the state, so that nobody else's change is undone along with this one.
 *
 * All files of the tool's are saved, and undoing puts them back to the byte: half of what it writes
 * is nothing that it would understand.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/vec.h"
#include "change/fs.h"
#include "change/pam_tool.h"
#include "host/pam_profiles.h"

#define COMMON_AUTH "/etc/pam.d/common-auth"
#define MAX_FILE ((size_t)1 << 20)

static const char *const files[] = {
	"/etc/pam.d/common-auth",
	"/etc/pam.d/common-account",
	"/etc/pam.d/common-password",
	"/etc/pam.d/common-session",
	"/etc/pam.d/common-session-noninteractive",
	"/var/lib/pam/auth",
	"/var/lib/pam/account",
	"/var/lib/pam/password",
	"/var/lib/pam/session",
	"/var/lib/pam/session-noninteractive",
	"/var/lib/pam/seen",
};

/* What a tool that was killed leaves beside a file. */
static const char *leftover_suffix(const char *file)
{
	return file[1] == 'e' ? ".pam-new" : ".new";
}

/* --- looking ----------------------------------------------------------------------------------- */

static struct str yes_or_no(bool yes)
{
	return yes ? STR("yes") : STR("no");
}

static int capture_pam(const struct place *place, const char *target _unused_, struct arena *a,
					   struct state *ret, struct err *err)
{
	_cleanup_host_ struct host *host = host_open(place->root, err);
	struct pam_profiles p;

	if (!host || pam_profiles_read(host, a, &p, err) < 0)
		return -err->errnum;
	for (const struct pam_feature *f = pam_features; f->name; f++)
		for (size_t i = 0; i < ARRAY_LEN(f->profiles) && f->profiles[i].name; i++)
			state_set(ret, a, f->profiles[i].name,
					  yes_or_no(pam_profiles_has(&p, f, i)));
	state_set(ret, a, "nullok", yes_or_no(p.nullok));
	state_set(ret, a, "others", pam_profiles_others(&p, a));
	state_set(ret, a, "options", p.options);
	state_set(ret, a, "edited", p.edited ? str_of(p.edited) : STR("no"));
	return 0;
}

/* --- saving ------------------------------------------------------------------------------------ */

static struct saved saved_file(const struct saved *saved, size_t i)
{
	struct saved s = {.dir_fd = saved->dir_fd};

	snprintf(s.name, sizeof(s.name), "%.14s.%zu", saved->name, i);
	return s;
}

/* With a list: "file N" of those that there are, for what is missing later was not lost, and the state
 * of what other steps change. */
static int save_pam(const struct place *place, const struct step *s, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf list = BUF(65536);
	struct state now = {0};
	struct path_stat st;
	int r = capture_pam(place, s->target, &a, &now, err);

	for (size_t i = 0; r == 0 && i < now.n; i++)
		if (!state_has(&s->after, now.p[i].name))
			buf_printf(&list, "%s %.*s\n", now.p[i].name, STR_ARG(now.p[i].value));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		struct saved one = saved_file(saved, i);

		r = fs_save(place, files[i], true, &one, err);
		if (r == 0 && path_stat(place->root_fd, files[i], false, &st) == 0)
			buf_printf(&list, "file %zu\n", i);
	}
	return r == 0 ? fs_save_text(saved, "", buf_get(&list), err) : r;
}

static bool was_there(struct str list, size_t i)
{
	char wanted[24];
	struct str line;

	snprintf(wanted, sizeof(wanted), "file %zu", i);
	while (str_line(&list, &line))
		if (str_is(line, wanted))
			return true;
	return false;
}

/* Is what other steps change as it was then? */
static int is_as_then(const struct place *place, struct str list, bool *ret, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state now = {0};
	struct str line, name = STR_ABSENT;
	int r = capture_pam(place, "", &a, &now, err);

	*ret = true;
	while (r == 0 && str_line(&list, &line))
		if (str_cut(&line, ' ', &name) && !str_is(name, "file"))
			*ret = *ret && str_eq(state_get(&now, str_dup(&a, name)), line.p ? line : STR(""));
	return r;
}

static int unlink_at(const struct place *place, const char *path, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return err_errno(err, -dir, "%s", path);
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? err_errno(err, errno, "%s", path) : 0;
}

static int restore_file(const struct place *place, const char *path, const struct saved *saved,
						struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state attributes = {0};
	struct stat st = {0};
	struct str text;
	int r = path_read(saved->dir_fd, saved->name, MAX_FILE, &a, &text);

	if (r == 0 && fstatat(saved->dir_fd, saved->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r < 0)
		return err_errno(err, -r, "before/%s", saved->name);
	state_set(&attributes, &a, "mode", str_of(arena_printf(&a, "%04o", st.st_mode & 07777)));
	state_set(&attributes, &a, "owner", str_of(arena_printf(&a, "%u", st.st_uid)));
	state_set(&attributes, &a, "group", str_of(arena_printf(&a, "%u", st.st_gid)));
	return fs_write(place, path, text, &attributes, saved, err);
}

/* The stacks first, so that none names a profile that is not remembered. */
static int restore(const struct place *place, struct str list, const struct saved *saved,
				   struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		struct saved one = saved_file(saved, i);
		struct err ignored;

		fs_remove_temp(place, files[i]);
		(void)unlink_at(place, arena_printf(&a, "%s%s", files[i], leftover_suffix(files[i])),
						&ignored);
		r = was_there(list, i) ? restore_file(place, files[i], &one, err)
							   : unlink_at(place, files[i], err);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++) {
		struct saved one = saved_file(saved, i);

		fs_restore_parent_times(place, files[i], &one);
	}
	return r;
}

/* --- changing ---------------------------------------------------------------------------------- */

/* debconf remembers nothing of it: what counts is in the tool's own files, which are put back. */
static int run_tool(const struct place *place, const struct state *to, struct err *err)
{
	const char *argv[32] = {
		"/usr/bin/env",           "DEBIAN_FRONTEND=noninteractive",
		"DEBCONF_NOWARNINGS=yes", "DEBCONF_DB_REPLACE=Pipe{infd:none outfd:none}",
		PAM_AUTH_UPDATE,          "--package"};
	static const char *const options[] = {"--enable", "--remove"};
	size_t n = 6;

	for (size_t o = 0; o < ARRAY_LEN(options); o++) {
		size_t before = n;

		argv[n++] = options[o];
		for (const struct pam_feature *f = pam_features; f->name; f++)
			for (size_t i = 0; i < ARRAY_LEN(f->profiles) && f->profiles[i].name; i++)
				if (state_is(to, f->profiles[i].name, o ? "no" : "yes"))
					argv[n++] = f->profiles[i].name;
		if (n == before + 1)
			n = before;
	}
	argv[n] = NULL;
	return n > 6 ? step_run(place, argv, 60000, err) : 0;
}

/* "auth [...] pam_unix.so nullok": with the option, where the module's own profile has it, or without. */
static void put_line(struct buf *out, struct str line, bool nullok)
{
	struct str rest = line, word = STR_ABSENT;
	bool is_unix = str_starts(line, "auth") && str_has(line, "pam_unix.so");

	while (is_unix && str_word(&rest, &word) && !str_is(word, "pam_unix.so"))
		;
	if (!is_unix || !str_is(word, "pam_unix.so")) {
		buf_printf(out, "%.*s\n", STR_ARG(line));
		return;
	}
	buf_add(out, line.p, (size_t)(word.p + word.n - line.p));
	buf_puts(out, nullok ? " nullok" : "");
	for (size_t n = 0; str_word(&rest, &word); n++)
		if (!str_is(word, "nullok"))
			buf_printf(out, " %.*s", STR_ARG(word));
	buf_putc(out, '\n');
}

static int put_nullok(const struct place *place, bool nullok, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(2 * MAX_FILE);
	struct state attributes = {0};
	struct str text, line;
	int r = path_read(place->root_fd, COMMON_AUTH, MAX_FILE, &a, &text);

	if (r < 0)
		return err_errno(err, -r, "%s", COMMON_AUTH);
	while (str_line(&text, &line))
		put_line(&out, line, nullok);
	r = fs_capture(place, COMMON_AUTH, false, &a, &attributes, err);
	return r < 0 ? r : fs_write(place, COMMON_AUTH, buf_get(&out), &attributes, NULL, err);
}

/* The tool leaves that to the kernel, and a file of PAM's that is empty after a power failure lets
 * nobody in. */
static int sync_files(const struct place *place, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *name = NULL;
		_cleanup_close_ int dir = fs_open_parent(place, files[i], &name);
		_cleanup_close_ int fd =
			dir < 0 ? dir : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || fsync(fd) < 0 || fsync(dir) < 0)
			return err_errno(err, errno, "%s", files[i]);
	}
	return 0;
}

static int put_pam(const struct place *place, const char *target _unused_, const struct state *to,
				   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str list = STR_ABSENT;
	bool as_then = false;
	int r = 0;

	if (saved) {
		pam_tool_wait(PAM_AUTH_UPDATE);
		r = path_read(saved->dir_fd, saved->name, 65536, &a, &list);
		r = r < 0 ? err_errno(err, -r, "before/%s", saved->name)
				  : is_as_then(place, list, &as_then, err);
	}
	if (r == 0 && as_then)
		return restore(place, list, saved, err);
	/* Where a later change is in the files as well, the tool takes this one's part out. */
	if (r == 0)
		r = run_tool(place, to, err);
	if (r == 0 && state_has(to, "nullok"))
		r = put_nullok(place, state_is(to, "nullok", "yes"), err);
	if (r == 0)
		r = sync_files(place, err);
	return r == 0 ? pam_tool_check(place, err) : r;
}

/* --- the script -------------------------------------------------------------------------------- */

static void undo_pam(struct buf *out, const struct step *s _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *file = files[i];

		buf_printf(out, "rm -f \"$ROOT%s%s\"\n", file, leftover_suffix(file));
		buf_printf(out,
				   "if grep -qx 'file %zu' \"$SAVED\"; then\n"
				   "copy \"$SAVED.%zu\" \"$ROOT%s.revet-undo\" &&\n"
				   "mv -f \"$ROOT%s.revet-undo\" \"$ROOT%s\"\n"
				   "else rm -f \"$ROOT%s\"; fi\n",
				   i, i, file, file, file, file);
	}
}

static const struct step_type pam_step = {
	.name = "pam",
	.doc = "profiles that pam-auth-update puts into PAM's stacks",
	.order = 45,
	.capture = capture_pam,
	.put = put_pam,
	.save = save_pam,
	.undo_sh = undo_pam,
};
STEP_TYPE(pam_step);
