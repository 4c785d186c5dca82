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
enum {
	TAG_OWNER = 0x01, TAG_USER = 0x02, TAG_OWNING = 0x04, TAG_GROUP = 0x08, TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

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

/* --- as text ------------------------------------------------------------------------------------ */

static const struct {
	const char *word;
	unsigned tag;
	bool named;
} tags[] = {
	{"user", TAG_OWNER, false}, {"user", TAG_USER, true},  {"group", TAG_OWNING, false},
	{"group", TAG_GROUP, true}, {"mask", TAG_MASK, false}, {"other", TAG_OTHER, false},
};

static int print_entry(const unsigned char *p, struct buf *out)
{
	unsigned bits = le(p + 2, 2);

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (tags[i].tag != le(p, 2))
			continue;
		buf_printf(out, "%s%s:", out->n ? "," : "", tags[i].word);
		if (tags[i].named)
			buf_printf(out, "%u", le(p + 4, 4));
		return buf_printf(out, ":%c%c%c", bits & 4 ? 'r' : '-', bits & 2 ? 'w' : '-',
						  bits & 1 ? 'x' : '-');
	}
	return -EINVAL;
}

int acl_print(const void *value, size_t n, struct buf *out)
{
	const unsigned char *p = value;
	int r = 0;

	if (n < HEADER || n > ACL_MAX || (n - HEADER) % ENTRY || le(p, 4) != VERSION)
		return -EINVAL;
	for (size_t i = HEADER; r == 0 && i < n; i += ENTRY)
		r = le(p + i + 2, 2) > 7 ? -EINVAL : print_entry(p + i, out);
	return r;
}

static void put_le(unsigned char *p, uint32_t value, int n)
{
	for (int i = 0; i < n; i++, value >>= 8)
		p[i] = (unsigned char)value;
}

/* "r-x" -> 5; -1: it is none. */
static int bits_of(struct str s)
{
	int bits = 0;

	if (s.n != 3)
		return -1;
	for (int i = 0; i < 3; i++)
		if (s.p[i] == "rwx"[i])
			bits |= 4 >> i;
		else if (s.p[i] != '-')
			return -1;
	return bits;
}

static int parse_entry(struct str entry, unsigned char p[ENTRY])
{
	struct str word = STR_ABSENT, id = STR_ABSENT;
	uint64_t number = UINT32_MAX; /* of an entry without a name, ACL_UNDEFINED_ID */
	int bits;

	if (!str_cut(&entry, ':', &word) || !str_cut(&entry, ':', &id) || !entry.p)
		return -EINVAL;
	bits = bits_of(entry);
	if (bits < 0 || (id.n && num_u64(id, 0, UINT32_MAX - 1, &number) < 0))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (!str_is(word, tags[i].word) || tags[i].named != (id.n > 0))
			continue;
		put_le(p, tags[i].tag, 2);
		put_le(p + 2, (uint32_t)bits, 2);
		put_le(p + 4, (uint32_t)number, 4);
		return 0;
	}
	return -EINVAL;
}

int acl_parse(struct str text, unsigned char ret[ACL_MAX], size_t *ret_n)
{
	size_t n = HEADER;
	struct str entry;
	int r = 0;

	put_le(ret, VERSION, 4);
	while (r == 0 && str_cut(&text, ',', &entry)) {
		r = n + ENTRY > ACL_MAX ? -EINVAL : parse_entry(entry, ret + n);
		n += ENTRY;
	}
	*ret_n = n;
	return r < 0 || n == HEADER ? -EINVAL : 0;
}

void acl_of_mode(unsigned mode, struct buf *out)
{
	static const unsigned plain[] = {TAG_OWNER, TAG_OWNING, TAG_OTHER};

	for (int i = 0; i < 3; i++) {
		unsigned char entry[ENTRY] = {0};

		put_le(entry, plain[i], 2);
		put_le(entry + 2, mode >> (6 - 3 * i) & 7, 2);
		(void)print_entry(entry, out);
	}
}

/* What the text gives by an entry without a name; -1: it has none. */
static int given(struct str text, const char *prefix)
{
	struct str entry;

	while (str_cut(&text, ',', &entry))
		if (str_skip(&entry, prefix))
			return bits_of(entry);
	return -1;
}

unsigned acl_mode(struct str text)
{
	int mask = given(text, "mask::"), group = given(text, "group::");

	return (unsigned)(MAX(given(text, "user::"), 0) << 6 | MAX(mask >= 0 ? mask : group, 0) << 3 |
					  MAX(given(text, "other::"), 0));
}

struct str acl_without_names(struct arena *a, struct str text)
{
	_cleanup_buf_ struct buf out = BUF(64);
	int mask = given(text, "mask::"), group = MAX(given(text, "group::"), 0);

	acl_of_mode((acl_mode(text) & 0707) | (unsigned)(mask >= 0 ? group & mask : group) << 3, &out);
	return (struct str){arena_copy(a, out.p, out.n), out.n};
}

/* A line each: that of the file, and the default one where there is one. */
static int ask_texts(struct host *host, const void *path, struct buf *out, struct err *err)
{
	_cleanup_close_ int fd = path_open(host_root_fd(host), path, O_PATH);
	_cleanup_buf_ struct buf access = BUF(65536), other = BUF(65536);
	unsigned char p[ACL_MAX];
	struct stat st;
	char link[40];
	ssize_t n;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;

	if (r < 0)
		return err_errno(err, -r, "%s", (const char *)path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = getxattr(link, "system.posix_acl_access", p, sizeof(p));
	if (n >= 0)
		r = acl_print(p, (size_t)n, &access);
	else if (errno == ENODATA || errno == EOPNOTSUPP)
		acl_of_mode(st.st_mode & 0777, &access);
	else
		r = -errno;
	n = r == 0 ? getxattr(link, "system.posix_acl_default", p, sizeof(p)) : -1;
	if (n >= 0)
		r = acl_print(p, (size_t)n, &other);
	if (r < 0)
		return err_errno(err, -r, "%s: its access control list", (const char *)path);
	buf_str(out, buf_get(&access));
	buf_putc(out, '\n');
	return buf_str(out, other.n ? buf_get(&other) : STR(""));
}

int acl_texts(struct host *host, const char *path, struct arena *arena, struct str *ret_access,
			  struct str *ret_default, struct err *err)
{
	const struct query query = {
		.name = arena_printf(arena, "acls %s", path),
		.live_with = ask_texts,
		.data = path,
		.tree = true,
	};
	struct str text;
	int r = host_query(host, &query, arena, &text, err);

	if (r < 0)
		return r;
	if (!str_line(&text, ret_access))
		return err_set(err, EINVAL, "%s: there is no access control list", path);
	if (!str_line(&text, ret_default) || !ret_default->n)
		*ret_default = STR_ABSENT;
	return 0;
}

/* --- what it gives to others ------------------------------------------------------------------------ */

/* The attributes of an O_PATH descriptor are read through its link in /proc, so the file itself is
 * never opened: whoever may put a device or a FIFO there gains nothing by it. Only directories have one that
 * is for what is made in them. */
static int print_all(int fd, bool directory, struct buf *out)
{
	static const char *const names[][2] = {
		{"system.posix_acl_access", ""},
		{"system.posix_acl_default", "default:"},
	};
	unsigned char p[ACL_MAX];
	char link[40];
	int r = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	for (size_t i = 0; r == 0 && i < (directory ? ARRAY_LEN(names) : 1); i++) {
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
		r = print_all(fd, S_ISDIR(st.st_mode), out);
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
