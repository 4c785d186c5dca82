/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "base/shortage.h"
#include "base/vec.h"

#define MAX_LINKS 40 /* as the kernel's MAXSYMLINKS */

/* The rest of a stepwise walk: a stack of directories (so that ".." never leaves the root) and
 * what is still to be resolved. */
struct walk {
	int root_fd;
	int dirs[128];
	size_t depth;
	unsigned links;
	char rest[2 * PATH_MAX];
};

static int walk_top(const struct walk *w)
{
	return w->depth ? w->dirs[w->depth - 1] : w->root_fd;
}

static void walk_pop_all(struct walk *w)
{
	while (w->depth)
		close(w->dirs[--w->depth]);
}

/* Puts a link's target in front of what is left. */
static int walk_follow(struct walk *w, const char *name)
{
	char target[PATH_MAX], joined[2 * PATH_MAX];
	ssize_t n = readlinkat(walk_top(w), name, target, sizeof(target) - 1);
	size_t left = strlen(w->rest);

	if (n < 0)
		return -errno;
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	if ((size_t)n + left + 2 > sizeof(joined))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		walk_pop_all(w);
	memcpy(joined, target, (size_t)n);
	joined[n] = '/';
	memcpy(joined + n + 1, w->rest, left + 1);
	if (!left)
		joined[n] = '\0';
	memcpy(w->rest, joined, (size_t)n + left + 2);
	return 0;
}

/* True for a link that the kernel resolves by itself (/proc/PID/exe, fd/N, cwd, ns/...): in procfs,
 * all but the few plain ones at its top. */
