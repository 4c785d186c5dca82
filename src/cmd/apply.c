/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/num.h"
#include "change/arm.h"
#include "change/check.h"
#include "change/keep.h"
#include "change/services.h"
#include "change/session.h"
#include "change/shadow.h"
#include "change/sshd_probe.h"
#include "cmd/cmd.h"

#define OVERDUE_S 90 /* what reverts tries each minute */

enum { RULE, FAMILY, SEVERITY, PROFILE, SITE, SET, ROOT, WAIT, NO_INPUT };

static const struct option_doc options[] = {
	[RULE] = {"rule", 0, "ID", "without PLAN: only this rule; may be given several times"},
	[FAMILY] = {"family", 0, "NAME", "without PLAN: only the rules of this family"},
	[SEVERITY] = {"severity", 0, "NAME", "without PLAN: only rules of this severity or above"},
	[PROFILE] = {"profile", 0, "NAME", "without PLAN: the rules of this profile"},
	[SITE] = {"site", 0, "FILE", "without PLAN: what this server is for (/etc/revet/site.yaml)"},
	[SET] = {"set", 0, "PARAMETER=VALUE", "without PLAN: override a rule's parameter"},
	[ROOT] = {"root", 0, "DIR", "change the tree in DIR"},
	[WAIT] = {"wait", 0, "TIME", "how long to wait for the confirmation (2min)"},
	[NO_INPUT] = {"no-input", 0, NULL, "do not stay to watch for the confirmation"},
	{0},
};

struct applying {
	const struct plan *plan;
	const struct apply_options *options;
	const struct catalogue *catalogue;
	struct arena *arena;
	struct changes changes;
	struct change change;
	bool begun;               /* a step may have been done */
	bool access;              /* may be cut, so that it needs confirming */
	struct services services; /* on the running system: what worked before */
	struct sshd_seen sshd;    /* where the change is about it: what it did before */
	struct keep keep;         /* who can log in, and has to be able to afterwards */
	struct str known;         /* what was wrong before: see check_configurations() */
};

static int64_t now(void)
{
	return (int64_t)time(NULL);
}

/* By the clock of what reverts it: nobody sets that. */
static int64_t now_of_timer(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec;
}

/* --- doing ----------------------------------------------------------------------------------------- */

static void said(const char *what)
{
	printf("ok   %s\n", what);
	fflush(stdout);
}

