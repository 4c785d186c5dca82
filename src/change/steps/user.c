/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account of a person that is made: its lines in /etc/passwd, /etc/shadow, /etc/group and
 * /etc/gshadow, and its home directory with what /etc/skel holds and the keys that let it in. It has no
 * password, "*" as adduser --disabled-password leaves it: sshd takes keys of such an account also where it
 * does not use PAM.
 *
 * Undone, the lines go, what runs as it ends, and of the home directory goes what is as it was made
 * (change/delta.h): what somebody has put there or changed since stays, and is named. Its line in
 * /etc/passwd comes last and goes first, so that nobody logs in with half an account.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "change/delta.h"
#include "change/evict.h"
#include "change/fs.h"
#include "change/record.h"
#include "host/account_new.h"
#include "host/passwd.h"

#define KEYS ".ssh/authorized_keys"
#define MAX_FILE ((size_t)16 << 20)
#define MAX_ENTRIES 4096
#define MAX_LEVEL 16

enum file { IN_GROUP, IN_GSHADOW, IN_SHADOW, IN_PASSWD, FILES };

/* In the order in which they are written. */
static const struct record_file files[FILES] = {
	[IN_GROUP] = {"/etc/group", ".group", 4},
	[IN_GSHADOW] = {"/etc/gshadow", ".gshadow", 4},
	[IN_SHADOW] = {"/etc/shadow", ".shadow", 9},
	[IN_PASSWD] = {"/etc/passwd", ".passwd", 7},
};

/* Which field of which file holds it, counted from 0: passwd(5), group(5). */
static const struct {
	const char *name;
	enum file file;
	size_t at;
} fields[] = {
	{"uid", IN_PASSWD, 2},  {"gid", IN_PASSWD, 3},   {"group", IN_GROUP, 2},
	{"home", IN_PASSWD, 5}, {"shell", IN_PASSWD, 6},
};

/* --- looking ----------------------------------------------------------------------------------- */

static int capture_user(const struct place *place, const char *target, struct arena *a,
						struct state *ret, struct err *err)
{
	struct record records[FILES] = {0};
	struct str keys = STR_ABSENT;
	int r = 0;

	for (size_t f = 0; r == 0 && f < FILES; f++)
		r = record_find(place, &files[f], target, a, &records[f], err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct record *record = &records[fields[i].file];

		state_set(ret, a, fields[i].name,
				  record->found ? record->fields[fields[i].at] : STR_ABSENT);
	}
	if (records[IN_PASSWD].found)
		(void)path_read(place->root_fd,
						arena_printf(a, "%.*s/" KEYS, STR_ARG(state_get(ret, "home"))), MAX_FILE, a,
						&keys);
	state_set(ret, a, "authorized_keys", keys);
	return 0;
}

/* --- the home directory ------------------------------------------------------------------------ */

struct making {
	const struct place *place;
	const struct state *to;
	struct arena *arena;
	size_t entries;
	struct err *err;
};

/* Root's, and closed, until what is in it is there. */
static int make_directory(struct making *m, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(m->place, path, &name);

	if (dir < 0)
		return err_errno(m->err, -dir, "%s", path);
	return mkdirat(dir, name, 0700) < 0 || fsync(dir) < 0 ? err_errno(m->err, errno, "%s", path)
														  : 0;
}

static struct state attributes(struct making *m, unsigned mode)
{
	struct state s = {0};

	state_set(&s, m->arena, "mode", str_of(arena_printf(m->arena, "%04o", mode)));
	state_set(&s, m->arena, "owner", state_get(m->to, "uid"));
	state_set(&s, m->arena, "group", state_get(m->to, "gid"));
	return s;
}

static int hand_over(struct making *m, const char *path, unsigned mode)
{
	struct state s = attributes(m, mode);

	return fs_set_attributes(m->place, path, &s, NULL, m->err);
}

static int write_file(struct making *m, const char *path, struct str content, unsigned mode)
{
	struct state s = attributes(m, mode);

	return fs_write(m->place, path, content, &s, NULL, m->err);
}