static bool is_magic_link(int dir, const char *name)
{
	static const char *const plain[] = {"self", "thread-self", "mounts", "net"};
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return false;
	return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int walk_enter(struct walk *w, const char *name)
{
	int fd;

	if (w->depth == ARRAY_LEN(w->dirs))
		return -ENAMETOOLONG;
	fd = openat(walk_top(w), name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	w->dirs[w->depth++] = fd;
	return 0;
}

static int walk_last(struct walk *w, const char *name, int flags)
{
	int fd = openat(walk_top(w), name, flags | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One component; returns an fd when it was the last, -EAGAIN when there is more to do. */
static int walk_step(struct walk *w, char *name, int flags)
{
	bool last = w->rest[strspn(w->rest, "/")] == '\0';
	struct stat st;
	int r;

	if (strcmp(name, "..") == 0) {
		if (w->depth)
			close(w->dirs[--w->depth]);
		return last ? walk_last(w, ".", flags) : -EAGAIN;
	}
	if (fstatat(walk_top(w), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) && !(last && (flags & O_NOFOLLOW) && !w->rest[0])) {
		if (is_magic_link(walk_top(w), name))
			return -ELOOP;
		r = walk_follow(w, name);
		return r < 0 ? r : -EAGAIN;
	}
	if (last && !w->rest[0])
		return walk_last(w, name, flags);
	r = walk_enter(w, name);
	if (r < 0)
		return r;
	return last ? walk_last(w, ".", flags) : -EAGAIN;
}

int path_open_stepwise(int root_fd, const char *path, int flags)
{
	struct walk w = {.root_fd = root_fd};
	char name[NAME_MAX + 1];
	int r = -EAGAIN;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!*path)
		return -ENOENT;
	memcpy(w.rest, path, strlen(path) + 1);
	while (r == -EAGAIN) {
		size_t skip = strspn(w.rest, "/"), n = strcspn(w.rest + skip, "/");

		if (n > NAME_MAX) {
			r = -ENAMETOOLONG;
			break;
		}
		memcpy(name, w.rest + skip, n);
		name[n] = '\0';
		memmove(w.rest, w.rest + skip + n, strlen(w.rest + skip + n) + 1);
		if (!n || strcmp(name, ".") == 0)
			r = w.rest[0] ? -EAGAIN : walk_last(&w, ".", flags);
		else
			r = walk_step(&w, name, flags);
	}
	walk_pop_all(&w);
	return r;
}

static int open_in_root(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	for (int tries = 0; tries < 8; tries++) {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
		if (fd >= 0)
			return fd;
		if (errno == ENOSYS || errno == EPERM)
			return path_open_stepwise(root_fd, path, flags);
		if (errno != EAGAIN)
			return -errno;
	}
	/* EAGAIN: O_NONBLOCK on a lease, or something was renamed or mounted while a ".." was resolved, be it
	 * anywhere on the machine; where packages are installed without end that goes on and on. */
	return path_open_stepwise(root_fd, path, flags);
}

int path_open(int root_fd, const char *path, int flags)
{
	return shortage_note(open_in_root(root_fd, path, flags), path);
}

/* sure: the guess is what there is, so that the end need not be asked for. */
static int read_fd(int fd, size_t max, size_t guess, bool sure, struct arena *a, struct str *ret)
{
	size_t cap = MIN(guess + 1, max + 1), n = 0;
	char *p = arena_raw(a, cap + 1);

	for (;;) {
		ssize_t got = read(fd, p + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (n > max)
			return -EFBIG;
		if (got == 0 || (sure && n == guess))
			break;
		if (n == cap) {
			char *grown;

			cap = MIN(cap * 2, max + 1);
			grown = arena_raw(a, cap + 1);
			memcpy(grown, p, n);
			p = grown;
		}
	}
	p[n] = '\0';
	*ret = (struct str){p, n};
	return 0;
}

int path_read(int root_fd, const char *path, size_t max, struct arena *a, struct str *ret)
{
	_cleanup_close_ int fd = path_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	/* Kernel files say size 0 (or a page): start with a page and grow. They take no block of a disk, and
	 * EIO is how some of them say that they have no value. */
	r = read_fd(fd, max, st.st_size ? (size_t)st.st_size : 4095, st.st_size && st.st_blocks, a,
				ret);
	return r == -EIO && !st.st_blocks ? r : shortage_note(r, path);
}

int path_stat(int root_fd, const char *path, bool follow, struct path_stat *ret)
{
	_cleanup_close_ int fd = path_open(root_fd, path, O_PATH | (follow ? 0 : O_NOFOLLOW));
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct path_stat){
		.mode = st.st_mode,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.nlink = (uint32_t)st.st_nlink,
		.size = st.st_size,
		.mtime = st.st_mtim.tv_sec,
		.ctime_usec = (int64_t)st.st_ctim.tv_sec * 1000000 + st.st_ctim.tv_nsec / 1000,
		.dev = st.st_dev,
		.ino = st.st_ino,
	};
	return 0;
}

const char *path_kind(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "regular";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFSOCK:
		return "socket";
	case S_IFIFO:
		return "fifo";
	case S_IFBLK:
		return "block";
	default:
		return "char";
	}
}

int path_readlink(int root_fd, const char *path, struct arena *a, struct str *ret)
{
	_cleanup_close_ int fd = path_open(root_fd, path, O_PATH | O_NOFOLLOW);
	char target[PATH_MAX];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", target, sizeof(target));
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno; /* ENOENT: fd is not a link */
	*ret = (struct str){arena_copy(a, target, (size_t)n), (size_t)n};
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct path_entry *)a)->name, ((const struct path_entry *)b)->name);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int path_list(int root_fd, const char *path, size_t max, struct arena *a,
			  struct path_entry **ret, size_t *ret_n, bool *ret_more)
{
	_cleanup_close_ int fd = path_open(root_fd, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	_cleanup_(close_dir) DIR *dir = NULL;
	VEC(struct path_entry) entries = {0};
	bool more = false;
	struct dirent *d;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return shortage_note(-errno, path);
	(void)take_fd(&fd);
	while (errno = 0, (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (entries.n == max) {
			more = true;
			break;
		}
		*vec_push(a, &entries) = (struct path_entry){arena_strdup(a, d->d_name), d->d_type};
	}
	if (errno)
		return shortage_note(-errno, path);
	if (entries.n)
		qsort(entries.p, entries.n, sizeof(*entries.p), by_name);
	*ret = entries.p;
	*ret_n = entries.n;
	*ret_more = more;
	return 0;
}

bool fd_is_trusted(int fd)
{
	struct stat st;

	errno = EPERM;
	return fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 022);
}

int fd_read_all(int fd, struct buf *ret)
{
	for (;;) {
		char *to = buf_reserve(ret, 65536);
		ssize_t n;

		if (!to)
			return -ENOBUFS;
		n = read(fd, to, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		buf_commit(ret, (size_t)n);
	}
}

int fd_write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}