/* Whatever another process left unfinished is undone first. */
static int finish_other(struct applying *ap)
{
	struct change other;
	unsigned number;
	struct err err;
	int r = changes_pending(&ap->changes, ap->arena, &number, &err), code = 0;

	if (r < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	if (!number)
		return 0;
	if (change_open(&ap->changes, number, ap->arena, &other, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	if (other.status == CHANGE_WAITING) {
		const char *overdue = other.deadline + OVERDUE_S < now()
								  ? ", and what was to revert it by now has not"
								  : "";

		code = fail(EXIT_PENDING,
					"change %04u waits to be confirmed%s; see: revet confirm, revet revert", number,
					overdue);
	} else {
		fail(0, "change %04u was interrupted; it is undone first", number);
		if (change_undo(&ap->changes, &other, UNDO_SKIP, &err) < 0)
			code = fail(EXIT_CANNOT, "change %04u: %s", number, err.msg);
		disarm(&ap->changes, number);
	}
	change_close(&other);
	return code;
}

/* What worked before the change has to work with it. */
static int check_services(struct applying *ap, struct err *err)
{
	const char *evidence = NULL;
	int r = 0;

	services_activated(&ap->services);
	if (ap->sshd.answers)
		r = sshd_probe_after(&ap->changes.place, ap->options->wait / 2, &ap->sshd, ap->arena,
							 &evidence, err);
	if (r == 0)
		r = services_check(&ap->services, err);
	if (r == 0 && evidence)
		said(evidence);
	if (r == 0)
		said("every service runs and answers as before");
	return r;
}

/* Of a change that is about logins, its rules say whom they keep out, and the others are told of only:
 * whoever applies it still comes in by himself, with a key if he could. */
static int check_kept(struct applying *ap, struct err *err)
{
	const struct place *place = &ap->changes.place;
	bool is_about = check_is_about_login(ap->plan);
	struct err lost;
	int r = keep_check(place, &ap->keep, is_about, ap->arena, err);

	if (r == 0 && is_about && keep_check(place, &ap->keep, false, ap->arena, &lost) == -EPERM) {
		printf("!    %s\n", lost.msg);
		fflush(stdout);
	}
	return r;
}

/* Names that nobody resolves are waited for some seconds, packages from a slow mirror for minutes. */
static void tell_of_doing(const struct plan *plan)
{
	const char *packages = "";

	if (!progress_wanted())
		return;
	for (size_t i = 0; i < plan->steps.n; i++)
		if (strcmp(plan->steps.p[i].type->name, "package") == 0)
			packages = "; packages may take minutes";
	fprintf(stderr, "applying %zu step%s%s\n", plan->steps.n, plan->steps.n == 1 ? "" : "s",
			packages);
}

static int do_and_check(struct applying *ap, struct err *err)
{
	const char *evidence = NULL;
	const struct changes *cs = &ap->changes;
	unsigned wait = ap->access ? ap->options->wait : 0;
	int r = cs->place.live ? arm(cs, &ap->change, wait, err) : 0;

	ap->begun = r == 0;
	tell_of_doing(ap->plan);
	if (r == 0)
		r = change_do(&ap->changes, &ap->change, err);
	if (r < 0 || !cs->place.live)
		return r;
	r = check_configurations(&ap->changes.place, ap->plan, ap->arena, &ap->known, err);
	if (r == 0 && check_is_about_login(ap->plan)) {
		r = check_admin(&ap->changes.place, ap->plan, ap->arena, &evidence, err);
		if (r == 0)
			said(evidence);
	}
	if (r == 0)
		r = check_kept(ap, err);
	if (r == 0)
		r = change_activate(&ap->changes, &ap->change, err);
	return r < 0 ? r : check_services(ap, err);
}

/* What died of a change that is undone is started again. */
static int revive(struct applying *ap)
{
	struct err err;

	if (!ap->begun || !ap->changes.place.live || services_revive(&ap->services, &err) == 0)
		return 0;
	return fail(-EIO, "although what was changed is undone, %s", err.msg);
}

static int undo_all(struct applying *ap, const struct err *why)
{
	struct err err;
	int r, revived;

	fail(0, "%s", why->msg);
	r = change_undo(&ap->changes, &ap->change, UNDO_SKIP, &err);
	revived = revive(ap);
	if (r < 0)
		return fail(EXIT_CANNOT, "change %04u could not be undone whole: %s; see: %s/undo.sh",
					ap->change.number, err.msg, ap->change.path);
	disarm(&ap->changes, ap->change.number);
	if (!ap->begun)
		return fail(EXIT_CANNOT, "nothing was changed");
	return fail(EXIT_UNDONE, "change %04u was undone%s", ap->change.number,
				revived == 0 ? ", everything is as it was" : "");
}

/* What the running system is like before, for the checks afterwards. */
static int look_around(struct applying *ap, struct err *err)
{
	const char *evidence = NULL;
	int r = check_configurations(&ap->changes.place, ap->plan, ap->arena, &ap->known, err);

	if (r == 0)
		r = shadow_check(&ap->changes.place, ap->plan, ap->arena, &evidence, err);
	if (r == 0 && evidence)
		said(evidence);
	if (r == 0 && check_is_about_login(ap->plan))
		r = sshd_probe_before(&ap->changes.place, ap->options->wait / 2, ap->arena, &ap->sshd, err);
	if (r == 0)
		r = keep_note(&ap->changes.place, ap->plan, ap->arena, &ap->keep, err);
	if (r == 0)
		r = services_look(&ap->changes.place, ap->plan, ap->arena, &ap->services, err);
	if (r == 0)
		services_probe(&ap->services);
	return r;
}

static int begin(struct applying *ap, struct err *err)
{
	int r = change_check(&ap->changes, ap->plan, err);

	if (r == -ESTALE && ap->plan->takes_back)
		return err_context(err,
						   "somebody has changed what change %04u did, so it can only be reverted whole, "
						   "with --force, or by hand",
						   ap->plan->takes_back);
	if (r == -ESTALE)
		return err_context(err, "the host has moved since the plan was made, so make it anew with revet plan");
	if (r == 0 && ap->changes.place.live)
		r = look_around(ap, err);
	if (r < 0)
		return err_context(err, "nothing was changed");
	r = change_begin(&ap->changes, ap->plan, ap->arena, &ap->change, err);
	return r < 0 ? err_context(err, "nothing was changed") : 0;
}

/* --- waiting --------------------------------------------------------------------------------------- */

/* Has whatever reverts it given up for now? Then nobody holds the lock. */
static bool is_left_undone(struct applying *ap)
{
	const char *root = ap->changes.place.root;
	struct changes cs;
	struct change seen = CHANGE_CLOSED;
	struct err ignored;
	bool left = changes_open(&cs, root, true, &ignored) == 0 &&
				change_open(&cs, ap->change.number, ap->arena, &seen, &ignored) == 0 &&
				seen.status == CHANGE_REVERTING;

	change_close(&seen);
	changes_close(&cs);
	return left;
}

static volatile sig_atomic_t stopped_by;

static void note_signal(int signal)
{
	stopped_by = signal;
}

/* Whoever stops to watch is told that the change goes on without him. */
static void catch_interruptions(void)
{
	static const int signals[] = {SIGINT, SIGTERM};

	interruptions_ignore(false);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &(struct sigaction){.sa_handler = note_signal}, NULL);
}

/* What is said next has a line of its own. */
static void clear_countdown(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%*s\r", (int)strlen("reverts in 00:00 ^C"), "");
}

/* Watches the journal until somebody confirms or the timer reverts. */
static int watch(struct applying *ap)
{
	int64_t end = now_of_timer() + ap->options->wait;
	struct err err;

	catch_interruptions();
	for (;;) {
		struct change seen;
		int64_t left = end - now_of_timer();
		int r = change_open(&ap->changes, ap->change.number, ap->arena, &seen, &err);
		enum change_status status = seen.status;

		change_close(&seen);
		if (r < 0 || status != CHANGE_WAITING || stopped_by)
			clear_countdown();
		if (r < 0)
			return fail(EXIT_CANNOT, "%s", err.msg);
		if (status == CHANGE_COMMITTED)
			return fail(EXIT_DONE, "change %04u is confirmed; to take it back: revet revert %u", ap->change.number,
						ap->change.number);
		if (status == CHANGE_REVERTED)
			return fail(EXIT_UNDONE, "change %04u was not confirmed; everything is as it was",
						ap->change.number);
		if (status == CHANGE_REVERTING && is_left_undone(ap))
			return fail(EXIT_CANNOT,
						"change %04u could not be undone whole, which is tried again every "
						"minute; why not: revet revert %u",
						ap->change.number, ap->change.number);
		if (stopped_by)
			return fail(
				128 + stopped_by,
				"change %04u reverts by itself in %lld s unless confirmed from a new session: "
				"sudo revet confirm",
				ap->change.number, (long long)MAX(left, 0));
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\rreverts in %02lld:%02lld ", (long long)MAX(left, 0) / 60,
					(long long)MAX(left, 0) % 60);
		nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
	}
}

static int wait_for_confirm(struct applying *ap)
{
	struct session session;
	struct err err;

	if (session_of_self(&session, &err) < 0 ||
		arm_anew(&ap->changes, &ap->change, ap->options->wait, &err) < 0 ||
		change_wait(&ap->change, session_now(), now() + ap->options->wait, session.id, &err) < 0)
		return undo_all(ap, &err);
	printf("REVERTS BY ITSELF in %u s unless confirmed FROM A NEW SESSION:   sudo revet confirm\n",
		   ap->options->wait);
	fflush(stdout);
	close_fd(&ap->changes.lock_fd); /* whoever confirms or reverts needs it */
	if (ap->options->no_input || !isatty(STDIN_FILENO))
		return EXIT_DONE;
	return watch(ap);
}

static int commit(struct applying *ap)
{
	struct err err;

	if (change_commit(&ap->change, &err) < 0)
		return undo_all(ap, &err);
	disarm(&ap->changes, ap->change.number);
	printf("change %04u is done; to take it back: revet revert %u\n", ap->change.number,
		   ap->change.number);
	return EXIT_DONE;
}

/* Do the rules pass now? Said, not enforced: what a rule wants may need a reboot. */
static void audit_again(struct applying *ap)
{
	struct planning planning = {
		.root = ap->options->root, .params = &ap->catalogue->language.params};
	const struct rule **rules = arena_new(ap->arena, const struct rule *, ap->plan->rules.n + 1);
	size_t failing;

	planning.rules = rules;
	for (size_t i = 0; i < ap->plan->rules.n; i++) {
		rules[planning.n] = catalogue_find(ap->catalogue, str_of(ap->plan->rules.p[i].id));
		planning.n += rules[planning.n] != NULL;
	}
	if (count_failing(&planning, &failing) == 0)
		printf("%s   audited again: %zu fixed, %zu still fail\n", failing ? "--" : "ok",
			   planning.n - failing, failing);
}

static int apply(struct applying *ap)
{
	char line[64];
	struct err err;

	if (begin(ap, &err) < 0) {
		change_close(&ap->change);
		return fail(EXIT_CANNOT, "%s", err.msg);
	}
	if (do_and_check(ap, &err) < 0)
		return undo_all(ap, &err);
	snprintf(line, sizeof(line), "%zu of %zu steps applied and verified", ap->plan->steps.n,
			 ap->plan->steps.n);
	said(line);
	if (ap->options->audit_again)
		audit_again(ap);
	return ap->access && ap->changes.place.live ? wait_for_confirm(ap) : commit(ap);
}

static int run_locked(struct applying *ap)
{
	const char *root = ap->options->root;
	struct err err;
	int r = changes_open(&ap->changes, root ? root : "/", true, &err), code;

	if (r < 0)
		return fail(r == -EBUSY ? EXIT_PENDING : EXIT_CANNOT, "%s", err.msg);
	code = finish_other(ap);
	if (code)
		return code;
	ap->access = plan_may_cut_access(ap->plan);
	return apply(ap);
}

void interruptions_ignore(bool ignore)
{
	static const int signals[] = {SIGPIPE, SIGHUP,  SIGINT,  SIGQUIT,
								  SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};

	sigset_t set;

	/* Those that came meanwhile are gone with that: the worker has had them held back. */
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i]);
	if (!ignore)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], ignore ? SIG_IGN : SIG_DFL);
}

