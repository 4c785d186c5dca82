/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/sweep.h"

#define FEW 1000 /* closed ports, of a host that refuses rather than drops */

/* What one origin sees of one target. */
struct view {
	bool served[PORTS], open[PORTS];
	const char *listens[PORTS];
	bool tried[PORTS], patiently[PORTS];
	struct sweep sweep;
};

/* What is to be looked at twice, and, where not everything is, at all. */
static void choose_ports(struct view *v, bool whole)
{
	for (unsigned port = 1; port < PORTS; port++) {
		v->patiently[port] = v->listens[port] && v->served[port];
		v->tried[port] = whole || v->listens[port] || v->served[port];
	}
}

static bool is_passed_on(const struct outside *o)
{
	return o->host_ns >= 0 && o->passes_on[0];
}

static void judge_open(struct trial *t, const struct outside *o, struct view *v,
					   const struct origin *from, const struct target *to)
{
	size_t wrong = 0;

	for (unsigned port = 1; port < PORTS; port++) {
		v->open[port] = v->sweep.ports[port] == PORT_OPEN;
		if (!v->open[port] || v->served[port])
			continue;
		wrong++;
		trial_refuted(t, "%s reaches %u/tcp (%s) of %s, which the site does not serve to them",
					  from->who, port, v->listens[port] ? v->listens[port] : "nobody who is known",
					  to->text);
	}
	for (unsigned port = 1; port < PORTS; port++) {
		/* Who answers there may not be in the copy. */
		if (!v->served[port] || !v->listens[port] || v->open[port] || is_passed_on(o))
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
		v->open[port] = v->sweep.ports[port] == PORT_OPEN;
		if (v->open[port] && !v->listens[port])
			trial_refuted(t, "%s reaches %u/tcp of %s, where nobody who is known listens",
						  from->who, port, to->text);
	}
	trial_saw(t, "%s reaches on %s: %s", from->who, to->text, served_list(t, v->open));
}

/* Returns how many ports were found closed, which nothing filters then. */
static size_t look(struct trial *t, const struct outside *o, const struct origin *from,
				   const struct target *to, bool whole)
{
	struct view *v = arena_new(t->arena, struct view, 1);
	const struct sweep_job job = {.outside = o,
								  .from = from,
								  .to = to,
								  .wanted = v->tried,
								  .patiently = v->patiently,
								  .room = sweep_room(t)};
	struct err err;

	served_to(t, from, false, v->served);
	if (!served_listeners(t, to, false, v->listens))
		return 0;
	choose_ports(v, whole);
	if (sweep_run(&job, &v->sweep, &err) < 0) {
		trial_not_run(t, "%s: %s", from->who, err.msg);
		return 0;
	}
	trial_saw(t, "%s to %s over TCP: %s", from->who, to->text,
			  sweep_summary(t->arena, &job, &v->sweep));
	if (v->sweep.counts[PORT_CLOSED] > job.room)
		trial_not_run(
			t,
			"not all ports were tried from %s: each that is refused takes a place for some "
			"seconds in the table of connections, which has few left",
			from->text);
	else if (t->site->path)
		judge_open(t, o, v, from, to);
	else
		say_without_site(t, v, from, to);
	return v->sweep.counts[PORT_CLOSED];
}

/* Where outsiders already get at ports that are closed, the others' view of these is the same. To
 * whom something is served a port that nobody listens on is no danger. */
static void look_from_all(struct trial *t, const struct outside *o, bool is_copy)
{
	const struct copied_socket *sockets;
	size_t closed[2] = {0, 0};

	if (is_copy)
		(void)replica_listen(t, o, &sockets);
	if (is_passed_on(o))
		trial_not_run(
			t, "rules pass ports on to containers or other hosts, which the copy does not have");
	for (size_t i = 0; i < o->origins.n; i++) {
		const struct origin *from = &o->origins.p[i];
		const struct target *to = outside_target(o, from->family);
		bool six = from->family == AF_INET6;
		bool whole = from->kind <= ORIGIN_NEIGHBOUR && closed[six] <= FEW;

		if (outside_has(from) && to)
			closed[six] += look(t, o, from, to, whole);
	}
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
	"site names, and compares what answers with the site file.",
	"sends the first packet of a connection to every port, which no service gets to see, on a "
	"wire of its own into this host; for its time, packets to the addresses that it uses go "
	"there; dropped ones may be logged",
	NAMES("I2", "I6", "I7", "G9", "L9"),
	NAMES("firewall.active", "firewall.default-deny", "firewall.default-deny-ipv6"),
	20,
	NAMES("listeners"),
	run,
};
EXPERIMENT(firewall_tcp);
