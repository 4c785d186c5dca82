/* SPDX-License-Identifier: Apache-2.0 */
#include "change/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "base/num.h"

#define MAX_CONTENT ((size_t)4 << 20)
#define MAX_XATTRS 65536 /* XATTR_LIST_MAX, and XATTR_SIZE_MAX, of linux/limits.h */

/* --- looking ----------------------------------------------------------------------------------- */

static bool is_text(struct str s)
{
	while (s.n) {
		size_t n = str_utf8(s);

		if (!n || !s.p[0])
			return false;
		s.p += n;
		s.n -= n;
	}
	return true;
}

static const char *type_of(uint32_t mode)
{
	return S_ISREG(mode)   ? "regular"
		   : S_ISDIR(mode) ? "directory"
		   : S_ISLNK(mode) ? "symlink"
						   : "other";
}

static void set_number(struct state *s, struct arena *a, const char *name, const char *format,
					   unsigned n)
{
	state_set(s, a, name, str_of(arena_printf(a, format, n)));
}

int fs_capture(const struct place *place, const char *path, bool content, struct arena *a,
			   struct state *ret, struct err *err)
{
	const char *name = NULL;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);
	struct str text;
	struct stat st;
	int r = dir < 0 ? dir : fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;

	if (r == -ENOENT || r == -ENOTDIR) {
		state_set(ret, a, "type", STR("absent"));
		return 0;
	}
	if (r < 0)
		return err_errno(err, -r, "%s", path);
	state_set(ret, a, "type", str_of(type_of(st.st_mode)));
	set_number(ret, a, "mode", "%04o", st.st_mode & 07777);
	set_number(ret, a, "owner", "%u", st.st_uid);
	set_number(ret, a, "group", "%u", st.st_gid);
	if (!content || !S_ISREG(st.st_mode))
		return 0;
	/* Below the directory that was looked in, whatever the name stands for by now. */
	r = path_read(dir, name, MAX_CONTENT, a, &text);
	if (r < 0)
		return err_errno(err, -r, "%s", path);
	if (is_text(text))
		state_set(ret, a, "content", text);
	return 0;
}

/* Linux 5.8; older kernels do not tell, and the rename fails. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

/* Why neither its content nor its attributes could be changed; NULL: nothing is known against it. */
static const char *why_not_changed(const struct statx *file)
{
	return file->stx_attributes & STATX_ATTR_IMMUTABLE ? "it is immutable (chattr +i)"
		   : file->stx_attributes & STATX_ATTR_APPEND  ? "it can only be added to (chattr +a)"
													   : NULL;
}

/* Why no other could be renamed into its place, or it be removed. */
static const char *why_not_replaced(int dir, const char *name, bool linked)
{
	struct statx d = {0}, f = {0};

	if (statx(dir, "", AT_EMPTY_PATH, STATX_TYPE, &d) == 0 &&
		d.stx_attributes & STATX_ATTR_IMMUTABLE)
		return "its directory is immutable (chattr +i)";
	if (d.stx_attributes & STATX_ATTR_APPEND)
		return "its directory takes only new files (chattr +a)";
	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_NLINK, &f) < 0)
		return NULL;
	if (f.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return "something is mounted there, by a container's manager say";
	if (linked && S_ISREG(f.stx_mode) && f.stx_nlink > 1)
		return "it has another name (a hard link), which would keep the old content";
	return why_not_changed(&f);
}

int fs_check_changeable(const struct place *place, const char *path, bool replace, struct err *err)
{
	const char *name = NULL, *why = NULL;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);
	struct statx f = {0};

	if (dir >= 0 && replace)
		why = why_not_replaced(dir, name, true);
	else if (dir >= 0 && statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &f) == 0)
		why = why_not_changed(&f);
	return why ? err_set(err, ENOTSUP, "%s: %s", path, why) : 0;
}

/* The error of a file that could not be changed, with more to say where it is known. */
static int cannot(int dir, const char *name, const char *path, int r, struct err *err)
{
	const char *why =
		dir >= 0 && (r == -EPERM || r == -EBUSY) ? why_not_replaced(dir, name, false) : NULL;

	return why ? err_set(err, -r, "%s: %s", path, why) : err_errno(err, -r, "%s", path);
}

