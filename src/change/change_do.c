/* SPDX-License-Identifier: Apache-2.0 */
/* A change is done and undone; change.c has its directory. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "change/fs.h"
#include "change/journal.h"

#define MAX_SAVED ((size_t)1 << 20) /* files that one change keeps */

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
		r = journal_mark(c, i, MARK_PREPARED, err);
	if (r == 0)
		r = s->type->perform ? s->type->perform(&cs->place, s, &saved, err)
							 : s->type->put(&cs->place, s->target, &s->after, NULL, err);
	if (r == 0)
		r = step_check(&cs->place, s, &s->after, err);
	return r < 0 ? r : journal_mark(c, i, MARK_APPLIED, err);
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
	int r = c->activated ? 0 : journal_write(c, "activated\n", err);

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
	snprintf(line, sizeof(line), "applied %lld\ndeadline %lld\nsession %s\n", (long long)applied,
			 (long long)deadline, session);
	r = journal_write(c, line, err);
	return r < 0 ? r : journal_status(c, CHANGE_WAITING, err);
}

int change_commit(struct change *c, struct err *err)
{
	return journal_status(c, CHANGE_COMMITTED, err);
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

/* Is it as it was before, although nobody has undone the step? */
static bool is_back(const struct changes *cs, const struct change *c, size_t i, struct err *err)
{
	const struct step *s = &c->plan.steps.p[i];
	struct err ignored;

	return c->marks[i] == MARK_APPLIED && step_check(&cs->place, s, &s->after, err) == -ESTALE &&
		   step_check(&cs->place, s, &s->before, &ignored) == 0;
}

static bool needs_undo(const struct change *c, size_t i)
{
	return !c->plan.steps.p[i].type->is_action && c->marks[i] != MARK_NONE &&
		   c->marks[i] != MARK_REVERTED;
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
	(void)journal_mark(c, i, MARK_UNDOING, &ignored);
	r = s->type->put(&cs->place, s->target, &s->before, &saved, err);
	/* What cannot be written could not be before either, and is as it was. */
	if (r < 0 && begun_only && step_check(&cs->place, s, &s->before, &ignored) == 0)
		r = 0;
	if (r == 0)
		r = step_check(&cs->place, s, &s->before, err);
	if (r == -ENOENT && s->type->may_vanish)
		r = 0;
	if (r == 0)
		(void)journal_mark(c, i, MARK_REVERTED, &ignored);
	return r;
}

static const struct step *same_step(const struct change *c, const struct step *s)
{
	for (size_t i = 0; i < c->plan.steps.n; i++)
		if (c->plan.steps.p[i].type == s->type && strcmp(c->plan.steps.p[i].target, s->target) == 0)
			return &c->plan.steps.p[i];
	return NULL;
}

/* The last change in force that is later and has to do with the same thing; 0: there is none. */
static unsigned find_later(struct changes *cs, const struct change *c, const struct step *s)
{
	unsigned *numbers, found = 0;
	struct err ignored;
	size_t n = 0;

	if (changes_list(cs, c->arena, &numbers, &n, &ignored) < 0)
		return 0;
	while (!found && n-- > 0 && numbers[n] > c->number) {
		struct change later;

		if (change_open(cs, numbers[n], c->arena, &later, &ignored) == 0 &&
			later.status == CHANGE_COMMITTED && same_step(&later, s))
			found = numbers[n];
		change_close(&later);
	}
	return found;
}

/* Is it still as the last of the parts has left it? Each began with what the one before had left: else it
 * would not have been applied. *ret_touched: has any to do with it? */
static int check_parts(const struct changes *cs, const struct step *s, const struct change *parts,
					   size_t n, bool *ret_touched, struct err *err)
{
	const struct step *last = NULL;
	int r;

	for (size_t i = n; !last && i-- > 0;)
		last = same_step(&parts[i], s);
	*ret_touched = last;
	r = last ? step_check(&cs->place, s, &last->after, err) : 0;
	return r == -ESTALE ? err_context(err, "somebody has changed it since (--force overwrites)")
						: r;
}

/* What a later change has brought back, that one would bring about again when it is undone after this. */
static int refuse_foreign(struct changes *cs, struct change *c, const struct change *parts,
						  size_t n, struct err *err)
{
	for (size_t i = 0; i < c->plan.steps.n; i++) {
		unsigned later;
		bool back, touched;
		int r;

		if (!needs_undo(c, i))
			continue;
		r = check_parts(cs, &c->plan.steps.p[i], parts, n, &touched, err);
		if (r < 0)
			return r;
		if (touched)
			continue;
		back = is_back(cs, c, i, err);
		if (!back && !is_foreign(cs, c, i, err))
			continue;
		later = find_later(cs, c, &c->plan.steps.p[i]);
		if (!later && back)
			continue;
		if (later)
			return err_context(err,
							   "change %04u has changed it since, so take that back first: revet "
							   "revert %u",
							   later, later);
		return err_context(err, "somebody has changed it since (--force overwrites)");
	}
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

int change_check_undo(struct changes *cs, struct change *c, const struct change *parts, size_t n,
					  struct err *err)
{
	if (c->reopened)
		find_unmarked(cs, c);
	return refuse_foreign(cs, c, parts, n, err);
}

int change_undo(struct changes *cs, struct change *c, enum undo_foreign foreign, struct err *err)
{
	struct err ignored;
	int r = 0;

	if (c->reopened)
		find_unmarked(cs, c);
	if (foreign == UNDO_REFUSE)
		r = refuse_foreign(cs, c, NULL, 0, err);
	if (r < 0)
		return r;
	(void)journal_status(c, CHANGE_REVERTING, &ignored);
	r = undo_steps(cs, c, foreign, err);
	restore_times(cs, c);
	/* Services that never took it in are not told now: others may have changed something meanwhile. */
	if (c->activated)
		(void)run_actions(cs, c, &ignored);
	/* What somebody else has made of it stays, the rest is as it was. */
	if (r == -ESTALE && foreign == UNDO_SKIP && journal_status(c, CHANGE_REVERTED, &ignored) == 0)
		return r;
	return r < 0 ? r : journal_status(c, CHANGE_REVERTED, err);
}

bool change_is_undone(const struct changes *cs, const struct change *c)
{
	struct err ignored;
	size_t n = 0;

	for (size_t i = 0; i < c->plan.steps.n; i++) {
		const struct step *s = &c->plan.steps.p[i];

		if (s->type->is_action)
			continue;
		if (step_check(&cs->place, s, &s->before, &ignored) < 0)
			return false;
		n++;
	}
	return n > 0;
}
