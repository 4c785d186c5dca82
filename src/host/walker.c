/* SPDX-License-Identifier: Apache-2.0 */
#include "host/walker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "host/walk_dirs.h"
#include "host/walk_scope.h"

#define DENTS_SIZE (256u << 10)
#define BATCH 4096          /* subdirectories that are noted before going on with them */
#define BATCH_FULL 256      /* the same, once PENDING_MANY are pending */
#define PENDING_MANY 262144
#define MAX_ENTERED 256     /* file systems that are entered on the way */
#define XATTR_MAX 64        /* VFS_CAP_REVISION_3 has 24 bytes */

#ifndef SYS_getxattrat
#define SYS_getxattrat 464 /* kernel 6.13; the same number on every architecture */
#endif

#define WANTED (STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_INO | STATX_MNT_ID)

/* struct xattr_args of linux/xattr.h, which Debian 12 does not have yet. */
struct getxattr_args {
	_Alignas(8) uint64_t value;
	uint32_t size, flags;
};

/* struct linux_dirent64 of getdents64(2). */
struct dent {
	uint64_t ino;
	int64_t next; /* where the entry behind it begins, for lseek(2) */
	unsigned short size;
	unsigned char type;
	char name[];
};

/* What the threads share. */
struct walk {
	const struct walker *job;
	unsigned threads;
	uint32_t uid; /* ours */
	_Atomic bool hungry; /* a thread has nothing to do: give it some */
	_Atomic bool no_getxattrat;
	_Atomic size_t findings, privileged;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct walk_stack pool;
	unsigned waiting;
	bool done;
	struct entered {
		uint32_t major, minor;
		uint64_t ino;
	} entered[MAX_ENTERED]; /* with cross: the roots of file systems */
	size_t n_entered;
};

struct worker {
	struct walk *walk;
	struct walk_stack pending;
	struct walk_open open;
	char *dents;
	struct buf out;
	size_t unreadable, unexamined;
	struct buf first_unreadable, first_unexamined;
	uint32_t known_uid, known_gid;
	bool has_known_uid, has_known_gid;
	bool more;
};

/* --- what is worth noting --------------------------------------------------------------------- */

static bool is_gone(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ESTALE;
}

static void note_unreadable(struct worker *w, const struct walk_dir *dir)
{
	if (!w->unreadable++)
		walk_dir_put_path(&w->first_unreadable, dir->parent, dir->name);
}

static void note_unexamined(struct worker *w, const struct walk_dir *dir, const char *name)
{
	if (!w->unexamined++)
		walk_dir_put_path(&w->first_unexamined, dir, name);
}

/* Most files have the owner of the one before. */
static bool is_known_uid(struct worker *w, uint32_t uid)
{
	if (w->has_known_uid && uid == w->known_uid)
		return true;
	if (w->walk->job->users && !passwd_by_uid(w->walk->job->users, uid))
		return false;
	w->known_uid = uid;
	w->has_known_uid = true;
	return true;
}

static bool is_known_gid(struct worker *w, uint32_t gid)
{
	if (w->has_known_gid && gid == w->known_gid)
		return true;
	if (w->walk->job->users && !passwd_by_gid(w->walk->job->users, gid))
		return false;
	w->known_gid = gid;
	w->has_known_gid = true;
	return true;
}

static ssize_t get_capability(struct worker *w, int dir, const char *name, void *p)
{
	struct getxattr_args args = {.value = (uint64_t)(uintptr_t)p, .size = XATTR_MAX};
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (!w->walk->no_getxattrat) {
		n = syscall(SYS_getxattrat, dir, name, AT_SYMLINK_NOFOLLOW, "security.capability", &args,
					sizeof(args));
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		w->walk->no_getxattrat = true;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -1 : fgetxattr(fd, "security.capability", p, XATTR_MAX);
}

/* Bytes of the file's capabilities; 0: it has none. */
static size_t capability_of(struct worker *w, const struct walk_dir *dir, int fd, const char *name,
							unsigned mode, unsigned char *p)
{
	ssize_t n;

	if (!S_ISREG(mode) || !(mode & 0111))
		return 0;
	n = get_capability(w, fd, name, p);
	if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP && !is_gone(errno))
		note_unexamined(w, dir, name);
	return n < 0 ? 0 : (size_t)n;
}

static bool is_world_writable(unsigned mode)
{
	return mode & S_IWOTH && (S_ISREG(mode) || S_ISDIR(mode) || S_ISBLK(mode));
}

