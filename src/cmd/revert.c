/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/num.h"
#include "base/vec.h"
#include "change/arm.h"
#include "change/session.h"
#include "cmd/cmd.h"

enum { ROOT, RULE, FORCE, UNCONFIRMED, NO_INPUT };

static const struct option_doc options[] = {
	[ROOT] = {"root", 0, "DIR", "of the tree in DIR"},
	[RULE] = {"rule", 0, "ID", "only what was changed for this rule, as a change of its own"},
	[FORCE] = {"force", 0, NULL, "overwrite what somebody else has changed since"},
	[UNCONFIRMED] = {"unconfirmed", 0, NULL, "only a change that waits or was interrupted"},
	[NO_INPUT] = {"no-input", 0, NULL, "with --rule: do not stay to watch for the confirmation"},
	{0},
};

struct reverting {
	const struct given *given;
	struct arena arena;
	struct changes changes;
	unsigned number;
};

static bool wants(const struct reverting *rv, int option)
{
	return given_value(rv->given, option) != NULL;
}

/* The timer must not give up, however long the process takes that armed it: nothing else reverts. */
static int open_changes(struct reverting *rv)
{
	const char *root = given_value(rv->given, ROOT);
	struct err err;
	int r;

	while ((r = changes_open(&rv->changes, root ? root : "/", true, &err)) == -EBUSY &&
		   wants(rv, UNCONFIRMED)) {
		/* One that was stopped, by Ctrl-Z say, would hold it for ever. */
		if (rv->changes.holder)
			(void)kill(rv->changes.holder, SIGCONT);
		changes_close(&rv->changes);
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	return r < 0 ? fail(r == -EBUSY ? EXIT_PENDING : EXIT_CANNOT, "%s", err.msg) : 0;
}

/* Without a number: what waits or was interrupted, else the last that was not reverted. */
static int choose(struct reverting *rv)
{
	unsigned *numbers;
	struct err err;
	size_t n;

	if (rv->given->n_words) {
		uint64_t number;

		if (num_u64(str_of(rv->given->words[0]), 1, 9999, &number) < 0)
			return fail(EXIT_USAGE, "'%s' is not the number of a change; see: revet history",
						rv->given->words[0]);
		rv->number = (unsigned)number;
		return 0;
	}
	if (changes_pending(&rv->changes, &rv->arena, &rv->number, &err) < 0 ||
		changes_list(&rv->changes, &rv->arena, &numbers, &n, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	while (!rv->number && !wants(rv, UNCONFIRMED) && n-- > 0) {
		struct change c;

		if (change_open(&rv->changes, numbers[n], &rv->arena, &c, &err) == 0 &&
			c.status != CHANGE_REVERTED)
			rv->number = numbers[n];
		change_close(&c);
	}
	return 0;
}

/* A service that took the change in ran then. It may have died since, and nobody can come in to see
 * that; what is told to reload stays dead. */
static void revive(const struct place *place, const struct plan *plan)
{
	struct err ignored;

	for (size_t i = 0; place->live && i < plan->steps.n; i++) {
		const char *unit = plan->steps.p[i].target;
		const char *const ask[] = {"/usr/bin/systemctl", "is-failed", "--quiet", unit, NULL};
		const char *const restart[] = {"/usr/bin/systemctl", "restart", unit, NULL};

		if (plan->steps.p[i].type->is_action && step_run(place, ask, 20000, &ignored) == 0)
			(void)step_run(place, restart, 60000, &ignored);
	}
}

static int undo(struct reverting *rv, struct change *c)
{
	enum undo_foreign foreign = wants(rv, UNCONFIRMED) ? UNDO_SKIP
								: wants(rv, FORCE)     ? UNDO_FORCE
													   : UNDO_REFUSE;
	struct err err, later;
	bool unwritten;
	int r;

	/* Should the machine go down meanwhile, the next boot goes on with it. */
	if (c->status == CHANGE_COMMITTED && rv->changes.place.live)
		(void)arm(&rv->changes, c, 0, &err);
	r = change_undo(&rv->changes, c, foreign, &err);
	if (r == -EAGAIN && arm(&rv->changes, c, 1, &later) == 0)
		return fail(EXIT_DONE, "change %04u: %s", c->number, err.msg);
	/* All of it, but the journal has no room for that: the next boot sees to it. */
	unwritten = r < 0 && r != -ESTALE && c->status == CHANGE_REVERTED;
	if ((c->status == CHANGE_REVERTED && !unwritten) || c->status == CHANGE_COMMITTED)
		disarm(&rv->changes, c->number);
	if (wants(rv, UNCONFIRMED))
		revive(&rv->changes.place, &c->plan);
	if (unwritten)
		return fail(wants(rv, UNCONFIRMED) ? EXIT_DONE : EXIT_CANNOT,
					"change %04u is undone, which cannot be written down: %s", c->number, err.msg);
	if (r == -ESTALE && foreign == UNDO_REFUSE && c->status == CHANGE_COMMITTED)
		return fail(EXIT_CANNOT, "change %04u: %s; nothing was undone", c->number, err.msg);
	if (r < 0)
		return fail(EXIT_CANNOT, "change %04u: %s; by hand: %s/undo.sh", c->number, err.msg,
					c->path);
	printf("change %04u is reverted: %zu step%s undone and verified\n", c->number, c->plan.steps.n,
		   c->plan.steps.n == 1 ? "" : "s");
	return EXIT_DONE;
}

/* Nothing to do at boot: the machine went down right before it was begun, or after it was done. */
static int leave(struct reverting *rv)
{
	struct err ignored;
	unsigned other;

	if (rv->changes.place.live &&
		changes_pending(&rv->changes, &rv->arena, &other, &ignored) == 0 && !other)
		disarm(&rv->changes, rv->number);
	return EXIT_DONE;
}

/* What the next boot reverts is one change: the one that waits must not be forgotten over another. */
static int check_pending(struct reverting *rv)
{
	unsigned pending;
	struct err err;

	if (wants(rv, UNCONFIRMED))
		return 0;
	if (changes_pending(&rv->changes, &rv->arena, &pending, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	if (!pending || pending == rv->number)
		return 0;
	return fail(EXIT_PENDING,
				"change %04u has not ended, and comes first; see: revet confirm, revet revert %u",
				pending, pending);
}

/* What has taken a rule of it back goes along, the last of them first: undone later, it would bring about
 * again what is reverted by then. That brings the rule into force for a moment, so it is looked first
 * whether all of it can be undone. */
static int undo_whole(struct reverting *rv, struct change *whole)
{
	VEC(struct change) parts = {0};
	unsigned *numbers;
	struct err err;
	size_t n = 0;
	int code = 0, r = changes_list(&rv->changes, &rv->arena, &numbers, &n, &err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct change c = CHANGE_CLOSED;

		if (numbers[i] > whole->number &&
			change_open(&rv->changes, numbers[i], &rv->arena, &c, &err) == 0 &&
			c.status == CHANGE_COMMITTED && c.plan.takes_back == whole->number)
			*vec_push(&rv->arena, &parts) = c;
		else
			change_close(&c);
	}
	if (r == 0 && !wants(rv, FORCE))
		r = change_check_undo(&rv->changes, whole, parts.p, parts.n, &err);
	if (r < 0)
		code = fail(EXIT_CANNOT, "change %04u: %s; nothing was undone", whole->number, err.msg);
	for (size_t i = parts.n; i-- > 0;) {
		code = code ? code : undo(rv, &parts.p[i]);
		change_close(&parts.p[i]);
	}
	return code ? code : undo(rv, whole);
}

static int revert_chosen(struct reverting *rv)
{
	struct change c;
	struct err err;
	int code = check_pending(rv);

	if (code)
		return code;
	if (change_open(&rv->changes, rv->number, &rv->arena, &c, &err) < 0)
		code = fail(EXIT_USAGE, "%s", err.msg);
	else if (c.status == CHANGE_REVERTED && !wants(rv, UNCONFIRMED))
		code = fail(EXIT_DONE, "change %04u is reverted already", rv->number);
	else if (wants(rv, UNCONFIRMED) &&
			 (c.status == CHANGE_COMMITTED || c.status == CHANGE_REVERTED))
		code = leave(rv);
	else
		code = wants(rv, UNCONFIRMED) ? undo(rv, &c) : undo_whole(rv, &c);
	change_close(&c);
	return code;
}

/* --- one rule of a change ------------------------------------------------------------------------ */

static bool has_rule(const struct change *c, const char *rule)
{
	for (size_t i = 0; i < c->plan.rules.n; i++)
		if (strcmp(c->plan.rules.p[i].id, rule) == 0)
			return true;
	return false;
}

#define NUMBERS 10000 /* one more than changes may have: see choose() */

/* Is what it did for the rule still there? What took the rule back from another is no more to be taken
 * back than what the other did: those are noted in `taken`, from the last change to the first. */
static bool is_in_force_for(const struct change *c, const char *rule, bool *taken)
{
	unsigned other = c->plan.takes_back;

	if (c->status != CHANGE_COMMITTED || !has_rule(c, rule))
		return false;
	if (other && other < NUMBERS)
		taken[other] = true;
	return !other && !(c->number < NUMBERS && taken[c->number]);
}

/* The last committed change that did something for the rule, or the one that was named. */
static int find_change_of(struct reverting *rv, const char *rule, struct change *ret)
{
	bool *taken = arena_new(&rv->arena, bool, NUMBERS);
	unsigned *numbers;
	struct err err;
	size_t n;

	if (rv->number)
		return change_open(&rv->changes, rv->number, &rv->arena, ret, &err) < 0
				   ? fail(EXIT_USAGE, "%s", err.msg)
				   : 0;
	if (changes_list(&rv->changes, &rv->arena, &numbers, &n, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	while (n-- > 0) {
		if (change_open(&rv->changes, numbers[n], &rv->arena, ret, &err) == 0 &&
			is_in_force_for(ret, rule, taken))
			return 0;
		change_close(ret);
	}
	return fail(EXIT_USAGE, "no change that is in force did anything for %s; see: revet history",
				rule);
}

static int revert_rule(struct reverting *rv, const char *rule)
{
	struct apply_options o = {
		.root = given_value(rv->given, ROOT), .wait = APPLY_WAIT, .no_input = wants(rv, NO_INPUT)};
	struct catalogue catalogue;
	struct change c = CHANGE_CLOSED;
	struct plan plan;
	struct err err;
	int code = find_change_of(rv, rule, &c);

	if (code == 0 &&
		plan_without(&c.plan, rule, &rv->changes.place, (int64_t)time(NULL), &plan, &err) < 0)
		code = fail(EXIT_USAGE, "change %04u: %s", c.number, err.msg);
	plan.takes_back = c.number;
	change_close(&c);
	changes_close(&rv->changes); /* applying takes the lock for itself */
	if (code == 0)
		code = open_catalogue(&catalogue, NULL, rv->given, NULL);
	if (code)
		return code;
	code = apply_plan(&plan, &o, &catalogue, &rv->arena);
	catalogue_done(&catalogue);
	return code;
}

static int run_revert(const struct given *g)
{
	struct reverting rv = {.given = g};
	int code;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, "changing a system takes root; try: sudo revet revert");
	code = open_changes(&rv);
	interruptions_ignore(true);
	if (code == 0 && wants(&rv, RULE)) {
		code = g->n_words ? choose(&rv) : 0;
		if (code == 0)
			code = revert_rule(&rv, given_value(g, RULE));
		changes_close(&rv.changes);
		arena_done(&rv.arena);
		return code;
	}
	if (code == 0)
		code = choose(&rv);
	if (code == 0 && rv.number)
		code = revert_chosen(&rv);
	else if (code == 0 && !wants(&rv, UNCONFIRMED))
		code = fail(EXIT_DONE, "there is nothing to revert; see: revet history");
	changes_close(&rv.changes);
	arena_done(&rv.arena);
	return code;
}

static const struct command revert_command = {
	"revert", "[N]",     "take a change back, the last one when none is named", options, 0,
	1,        run_revert};
COMMAND(revert_command);
