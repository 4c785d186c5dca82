/* SPDX-License-Identifier: Apache-2.0 */
#include "host/walk_dirs.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host/fields.h"
#include "host/walker.h"

struct walk_dir *walk_dir_new(struct walk_dir *parent, const char *name, const struct statx *st,
							  uint32_t uid)
{
	size_t n = strlen(name);
	struct walk_dir *dir = mem_calloc(1, sizeof(*dir) + n + 1);

	memcpy(dir->name, name, n);
	dir->n = n;
	dir->fd = -1;
	dir->refs = 1;
	dir->own = st->stx_uid == uid;
	dir->dev_major = st->stx_dev_major;
	dir->dev_minor = st->stx_dev_minor;
	dir->mnt_id = st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id : 0;
	dir->ino = st->stx_ino;
	dir->parent = parent;
	if (parent) {
		parent->refs++;
		dir->rootless = parent->rootless;
		dir->rootless_uid = parent->rootless_uid;
		dir->rootless_gid = parent->rootless_gid;
	}
	return dir;
}

void walk_dir_unref(struct walk_dir *dir)
{
	while (dir && atomic_fetch_sub(&dir->refs, 1) == 1) {
		struct walk_dir *parent = dir->parent;

		free(dir);
		dir = parent;
	}
}

void walk_stack_push(struct walk_stack *s, struct walk_dir *dir)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 256;
		s->p = mem_realloc(s->p, s->cap, sizeof(*s->p));
	}
	s->p[s->n++] = dir;
}

void walk_stack_move(struct walk_stack *from, struct walk_stack *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		walk_stack_push(to, from->p[i]);
	from->n -= n;
	memmove(from->p, from->p + n, from->n * sizeof(*from->p));
}

void walk_dir_put_path(struct buf *out, const struct walk_dir *dir, const char *name)
{
	static const char cut[] = {'/', '.', '.', '.'};
	char path[WALKER_MAX_PATH + 8];
	size_t at = sizeof(path);
	struct str part = str_of(name);

	for (;;) {
		if (part.n + 5 > at) {
			at -= sizeof(cut);
			memcpy(path + at, cut, sizeof(cut));
			break;
		}
		at -= part.n;
		memcpy(path + at, part.p, part.n);
		if (!dir)
			break;
		path[--at] = '/';
		part = (struct str){dir->name, dir->n};
		dir = dir->parent;
	}
	if (at == sizeof(path)) /* the root directory itself */
		path[--at] = '/';
	fields_escaped(out, (struct str){path + at, sizeof(path) - at});
}

/* --- open directories -------------------------------------------------------------------- */

static void open_pop(struct walk_open *o)
{
	o->n--;
	close(o->p[o->n].fd);
	walk_dir_unref(o->p[o->n].dir);
}

void walk_open_done(struct walk_open *o)
{
	while (o->n)
		open_pop(o);
}

void walk_open_push(struct walk_open *o, struct walk_dir *dir, int fd)
{
	if (o->n == WALK_DIRS_OPEN) {
		close(o->p[0].fd);
		walk_dir_unref(o->p[0].dir);
		o->n--;
		memmove(o->p, o->p + 1, o->n * sizeof(*o->p));
	}
	dir->refs++;
	o->p[o->n].dir = dir;
	o->p[o->n].fd = fd;
	o->n++;
}

/* Opens the directory by its whole chain from the root, a name at a time, and keeps the last ones
 * open: after a deep tree was left at its bottom, the levels above are needed next. */
static int open_chain(struct walk_open *o, struct walk_dir *dir)
{
	size_t depth = 0;
	struct walk_dir **chain;
	int fd;

	for (struct walk_dir *n = dir; n->parent; n = n->parent)
		depth++;
	chain = mem_calloc(depth + 1, sizeof(*chain));
	for (size_t i = depth; i > 0; i--, dir = dir->parent)
		chain[i] = dir;
	chain[0] = dir;
	fd = fcntl(dir->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		fd = -errno;
	for (size_t i = 1; fd >= 0 && i <= depth; i++) {
		int next = openat(fd, chain[i]->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			next = -errno;
		if (depth - i < WALK_DIRS_OPEN)
			walk_open_push(o, chain[i - 1], fd);
		else
			close(fd);
		fd = next;
	}
	if (fd >= 0)
		walk_open_push(o, chain[depth], fd);
	free(chain);
	return fd;
}

static bool is_dir(int fd, const struct walk_dir *dir)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) == 0 && st.stx_ino == dir->ino &&
		   st.stx_dev_major == dir->dev_major && st.stx_dev_minor == dir->dev_minor;
}

/* Replaces the only open directory by one above it, through "..", which is much nearer than the
 * root at the bottom of a deep tree. False when something was moved meanwhile. */
static bool climb(struct walk_open *o, struct walk_dir *dir)
{
	struct walk_dir *at = o->p[0].dir;
	int fd = o->p[0].fd;

	while (at != dir && at->parent) {
		int next = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd != o->p[0].fd)
			close(fd);
		fd = next;
		at = at->parent;
		if (fd < 0 || !is_dir(fd, at))
			break;
	}
	if (fd == o->p[0].fd || fd < 0)
		return false;
	if (at != dir || !is_dir(fd, dir)) {
		close(fd);
		return false;
	}
	open_pop(o);
	walk_open_push(o, dir, fd);
	return true;
}

/* An fd of the directory, borrowed. What is open below it is done with, as pending is a stack. */
static int open_known(struct walk_open *o, struct walk_dir *dir)
{
	while (o->n > 1 && o->p[o->n - 1].dir != dir)
		open_pop(o);
	if (o->n && o->p[o->n - 1].dir != dir && !climb(o, dir))
		open_pop(o);
	return o->n ? o->p[o->n - 1].fd : open_chain(o, dir);
}

int walk_open_dir(struct walk_open *o, struct walk_dir *dir)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int at = dir->parent ? open_known(o, dir->parent) : dir->fd, fd;

	if (at < 0)
		return at;
	if (dir->own)
		flags |= O_NOATIME;
	fd = openat(at, dir->parent ? dir->name : ".", flags);
	return fd < 0 ? -errno : fd;
}