/* Directories are not synced by every file system, FUSE ones above all. */
static int sync_dir(int dir)
{
	return fsync(dir) < 0 && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP ? -errno : 0;
}

/* --- copying attributes -------------------------------------------------------------------------- */

/* What the file system makes itself, as NFS does of its own lists, cannot always be set. */
static bool may_be_missed(const char *name, int error)
{
	return error == EOPNOTSUPP ||
		   (strncmp(name, "system.", 7) == 0 && strncmp(name, "system.posix_acl_", 17) != 0);
}

/* Makes the extended attributes of `to` those of `from`. Those that a file system has not are not
 * missed; others that cannot be copied are an error. */
static int copy_xattrs(int from, int to)
{
	_cleanup_arena_ struct arena a = {0};
	char *names = arena_alloc(&a, MAX_XATTRS), *value = arena_alloc(&a, MAX_XATTRS);
	ssize_t n = flistxattr(to, names, MAX_XATTRS);

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		if (fgetxattr(from, names + i, NULL, 0) < 0 && errno == ENODATA)
			(void)fremovexattr(to, names + i);
	n = flistxattr(from, names, MAX_XATTRS);
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		ssize_t size = fgetxattr(from, names + i, value, MAX_XATTRS);

		if (size < 0 || (fsetxattr(to, names + i, value, (size_t)size, 0) < 0 &&
						 !may_be_missed(names + i, errno)))
			return -errno;
	}
	return 0;
}

static int copy_times(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -errno;
	return futimens(to, (struct timespec[]){st.st_atim, st.st_mtim}) < 0 ? -errno : 0;
}

/* Owner first, as chown takes SUID bits and capabilities away; then mode; then attributes, since an
 * ACL's mask follows the mode. */
static int set_owner_and_mode(int fd, const struct state *s)
{
	uint64_t owner = (uid_t)-1, group = (gid_t)-1;
	unsigned mode;

	if (state_get(s, "owner").p && num_u64(state_get(s, "owner"), 0, UINT32_MAX - 1, &owner) < 0)
		return -EINVAL;
	if (state_get(s, "group").p && num_u64(state_get(s, "group"), 0, UINT32_MAX - 1, &group) < 0)
		return -EINVAL;
	if (fchown(fd, (uid_t)owner, (gid_t)group) < 0)
		return -errno;
	if (!state_get(s, "mode").p)
		return 0;
	return num_mode(state_get(s, "mode"), &mode) < 0 ? -EINVAL : fchmod(fd, mode) < 0 ? -errno : 0;
}

/* The copy that was made of it, -1 when none is asked for. Of another mode or owner than the plan
 * says, it is not that copy. */
