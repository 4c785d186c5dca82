/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/replica.h"
#include "prove/sweep.h"

struct view {
	bool served[PORTS], tried[PORTS], quietly[PORTS], owed[PORTS], delivered[PORTS];
	const char *listens[PORTS], *listens_at_main[PORTS];
	struct sweep sweep;
};

struct looking {
	struct trial *t;
	const struct outside *o;
	struct view *v; /* of one after the other */
};

/* What nobody listens on, and is not passed on, is firewall.new-listener's to judge. */
static void judge_view(struct trial *t, struct view *v, const struct origin *from,
					   const struct target *to)
{
	size_t wrong = 0;

	for (unsigned port = 1; port < PORTS; port++) {
		bool passed = v->sweep.ports[port] == PORT_PASSED;

		v->delivered[port] = passed || (sweep_reaches(&v->sweep, port) && v->listens[port]);
		if (v->delivered[port] ? v->served[port] : !v->owed[port])
			continue;
		wrong++;
		trial_refuted(t,
					  v->delivered[port]
						  ? "%s reaches %u/udp (%s) of %s, which the site does not serve to them"
						  : "%s does not reach %u/udp (%s) of %s, which the site serves to them",
					  from->who, port, passed ? "passed on to somebody else" : v->listens[port],
					  to->text);
	}
	if (!wrong)
		trial_proven(t, "%s reaches what the site serves to them on %s, and nothing else: %s",
					 from->who, to->text, served_list(t, v->delivered));
}

/* Ranges are for what comes and goes, and nothing there is owed an answer; nor is it at further addresses,
 * which may be for others, where somebody listens at the main one as well. What may be passed on is marked,
 * whoever listens. */
static void choose_ports(const struct looking *l, const struct origin *from,
						 const struct target *to)
{
	struct view *v = l->v;
	bool further = !to->is_main;

	memset(v->tried, 0, sizeof(v->tried));
	if (from->kind == ORIGIN_OUTSIDER && further)
		served_doubtful(l->o, v->tried);
	for (unsigned port = 1; port < PORTS; port++) {
		bool passed = l->o->rules->passed[1][port];

		v->tried[port] |= (from->kind == ORIGIN_OUTSIDER && !further) || v->listens[port] || passed;
		v->quietly[port] = v->listens[port] && !passed;
		v->owed[port] =
			v->served[port] && v->listens[port] &&
			(!further || (!v->listens_at_main[port] && !outside_is_inner(to->interface)));
	}
}

static void conclude(const struct looking *l, const struct sweep_job *job,
					 const struct origin *from, const struct target *to)
{
	struct trial *t = l->t;
	struct view *v = l->v;

	trial_saw(t, "%s to %s over UDP: %s", from->who, to->text,
			  sweep_summary(t->arena, job, &v->sweep));
	if (v->sweep.counts[PORT_OPEN] > job->room) {
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
		v->delivered[port] = v->sweep.ports[port] == PORT_PASSED ||
							 (sweep_reaches(&v->sweep, port) && v->listens[port]);
	trial_saw(t, "%s reaches on %s: %s", from->who, to->text, served_list(t, v->delivered));
}

static void look(void *data, const struct origin *from, const struct target *to)
{
	struct looking *l = data;
	struct view *v = l->v;
	const struct sweep_job job = {.outside = l->o,
								  .from = from,
								  .to = to,
								  .udp = true,
								  .passed_on = l->o->rules->passes_on[1],
								  .wanted = v->tried,
								  .patiently = v->owed,
								  .quietly = v->quietly,
								  .room = sweep_room(l->t)};
	struct err err;

	served_to(l->t, from, true, v->served);
	if (!served_listeners(l->t, outside_target(l->o, to->family), true, v->listens_at_main) ||
		!served_listeners(l->t, to, true, v->listens))
		return;
	choose_ports(l, from, to);
	if (!memchr(v->tried, 1, sizeof(v->tried)))
		return;
	if (sweep_run(&job, &v->sweep, &err) < 0)
		trial_not_run(l->t, "%s: %s", from->who, err.msg);
	else
		conclude(l, &job, from, to);
}

static void look_from_all(struct trial *t, const struct outside *o, bool is_copy)
{
	struct looking l = {t, o, arena_new(t->arena, struct view, 1)};

	replica_each(t, o, is_copy, look, &l);
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
	"Sends a datagram to every UDP port of this host over IPv4 and IPv6 from the address of an "
	"outsider, to those that listen from the addresses of a neighbour, of an admin and of each "
	"network that the site names, of its further addresses to those ports that could differ, "
	"sees which get past the packet filter, or are passed on, and compares with the site file.",
	"sends datagrams, empty ones to services that listen here, which get to see them, on a wire "
	"of its own into this host; for its time, packets to the addresses that it uses go there; "
	"dropped ones may be logged",
	NAMES("I2", "I7", "G9", "L9"),
	NAMES("firewall.active", "firewall.default-deny", "firewall.default-deny-ipv6"),
	60,
	NAMES("listeners"),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(firewall_udp);