static int copy_link(struct making *m, const char *from, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(m->place, path, &name);
	uint64_t uid, gid;
	struct str target;
	int r = path_readlink(m->place->root_fd, from, m->arena, &target);

	if (r == 0 && dir < 0)
		r = dir;
	if (r == 0 && (num_u64(state_get(m->to, "uid"), 1, UINT32_MAX - 1, &uid) < 0 ||
				   num_u64(state_get(m->to, "gid"), 1, UINT32_MAX - 1, &gid) < 0))
		r = -EINVAL;
	if (r == 0 && (symlinkat(str_dup(m->arena, target), dir, name) < 0 ||
				   fchownat(dir, name, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW) < 0))
		r = -errno;
	return r < 0 ? err_errno(m->err, -r, "%s", path) : 0;
}

static int copy_tree(struct making *m, const char *from, const char *to, unsigned level);

/* Other things than files, directories and links are left out, as useradd does. */
static int copy_entry(struct making *m, const char *from, const char *to, unsigned level)
{
	struct path_stat st;
	struct str content;
	int r = path_stat(m->place->root_fd, from, false, &st);

	if (r == 0 && ++m->entries > MAX_ENTRIES)
		r = -EFBIG;
	if (r == 0 && S_ISREG(st.mode))
		r = path_read(m->place->root_fd, from, MAX_FILE, m->arena, &content);
	if (r < 0)
		return err_errno(m->err, -r, "%s", from);
	if (S_ISLNK(st.mode))
		return copy_link(m, from, to);
	if (S_ISREG(st.mode))
		return write_file(m, to, content, st.mode & 0777);
	if (!S_ISDIR(st.mode))
		return 0;
	r = make_directory(m, to);
	if (r == 0)
		r = copy_tree(m, from, to, level + 1);
	return r == 0 ? hand_over(m, to, st.mode & 0777) : r;
}

static int copy_tree(struct making *m, const char *from, const char *to, unsigned level)
{
	struct path_entry *entries = NULL;
	bool more = false;
	size_t n = 0;
	int r = level == MAX_LEVEL
				? -EFBIG
				: path_list(m->place->root_fd, from, MAX_ENTRIES, m->arena, &entries, &n, &more);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || more)
		return err_errno(m->err, r < 0 ? -r : EFBIG, "%s", from);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = copy_entry(m, arena_printf(m->arena, "%s/%s", from, entries[i].name),
					   arena_printf(m->arena, "%s/%s", to, entries[i].name), level);
	return r;
}

static int put_keys(struct making *m, const char *home)
{
	struct str keys = state_get(m->to, "authorized_keys");
	const char *dir = arena_printf(m->arena, "%s/.ssh", home);
	struct path_stat st;
	int r = 0;

	if (!keys.p)
		return 0;
	if (path_stat(m->place->root_fd, dir, false, &st) < 0)
		r = make_directory(m, dir);
	if (r == 0)
		r = write_file(m, arena_printf(m->arena, "%s/" KEYS, home), keys, 0600);
	return r == 0 ? hand_over(m, dir, 0700) : r;
}

/* New files take the label of the directory that they are in, and sshd may read keys of its own only. */
static int set_labels(const struct place *place, const char *home, struct err *err)
{
	const char *const argv[] = {"/usr/sbin/restorecon", "-R", home, NULL};
	struct path_stat st;

	return place->live && path_stat(place->root_fd, "/sys/fs/selinux/enforce", true, &st) == 0
			   ? step_run(place, argv, 60000, err)
			   : 0;
}

static int make_home(struct making *m, const char *home)
{
	_cleanup_host_ struct host *host = host_open(m->place->root, m->err);
	struct account_defaults d;
	int r = host ? account_defaults_read(host, m->arena, &d, m->err) : -m->err->errnum;

	if (r == 0)
		r = make_directory(m, home);
	if (r == 0)
		r = copy_tree(m, d.skel, home, 0);
	if (r == 0)
		r = put_keys(m, home);
	if (r == 0)
		r = hand_over(m, home, d.home_mode);
	return r == 0 ? set_labels(m->place, home, m->err) : r;
}

/* --- making ------------------------------------------------------------------------------------ */