static int open_saved(const struct saved *saved, const struct state *s, int *ret, struct err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	char mode[8];
	uint64_t owner;

	*ret = -1;
	if (!saved)
		return 0;
	fd = openat(saved->dir_fd, saved->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "before/%s", saved->name);
	snprintf(mode, sizeof(mode), "%04o", st.st_mode & 07777);
	if ((state_get(s, "mode").p && !state_is(s, "mode", mode)) ||
		(state_get(s, "owner").p &&
		 (num_u64(state_get(s, "owner"), 0, UINT32_MAX, &owner) < 0 || owner != st.st_uid)) ||
		(!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return err_set(err, EBADMSG, "before/%s is not what was saved of it", saved->name);
	*ret = take_fd(&fd);
	return 0;
}

/* --- writing ----------------------------------------------------------------------------------- */

/* The name of a file beside it that tells whose it is: one that a kill left behind is removed by whoever
 * writes the file next, or undoes it. */
static int clear_temp(int dir, const char *name, char temp[NAME_MAX + 1])
{
	if (snprintf(temp, NAME_MAX + 1, ".%s.revet", name) > NAME_MAX)
		return -ENAMETOOLONG;
	return unlinkat(dir, temp, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_temp(int dir, const char *name, char temp[NAME_MAX + 1])
{
	int r = clear_temp(dir, name, temp), fd;

	if (r < 0)
		return r;
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* Content, then what goes with it, in the new file. */
static int fill(int fd, int old, struct str content, const struct state *s, int copy)
{
	int model = copy >= 0 ? copy : old, r;

	r = fd_write_all(fd, content);
	if (r == 0)
		r = set_owner_and_mode(fd, s);
	if (r == 0 && model >= 0)
		r = copy_xattrs(model, fd);
	if (r == 0 && copy >= 0)
		r = copy_times(copy, fd);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

int fs_write(const struct place *place, const char *path, struct str content,
			 const struct state *s, const struct saved *saved, struct err *err)
{
	_cleanup_close_ int dir = -1, fd = -1, old = -1, copy = -1;
	const char *name = NULL, *why;
	char temp[NAME_MAX + 1];
	int r = open_saved(saved, s, &copy, err);

	if (r < 0)
		return err_context(err, "%s", path);
	if (!content.p)
		return err_set(err, EBADMSG, "%s: its content is not known", path);
	r = dir = fs_open_parent(place, path, &name);
	if (r < 0)
		return err_errno(err, -r, "%s", path);
	old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (old < 0 && errno != ENOENT)
		return err_errno(err, errno, "%s", path);
	/* Undoing does not stop at a name that the file was given since. */
	if (!saved && (why = why_not_replaced(dir, name, true)))
		return err_set(err, EPERM, "%s: %s", path, why);
	r = fd = open_temp(dir, name, temp);
	if (r < 0)
		return cannot(dir, name, path, r, err);
	r = fill(fd, old, content, s, copy);
	if (r == 0 && renameat(dir, temp, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, temp, 0);
	else
		r = sync_dir(dir);
	return r < 0 ? cannot(dir, name, path, r, err) : 0;
}

int fs_remove(const struct place *place, const char *path, struct err *err)
{
	const char *name = NULL;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);
	int r = dir;

	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : sync_dir(dir);
	return r < 0 ? cannot(dir, name, path, r, err) : 0;
}

int fs_set_attributes(const struct place *place, const char *path, const struct state *s,
					  const struct saved *saved, struct err *err)
{
	_cleanup_close_ int copy = -1, fd = -1, dir = -1;
	const char *name = NULL;
	int r = open_saved(saved, s, &copy, err);

	if (r < 0)
		return err_context(err, "%s", path);
	r = fd = fs_open_itself(place, path);
	r = r < 0 ? r : set_owner_and_mode(fd, s);
	if (r == 0 && copy >= 0)
		r = copy_xattrs(copy, fd);
	if (r == 0 && copy >= 0)
		r = copy_times(copy, fd);
	if (r == 0)
		r = sync_dir(fd);
	if (r == 0)
		return 0;
	dir = fs_open_parent(place, path, &name);
	return cannot(dir, name, path, r, err);
}

/* --- saving ------------------------------------------------------------------------------------ */

static int copy_content(int from, int to)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) != 0) {
		int r = n < 0 ? -errno : fd_write_all(to, (struct str){chunk, (size_t)n});

		if (r == -EINTR)
			continue;
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_attributes(int from, const struct stat *st, int to)
{
	int r =
		fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0 ? -errno : 0;

	if (r == 0)
		r = copy_xattrs(from, to);
	return r == 0 ? copy_times(from, to) : r;
}

/* For a copy: a directory is kept as one, so that `cp` can give its attributes back. -errno. */
static int open_new(const struct stat *st, int dir, const char *name, int flags)
{
	int fd;

	flags |= O_NOFOLLOW | O_CLOEXEC;
	if (!S_ISDIR(st->st_mode))
		fd = openat(dir, name, O_WRONLY | O_CREAT | flags, 0600);
	else if (mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	else
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | (flags & ~(O_EXCL | O_TRUNC)));
	return fd < 0 ? -errno : fd;
}

static int save_fd(int from, const char *name, bool content, const struct saved *saved)
{
	_cleanup_close_ int to = -1;
	struct stat st;
	int r = 0;

	if (fstat(from, &st) < 0)
		return -errno;
	to = open_new(&st, saved->dir_fd, name, O_TRUNC);
	if (to < 0)
		return to;
	if (content && S_ISREG(st.st_mode))
		r = copy_content(from, to);
	return r == 0 ? copy_attributes(from, &st, to) : r;
}

static void parent_name(const struct saved *saved, char ret[32])
{
	snprintf(ret, 32, "%s.dir", saved->name);
}

int fs_save(const struct place *place, const char *path, bool content, const struct saved *saved,
			struct err *err)
{
	_cleanup_close_ int dir = -1, fd = -1;
	const char *name = NULL;
	char beside[32];
	int r = dir = fs_open_parent(place, path, &name);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_errno(err, -r, "%s", path);
	parent_name(saved, beside);
	r = save_fd(dir, beside, false, saved);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = errno == ENOENT ? 0 : -errno;
	else if (r == 0)
		r = save_fd(fd, saved->name, content, saved);
	return r < 0 ? err_errno(err, -r, "%s: cannot be saved", path) : 0;
}

/* --- copying as it is -------------------------------------------------------------------------- */

static int copy_link(int from, const char *name, const struct stat *st, int to, const char *new_name)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target));

	if (n < 0 || n == (ssize_t)sizeof(target))
		return n < 0 ? -errno : -ENAMETOOLONG;
	target[n] = '\0';
	if (symlinkat(target, to, new_name) < 0 ||
		fchownat(to, new_name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		utimensat(to, new_name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_node(int from, const char *name, const struct stat *st, int to, const char *new_name)
{
	_cleanup_close_ int old = -1, new = -1;
	int r;

	if (S_ISLNK(st->st_mode))
		return copy_link(from, name, st, to, new_name);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return -EMEDIUMTYPE;
	old = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	r = new = old < 0 ? -errno : open_new(st, to, new_name, O_EXCL);
	if (r >= 0)
		r = S_ISREG(st->st_mode) ? copy_content(old, new) : 0;
	return r == 0 ? copy_attributes(old, st, new) : r;
}

int fs_copy_out(const struct place *place, const char *path, int dir_fd, const char *name)
{
	const char *last;
	_cleanup_close_ int dir = fs_open_parent(place, path, &last);
	struct stat st;

	if (dir < 0)
		return dir;
	if (fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return copy_node(dir, last, &st, dir_fd, name);
}

int fs_copy_in(const struct place *place, const char *path, int dir_fd, const char *name)
{
	const char *last;
	_cleanup_close_ int dir = fs_open_parent(place, path, &last);
	char temp[NAME_MAX + 1];
	struct stat st;
	int r;

	if (dir < 0)
		return dir;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return copy_node(dir_fd, name, &st, dir, last);
	r = clear_temp(dir, last, temp);
	if (r < 0)
		return r;
	r = copy_node(dir_fd, name, &st, dir, temp);
	if (r == 0 && renameat(dir, temp, dir, last) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, temp, 0);
	return r;
}

int fs_save_attributes(const struct place *place, const struct step *s, const struct saved *saved,
					   struct err *err)
{
	return fs_save(place, s->target, false, saved, err);
}

void fs_undo_attributes_sh(struct buf *out, const struct step *s)
{
	/* A link may have taken its place since. */
	buf_puts(out, "[ -L \"$ROOT\"");
	step_shell_word(out, str_of(s->target));
	buf_puts(out, " ] || make_like \"$SAVED\" \"$ROOT\"");
	step_shell_word(out, str_of(s->target));
	buf_putc(out, '\n');
}

int fs_save_text(const struct saved *saved, const char *suffix, struct str text, struct err *err)
{
	char name[300];
	int n = snprintf(name, sizeof(name), "%s%s", saved->name, suffix), r;
	_cleanup_close_ int fd = -1;

	if (n >= (int)sizeof(name))
		return err_set(err, ENAMETOOLONG, "before/%s%s", saved->name, suffix);
	fd = openat(saved->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : fd_write_all(fd, text);
	return r < 0 ? err_errno(err, -r, "before/%s of the change cannot be written", name) : 0;
}

void fs_restore_parent_times(const struct place *place, const char *path, const struct saved *saved)
{
	_cleanup_close_ int dir = -1, copy = -1;
	const char *name;
	char beside[32];

	parent_name(saved, beside);
	copy = openat(saved->dir_fd, beside, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	dir = copy < 0 ? -1 : fs_open_parent(place, path, &name);
	if (dir >= 0)
		(void)copy_times(copy, dir);
}

void fs_remove_temp(const struct place *place, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(place, path, &name);
	char temp[NAME_MAX + 1];

	if (dir >= 0)
		(void)clear_temp(dir, name, temp);
}
