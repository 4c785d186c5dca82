/* SPDX-License-Identifier: Apache-2.0 */
#include "change/change.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/num.h"
#include "change/fs.h"
#include "change/journal.h"
#include "change/undo_script.h"

#define MAX_PLAN ((size_t)64 << 20)
#define MAX_CHANGES ((size_t)9999)

/* --- the state directory ------------------------------------------------------------------------- */

/* What is in it is believed later, and run: nobody else may have put it there. */
static int check_private(const struct changes *c, int dir, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_errno(err, errno, "%s", path);
	if (st.st_uid == geteuid() && !(st.st_mode & 022))
		return 0;
	return err_set(err, EPERM, "%s%s: others can write to it; once what is in it was looked at: "
				   "chown -R 0:0 and chmod -R go-w", strcmp(c->place.root, "/") ? c->place.root : "",
				   path);
}

static int make_dirs(struct changes *c, struct err *err)
{
	static const char *const parts[] = {"/var", "/var/lib", CHANGE_STATE_DIR, CHANGE_STATE_DIR "/changes"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++) {
		const char *name;
		_cleanup_close_ int parent = fs_open_parent(&c->place, parts[i], &name);

		close_fd(&c->dir_fd);
		if (parent < 0)
			r = err_errno(err, -parent, "%s", parts[i]);
		else if (mkdirat(parent, name, i < 2 ? 0755 : 0700) < 0 && errno != EEXIST)
			r = err_errno(err, errno, "%s", parts[i]);
		if (r < 0)
			break;
		/* /var may lead elsewhere, revet's own may not. */
		c->dir_fd = i < 2 ? path_open(c->place.root_fd, parts[i], O_RDONLY | O_DIRECTORY)
						  : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (c->dir_fd < 0)
			r = err_errno(err, i < 2 ? -c->dir_fd : errno, "%s", parts[i]);
		else if (i >= 2)
			r = check_private(c, c->dir_fd, CHANGE_STATE_DIR, err);
	}
	return r;
}

static int take_lock(struct changes *c, struct err *err)
{
	char holder[32] = "";
	uint64_t pid;
	int n;

	c->lock_fd = openat(c->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* What has become read-only must not keep anybody from undoing. */
	if (c->lock_fd < 0 && errno == EROFS) {
		c->lock_fd = openat(c->dir_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		errno = EROFS;
	}
	if (c->lock_fd < 0)
		return err_errno(err, errno, "%s/changes/lock", CHANGE_STATE_DIR);
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		(void)!pread(c->lock_fd, holder, sizeof(holder) - 1, 0);
		c->holder = num_u64(str_of(holder), 1, INT_MAX, &pid) == 0 ? (int)pid : 0;
		return err_set(err, EBUSY,
					   "process %s is changing this system right now: try again when it has ended",
					   holder);
	}
	/* Whose it is helps others; that it is held is what counts. */
	n = snprintf(holder, sizeof(holder), "%d", getpid());
	if (ftruncate(c->lock_fd, 0) == 0)
		(void)!pwrite(c->lock_fd, holder, (size_t)n, 0);
	return 0;
}

int changes_open(struct changes *c, const char *root, bool lock, struct err *err)
{
	struct path_stat st;
	int r;

	*c = (struct changes){.place = {root, -1, strcmp(root, "/") == 0}, .dir_fd = -1, .lock_fd = -1};
	c->place.root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->place.root_fd < 0)
		return err_errno(err, errno, "%s", root);
	/* Whoever only looks leaves no directory behind. */
	if (!lock && path_stat(c->place.root_fd, CHANGE_STATE_DIR "/changes", false, &st) == -ENOENT)
		return 0;
	r = make_dirs(c, err);
	return r < 0 || !lock ? r : take_lock(c, err);
}

void changes_close(struct changes *c)
{
	close_fd(&c->lock_fd);
	close_fd(&c->dir_fd);
	close_fd(&c->place.root_fd);
}

int changes_list(const struct changes *c, struct arena *a, unsigned **ret, size_t *ret_n,
				 struct err *err)
{
	struct path_entry *entries;
	size_t n;
	bool more;
	int r = path_list(c->place.root_fd, CHANGE_STATE_DIR "/changes", 2 * MAX_CHANGES, a, &entries, &n,
					  &more);

	if (r == -ENOENT)
		n = 0;
	else if (r < 0)
		return err_errno(err, -r, "%s/changes", CHANGE_STATE_DIR);
	*ret = arena_new(a, unsigned, n + 1);
	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t number;

		if (strlen(entries[i].name) == 4 &&
			num_u64(str_of(entries[i].name), 1, MAX_CHANGES, &number) == 0)
			(*ret)[(*ret_n)++] = (unsigned)number;
	}
	return 0;
}

