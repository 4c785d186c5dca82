/* SPDX-License-Identifier: Apache-2.0 */
#include "change/change.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/num.h"
#include "change/fs.h"

#define MAX_PLAN ((size_t)64 << 20)
#define MAX_CHANGES ((size_t)9999)
#define MAX_SAVED ((size_t)1 << 20) /* files that one change keeps */

static const char *const statuses[] = {"running", "waiting", "committed", "reverting", "reverted"};

const char *change_status_name(enum change_status s)
{
	return statuses[s];
}

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
	int n;

	c->lock_fd = openat(c->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock_fd < 0)
		return err_errno(err, errno, "%s/changes/lock", CHANGE_STATE_DIR);
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		(void)!pread(c->lock_fd, holder, sizeof(holder) - 1, 0);
		return err_set(err, EBUSY, "process %s is changing this system right now", holder);
	}
	n = snprintf(holder, sizeof(holder), "%d", getpid());
	if (ftruncate(c->lock_fd, 0) < 0 || pwrite(c->lock_fd, holder, (size_t)n, 0) != n)
		return err_errno(err, errno, "%s/changes/lock", CHANGE_STATE_DIR);
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

/* Has it come to an end? Told by its journal alone: an old change whose plan is damaged holds nobody up. */
static bool has_ended(const struct changes *c, unsigned number)
{
	_cleanup_arena_ struct arena a = {0};
	const char *path = arena_printf(&a, CHANGE_STATE_DIR "/changes/%04u/journal", number);
	struct str text, line, last = STR("");

	if (path_read(c->place.root_fd, path, MAX_PLAN, &a, &text) < 0)
		return false;
	while (str_line(&text, &line))
		if (str_starts(line, "status "))
			last = line;
	return str_is(last, "status committed") || str_is(last, "status reverted");
}

int changes_pending(const struct changes *c, struct arena *a, unsigned *ret, struct err *err)
{
	unsigned *numbers;
	size_t n;
	int r = changes_list(c, a, &numbers, &n, err);

	*ret = 0;
	while (r == 0 && n-- > 0 && !*ret) {
		struct change change;

		if (has_ended(c, numbers[n]))
			continue;
		r = change_open(c, numbers[n], a, &change, err);
		if (r == 0 && change.status != CHANGE_COMMITTED && change.status != CHANGE_REVERTED)
			*ret = numbers[n];
		change_close(&change);
	}
	return r;
}

/* --- the journal ----------------------------------------------------------------------------------- */

static int append(struct change *c, const char *line, struct err *err)
{
	size_t n = strlen(line);

	/* What a crash has cut short must not take the next line with it. */
	if (c->torn && write(c->journal_fd, "\n", 1) != 1)
		return err_errno(err, errno, "%s/journal", c->path);
	c->torn = false;
	errno = ENOSPC; /* of a write that was cut short */
	if (write(c->journal_fd, line, n) != (ssize_t)n) {
		c->torn = true;
		return err_errno(err, errno, "%s/journal", c->path);
	}
	return 0;
}

static int write_down(struct change *c, const char *line, struct err *err)
{
	int r = append(c, line, err);

	return r == 0 && fdatasync(c->journal_fd) < 0 ? err_errno(err, errno, "%s/journal", c->path)
												  : r;
}

/* That something is begun has to last; that it is through need not: at worst it is done once more, and
 * the next line takes it along. */
static int mark(struct change *c, size_t step, enum mark mark, struct err *err)
{
	static const char *const words[] = {
		[MARK_PREPARED] = "prepared", [MARK_APPLIED] = "applied", [MARK_UNDOING] = "undoing",
		[MARK_REVERTED] = "reverted"};
	char line[64];

	snprintf(line, sizeof(line), "step %zu %s\n", step, words[mark]);
	c->marks[step] = mark;
	return mark == MARK_APPLIED || mark == MARK_REVERTED ? append(c, line, err)
														 : write_down(c, line, err);
}

static int set_status(struct change *c, enum change_status status, struct err *err)
{
	char line[64];

	snprintf(line, sizeof(line), "status %s\n", statuses[status]);
	c->status = status;
	return write_down(c, line, err);
}

