/* SPDX-License-Identifier: Apache-2.0 */
#include "change/services.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/num.h"
#include "change/check.h"
#include "change/deb.h"

#define MAX_WATCHED ((size_t)1024)
#define MAX_LIST ((size_t)64 << 20)
#define EVERY_MS 250
#define QUIET_MS 200      /* until a service has died of what changed under it */
#define SETTLE_MS 500     /* until one that was told to reload has */
#define STEADY_MS 2000    /* for which one that was started anew has to run */
#define PATIENCE_MS 5000  /* until a service answers again */
#define ANEW_MS 15000     /* that was started anew */
#define STARTING_MS 60000 /* while systemd says that it is still starting */
#define MAX_RESTARTS 5    /* by systemd alone; as DefaultStartLimitBurst= */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
	if (ms > 0)
		nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* --- what the plan itself stops -------------------------------------------------------------------- */

static bool removes_file(const struct services *s, const char *package, struct str file)
{
	const char *path = deb_info(s->place, s->arena, package, STR_ABSENT, "list");
	struct str text, line;

	/* /lib leads to /usr/lib: which of the two a package has, and which systemd says, is chance. */
	(void)str_skip(&file, "/usr");
	if (!file.n || !path || path_read(s->place->root_fd, path, MAX_LIST, s->arena, &text) < 0)
		return false;
	while (str_line(&text, &line)) {
		(void)str_skip(&line, "/usr");
		if (str_eq(line, file))
			return true;
	}
	return false;
}

static bool step_stops(const struct services *s, const struct step *step,
					   const struct active_unit *u)
{
	if (strcmp(step->type->name, "unit") == 0)
		return units_has(str_of(step->target), u) && (state_is(&step->after, "active", "no") ||
													  state_is(&step->after, "enabled", "masked"));
	if (strcmp(step->type->name, "package") != 0)
		return false;
	for (size_t i = 0; i < step->before.n; i++) {
		const char *package = step->before.p[i].name;

		if (step->before.p[i].value.p && !state_get(&step->after, package).p &&
			(removes_file(s, package, u->fragment) || removes_file(s, package, u->source)))
			return true;
	}
	return false;
}

static void find_excused(struct services *s)
{
	s->excused = arena_new(s->arena, bool, s->units.n + 1);
	for (size_t i = 0; i < s->units.n; i++)
		for (size_t k = 0; k < s->plan->steps.n && !s->excused[i]; k++)
			s->excused[i] = step_stops(s, &s->plan->steps.p[k], &s->units.p[i]);
}

static bool removes_packages(const struct plan *p)
{
	for (size_t i = 0; i < p->steps.n; i++)
		if (strcmp(p->steps.p[i].type->name, "package") == 0)
			return true;
	return false;
}

static const struct active_unit *owner_of(const struct services *s, const struct bound_socket *b)
{
	return b->unit ? units_find(&s->units, str_of(b->unit)) : NULL;
}

/* What a package had inetd listen for goes with the package. */
static bool is_excused(const struct services *s, const struct bound_socket *b)
{
	const struct active_unit *u = owner_of(s, b);

	return (u && s->excused[u - s->units.p]) ||
		   (b->unit && str_ends(str_of(b->unit), "inetd.service") && removes_packages(s->plan));
}

/* --- before ---------------------------------------------------------------------------------------- */

/* From there the kernel takes ports for those who ask others something. */
static bool is_passing_port(const struct services *s, uint16_t port)
{
	struct str text, word;
	uint64_t low = 32768, high = 60999;

	if (path_read(s->place->root_fd, "/proc/sys/net/ipv4/ip_local_port_range", 64, s->arena,
				  &text) == 0 &&
		str_word(&text, &word) && num_u64(word, 0, 65535, &low) == 0 && str_word(&text, &word))
		(void)num_u64(word, 0, 65535, &high);
	return port >= low && port <= high;
}

/* Is that it is bound worth watching? Only of services; others open and close what they like. */
static bool is_kept_bound(const struct services *s, const struct bound_socket *b)
{
	const struct active_unit *u = owner_of(s, b);

	return u && unit_is_up(u) && !unit_comes_and_goes(u) && !b->of_user && b->pid > 1 &&
		   (b->kind != SOCKET_UDP || !is_passing_port(s, b->port));
}