static void put_finding(struct worker *w, const struct walk_dir *dir, const char *name,
						const struct statx *st, const unsigned char *caps, size_t n_caps)
{
	struct buf *out = &w->out;
	size_t start = out->n;

	buf_puts(out, "path=");
	walk_dir_put_path(out, dir, name);
	buf_printf(out, " mode=%o uid=%u gid=%u", st->stx_mode, st->stx_uid, st->stx_gid);
	if (n_caps)
		buf_puts(out, " caps=");
	for (size_t i = 0; i < n_caps; i++)
		buf_printf(out, "%02x", caps[i]);
	buf_putc(out, '\n');
	if (!out->full)
		return;
	w->more = true;
	out->n = start;
	out->full = false;
}

/* To the host: what belongs to the account itself or to one of its subordinate ids, which have no
 * entry in passwd, gives nobody more than that account has; neither do capabilities that only count
 * in a user namespace of its own (struct vfs_ns_cap_data: the root of it is at the end). */
static bool is_privilege(struct worker *w, const struct walk_dir *storage, const struct statx *st,
						 const unsigned char *caps, size_t n_caps)
{
	static const unsigned char host_root[4] = {0};

	return (st->stx_mode & S_ISUID && st->stx_uid != storage->rootless_uid &&
			is_known_uid(w, st->stx_uid)) ||
		   (st->stx_mode & S_ISGID && st->stx_gid != storage->rootless_gid &&
			is_known_gid(w, st->stx_gid)) ||
		   (n_caps && (n_caps < 24 || memcmp(caps + 20, host_root, sizeof(host_root)) == 0));
}

static void examine(struct worker *w, const struct walk_dir *dir, int fd, const char *name,
					const struct statx *st)
{
	unsigned mode = st->stx_mode;
	unsigned char caps[XATTR_MAX];
	size_t n_caps = capability_of(w, dir, fd, name, mode, caps);
	bool privileged = n_caps || (S_ISREG(mode) && mode & (S_ISUID | S_ISGID));
	_Atomic size_t *count = privileged ? &w->walk->privileged : &w->walk->findings;

	if (!privileged && !is_world_writable(mode) && is_known_uid(w, st->stx_uid) &&
		is_known_gid(w, st->stx_gid))
		return;
	if (dir && dir->rootless && !(privileged && is_privilege(w, dir, st, caps, n_caps)))
		return;
	if (atomic_fetch_add(count, 1) >= WALKER_MAX_FINDINGS)
		w->more = true;
	else
		put_finding(w, dir, name, st, caps, n_caps);
}

/* --- where it goes ------------------------------------------------------------------------- */

/* By the last component first, so that hardly any path has to be built. */
static bool is_left_out(const struct walk_dir *dir, int fd, const char *name)
{
	_cleanup_buf_ struct buf path = BUF(4 * WALKER_MAX_PATH + 64);
	_cleanup_arena_ struct arena a = {0};

	if (walk_scope_is_snapshots(dir->name, name, fd))
		return true;
	if (!walk_scope_may_leave_out(name))
		return false;
	walk_dir_put_path(&path, dir, name);
	return walk_scope_leaves_out(&a, buf_get(&path));
}

/* A directory that is root's is no user's storage. */
static void mark_rootless(struct walk_dir *dir, const struct statx *st)
{
	_cleanup_buf_ struct buf path = BUF(4 * WALKER_MAX_PATH + 64);

	if (dir->rootless || !st->stx_uid || !st->stx_gid || !walk_scope_may_be_rootless(dir->name))
		return;
	walk_dir_put_path(&path, dir->parent, dir->name);
	dir->rootless = walk_scope_is_rootless(buf_get(&path));
	dir->rootless_uid = st->stx_uid;
	dir->rootless_gid = st->stx_gid;
}

/* False when it was entered before. Past the most that are remembered it is walked again rather
 * than not at all. */
static bool enter(struct walk *walk, const struct statx *st)
{
	const struct entered this = {st->stx_dev_major, st->stx_dev_minor, st->stx_ino};
	bool is_new = true;

	pthread_mutex_lock(&walk->lock);
	for (size_t i = 0; i < walk->n_entered; i++)
		if (walk->entered[i].major == this.major && walk->entered[i].minor == this.minor &&
			walk->entered[i].ino == this.ino)
			is_new = false;
	if (is_new && walk->n_entered < MAX_ENTERED)
		walk->entered[walk->n_entered++] = this;
	pthread_mutex_unlock(&walk->lock);
	return is_new;
}

