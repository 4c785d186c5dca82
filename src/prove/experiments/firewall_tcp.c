/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/sweep.h"

#define FEW 1000      /* closed ports, of a host that refuses rather than drops */
#define WHOLE_MS 8000 /* to be left for a sweep of a further address */

/* What one origin sees of one target. */
struct view {
	bool served[PORTS], open[PORTS];
	const char *listens[PORTS], *listens_at_main[PORTS];
	bool doubtful[PORTS], tried[PORTS], patiently[PORTS];
	struct sweep sweep;
};

struct looking {
	struct trial *t;
	const struct outside *o;
	bool is_copy;
	struct view *v;   /* of one after the other */
	size_t closed[2]; /* by family: ports of the main address that nothing filters */
};

/* What is served is reached at the main address, or where alone somebody listens: other addresses may be
 * for others. */
static bool is_owed(const struct view *v, const struct target *to, unsigned port)
{
	return v->served[port] && v->listens[port] &&
		   (to->is_main || (!v->listens_at_main[port] && !outside_is_inner(to->interface)));
}

/* What is to be looked at twice, and, where not everything is, at all. */
static void choose_ports(const struct looking *l, const struct origin *from,
						 const struct target *to, bool whole)
{
	struct view *v = l->v;

	memset(v->doubtful, 0, sizeof(v->doubtful));
	if (from->kind <= ORIGIN_NEIGHBOUR)
		served_doubtful(l->o, v->doubtful);
	for (unsigned port = 1; port < PORTS; port++) {
		v->patiently[port] = is_owed(v, to, port);
		v->tried[port] = whole || v->listens[port] || v->served[port] || v->doubtful[port];
	}
}

static const char *who_answers(const struct view *v, unsigned port)
{
	return v->sweep.ports[port] == PORT_PASSED ? "passed on to somebody else"
		   : v->listens[port]                  ? v->listens[port]
											   : "nobody who is known";
}

static void judge_open(struct trial *t, struct view *v, const struct origin *from,
					   const struct target *to)
{
	size_t wrong = 0;

	for (unsigned port = 1; port < PORTS; port++) {
		v->open[port] = sweep_reaches(&v->sweep, port);
		if (!v->open[port] || v->served[port])
			continue;
		wrong++;
		trial_refuted(t, "%s reaches %u/tcp (%s) of %s, which the site does not serve to them",
					  from->who, port, who_answers(v, port), to->text);
	}
	for (unsigned port = 1; port < PORTS; port++) {
		if (!is_owed(v, to, port) || v->open[port])
			continue;
		wrong++;
		trial_refuted(t, "%s does not reach %u/tcp (%s) of %s, which the site serves to them: %s",
					  from->who, port, v->listens[port], to->text,
					  v->sweep.ports[port] == PORT_CLOSED ? "refused" : "no answer");
	}
	if (!wrong)
		trial_proven(t, "%s reaches what the site serves to them on %s, and nothing else: %s",
					 from->who, to->text, served_list(t, v->open));
}

static void say_without_site(struct trial *t, struct view *v, const struct origin *from,
							 const struct target *to)
{
	for (unsigned port = 1; port < PORTS; port++) {
		v->open[port] = sweep_reaches(&v->sweep, port);
		if (v->sweep.ports[port] == PORT_OPEN && !v->listens[port])
			trial_refuted(t, "%s reaches %u/tcp of %s, where nobody who is known listens",
						  from->who, port, to->text);
	}
	trial_saw(t, "%s reaches on %s: %s", from->who, to->text, served_list(t, v->open));
}

static void conclude(const struct looking *l, const struct sweep_job *job,
					 const struct origin *from, const struct target *to)
{
	struct trial *t = l->t;
	struct view *v = l->v;

	trial_saw(t, "%s to %s over TCP: %s", from->who, to->text,
			  sweep_summary(t->arena, job, &v->sweep));
	if (v->sweep.counts[PORT_CLOSED] > job->room)
		trial_not_run(
			t,
			"not all ports were tried from %s: each that is refused takes a place for some "
			"seconds in the table of connections, which has few left",
			from->text);
	else if (t->site->path)
		judge_open(t, v, from, to);
	else
		say_without_site(t, v, from, to);
}

static bool know_listeners(const struct looking *l, const struct target *to)
{
	struct view *v = l->v;

	return served_listeners(l->t, outside_target(l->o, to->family), false, v->listens_at_main) &&
		   served_listeners(l->t, to, false, v->listens);
}

/* Where outsiders already get at ports that are closed, the others' view of these is the same. To
 * whom something is served a port that nobody listens on is no danger. Of further addresses it is looked at
 * what may differ, which is everything where rules tell them apart. */
static bool is_whole(const struct looking *l, const struct origin *from, const struct target *to)
{
	struct site_network address = outside_network(&to->address);

	return from->kind <= ORIGIN_NEIGHBOUR && l->closed[from->family == AF_INET6] <= FEW &&
		   (to->is_main ||
			(trial_ms_left(l->t) > WHOLE_MS && ruleset_tells(l->o->rules, &address)));
}

static void look(void *data, const struct origin *from, const struct target *to)
{
	struct looking *l = data;
	struct view *v = l->v;
	const struct sweep_job job = {.outside = l->o,
								  .from = from,
								  .to = to,
								  .passed_on = l->is_copy && l->o->rules->passes_on[0],
								  .wanted = v->tried,
								  .patiently = v->patiently,
								  .room = sweep_room(l->t)};
	struct err err;

	served_to(l->t, from, false, v->served);
	if (!know_listeners(l, to))
		return;
	choose_ports(l, from, to, is_whole(l, from, to));
	if (sweep_run(&job, &v->sweep, &err) < 0) {
		trial_not_run(l->t, "%s: %s", from->who, err.msg);
		return;
	}
	conclude(l, &job, from, to);
	if (to->is_main)
		l->closed[from->family == AF_INET6] += v->sweep.counts[PORT_CLOSED];
}

static void look_from_all(struct trial *t, const struct outside *o, bool is_copy)
{
	struct looking l = {
		.t = t, .o = o, .is_copy = is_copy, .v = arena_new(t->arena, struct view, 1)};

	replica_each(t, o, is_copy, look, &l);
}

static void run(struct trial *t)
{
	if (!t->site->path)
		trial_not_run(
			t, "no site file says what this server serves, and to whom (revet init makes one)");
	replica_try(t, ORIGINS_ALL, true, look_from_all);
}

static const struct experiment firewall_tcp = {
	"firewall.tcp",
	"What answers on TCP is what the site serves, to whom it serves it",
	"Tries every TCP port of this host over IPv4 and IPv6 from the addresses of an outsider and "
	"of a neighbour, those that listen from the address of an admin and of each network that the "
	"site names, of its further addresses those ports that could differ, and compares what "
	"answers, or is passed on, with the site file.",
	"sends the first packet of a connection to every port, which no service gets to see, on a "
	"wire of its own into this host; for its time, packets to the addresses that it uses go "
	"there; dropped ones may be logged",
	NAMES("I2", "I6", "I7", "G9", "L9"),
	NAMES("firewall.active", "firewall.default-deny", "firewall.default-deny-ipv6"),
	60,
	NAMES("listeners"),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(firewall_tcp);
