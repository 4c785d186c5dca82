/* SPDX-License-Identifier: Apache-2.0 */
#include "change/fs.h"

#include <fcntl.h>
#include <limits.h>

#define MAX_LINKS 40

/* May nobody but root, or whoever owns the whole tree, put something else into the directory? */
static bool is_trusted(int fd, uid_t owner)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == owner) && !(st.st_mode & 022);
}

/* The rest of a walk: where it is, and what is still ahead. */
struct walk {
	struct arena arena;
	int fd;
	struct stat root;
	struct str done, ahead; /* the path so far, and what follows */
	bool trusted;
	unsigned links;
};

/* Starts again with the link's target in the place of its name. */
static int follow(struct walk *w, const struct place *place, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(w->fd, name, target, sizeof(target));
	struct str done = n > 0 && target[0] == '/' ? STR("") : w->done;

	if (n < 0 || n == (ssize_t)sizeof(target))
		return n < 0 ? -errno : -ENAMETOOLONG;
	if (!w->trusted || ++w->links > MAX_LINKS)
		return -ELOOP;
	w->ahead = str_of(arena_printf(&w->arena, "%.*s/%.*s/%.*s", STR_ARG(done), (int)n, target,
								   STR_ARG(w->ahead)));
	w->done = STR("");
	close(w->fd);
	w->fd = path_open(place->root_fd, "/", O_RDONLY | O_DIRECTORY);
	return w->fd < 0 ? w->fd : 0;
}

static int enter(struct walk *w, const struct place *place, struct str part)
{
	const char *name = str_dup(&w->arena, part);
	struct stat st;
	int next;

	if (strcmp(name, "..") == 0) {
		/* Only in what root has made; above the root is the root. */
		if (!w->trusted)
			return -ELOOP;
		if (fstat(w->fd, &st) == 0 && st.st_ino == w->root.st_ino && st.st_dev == w->root.st_dev)
			return 0;
	}
	next = openat(w->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 && errno == ENOTDIR && fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode))
		return follow(w, place, name);
	if (next < 0)
		return -errno;
	close(w->fd);
	w->fd = next;
	w->done = str_of(arena_printf(&w->arena, "%.*s/%s", STR_ARG(w->done), name));
	w->trusted = w->trusted && is_trusted(next, w->root.st_uid);
	return 0;
}

/* Links are followed as long as only root can have made them. Below a directory that somebody else
 * may write to, in a home say, none is: it could lead anywhere by the time the step is done. */
static int open_dir(const struct place *place, struct str dir, bool *ret_trusted)
{
	struct walk w = {.fd = path_open(place->root_fd, "/", O_RDONLY | O_DIRECTORY),
					 .done = STR(""),
					 .ahead = dir};
	struct str part;
	int r = w.fd < 0 ? w.fd : fstat(w.fd, &w.root) < 0 ? -errno : 0;

	if (r == 0)
		w.trusted = is_trusted(w.fd, w.root.st_uid);
	while (r == 0 && str_cut(&w.ahead, '/', &part))
		if (part.n && !str_is(part, "."))
			r = enter(&w, place, part);
	*ret_trusted = w.trusted;
	if (r < 0)
		close_fd(&w.fd);
	arena_done(&w.arena);
	return r < 0 ? r : w.fd;
}

static int open_parent(const struct place *place, const char *path, const char **ret_name,
					   bool *ret_trusted)
{
	const char *slash = strrchr(path, '/');

	if (!slash || !slash[1] || strcmp(slash + 1, ".") == 0 || strcmp(slash + 1, "..") == 0)
		return -EINVAL;
	*ret_name = slash + 1;
	return open_dir(place, (struct str){path, (size_t)(slash - path)}, ret_trusted);
}

int fs_open_parent(const struct place *place, const char *path, const char **ret_name)
{
	bool ignored;

	return open_parent(place, path, ret_name, &ignored);
}

/* In a directory of somebody else's, a file that is not theirs may be a hard link to one that matters
 * elsewhere. */
static int check_owner(int dir, int fd)
{
	struct stat d, f;

	if (fstat(dir, &d) < 0 || fstat(fd, &f) < 0)
		return -errno;
	return f.st_uid == d.st_uid || S_ISDIR(f.st_mode) ? 0 : -EPERM;
}

int fs_open_itself(const struct place *place, const char *path)
{
	bool trusted = false;
	const char *name = NULL;
	_cleanup_close_ int dir = open_parent(place, path, &name, &trusted), fd = -1;
	int r;

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	r = fd < 0 ? -errno : trusted ? 0 : check_owner(dir, fd);
	return r < 0 ? r : take_fd(&fd);
}