/* In a tree there is no list of mounts: a file system that is local and new is entered. */
static bool may_cross(struct walk *walk, int dir, const char *name, const struct statx *st)
{
	_cleanup_close_ int fd = -1;

	if (!walk->job->cross)
		return false;
	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* One that cannot be opened here cannot be opened for reading either, and is noted then. */
	return (fd < 0 || walk_scope_is_local(fd)) && enter(walk, st);
}

/* Sub-volumes of btrfs have a device number each but one mount; before 5.8 the kernel does not say
 * which mount a file is on, and the device number has to do. */
static bool is_other_mount(const struct walk_dir *dir, const struct statx *st)
{
	if (dir->mnt_id && st->stx_mask & STATX_MNT_ID)
		return st->stx_mnt_id != dir->mnt_id;
	return st->stx_dev_major != dir->dev_major || st->stx_dev_minor != dir->dev_minor;
}

/* Returns true when a directory was noted for later. */
static bool visit_entry(struct worker *w, struct walk_dir *dir, int fd, const char *name)
{
	const int how = AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
	struct walk_dir *below;
	struct statx st;

	if (statx(fd, name, how, WANTED, &st) < 0) {
		if (!is_gone(errno))
			note_unexamined(w, dir, name);
		return false;
	}
	if (!S_ISDIR(st.stx_mode)) {
		examine(w, dir, fd, name, &st);
		return false;
	}
	if (is_other_mount(dir, &st) && !may_cross(w->walk, fd, name, &st))
		return false;
	examine(w, dir, fd, name, &st);
	if (is_left_out(dir, fd, name))
		return false;
	below = walk_dir_new(dir, name, &st, w->walk->uid);
	mark_rootless(below, &st);
	walk_stack_push(&w->pending, below);
	return true;
}

/* Puts the rest of a large directory below its subdirectories that were already noted. */
static void postpone(struct worker *w, struct walk_dir *dir, size_t batch, int64_t from)
{
	size_t at = w->pending.n - batch;

	walk_stack_push(&w->pending, dir);
	memmove(w->pending.p + at + 1, w->pending.p + at, batch * sizeof(*w->pending.p));
	w->pending.p[at] = dir;
	dir->from = from;
	dir->refs++;
}

/* Reads entries until the end, or until enough subdirectories are pending. */
static int read_entries(struct worker *w, struct walk_dir *dir, int fd)
{
	size_t max = w->pending.n > PENDING_MANY ? BATCH_FULL : BATCH, batch = 0;

	for (;;) {
		long n = syscall(SYS_getdents64, fd, w->dents, DENTS_SIZE);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (long at = 0; at < n;) {
			const struct dent *d = (const void *)(w->dents + at);

			at += d->size;
			if (d->name[0] == '.' && (!d->name[1] || (d->name[1] == '.' && !d->name[2])))
				continue;
			if (visit_entry(w, dir, fd, d->name) && ++batch == max) {
				postpone(w, dir, batch, d->next);
				return 0;
			}
		}
	}
}

/* What is mounted is examined here, as nobody meets it as an entry. */
static void visit_root(struct worker *w, const struct walk_dir *dir, int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID, &st) == 0)
		examine(w, NULL, fd, dir->name, &st);
	else
		note_unexamined(w, NULL, dir->name);
}

static int read_dir(struct worker *w, struct walk_dir *dir, int fd)
{
	if (dir->from && lseek(fd, dir->from, SEEK_SET) < 0)
		return -errno;
	if (!dir->parent && !dir->from)
		visit_root(w, dir, fd);
	return read_entries(w, dir, fd);
}

static void visit(struct worker *w, struct walk_dir *dir)
{
	size_t before = w->pending.n;
	int fd = walk_open_dir(&w->open, dir), r = fd < 0 ? fd : read_dir(w, dir, fd);

	if (r < 0 && !is_gone(-r))
		note_unreadable(w, dir);
	if (fd >= 0 && w->pending.n > before)
		walk_open_push(&w->open, dir, fd);
	else if (fd >= 0)
		close(fd);
	walk_dir_unref(dir);
}

/* --- threads ------------------------------------------------------------------------------ */

static void give(struct worker *w)
{
	struct walk *walk = w->walk;

	pthread_mutex_lock(&walk->lock);
	walk_stack_move(&w->pending, &walk->pool, w->pending.n / 2);
	walk->hungry = false;
	pthread_cond_broadcast(&walk->wake);
	pthread_mutex_unlock(&walk->lock);
}