static void watch(struct services *s, const struct bound_socket *b)
{
	struct watched w = {.socket = *b};

	if (is_excused(s, b) || s->watched.n >= MAX_WATCHED)
		return;
	for (size_t i = 0; i < s->watched.n; i++)
		if (s->watched.p[i].socket.kind == b->kind &&
			strcmp(s->watched.p[i].socket.name, b->name) == 0)
			return;
	/* What systemd alone holds would be started by asking; its socket unit is watched. Where sshd is
	 * to listen comes of its configuration, and sshd_probe.h knows that. */
	if (b->kind == SOCKET_TCP && (b->pid == 1 || (b->process && strcmp(b->process, "sshd") == 0 &&
												  check_is_about_sshd(s->plan))))
		return;
	w.connects = b->kind == SOCKET_TCP && probe_address(b->family, b->address, b->port, &w.before);
	if (w.connects || is_kept_bound(s, b))
		*vec_push(s->arena, &s->watched) = w;
}

int services_look(const struct place *place, const struct plan *plan, struct arena *a,
				  struct services *s, struct err *err)
{
	struct sockets sockets = {0};
	int r;

	*s = (struct services){.place = place, .plan = plan, .arena = a};
	r = units_ask(place, a, &s->units, err);
	if (r < 0)
		return r;
	find_excused(s);
	sockets_read(place, a, &sockets);
	/* First what is not somebody's own, should there be too many. */
	for (int of_user = 0; of_user < 2; of_user++)
		for (size_t i = 0; i < sockets.n; i++)
			if (sockets.p[i].of_user == of_user)
				watch(s, &sockets.p[i]);
	return 0;
}

static void ask(struct services *s, bool before)
{
	struct probe **list = arena_new(s->arena, struct probe *, s->watched.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s->watched.n; i++) {
		struct watched *w = &s->watched.p[i];

		if (w->connects && !w->fine)
			list[n++] = before ? &w->before : &w->now;
	}
	probe_all(list, n);
}

void services_probe(struct services *s)
{
	struct sockets again = {0};
	size_t kept = 0;

	ask(s, true);
	sockets_read(s->place, s->arena, &again);
	for (size_t i = 0; i < s->watched.n; i++) {
		struct watched *w = &s->watched.p[i];

		w->now = w->before;
		w->now.greeted = w->before.answer == ANSWER_GREETS;
		/* What is gone again was a question to somebody else. */
		if (w->connects ? w->before.answer != ANSWER_NONE
						: sockets_find(&again, w->socket.kind, w->socket.name) != NULL)
			s->watched.p[kept++] = *w;
	}
	s->watched.n = kept;
}

void services_activated(struct services *s)
{
	s->activated = now_ms();
}

/* --- after: units ---------------------------------------------------------------------------------- */

enum state_now { FINE, STARTED_ANEW, STARTING, NOT_YET, DEAD };

static enum state_now state_now(const struct active_unit *before, const struct active_unit *now)
{
	if (!now)
		return unit_comes_and_goes(before) ? FINE : NOT_YET;
	if (now->restarts >= before->restarts + MAX_RESTARTS)
		return DEAD;
	if (unit_is_up(now))
		return str_eq(before->invocation, now->invocation) ? FINE : STARTED_ANEW;
	if (str_is(now->active, "failed"))
		return now->job.n ? NOT_YET : DEAD;
	if (str_is(now->active, "activating"))
		return str_is(now->sub, "auto-restart") ? NOT_YET : STARTING;
	return unit_comes_and_goes(before) ? FINE : NOT_YET;
}

/* One that a socket or a path starts may have ended because nobody asked for it: that it still starts
 * is all that can be known. */
static bool starts_on_demand(struct services *s, const struct active_unit *before,
							 const struct active_unit *now)
{
	const char *const argv[] = {"/usr/bin/systemctl", "start", str_dup(s->arena, before->name),
								NULL};
	struct err ignored;

	return now && str_is(now->active, "inactive") && str_is(now->result, "success") &&
		   before->triggered_by.n && step_run(s->place, argv, STARTING_MS, &ignored) == 0;
}

static int say_unit(const struct active_unit *before, const struct active_unit *now,
					struct err *err)
{
	const char *what = !now                                ? "does not run any more"
					   : str_is(now->active, "failed")     ? "has failed"
					   : str_is(now->sub, "auto-restart")  ? "ends again and again"
					   : str_is(now->active, "activating") ? "does not get started"
														   : "does not run any more";
	bool result = now && now->result.n && !str_is(now->result, "success");