int changes_pending(const struct changes *c, struct arena *a, unsigned *ret, struct err *err)
{
	unsigned *numbers;
	size_t n;
	int r = changes_list(c, a, &numbers, &n, err);

	*ret = 0;
	while (r == 0 && n-- > 0 && !*ret) {
		struct change change;

		if (journal_has_ended(c, numbers[n]))
			continue;
		r = change_open(c, numbers[n], a, &change, err);
		if (r == 0 && change.status != CHANGE_COMMITTED && change.status != CHANGE_REVERTED)
			*ret = numbers[n];
		change_close(&change);
	}
	return r;
}

/* --- one change ------------------------------------------------------------------------------------ */

static int put_file_at(int dir, const char *name, struct str text, unsigned mode)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	errno = ENOSPC; /* of a write that was cut short */
	return write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) < 0 ? -errno : 0;
}

static int open_fds(struct change *c, struct err *err)
{
	c->before_fd = openat(c->dir_fd, "before", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->journal_fd = openat(c->dir_fd, "journal", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (c->before_fd < 0 || (c->journal_fd < 0 && errno != EROFS))
		return err_errno(err, errno, "%s", c->path);
	return 0;
}

static int fill_dir(struct change *c, struct err *err)
{
	_cleanup_buf_ struct buf plan = BUF(MAX_PLAN), undo = BUF(MAX_PLAN);
	int r = plan_write(&c->plan, &plan);

	undo_script(&c->plan, &undo);
	if (r == 0 && undo.full)
		r = -ENOBUFS;
	if (r == 0)
		r = put_file_at(c->dir_fd, "plan.json", buf_get(&plan), 0600);
	if (r == 0)
		r = put_file_at(c->dir_fd, "undo.sh", buf_get(&undo), 0700);
	if (r == 0)
		r = put_file_at(c->dir_fd, "journal", STR("status running\n"), 0600);
	if (r == 0 && mkdirat(c->dir_fd, "before", 0700) < 0)
		r = -errno;
	if (r == 0 && fsync(c->dir_fd) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, -r, "%s", c->path) : open_fds(c, err);
}

/* Made under another name and renamed, so that a change is there whole or not at all. */
int change_begin(struct changes *cs, const struct plan *plan, struct arena *a, struct change *ret,
				 struct err *err)
{
	unsigned *numbers = NULL;
	size_t n = 0;
	char name[8];
	int r = changes_list(cs, a, &numbers, &n, err);

	*ret = CHANGE_CLOSED;
	if (r < 0)
		return r;
	ret->arena = a;
	ret->plan = *plan;
	ret->number = n ? numbers[n - 1] + 1 : 1;
	ret->marks = arena_new(a, enum mark, plan->steps.n + 1);
	ret->path = arena_printf(a, "%s/changes/%04u", CHANGE_STATE_DIR, ret->number);
	if (ret->number > MAX_CHANGES)
		return err_set(err, ENOSPC, "%s/changes holds %zu changes; remove old ones", CHANGE_STATE_DIR,
					   MAX_CHANGES);
	snprintf(name, sizeof(name), "%04u", ret->number);
	if (mkdirat(cs->dir_fd, "new", 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "%s", ret->path);
	ret->dir_fd = openat(cs->dir_fd, "new", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->dir_fd < 0)
		return err_errno(err, errno, "%s", ret->path);
	/* What an earlier run left when it was killed right here. */
	(void)unlinkat(ret->dir_fd, "plan.json", 0);
	(void)unlinkat(ret->dir_fd, "undo.sh", 0);
	(void)unlinkat(ret->dir_fd, "journal", 0);
	(void)unlinkat(ret->dir_fd, "before", AT_REMOVEDIR);
	r = check_private(cs, ret->dir_fd, ret->path, err);
	if (r == 0)
		r = fill_dir(ret, err);
	if (r == 0 && (renameat(cs->dir_fd, "new", cs->dir_fd, name) < 0 || fsync(cs->dir_fd) < 0))
		r = err_errno(err, errno, "%s", ret->path);
	return r;
}

int change_open(const struct changes *cs, unsigned number, struct arena *a, struct change *ret,
				struct err *err)
{
	struct str text;
	char name[8];
	int r;

	*ret = CHANGE_CLOSED;
	ret->reopened = true;
	ret->arena = a;
	ret->number = number;
	ret->path = arena_printf(a, "%s/changes/%04u", CHANGE_STATE_DIR, number);
	snprintf(name, sizeof(name), "%04u", number);
	ret->dir_fd = openat(cs->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->dir_fd < 0)
		return err_set(err, errno, "there is no change %04u; see: revet history", number);
	r = check_private(cs, ret->dir_fd, ret->path, err);
	if (r < 0)
		return r;
	r = path_read(ret->dir_fd, "plan.json", MAX_PLAN, a, &text);
	if (r < 0)
		return err_errno(err, -r, "%s/plan.json", ret->path);
	r = plan_parse(&ret->plan, text, "plan.json", a, err);
	if (r < 0)
		return err_context(err, "%s", ret->path);
	r = journal_read(ret, err);
	return r < 0 ? r : open_fds(ret, err);
}

void change_close(struct change *c)
{
	close_fd(&c->counts_fd);
	close_fd(&c->journal_fd);
	close_fd(&c->before_fd);
	close_fd(&c->dir_fd);
}
