/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access control lists of a file or directory, as setfacl(1) takes them and with numbers for names:
 * `access`, which a file without one has in its mode as well, and `default` of a directory, absent
 * where it has none. Setting the first one sets the mode, in one call.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "change/fs.h"
#include "host/acl.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

static bool is_none(int error)
{
	return error == ENODATA || error == EOPNOTSUPP;
}

/* Keeps the list in the state; what the file has none of is what its mode says, or absent. */
static int capture_one(int fd, const char *attribute, const char *field, const struct stat *st,
					   struct arena *a, struct state *ret)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	unsigned char value[ACL_MAX];
	ssize_t n = fgetxattr(fd, attribute, value, sizeof(value));
	int r = n >= 0 ? acl_print(value, (size_t)n, &text) : is_none(errno) ? 0 : -errno;

	if (n < 0 && st)
		acl_of_mode(st->st_mode & 0777, &text);
	if (r == 0)
		state_set(ret, a, field, text.n ? buf_get(&text) : STR_ABSENT);
	return r;
}

static int capture_acl(const struct place *place, const char *target, struct arena *a,
					   struct state *ret, struct err *err)
{
	_cleanup_close_ int fd = fs_open_itself(place, target);
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;

	if (r == -ENOENT || r == -ENOTDIR) {
		state_set(ret, a, "access", STR_ABSENT);
		state_set(ret, a, "default", STR_ABSENT);
		return 0;
	}
	if (r == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		r = -EOPNOTSUPP;
	if (r == 0)
		r = capture_one(fd, ACCESS, "access", &st, a, ret);
	if (r == 0)
		r = capture_one(fd, DEFAULT, "default", NULL, a, ret);
	return r < 0 ? err_errno(err, -r, "%s", target) : 0;
}

/* A file system without such lists still has the mode. */
static int put_access(int fd, struct str text)
{
	unsigned char value[ACL_MAX];
	struct stat st;
	size_t n;

	if (acl_parse(text, value, &n) < 0)
		return -EINVAL;
	if (fsetxattr(fd, ACCESS, value, n, 0) == 0)
		return 0;
	if (errno != EOPNOTSUPP || str_has(text, "mask::") || fstat(fd, &st) < 0)
		return -errno;
	return fchmod(fd, (st.st_mode & 07000) | acl_mode(text)) < 0 ? -errno : 0;
}

static int put_default(int fd, struct str text)
{
	unsigned char value[ACL_MAX];
	size_t n;

	if (!text.p)
		return fremovexattr(fd, DEFAULT) < 0 && !is_none(errno) ? -errno : 0;
	if (acl_parse(text, value, &n) < 0)
		return -EINVAL;
	return fsetxattr(fd, DEFAULT, value, n, 0) < 0 ? -errno : 0;
}

static int put_acl(const struct place *place, const char *target, const struct state *to,
				   const struct saved *saved _unused_, struct err *err)
{
	_cleanup_close_ int fd = fs_open_itself(place, target);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && state_has(to, "access"))
		r = put_access(fd, state_get(to, "access"));
	if (r == 0 && state_has(to, "default"))
		r = put_default(fd, state_get(to, "default"));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == -EOPNOTSUPP)
		return err_set(err, EOPNOTSUPP, "%s: its file system has no access control lists", target);
	return r < 0 ? err_errno(err, -r, "%s: its access control list", target) : 0;
}

static const struct step_type acl_step = {
	.name = "acl",
	.doc = "access control lists of a file or directory",
	.order = 28,
	.is_file = true,
	.capture = capture_acl,
	.put = put_acl,
	.save = fs_save_attributes,
	.undo_sh = fs_undo_attributes_sh,
};
STEP_TYPE(acl_step);