	return err_set(err, EIO, "after the change %.*s %s%s%.*s%s; see: journalctl -u %.*s",
				   STR_ARG(before->name), what, result ? " (" : "", result ? (int)now->result.n : 0,
				   result ? now->result.p : "", result ? ")" : "", STR_ARG(before->name));
}

/* The worst of them; its message. */
static enum state_now look_at_units(struct services *s, const struct active_units *now,
									struct err *err)
{
	enum state_now worst = FINE;

	for (size_t i = 0; i < s->units.n; i++) {
		const struct active_unit *before = &s->units.p[i], *u = units_find(now, before->name);
		enum state_now state;

		if (!unit_is_up(before) || s->excused[i])
			continue;
		state = state_now(before, u);
		if (state == NOT_YET && starts_on_demand(s, before, u)) {
			s->excused[i] = true;
			state = FINE;
		}
		if (state > worst) {
			worst = state;
			(void)say_unit(before, u, err);
		}
	}
	return worst;
}

/* --- after: sockets -------------------------------------------------------------------------------- */

/* "220", "421": replies of mail and file servers, whose first digit says whether they take one in. */
static bool is_reply(const char *said)
{
	for (size_t i = 0; i < 3; i++)
		if (said[i] < '0' || said[i] > '9')
			return false;
	return true;
}

static bool answers_as_before(const struct watched *w)
{
	if (w->now.answer == ANSWER_GREETS && w->before.answer == ANSWER_GREETS &&
		is_reply(w->before.said))
		return w->now.said[0] == w->before.said[0];
	return w->now.answer >= w->before.answer;
}

static const char *holder_of(const struct watched *w)
{
	return w->socket.unit ? w->socket.unit : w->socket.process ? w->socket.process : "somebody";
}

static void say_socket(const struct watched *w, struct buf *out)
{
	const char *what = !w->connects                     ? "does not have"
					   : w->now.answer == ANSWER_NONE   ? "does not answer on"
					   : w->now.answer == ANSWER_CLOSES ? "closes at once every connection to"
					   : w->now.answer == ANSWER_OPEN   ? "does not greet on"
														: "turns away who connects to";

	buf_printf(out, "%s%s %s %s%s", out->n ? "; " : "", holder_of(w), what,
			   w->socket.kind == SOCKET_UDP ? "UDP " : "", w->socket.name);
}

/* Somebody's own socket that is closed was closed by its owner; one that is there has to answer. */
static bool is_gone_with_its_owner(const struct watched *w, const struct sockets *now)
{
	return w->socket.of_user && !sockets_find(now, w->socket.kind, w->socket.name);
}

/* How many do not answer? The message names the first of them. */
static size_t look_at_sockets(struct services *s, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(400);
	struct sockets now = {0};
	size_t wrong = 0;

	ask(s, false);
	sockets_read(s->place, s->arena, &now);
	for (size_t i = 0; i < s->watched.n; i++) {
		struct watched *w = &s->watched.p[i];

		if (w->connects)
			w->fine = w->fine || answers_as_before(w) || is_gone_with_its_owner(w, &now);
		else
			w->fine = sockets_find(&now, w->socket.kind, w->socket.name) != NULL;
		if (!w->fine && wrong++ < 3)
			say_socket(w, &text);
	}
	if (wrong)
		err_set(err, EIO, "after the change, and not before, %.*s%s", STR_ARG(buf_get(&text)),
				wrong > 3 ? ", and more" : "");
	return wrong;
}

/* --- after ----------------------------------------------------------------------------------------- */

/* Has one been started since the last look? What it answered before that counts no more. */
static bool is_another_run(struct services *s, const struct active_units *last,
						   const struct active_units *now)
{
	bool any = false;

	for (size_t i = 0; i < now->n; i++) {
		const struct active_unit *u = units_find(last, now->p[i].name);

		if (!u || str_eq(u->invocation, now->p[i].invocation))
			continue;
		any = true;
		for (size_t k = 0; k < s->watched.n; k++)
			if (s->watched.p[k].socket.unit && str_is(u->name, s->watched.p[k].socket.unit))
				s->watched.p[k].fine = false;
	}
	return any;
}

struct look {
	struct active_units units;
	int64_t steady; /* since when none has been started anew */
	enum state_now state;
	bool answer;
	struct err unit_err, socket_err;
};