int apply_plan(const struct plan *plan, const struct apply_options *o,
			   const struct catalogue *catalogue, struct arena *a)
{
	struct applying ap = {
		.plan = plan,
		.options = o,
		.catalogue = catalogue,
		.arena = a,
		.changes = {.dir_fd = -1, .lock_fd = -1, .place.root_fd = -1},
		.change = CHANGE_CLOSED,
	};
	_cleanup_buf_ struct buf text = BUF((size_t)64 << 20);
	int code;

	plan_print(plan, &text);
	(void)put_stdout(&text);
	if (!plan->steps.n)
		return EXIT_DONE;
	interruptions_ignore(true);
	code = run_locked(&ap);
	change_close(&ap.change);
	changes_close(&ap.changes);
	return code;
}

/* --- the command ----------------------------------------------------------------------------------- */

static int read_plan_file(const char *path, struct arena *a, struct plan *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf text = BUF((size_t)64 << 20);
	struct err err;
	int code;

	if (fd < 0)
		return fail(EXIT_CANNOT, "%s: %s", path, strerror(errno));
	if (!fd_is_trusted(fd))
		return fail(EXIT_CONFIG, "%s: others can change it, and so what is changed here: chown root and "
								 "chmod go-w it, or plan anew", path);
	code = read_file(fd, path, &text);
	if (code == 0 && plan_parse(ret, buf_get(&text), path, a, &err) < 0)
		code = fail(EXIT_CONFIG, "%s", err.msg);
	return code;
}