/* A line that was cut short by a crash says nothing: what it stands for had not been begun. */
static void read_line(struct change *c, struct str line)
{
	struct str word = STR_ABSENT, what = STR_ABSENT;
	uint64_t step;

	(void)str_word(&line, &word);
	(void)str_word(&line, &what);
	if (str_is(word, "status"))
		for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
			c->status = str_is(what, statuses[i]) ? (enum change_status)i : c->status;
	if (str_is(word, "deadline"))
		(void)num_i64(what, 0, INT64_MAX, &c->deadline);
	if (str_is(word, "applied"))
		(void)num_i64(what, 0, INT64_MAX, &c->applied);
	if (str_is(word, "session"))
		c->session = what;
	if (str_is(word, "activated"))
		c->activated = true;
	if (!str_is(word, "step") || !c->plan.steps.n ||
		num_u64(what, 0, c->plan.steps.n - 1, &step) < 0 || !str_word(&line, &word))
		return;
	c->marks[step] = str_is(word, "prepared")   ? MARK_PREPARED
					 : str_is(word, "applied")  ? MARK_APPLIED
					 : str_is(word, "undoing")  ? MARK_UNDOING
					 : str_is(word, "reverted") ? MARK_REVERTED
												: c->marks[step];
}

void change_read_journal(struct change *c, struct str text)
{
	struct str line;

	c->marks = arena_new(c->arena, enum mark, c->plan.steps.n + 1);
	while (text.n && memchr(text.p, '\n', text.n) && str_line(&text, &line))
		read_line(c, line);
	c->torn = text.n > 0;
}

static int read_journal(struct change *c, struct err *err)
{
	struct str text;
	int r = path_read(c->dir_fd, "journal", MAX_PLAN, c->arena, &text);

	if (r < 0)
		return err_errno(err, -r, "%s/journal", c->path);
	change_read_journal(c, text);
	return 0;
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

static void undo_step(struct buf *out, const struct step *s, size_t i)
{
	if (!s->type->undo_sh)
		return;
	if (s->type->is_action) {
		buf_puts(out, "if grep -q '^activated' \"$DIR/journal\"; then\n");
		s->type->undo_sh(out, s);
		buf_puts(out, "fi\n");
		return;
	}
	buf_printf(out, "if grep -q '^step %zu prepared' \"$DIR/journal\"; then\nSAVED=\"$DIR/before/%zu\"\n",
			   i, i);
	s->type->undo_sh(out, s);
	buf_puts(out, "fi\n");
}

static void write_undo(const struct plan *p, struct buf *out)
{
	buf_puts(out, "#!/bin/sh\n"
				  "# Undoes this change without revet: sh undo.sh [ROOT]\n"
				  "# ROOT is where the system is mounted, on rescue media; / when it is left out.\n"
				  "ROOT=${1:-}\nROOT=${ROOT%/}\n"
				  "DIR=$(cd \"$(dirname \"$0\")\" && pwd)\n");
	for (size_t i = p->steps.n; i-- > 0;)
		if (!p->steps.p[i].type->is_action)
			undo_step(out, &p->steps.p[i], i);
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.p[i].type->is_action)
			undo_step(out, &p->steps.p[i], i);
	buf_puts(out, "echo 'status reverted' >>\"$DIR/journal\"\n");
}

static int open_fds(struct change *c, struct err *err)
{
	c->before_fd = openat(c->dir_fd, "before", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->journal_fd = openat(c->dir_fd, "journal", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (c->before_fd < 0 || c->journal_fd < 0)
		return err_errno(err, errno, "%s", c->path);
	return 0;
}

static int fill_dir(struct change *c, struct err *err)
{
	_cleanup_buf_ struct buf plan = BUF(MAX_PLAN), undo = BUF(MAX_PLAN);
	int r = plan_write(&c->plan, &plan);

	write_undo(&c->plan, &undo);
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
	r = read_journal(ret, err);
	return r < 0 ? r : open_fds(ret, err);
}

void change_close(struct change *c)
{
	close_fd(&c->counts_fd);
	close_fd(&c->journal_fd);
	close_fd(&c->before_fd);
	close_fd(&c->dir_fd);
}

/* --- doing ----------------------------------------------------------------------------------------- */

static struct saved saved_of(const struct change *c, size_t step)
{
	struct saved saved = {.dir_fd = c->before_fd};

	snprintf(saved.name, sizeof(saved.name), "%zu", step);
	return saved;
}

int change_check(const struct changes *cs, const struct plan *plan, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->steps.n; i++)
		if (!plan->steps.p[i].type->is_action)
			r = step_check(&cs->place, &plan->steps.p[i], &plan->steps.p[i].before, err);
	return r;
}

/* All that was saved, before the first step is begun: the first sync takes most of the others along. */
static int sync_saved(const struct change *c)
{
	_cleanup_arena_ struct arena a = {0};
	struct path_entry *entries;
	bool more;
	size_t n;
	int r = path_list(c->before_fd, ".", MAX_SAVED, &a, &entries, &n, &more);

	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_close_ int fd =
			openat(c->before_fd, entries[i].name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0 || (entries[i].type != DT_DIR && fsync(fd) < 0))
			r = -errno;
	}
	return r < 0 ? r : more ? -EMFILE : fsync(c->before_fd) < 0 ? -errno : 0;
}