/* Units last: what ended while the sockets were asked is seen. */
static int look_again(struct services *s, struct look *l, struct err *err)
{
	struct active_units now;
	int r;

	l->answer = look_at_sockets(s, &l->socket_err) == 0;
	r = units_ask(s->place, s->arena, &now, err);
	if (r < 0)
		return r;
	if (is_another_run(s, &l->units, &now))
		l->steady = now_ms();
	l->units = now;
	l->state = look_at_units(s, &now, &l->unit_err);
	return 0;
}

static bool is_all_well(const struct look *l)
{
	return l->answer &&
		   (l->state == FINE || (l->state == STARTED_ANEW && now_ms() - l->steady >= STEADY_MS));
}

static int check_until_well(struct services *s, struct err *err)
{
	static const int64_t patience[] = {[FINE] = PATIENCE_MS,
									   [STARTED_ANEW] = ANEW_MS,
									   [STARTING] = STARTING_MS,
									   [NOT_YET] = PATIENCE_MS};
	struct look l = {.units = s->units, .steady = s->activated};
	int64_t begun = now_ms();

	for (size_t i = 0; i < s->watched.n; i++)
		s->watched.p[i].fine = false;
	for (;;) {
		int r = look_again(s, &l, err);

		if (r < 0 || is_all_well(&l))
			return r;
		if (l.state == DEAD || now_ms() - begun > patience[l.state]) {
			*err = l.state > STARTED_ANEW || l.answer ? l.unit_err : l.socket_err;
			return -EIO;
		}
		sleep_ms(EVERY_MS);
	}
}

static bool is_told(const struct plan *p)
{
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.p[i].type->is_action || strcmp(p->steps.p[i].type->name, "unit") == 0)
			return true;
	return removes_packages(p);
}

int services_check(struct services *s, struct err *err)
{
	sleep_ms(s->activated + (is_told(s->plan) ? SETTLE_MS : QUIET_MS) - now_ms());
	return check_until_well(s, err);
}

static void restart(struct services *s, const char *unit)
{
	const char *const reset[] = {"/usr/bin/systemctl", "reset-failed", unit, NULL};
	const char *const argv[] = {"/usr/bin/systemctl", "restart", unit, NULL};
	struct err ignored;

	(void)step_run(s->place, reset, 20000, &ignored);
	(void)step_run(s->place, argv, 90000, &ignored);
}

/* Of these kinds only: a socket has to be there before its service takes it over. */
static void restart_units(struct services *s, const struct active_units *now, bool sockets)
{
	for (size_t i = 0; i < s->units.n; i++) {
		const struct active_unit *before = &s->units.p[i], *u = units_find(now, before->name);
		enum state_now state = state_now(before, u);

		if (unit_is_up(before) && (state == NOT_YET || state == DEAD) &&
			str_ends(before->name, ".socket") == sockets)
			restart(s, str_dup(s->arena, before->name));
	}
}

static void restart_silent(struct services *s)
{
	for (size_t i = 0; i < s->watched.n; i++) {
		const struct watched *w = &s->watched.p[i];
		bool again = false;

		for (size_t k = 0; k < i && w->socket.unit; k++)
			again = again || (!s->watched.p[k].fine && s->watched.p[k].socket.unit &&
							  strcmp(s->watched.p[k].socket.unit, w->socket.unit) == 0);
		if (!w->fine && !again && !w->socket.of_user && owner_of(s, &w->socket))
			restart(s, w->socket.unit);
	}
}

int services_revive(struct services *s, struct err *err)
{
	struct active_units now;
	int r = units_ask(s->place, s->arena, &now, err);

	if (r < 0)
		return r;
	s->excused = arena_new(s->arena, bool, s->units.n + 1);
	restart_units(s, &now, true);
	restart_units(s, &now, false);
	services_activated(s);
	r = services_check(s, err);
	if (r == 0)
		return 0;
	restart_silent(s);
	services_activated(s);
	return services_check(s, err);
}

/* --- for people ------------------------------------------------------------------------------------ */

void services_describe(const struct services *s, struct buf *out)
{
	size_t up = 0, n = 0;

	for (size_t i = 0; i < s->units.n; i++)
		up += unit_is_up(&s->units.p[i]) && !s->excused[i];
	buf_printf(out, "the %zu units that run have to go on running", up);
	for (size_t i = 0; i < s->watched.n; i++)
		if (s->watched.p[i].connects)
			buf_printf(out, "%s %s %s", n++ ? "," : ", and to answer:", holder_of(&s->watched.p[i]),
					   s->watched.p[i].socket.name);
}