/* Waits for work, which is elsewhere in the tree; false when nobody has any. */
static bool take(struct worker *w)
{
	struct walk *walk = w->walk;
	bool got;

	walk_open_done(&w->open);
	pthread_mutex_lock(&walk->lock);
	walk->waiting++;
	while (!walk->pool.n && !walk->done) {
		walk->hungry = true;
		if (walk->waiting == walk->threads) {
			walk->done = true;
			pthread_cond_broadcast(&walk->wake);
		} else {
			pthread_cond_wait(&walk->wake, &walk->lock);
		}
	}
	walk->waiting--;
	got = walk->pool.n > 0;
	if (got)
		walk_stack_move(&walk->pool, &w->pending, (walk->pool.n + 1) / 2);
	pthread_mutex_unlock(&walk->lock);
	return got;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->dents = mem_calloc(1, DENTS_SIZE);
	while (w->pending.n || take(w)) {
		if (w->walk->hungry && w->pending.n > 1)
			give(w);
		visit(w, w->pending.p[--w->pending.n]);
	}
	free(w->dents);
	free(w->pending.p);
	return NULL;
}

static unsigned cores(void)
{
	cpu_set_t set;

	/* A machine with over 1,024 cores does not fit into the set, and gets the most there is. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return WALKER_MAX_THREADS;
	return (unsigned)MIN(MAX(CPU_COUNT(&set), 1), WALKER_MAX_THREADS);
}

/* The calling thread is one of the workers; where no other can be started it does all the work. */
static void run_threads(struct walk *walk, struct worker *workers)
{
	pthread_t threads[WALKER_MAX_THREADS];
	unsigned started = 1;

	pthread_mutex_lock(&walk->lock);
	while (started < walk->threads &&
		   pthread_create(&threads[started], NULL, work, &workers[started]) == 0)
		started++;
	walk->threads = started;
	pthread_mutex_unlock(&walk->lock);
	work(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
}

static int push_roots(struct walk *walk, struct err *err)
{
	for (size_t i = 0; i < walk->job->n_roots; i++) {
		const struct walker_root *root = &walk->job->roots[i];
		struct walk_dir *dir;
		struct statx st;

		if (statx(root->fd, "", AT_EMPTY_PATH, STATX_UID | STATX_INO | STATX_MNT_ID, &st) < 0)
			return err_errno(err, errno, "%s", root->path);
		dir = walk_dir_new(NULL, root->path, &st, walk->uid);
		dir->fd = root->fd;
		walk_stack_push(&walk->pool, dir);
		enter(walk, &st);
	}
	return 0;
}

static void put_count(struct buf *out, const char *what, size_t n, const struct buf *first)
{
	if (!n)
		return;
	buf_printf(out, "%s=%zu first=", what, n);
	buf_str(out, buf_get(first));
	buf_putc(out, '\n');
}

/* Adds up what the workers found, and releases them. */
static void collect(struct worker *workers, unsigned n, struct buf *out)
{
	bool more = false;

	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &workers[i];

		buf_str(out, buf_get(&w->out));
		put_count(out, "unreadable", w->unreadable, &w->first_unreadable);
		put_count(out, "unexamined", w->unexamined, &w->first_unexamined);
		more = more || w->more;
		buf_done(&w->out);
		buf_done(&w->first_unreadable);
		buf_done(&w->first_unexamined);
	}
	if (more)
		buf_puts(out, "more\n");
}

int walker_run(const struct walker *job, struct buf *out, struct err *err)
{
	struct worker workers[WALKER_MAX_THREADS] = {0};
	struct walk walk = {
		.job = job,
		.threads = cores(),
		.uid = geteuid(),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER,
	};
	unsigned n = walk.threads;
	int r = push_roots(&walk, err);

	for (unsigned i = 0; i < n; i++) {
		workers[i].walk = &walk;
		workers[i].out = BUF(out->max / n - ((size_t)64 << 10));
		workers[i].first_unreadable = BUF((size_t)8 * WALKER_MAX_PATH);
		workers[i].first_unexamined = BUF((size_t)8 * WALKER_MAX_PATH);
	}
	if (r == 0)
		run_threads(&walk, workers);
	collect(workers, n, out);
	for (size_t i = 0; i < walk.pool.n; i++)
		walk_dir_unref(walk.pool.p[i]);
	free(walk.pool.p);
	return r;
}
