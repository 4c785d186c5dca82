/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/prove.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define MAX_REPORT ((size_t)4 << 20)

/* --- which there are ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct experiment *const *)a)->name,
				  (*(const struct experiment *const *)b)->name);
}

size_t experiments_all(const struct experiment *const **ret)
{
	static const struct experiment *all[256];
	static size_t n;

	if (!n) {
		for (const struct experiment *const *e = LEAF_BEGIN(experiments);
			 e < LEAF_END(experiments) && n < ARRAY_LEN(all); e++)
			all[n++] = *e;
		qsort(all, n, sizeof(*all), by_name);
	}
	*ret = all;
	return n;
}

struct str experiment_family(const struct experiment *e)
{
	return (struct str){e->name, strcspn(e->name, ".")};
}

static bool has_name(const char *const *names, const char *word)
{
	while (*names)
		if (strcmp(*names++, word) == 0)
			return true;
	return false;
}

bool experiment_has_rule(const struct experiment *e, const char *rule)
{
	return has_name(e->rules, rule);
}

const char *experiment_is_meant(const struct experiment *e, const char *word)
{
	return strcmp(e->name, word) == 0           ? "name"
		   : has_name(e->rules, word)           ? "rule"
		   : has_name(e->rows, word)            ? "row"
		   : str_is(experiment_family(e), word) ? "family"
												: NULL;
}

size_t proofs_count(const struct proofs *all, enum proof_kind verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += all->p[i].verdict == verdict;
	return n;
}

const char *proof_verdict_name(enum proof_kind verdict)
{
	return verdict == PROOF_PROVEN ? "proven" : verdict == PROOF_REFUTED ? "refuted" : "not_run";
}

const char *proof_place(const struct proof *p)
{
	return !p->shadow.p ? "live" : p->live ? "both" : "shadow";
}

/* --- the process of one ---------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* An empty directory that only this process and its children see, over one that nothing needs. */
static const char *make_scratch(void)
{
	static const char *const places[] = {"/mnt", "/media", "/tmp"};

	/* What is unmounted on the host has to go here as well; nothing goes the other way. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (mount("revet", places[i], "tmpfs", MS_NODEV, "mode=0711,size=32m") == 0)
			return places[i];
	return NULL;
}

/* Killed with its parent; one whose parent is gone already has nobody at the other end. */
static void die_with_parent(int parent_fd)
{
	struct pollfd p = {.fd = parent_fd, .events = POLLIN};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&p, 1, 0) != 0)
		_exit(1);
}

static void run_child(const struct proving *g, const struct experiment *e, int report_fd)
{
	_cleanup_arena_ struct arena a = {0};
	struct trial t = {
		.experiment = e,
		.arena = &a,
		.place = {"/", open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), true},
		.snapshot = g->snapshot,
		.site = g->site,
		.params = g->params,
		.session = g->session,
		.deadline_ms = now_us() / 1000 + (int64_t)e->seconds * 1000,
		.report_fd = report_fd,
	};

	t.scratch = make_scratch();
	if (!t.scratch)
		trial_not_run(&t, "there is no place for files that goes with the experiment: %s",
					  strerror(errno));
	else
		e->run(&t);
}

struct running {
	struct proof *proof; /* NULL: nothing runs */
	pid_t pid;
	int ended_fd;  /* hangs up with the child */
	int parent_fd; /* hangs up with the parent; the child's */
	int report_fd;
	int64_t begin, end; /* us */
};
#define RUNNING_NONE ((struct running){NULL, -1, -1, -1, -1, 0, 0})

/* They stay blocked: what was begun is cleared up first. */
static int take_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int signal_that_came(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : SIGINT;
}

/* `other` is the one that runs already: nothing of it is to be held by this one. */
static int start(const struct proving *g, const struct experiment *e, struct running *r,
				 const struct running *other)
{
	int ended[2] = {-1, -1}, parent[2] = {-1, -1};
	sigset_t none;

	r->report_fd = memfd_create("revet-proof", MFD_CLOEXEC);
	if (r->report_fd < 0 || pipe2(ended, O_CLOEXEC) < 0 || pipe2(parent, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL); /* what is buffered is written once */
	/* As fork(2), which has no flags. With its first process a PID namespace ends. */
	r->pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
	if (r->pid == 0) {
		close(parent[1]);
		close(ended[0]);
		if (other->proof)
			close(other->parent_fd);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		die_with_parent(parent[0]);
		run_child(g, e, r->report_fd);
		_exit(0);
	}
	r->ended_fd = ended[0];
	close(ended[1]);
	close(parent[0]);
	r->parent_fd = parent[1];
	return r->pid < 0 ? -errno : 0;
}

enum end { ENDED, TOOK_TOO_LONG, INTERRUPTED };

static void conclude(struct proof *p, enum proof_kind kind, const char *text, struct arena *a)
{
	*vec_push(a, &p->lines) = (struct proof_line){kind, str_of(text)};
	if (kind > p->verdict) {
		p->verdict = kind;
		p->reason = str_of(text);
	}
}

static void read_report(int fd, struct arena *a, struct proof *ret)
{
	_cleanup_buf_ struct buf text = BUF(MAX_REPORT);

	if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_all(fd, &text) < 0)
		conclude(ret, PROOF_NOT_RUN, "its report cannot be read", a);
	else
		proof_parse((struct str){arena_copy(a, text.p, text.n), text.n}, a, ret);
}