/* Since the plan was made, somebody may have got the numbers, or the directory. */
static int check_free(const struct step *s, struct making *m, const char *home)
{
	_cleanup_host_ struct host *host = host_open(m->place->root, m->err);
	struct passwd_db db;
	struct path_stat st;
	uint64_t uid = 0, gid = 0;
	int r = host ? passwd_read(host, m->arena, &db, m->err) : -m->err->errnum;

	if (r < 0)
		return r;
	if (num_u64(state_get(m->to, "uid"), 1, UINT32_MAX - 1, &uid) < 0 ||
		num_u64(state_get(m->to, "gid"), 1, UINT32_MAX - 1, &gid) < 0 || home[0] != '/' ||
		!account_is_name(str_of(s->target)) || strchr(home, ':'))
		return err_set(m->err, EINVAL, "%s: this account cannot be made", s->target);
	if (passwd_by_uid(&db, (uint32_t)uid) || passwd_by_gid(&db, (uint32_t)gid))
		return err_set(m->err, ESTALE, "the number %llu is somebody else's by now",
					   (unsigned long long)uid);
	return path_stat(m->place->root_fd, home, false, &st) == 0
			   ? err_set(m->err, ESTALE, "%s is there by now", home)
			   : 0;
}

static int add_line(struct making *m, const char *user, enum file f)
{
	const struct state *to = m->to;
	struct record record = {0};
	const char *line = NULL;
	int r = record_find(m->place, &files[f], user, m->arena, &record, m->err);

	if (r < 0)
		return r;
	if (!record.text.p) /* without gshadow groups have no passwords */
		return f == IN_GSHADOW ? 0 : err_set(m->err, ENOENT, "there is no %s", files[f].path);
	if (record.found)
		return err_set(m->err, EEXIST, "%s has a line of %s already", files[f].path, user);
	if (f == IN_PASSWD)
		line = arena_printf(m->arena, "%s:x:%.*s:%.*s::%.*s:%.*s", user,
							STR_ARG(state_get(to, "uid")), STR_ARG(state_get(to, "gid")),
							STR_ARG(state_get(to, "home")), STR_ARG(state_get(to, "shell")));
	else if (f == IN_SHADOW)
		line = arena_printf(m->arena, "%s:*:%lld::::::", user, (long long)(time(NULL) / 86400));
	else if (f == IN_GROUP)
		line = arena_printf(m->arena, "%s:x:%.*s:", user, STR_ARG(state_get(to, "group")));
	else
		line = arena_printf(m->arena, "%s:!::", user);
	return record_add(m->place, &files[f], &record, str_of(line), m->err);
}

static int make_all(const struct place *place, const struct step *s, const struct saved *saved,
					struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct making m = {.place = place, .to = &s->after, .arena = &a, .err = err};
	const char *home = str_dup(&a, state_get(&s->after, "home"));
	const struct delta_part part = {home, DELTA_NAMES, false};
	const struct delta_watch watch = {&part, 1, NULL, 0};
	int r = check_free(s, &m, home);

	if (r == 0)
		r = delta_begin(place, &watch, saved, err);
	if (r == 0)
		r = add_line(&m, s->target, IN_GROUP);
	if (r == 0)
		r = add_line(&m, s->target, IN_GSHADOW);
	if (r == 0)
		r = make_home(&m, home);
	if (r == 0)
		r = delta_end(place, saved, err);
	if (r == 0)
		r = add_line(&m, s->target, IN_SHADOW);
	return r == 0 ? add_line(&m, s->target, IN_PASSWD) : r;
}

static int make_user(const struct place *place, const struct step *s, const struct saved *saved,
					 struct err *err)
{
	int r = record_lock(place, err);

	if (r < 0)
		return r;
	r = make_all(place, s, saved, err);
	record_unlock(place);
	return r;
}

/* --- undoing ----------------------------------------------------------------------------------- */

static struct saved saved_home(const struct saved *saved)
{
	struct saved s = {.dir_fd = saved->dir_fd};

	snprintf(s.name, sizeof(s.name), "%.14s.home", saved->name);
	return s;
}

static int save_user(const struct place *place, const struct step *s, const struct saved *saved,
					 struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct saved home = saved_home(saved);
	int r = fs_save(place, str_dup(&a, state_get(&s->after, "home")), false, &home, err);

	for (size_t f = 0; r == 0 && f < FILES; f++)
		r = record_save(place, &files[f], saved, err);
	return r == 0 ? evict_note(place, state_get(&s->after, "uid"), saved, err) : r;
}

static int remove_line(const struct place *place, enum file f, const char *user,
					   const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct record record = {0};
	int r = record_find(place, &files[f], user, &a, &record, err);

	fs_remove_temp(place, files[f].path);
	return r == 0 && record.found ? record_remove(place, &files[f], &record, saved, err) : r;
}