static int save_all(struct changes *cs, struct change *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->plan.steps.n; i++) {
		const struct step *s = &c->plan.steps.p[i];
		struct saved saved = saved_of(c, i);

		if (s->type->save)
			r = s->type->save(&cs->place, s, &saved, err);
	}
	if (r < 0)
		return r;
	r = sync_saved(c);
	return r < 0 ? err_errno(err, -r, "%s/before", c->path) : 0;
}

static int do_step(struct changes *cs, struct change *c, size_t i, struct err *err)
{
	const struct step *s = &c->plan.steps.p[i];
	struct saved saved = saved_of(c, i);
	struct err ignored;
	int r = step_check(&cs->place, s, &s->before, err);

	/* A step before may have brought this about as well: net.ipv4.ip_forward sets each interface's. */
	if (r == -ESTALE && i > 0 && step_check(&cs->place, s, &s->after, &ignored) == 0)
		r = 0;
	if (r == 0)
		r = mark(c, i, MARK_PREPARED, err);
	if (r == 0)
		r = s->type->perform ? s->type->perform(&cs->place, s, &saved, err)
							 : s->type->put(&cs->place, s->target, &s->after, NULL, err);
	if (r == 0)
		r = step_check(&cs->place, s, &s->after, err);
	return r < 0 ? r : mark(c, i, MARK_APPLIED, err);
}

int change_do(struct changes *cs, struct change *c, struct err *err)
{
	int r = save_all(cs, c, err);

	for (size_t i = 0; r == 0 && i < c->plan.steps.n; i++)
		if (!c->plan.steps.p[i].type->is_action)
			r = do_step(cs, c, i, err);
	return r;
}

static int run_actions(struct changes *cs, struct change *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->plan.steps.n; i++) {
		const struct step *s = &c->plan.steps.p[i];

		if (s->type->is_action)
			r = s->type->put(&cs->place, s->target, &s->after, NULL, err);
	}
	return r;
}

int change_activate(struct changes *cs, struct change *c, struct err *err)
{
	int r = c->activated ? 0 : write_down(c, "activated\n", err);

	c->activated = true;
	return r < 0 ? r : run_actions(cs, c, err);
}

int change_wait(struct change *c, int64_t applied, int64_t deadline, const char *session,
				struct err *err)
{
	char line[512];
	int r;

	c->applied = applied;
	c->deadline = deadline;
	snprintf(line, sizeof(line), "applied %lld\ndeadline %lld\nsession %s\n", (long long)applied, (long long)deadline, session);
	r = write_down(c, line, err);
	return r < 0 ? r : set_status(c, CHANGE_WAITING, err);
}

int change_commit(struct change *c, struct err *err)
{
	return set_status(c, CHANGE_COMMITTED, err);
}

/* --- undoing --------------------------------------------------------------------------------------- */

/* Is it neither as it was nor as the step left it? What was only begun may be anything. */
static bool is_foreign(const struct changes *cs, const struct change *c, size_t i, struct err *err)
{
	const struct step *s = &c->plan.steps.p[i];
	struct err ignored;

	return c->marks[i] == MARK_APPLIED && step_check(&cs->place, s, &s->after, err) == -ESTALE &&
		   step_check(&cs->place, s, &s->before, &ignored) == -ESTALE;
}

static bool needs_undo(const struct change *c, size_t i)
{
	return !c->plan.steps.p[i].type->is_action &&
		   c->marks[i] != MARK_NONE && c->marks[i] != MARK_REVERTED;
}

static int undo_one(struct changes *cs, struct change *c, size_t i, enum undo_foreign foreign,
					struct err *err)
{
	const struct step *s = &c->plan.steps.p[i];
	struct saved saved = saved_of(c, i);
	bool begun_only = c->marks[i] == MARK_PREPARED;
	struct err ignored;
	int r;

