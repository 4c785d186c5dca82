/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>

#include "change/netns.h"
#include "prove/reached.h"
#include "prove/replica.h"

#define WAIT_MS 1300 /* a first packet that was lost is sent again after a second */

/* Somebody who waits there. */
static int wait_at(const struct origin *there, uint16_t port, int type)
{
	_cleanup_close_ int fd = netns_socket(there->ns, there->family, type, 0);
	struct sockaddr_storage s = outside_address(&there->address, port);

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&s, outside_length(&s)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 4) < 0))
		return -errno;
	return take_fd(&fd);
}

struct attempt {
	const struct origin *there;
	struct site_ports port; /* one */
	const char *name;       /* whose address it is, which may have others that will do; NULL */
	bool allowed, arrived;
	int waiting, going; /* sockets there and here */
	int failed;         /* errno: it cannot be tried */
};

/* All are under way at once, so that there is one time to wait for all that do not arrive. */
#define MAX_ATTEMPTS 320 /* of two descriptors each; a process may have 1024 */
struct attempts {
	struct attempt p[MAX_ATTEMPTS];
	size_t n, left_out;
};

static void begin(struct attempts *all, const struct outside *o, const struct attempt *what)
{
	int type = what->port.udp ? SOCK_DGRAM : SOCK_STREAM;
	struct sockaddr_storage s = outside_address(&what->there->address, what->port.low);
	struct attempt *at = &all->p[all->n];

	if (all->n == MAX_ATTEMPTS) {
		all->left_out++;
		return;
	}
	all->n++;
	*at = *what;
	at->waiting = wait_at(at->there, at->port.low, type);
	at->going = netns_socket(o->host_ns, at->there->family, type | SOCK_NONBLOCK, 0);
	if (at->waiting < 0 || at->going < 0)
		at->failed = -MIN(at->waiting, at->going);
	/* A packet filter may answer at once. */
	else if (connect(at->going, (struct sockaddr *)&s, outside_length(&s)) < 0 &&
			 errno != EINPROGRESS && errno != EPERM && errno != ECONNREFUSED)
		at->failed = errno;
	else if (at->port.udp)
		(void)send(at->going, "", 0, MSG_NOSIGNAL);
}

/* Another address of the same name, on the same port. */
static bool is_other_reached(const struct attempts *all, const struct attempt *at)
{
	for (size_t i = 0; at->name && i < all->n; i++)
		if (all->p[i].arrived && all->p[i].name && strcmp(all->p[i].name, at->name) == 0 &&
			all->p[i].there->family == at->there->family && all->p[i].port.low == at->port.low &&
			all->p[i].port.udp == at->port.udp)
			return true;
	return false;
}

static void judge_attempt(struct trial *t, const struct attempts *all, const struct attempt *at)
{
	const char *protocol = at->port.udp ? "udp" : "tcp";

	if (at->failed)
		trial_not_run(t, "%u/%s of %s cannot be tried: %s", at->port.low, protocol, at->there->who,
					  strerror(at->failed));
	else if (at->arrived && !at->allowed)
		trial_refuted(t, "this host reaches %u/%s of %s, which the site does not mention",
					  at->port.low, protocol, at->there->who);
	else if (!at->arrived && at->allowed && is_other_reached(all, at))
		trial_saw(t, "this host does not reach %u/%s of %s, but another of its addresses",
				  at->port.low, protocol, at->there->who);
	else if (!at->arrived && at->allowed)
		trial_refuted(t, "this host does not reach %u/%s of %s, as the site says it has to",
					  at->port.low, protocol, at->there->who);
	else
		trial_proven(t, "this host %s %u/%s of %s", at->arrived ? "reaches" : "does not reach",
					 at->port.low, protocol, at->there->who);
}

/* What malware likes to use, and a port of no meaning. */
static void begin_forbidden(struct attempts *all, struct trial *t, const struct outside *o,
							const struct origin *there)
{
	static const struct site_ports ports[] = {{443, 443, false},
											  {53, 53, true},
											  {25, 25, false},
											  {6667, 6667, false},
											  {4444, 4444, true}};

	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (!reached_is(t, there, ports[i]) && (ports[i].low != 53 || !reached_asks_anybody(t, o)))
			begin(all, o, &(struct attempt){.there = there, .port = ports[i]});
}

/* What it needs of an address, and the first port of each line that is about its network. */
static void begin_allowed(struct attempts *all, struct trial *t, const struct outside *o,
						  const struct origin *there)
{
	const struct site_file *f = &t->site->file;
	struct attempt at = {.there = there, .allowed = true};

	for (size_t i = 0; i < there->reached.n; i++) {
		const struct reached *r = &there->reached.p[i];

		at.port = (struct site_ports){r->ports.low, r->ports.low, r->ports.udp};
		at.name = r->name;
		if (r->needed)
			begin(all, o, &at);
	}
	at.name = NULL;
	for (size_t i = 0; i < f->reaches.n; i++) {
		const struct site_reach *r = &f->reaches.p[i];

		at.port = (struct site_ports){r->ports.low, r->ports.low, r->ports.udp};
		if (r->kind == SITE_REACH_PORTS && !r->to.world &&
			outside_is_among(&r->to, &there->address))
			begin(all, o, &at);
	}
}

static void judge_all(struct trial *t, struct attempts *all)
{
	(void)poll(NULL, 0, WAIT_MS);
	for (size_t i = 0; i < all->n; i++) {
		struct pollfd p = {.fd = all->p[i].waiting, .events = POLLIN};

		all->p[i].arrived = !all->p[i].failed && poll(&p, 1, 0) == 1;
	}
	for (size_t i = 0; i < all->n; i++) {
		judge_attempt(t, all, &all->p[i]);
		close_fd(&all->p[i].waiting);
		close_fd(&all->p[i].going);
	}
	if (all->left_out)
		trial_not_run(t, "%zu connections would be too many, and were not tried", all->left_out);
}

static void look(struct trial *t, const struct outside *o, bool is_copy _unused_)
{
	struct attempts *all = arena_new(t->arena, struct attempts, 1);

	for (size_t i = 0; i < o->origins.n; i++) {
		const struct origin *there = &o->origins.p[i];

		if (!outside_has(there))
			continue;
		if (there->kind == ORIGIN_REACHED)
			begin_allowed(all, t, o, there);
		begin_forbidden(all, t, o, there);
	}
	judge_all(t, all);
}

static void run(struct trial *t)
{
	if (!t->site->path)
		trial_not_run(t, "no site file says where this server goes (revet init makes one)");
	else if (t->site->file.egress != SITE_EGRESS_DENY)
		trial_not_run(t, "the site does not deny what it does not mention (egress: deny)");
	else
		replica_try(t, ORIGINS(ORIGIN_OUTSIDER) | ORIGINS(ORIGIN_REACHED), false, look);
}

static const struct experiment firewall_egress = {
	"firewall.egress",
	"This server reaches what the site mentions, and nothing else",
	"Opens connections from this host to the address of an outsider, to one of each network that "
	"the site reaches, and in a copy of the packet filter to the addresses of hosts, resolvers, "
	"time servers and mirrors of packages that it reaches, over IPv4 and IPv6, on ports that are "
	"allowed there and on others.",
	"looks up names; opens connections that go to a network of its own; for its time, packets to "
	"the addresses that it uses go there; dropped ones may be logged",
	NAMES("I8"),
	NAMES("firewall.egress"),
	30,
	NAMES(REACHED_TABLES),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(firewall_egress);