/* What is the person's by now is nobody's to remove, not even with --force. */
static int tell_left(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char **paths;
	struct path_stat st;
	size_t n;
	int r = delta_new(saved, &a, &paths, &n, err);

	return r == 0 && n && !saved->force && path_stat(place->root_fd, paths[0], false, &st) == 0
			   ? err_set(err, ESTALE, "%s: somebody has put files there since, and they stay",
						 paths[0])
			   : r;
}

static int undo_home(const struct place *place, const struct saved *saved, struct err *err)
{
	int r = delta_was_begun(saved) ? delta_foreign(place, saved, err) : 0;

	if (r == 0 && delta_was_begun(saved)) {
		r = delta_undo(place, saved, err);
		if (r == 0)
			r = tell_left(place, saved, err);
	}
	return r;
}

static int undo_all(const struct place *place, const char *user, const struct saved *saved,
					struct err *err)
{
	struct err running, home;
	int r = remove_line(place, IN_PASSWD, user, saved, err), ended = 0, left = 0;

	if (r == 0)
		r = remove_line(place, IN_SHADOW, user, saved, err);
	if (r == 0) {
		ended = evict(place, saved, &running);
		left = undo_home(place, saved, &home);
		r = remove_line(place, IN_GSHADOW, user, saved, err);
	}
	if (r == 0)
		r = remove_line(place, IN_GROUP, user, saved, err);
	if (r < 0 || (ended == 0 && left == 0))
		return r;
	*err = ended < 0 ? running : home;
	return ended < 0 ? ended : left;
}

static int put_user(const struct place *place, const char *target, const struct state *to _unused_,
					const struct saved *saved, struct err *err)
{
	int r = record_lock(place, err);

	if (r < 0)
		return r;
	r = undo_all(place, target, saved, err);
	record_unlock(place);
	return r;
}

static void restore_times(const struct place *place, const struct step *s,
						  const struct saved *saved)
{
	_cleanup_arena_ struct arena a = {0};
	struct saved home = saved_home(saved);

	for (size_t f = FILES; f-- > 0;)
		record_restore_times(place, &files[f], saved);
	fs_restore_parent_times(place, str_dup(&a, state_get(&s->after, "home")), &home);
}

/* --- saying ------------------------------------------------------------------------------------ */

static void describe_user(struct buf *out, const struct step *s)
{
	step_describe_fields(out, s);
	buf_printf(out, "  without a password, which sudo asks for: passwd %s\n", s->target);
}

static void undo_line(struct buf *out, const struct step *s, enum file f)
{
	buf_printf(out, "if [ -e \"$ROOT%s\" ]; then\n", files[f].path);
	record_undo_sh(out, &files[f], s->target, NULL, "next");
	buf_puts(out, "fi\n");
}

static void undo_user(struct buf *out, const struct step *s)
{
	struct str uid = state_get(&s->after, "uid");

	buf_puts(out, "umask 077\n");
	undo_line(out, s, IN_PASSWD);
	undo_line(out, s, IN_SHADOW);
	buf_puts(out, "UID_OF=");
	step_shell_word(out, uid);
	buf_puts(
		out,
		"\n[ -n \"$ROOT\" ] || ! stat -c %u /proc/[0-9]* 2>/dev/null | grep -qx \"$UID_OF\" ||\n"
		"echo \"what runs as $UID_OF is not ended\" >&2\n");
	buf_puts(out, "if [ -e \"$SAVED.delta\" ] || [ -e \"$SAVED.seen\" ]; then\n");
	delta_undo_sh(out);
	buf_puts(out, "fi\n");
	undo_line(out, s, IN_GSHADOW);
	undo_line(out, s, IN_GROUP);
	buf_puts(out, "HOME_OF=");
	step_shell_word(out, state_get(&s->after, "home"));
	buf_puts(out, "\ntouch -c -m -r \"$SAVED.home.dir\" \"$ROOT${HOME_OF%/*}\"\n");
}

static const struct step_type user_step = {
	.name = "user",
	.doc = "an account of a person that is made, with its home directory and its keys",
	.order = 30, /* behind its groups: a group may name somebody who is not there yet */
	.whole = true,
	.capture = capture_user,
	.put = put_user,
	.save = save_user,
	.perform = make_user,
	.restore_times = restore_times,
	.describe = describe_user,
	.undo_sh = undo_user,
};
STEP_TYPE(user_step);