	saved.force = foreign == UNDO_FORCE;
	/* Where there is no room to write down that it is undone, it is undone all the same. */
	(void)mark(c, i, MARK_UNDOING, &ignored);
	r = s->type->put(&cs->place, s->target, &s->before, &saved, err);
	/* What cannot be written could not be before either, and is as it was. */
	if (r < 0 && begun_only && step_check(&cs->place, s, &s->before, &ignored) == 0)
		r = 0;
	if (r == 0)
		r = step_check(&cs->place, s, &s->before, err);
	if (r == -ENOENT && s->type->may_vanish)
		r = 0;
	if (r == 0)
		(void)mark(c, i, MARK_REVERTED, &ignored);
	return r;
}

static int refuse_foreign(struct changes *cs, struct change *c, struct err *err)
{
	for (size_t i = 0; i < c->plan.steps.n; i++)
		if (needs_undo(c, i) && is_foreign(cs, c, i, err))
			return err_context(err, "change %04u: somebody has changed it since (--force overwrites)",
							   c->number);
	return 0;
}

/* What waited to be confirmed may have cut access, and a word that somebody has added to its file
 * meanwhile must not keep it: that is put aside, as N.theirs, and the file is undone. */
static int keep_theirs(struct changes *cs, struct change *c, size_t i, struct err *err)
{
	const struct step *s = &c->plan.steps.p[i];
	struct saved saved = {.dir_fd = c->before_fd};

	if (!c->deadline || strcmp(s->type->name, "file") != 0)
		return -ESTALE;
	snprintf(saved.name, sizeof(saved.name), "%u.theirs", (unsigned)i);
	return fs_save(&cs->place, s->target, true, &saved, err) < 0 ? -ESTALE : 0;
}

/* In reverse; the first error is kept, the others are undone all the same. */
static int undo_pass(struct changes *cs, struct change *c, enum undo_foreign foreign,
					 struct err *err)
{
	int first = 0;

	for (size_t i = c->plan.steps.n; i-- > 0;) {
		struct err why;
		int r = 0;

		if (!needs_undo(c, i))
			continue;
		if (foreign == UNDO_SKIP && is_foreign(cs, c, i, &why))
			r = keep_theirs(cs, c, i, &why);
		if (r == 0)
			r = undo_one(cs, c, i, foreign, &why);
		/* What is only too early must not be taken for done. */
		if (r < 0 && (!first || r == -EAGAIN)) {
			first = r;
			*err = why;
		}
	}
	return first;
}

/* What failed is tried once more: a socket cannot be started before its service is unmasked. */
static int undo_steps(struct changes *cs, struct change *c, enum undo_foreign foreign,
					  struct err *err)
{
	int r = undo_pass(cs, c, foreign, err);

	return r < 0 && r != -ESTALE ? undo_pass(cs, c, foreign, err) : r;
}

static void restore_times(const struct changes *cs, const struct change *c)
{
	for (size_t i = c->plan.steps.n; i-- > 0;) {
		const struct step *s = &c->plan.steps.p[i];
		struct saved saved = saved_of(c, i);

		if (s->type->restore_times && c->marks[i] == MARK_REVERTED)
			s->type->restore_times(&cs->place, s, &saved);
	}
}

/* Where the journal has lost its end: a step of which it says nothing, but which has been done. */
static void find_unmarked(struct changes *cs, struct change *c)
{
	for (size_t i = 0; i < c->plan.steps.n; i++) {
		const struct step *s = &c->plan.steps.p[i];
		struct err ignored;

		if (c->marks[i] == MARK_NONE && !s->type->is_action &&
			step_check(&cs->place, s, &s->after, &ignored) == 0 &&
			step_check(&cs->place, s, &s->before, &ignored) == -ESTALE)
			c->marks[i] = MARK_APPLIED;
	}
}

int change_undo(struct changes *cs, struct change *c, enum undo_foreign foreign, struct err *err)
{
	struct err ignored;
	int r = 0;

	if (c->reopened)
		find_unmarked(cs, c);
	if (foreign == UNDO_REFUSE)
		r = refuse_foreign(cs, c, err);
	if (r < 0)
		return r;
	(void)set_status(c, CHANGE_REVERTING, &ignored);
	r = undo_steps(cs, c, foreign, err);
	restore_times(cs, c);
	/* Services that never took it in are not told now: others may have changed something meanwhile. */
	if (c->activated)
		(void)run_actions(cs, c, &ignored);
	/* What somebody else has made of it stays, the rest is as it was. */
	if (r == -ESTALE && foreign == UNDO_SKIP && set_status(c, CHANGE_REVERTED, &ignored) == 0)
		return r;
	return r < 0 ? r : set_status(c, CHANGE_REVERTED, err);
}
