/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/sweep.h"

struct view {
	bool served[PORTS], tried[PORTS], delivered[PORTS];
	const char *listens[PORTS];
	struct sweep sweep;
};

/* What nobody listens on is firewall.new-listener's to judge. */
static void judge_view(struct trial *t, struct view *v, const struct origin *from,
					   const struct target *to)
{
	size_t wrong = 0;

	for (unsigned port = 1; port < PORTS; port++) {
		bool open = v->sweep.ports[port] == PORT_OPEN && v->listens[port];

		v->delivered[port] = open;
		if (open == v->served[port] || !v->listens[port])
			continue;
		wrong++;
		trial_refuted(t,
					  open ? "%s reaches %u/udp (%s) of %s, which the site does not serve to them"
						   : "%s does not reach %u/udp (%s) of %s, which the site serves to them",
					  from->who, port, v->listens[port], to->text);
	}
	if (!wrong)
		trial_proven(t, "%s reaches what the site serves to them on %s, and nothing else: %s",
					 from->who, to->text, served_list(t, v->delivered));
}

static void look(struct trial *t, const struct outside *o, const struct origin *from,
				 const struct target *to)
{
	struct view *v = arena_new(t->arena, struct view, 1);
	const struct sweep_job job = {.outside = o,
								  .from = from,
								  .to = to,
								  .udp = true,
								  .wanted = v->tried,
								  .patiently = v->served,
								  .room = sweep_room(t)};
	struct err err;

	served_to(t, from, true, v->served);
	if (!served_listeners(t, to, true, v->listens))
		return;
	/* Ranges are for what comes and goes, and nothing there is owed an answer. */
	for (unsigned port = 1; port < PORTS; port++) {
		v->tried[port] = from->kind == ORIGIN_OUTSIDER || v->listens[port];
		v->served[port] = v->served[port] && v->listens[port];
	}
	if (!memchr(v->tried, 1, sizeof(v->tried)))
		return;
	if (sweep_run(&job, &v->sweep, &err) < 0) {
		trial_not_run(t, "%s: %s", from->who, err.msg);
		return;
	}
	trial_saw(t, "%s to %s over UDP: %s", from->who, to->text,
			  sweep_summary(t->arena, &job, &v->sweep));
	if (v->sweep.counts[PORT_OPEN] > job.room) {
		trial_not_run(
			t,
			"not all ports were tried from %s: each that gets a datagram takes a place for some "
			"seconds in the table of connections, which has few left",
			from->text);
		return;
	}
	if (t->site->path) {
		judge_view(t, v, from, to);
		return;
	}
	for (unsigned port = 1; port < PORTS; port++)
		v->delivered[port] = v->sweep.ports[port] == PORT_OPEN && v->listens[port];
	trial_saw(t, "%s reaches on %s: %s", from->who, to->text, served_list(t, v->delivered));
}

static void look_from_all(struct trial *t, const struct outside *o, bool is_copy)
{
	const struct copied_socket *sockets;

	if (is_copy)
		(void)replica_listen(t, o, &sockets);
	if (o->passes_on[1])
		trial_not_run(
			t, "rules pass UDP ports on to containers or other hosts, where they are not seen");
	for (size_t i = 0; i < o->origins.n; i++) {
		const struct target *to = outside_target(o, o->origins.p[i].family);

		if (outside_has(&o->origins.p[i]) && to)
			look(t, o, &o->origins.p[i], to);
	}
}

static void run(struct trial *t)
{
	if (!t->site->path)
		trial_not_run(
			t, "no site file says what this server serves, and to whom (revet init makes one)");
	replica_try(t, ORIGINS_ALL, true, look_from_all);
}

static const struct experiment firewall_udp = {
	"firewall.udp",
	"What can be reached on UDP is what the site serves, to whom it serves it",
	"Sends an empty datagram to every UDP port of this host over IPv4 and IPv6 from the address "
	"of an outsider, to those that listen from the addresses of a neighbour, of an admin and of "
	"each network that the site names, sees which get past the packet filter, and compares with "
	"the site file.",
	"sends empty datagrams, which services get to see, on a wire of its own into this host; for "
	"its time, packets to the addresses that it uses go there; dropped ones may be logged",
	NAMES("I2", "I7", "G9", "L9"),
	NAMES("firewall.active", "firewall.default-deny", "firewall.default-deny-ipv6"),
	20,
	NAMES("listeners"),
	run,
};
EXPERIMENT(firewall_udp);