static int get_plan(const struct given *g, const struct catalogue *c, struct site *site, struct arena *a,
					struct plan *ret)
{
	const char *root = given_value(g, ROOT);
	const struct rule **rules = arena_new(a, const struct rule *, MAX_RULES);
	struct planning planning = {.root = root, .rules = rules, .params = &c->language.params, .site = site};
	int code;

	if (g->n_words) {
		code = read_plan_file(g->words[0], a, ret);
		if (code == 0 && strcmp(ret->root, root ? root : "/") != 0)
			code = fail(EXIT_USAGE, "%s is a plan for %s; see: revet apply --root", g->words[0],
						ret->root);
		return code;
	}
	planning.named = given_value(g, RULE) && !given_value(g, FAMILY);
	code = select_rules(g, &(struct selecting){FAMILY, RULE, SEVERITY}, c, rules, &planning.n);
	return code ? code : make_plan(&planning, a, ret);
}

static int parse_wait(const struct given *g, unsigned *ret)
{
	const char *text = given_value(g, WAIT);
	int64_t seconds = APPLY_WAIT;

	if (text && (num_duration(str_of(text), &seconds) < 0 || seconds < 10 || seconds > 3600))
		return fail(EXIT_USAGE, "--wait %s: expected a time of 10 s to 1 h, such as 5min", text);
	*ret = (unsigned)seconds;
	return 0;
}

static int run_apply(const struct given *g)
{
	struct apply_options o = {
		.root = given_value(g, ROOT), .no_input = given_value(g, NO_INPUT), .audit_again = true};
	_cleanup_arena_ struct arena arena = {0};
	const struct opening opening = {SET, PROFILE, SITE, o.root != NULL};
	struct catalogue catalogue;
	struct site site;
	struct plan plan;
	int code;

	if (geteuid() != 0)
		return fail(EXIT_PERMISSION, "changing a system takes root; try: sudo revet apply");
	code = open_catalogue(&catalogue, &site, g, &opening);
	if (code == 0)
		code = parse_wait(g, &o.wait);
	if (code == 0)
		code = get_plan(g, &catalogue, &site, &arena, &plan);
	if (code == 0)
		code = apply_plan(&plan, &o, &catalogue, &arena);
	catalogue_done(&catalogue);
	return code;
}

static const struct command apply_command = {
	"apply", "[PLAN]", "apply a plan, verify it, and undo it when anything fails",
	options, 0, 1, run_apply};
COMMAND(apply_command);