static void conclude_end(const struct running *r, enum end how, int status, struct arena *a)
{
	struct proof *p = r->proof;

	read_report(r->report_fd, a, p);
	if (how == TOOK_TOO_LONG)
		conclude(p, PROOF_NOT_RUN,
				 arena_printf(a, "it was not done within %u s", p->experiment->seconds), a);
	else if (how == INTERRUPTED)
		conclude(p, PROOF_NOT_RUN, "interrupted", a);
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		conclude(p, PROOF_NOT_RUN, "its process failed", a);
	else if (!p->verdict)
		conclude(p, PROOF_NOT_RUN, "it came to no result", a);
}

/* --- one after the other, in two lanes ----------------------------------------------------------------- */

/* One for each company but the last, which has the first lane when both are done. */
struct lanes {
	const struct proving *g;
	const struct experiment *const *all;
	size_t n;
	void (*begun)(void *data, size_t i);
	void *data;
	struct arena *arena;
	struct proof *proofs;
	size_t next[COMPANIES];
	struct running now[2];
};

static void release(struct running *r)
{
	close_fd(&r->ended_fd);
	close_fd(&r->parent_fd);
	close_fd(&r->report_fd);
	r->proof->took_us = now_us() - r->begin;
	*r = RUNNING_NONE;
}

/* The next of the company, or those after it where one cannot be started. */
static void start_next(struct lanes *l, enum company company)
{
	int lane = company == COMPANY_WIRELESS;
	struct running *r = &l->now[lane];

	while (!r->proof && l->next[company] < l->n) {
		size_t i = l->next[company]++;
		const struct experiment *e = l->all[i];
		int failed;

		if (e->company != company)
			continue;
		l->begun(l->data, i);
		l->proofs[i] = (struct proof){.experiment = e};
		r->proof = &l->proofs[i];
		r->begin = now_us();
		r->end = r->begin + (int64_t)e->seconds * 1000000;
		failed = start(l->g, e, r, &l->now[!lane]);
		if (!failed)
			continue;
		conclude(
			r->proof, PROOF_NOT_RUN,
			arena_printf(l->arena, "it cannot have a process of its own: %s", strerror(-failed)),
			l->arena);
		release(r);
	}
}

static void finish(struct lanes *l, struct running *r, enum end how)
{
	int status = 0;

	if (how != ENDED)
		kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	conclude_end(r, how, status, l->arena);
	release(r);
}

/* Until one has ended, by itself or because its time is over. True: somebody wants revet to end. */
static bool wait_for_one(struct lanes *l, int signal_fd)
{
	struct pollfd p[] = {{.fd = l->now[0].ended_fd},
						 {.fd = l->now[1].ended_fd},
						 {.fd = signal_fd, .events = POLLIN}};
	int64_t end = INT64_MAX, now = now_us();

	for (int lane = 0; lane < 2; lane++)
		if (l->now[lane].proof)
			end = MIN(end, l->now[lane].end);
	if (poll(p, 3, (int)MAX((end - now) / 1000 + 1, 0)) < 0)
		return false;
	if (p[2].revents)
		return true;
	now = now_us();
	for (int lane = 0; lane < 2; lane++)
		if (l->now[lane].proof && (p[lane].revents || now >= l->now[lane].end))
			finish(l, &l->now[lane], p[lane].revents ? ENDED : TOOK_TOO_LONG);
	return false;
}

int prove_run(const struct proving *g, const struct experiment *const *all, size_t n,
			  void (*begun)(void *data, size_t i), void *data, struct arena *a, struct proof ret[])
{
	struct lanes l = {.g = g,
					  .all = all,
					  .n = n,
					  .begun = begun,
					  .data = data,
					  .arena = a,
					  .proofs = ret,
					  .now = {RUNNING_NONE, RUNNING_NONE}};
	_cleanup_close_ int signal_fd = take_signals();
	bool interrupted = false;

	do {
		start_next(&l, COMPANY_ANY);
		start_next(&l, COMPANY_WIRELESS);
		if (!l.now[0].proof && !l.now[1].proof)
			start_next(&l, COMPANY_NONE);
		if (!l.now[0].proof && !l.now[1].proof)
			return 0;
		interrupted = wait_for_one(&l, signal_fd);
	} while (!interrupted);
	for (int lane = 0; lane < 2; lane++)
		if (l.now[lane].proof)
			finish(&l, &l.now[lane], INTERRUPTED);
	return signal_that_came(signal_fd);
}
