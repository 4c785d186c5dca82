/* SPDX-License-Identifier: Apache-2.0 */
#include "host/acl.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"

/* linux/posix_acl_xattr.h: a version, then entries of a tag, permissions and an id. */
enum { VERSION = 2, HEADER = 4, ENTRY = 8 };
enum { TAG_USER = 0x02, TAG_GROUP = 0x08, TAG_MASK = 0x10 };

#define ACL_MAX 16384 /* 2,000 entries; one that is longer is an error, ERANGE */

static uint32_t le(const unsigned char *p, int n)
{
	uint32_t value = 0;

	while (n-- > 0)
		value = value << 8 | p[n];
	return value;
}

static uint32_t mask_of(const unsigned char *p, size_t n)
{
	for (size_t i = HEADER; i + ENTRY <= n; i += ENTRY)
		if (le(p + i, 2) == TAG_MASK)
			return le(p + i + 2, 2);
	return 7;
}

/* A line for each named entry: "user 1000 6", behind the prefix. */
static int print(const unsigned char *p, size_t n, const char *prefix, struct buf *out)
{
	uint32_t mask = mask_of(p, n);
	int r = 0;

	if (n < HEADER || le(p, 4) != VERSION)
		return -EINVAL;
	for (size_t i = HEADER; r == 0 && i + ENTRY <= n; i += ENTRY) {
		uint32_t tag = le(p + i, 2);

		if (tag == TAG_USER || tag == TAG_GROUP)
			r = buf_printf(out, "%s%s %u %u\n", prefix, tag == TAG_USER ? "user" : "group",
						   le(p + i + 4, 4), le(p + i + 2, 2) & mask & 7);
	}
	return r;
}

/* The attributes of an O_PATH descriptor are read through its link in /proc, so the file itself is
 * never opened: whoever may put a device or a FIFO there gains nothing by it. */
static int print_all(int fd, struct buf *out)
{
	static const char *const names[][2] = {
		{"system.posix_acl_access", ""},
		{"system.posix_acl_default", "default:"},
	};
	unsigned char p[ACL_MAX];
	char link[40];
	int r = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
		ssize_t n = getxattr(link, names[i][0], p, sizeof(p));

		if (n >= 0)
			r = print(p, (size_t)n, names[i][1], out);
		else if (errno != ENODATA && errno != EOPNOTSUPP)
			r = -errno;
	}
	return r;
}

static int ask(struct host *host, const char *path, int flags, struct buf *out, struct err *err)
{
	_cleanup_close_ int fd = path_open(host_root_fd(host), path, O_PATH | flags);
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;

	if (r == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		r = print_all(fd, out);
	return r < 0 ? err_errno(err, -r, "%s", path) : 0;
}

static int ask_target(struct host *host, const void *path, struct buf *out, struct err *err)
{
	return ask(host, path, 0, out, err);
}

static int ask_itself(struct host *host, const void *path, struct buf *out, struct err *err)
{
	return ask(host, path, O_NOFOLLOW, out, err);
}

static bool add_entry(struct str line, const struct passwd_db *users, struct arena *arena,
					  struct str *ret)
{
	struct str kind = STR_ABSENT, id = STR_ABSENT, name;
	uint64_t number, bits;

	if (!str_cut(&line, ' ', &kind) || !str_cut(&line, ' ', &id) ||
		num_u64(id, 0, UINT32_MAX, &number) < 0 || num_u64(line, 1, 7, &bits) < 0)
		return false;
	name = str_ends(kind, "user") ? passwd_user_name(users, (uint32_t)number, arena)
								  : passwd_group_name(users, (uint32_t)number, arena);
	*ret = str_of(arena_printf(arena, "%.*s:%.*s:%c%c%c", STR_ARG(kind), STR_ARG(name),
							   bits & 4 ? 'r' : '-', bits & 2 ? 'w' : '-', bits & 1 ? 'x' : '-'));
	return true;
}

int acl_read(struct host *host, const char *path, bool follow, const struct passwd_db *users,
			 struct arena *arena, struct str **ret, size_t *ret_n, struct err *err)
{
	const struct query query = {
		.name = arena_printf(arena, "%s %s", follow ? "acl" : "lacl", path),
		.live_with = follow ? ask_target : ask_itself,
		.data = path,
		.tree = true,
	};
	VEC(struct str) entries = {0};
	struct str text, line, entry;
	int r = host_query(host, &query, arena, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line))
		if (add_entry(line, users, arena, &entry))
			*vec_push(arena, &entries) = entry;
	*ret = entries.p;
	*ret_n = entries.n;
	return 0;
}

int acl_others_write(struct host *host, const char *path, bool follow,
					 const struct passwd_db *users, struct arena *arena, struct err *err)
{
	struct str *entries;
	size_t n = 0;
	int r = acl_read(host, path, follow, users, arena, &entries, &n, err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_ends(entries[i], "w-") || str_ends(entries[i], "wx"))
			return 1;
	return r;
}
