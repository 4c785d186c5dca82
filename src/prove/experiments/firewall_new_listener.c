/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <sys/random.h>

#include "change/netns.h"
#include "prove/replica.h"
#include "prove/served.h"

#define TRIES 4
#define WAIT_MS 400

/* A port that nobody listens on and the site serves to nobody there. */
static uint16_t free_port(const bool served[PORTS], const char *const listens[PORTS])
{
	for (int i = 0; i < 1000; i++) {
		uint16_t port = 0;

		(void)!getrandom(&port, sizeof(port), 0);
		if (port >= 1024 && !served[port] && !listens[port])
			return port;
	}
	return 0;
}

/* Waits for the origin alone: on the host itself, nobody but our own wire gets to it. */
static int wait_there(const struct outside *o, const struct target *to, uint16_t port, int type)
{
	_cleanup_close_ int fd = netns_socket(o->host_ns, to->family, type, 0);
	struct sockaddr_storage s = outside_address(&to->address, port);
	const char *interface = o->wires.p[0].interface;

	if (fd < 0)
		return fd;
	if (o->host_ns < 0 &&
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&s, outside_length(&s)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 4) < 0))
		return -errno;
	return take_fd(&fd);
}

struct attempt {
	uint16_t port;
	int waiting, coming; /* sockets at the host and at the origin */
};

static bool begin_attempt(struct attempt *at, const struct outside *o, const struct origin *from,
						  const struct target *to, int type)
{
	at->coming = -1;
	at->waiting = at->port ? wait_there(o, to, at->port, type) : -1;
	if (at->waiting < 0)
		return false;
	/* A connection comes about while the others are tried. */
	at->coming = outside_begin(from, to, at->port, type);
	if (at->coming >= 0 && type == SOCK_DGRAM)
		(void)send(at->coming, "", 0, MSG_NOSIGNAL);
	return true;
}

/* All of one origin over one protocol. */
struct view {
	const struct origin *from;
	const struct target *to;
	bool udp;
	struct attempt all[TRIES];
};

static bool begin_view(struct trial *t, const struct outside *o, struct view *v)
{
	const char **listens = arena_new(t->arena, const char *, PORTS);
	bool *served = arena_new(t->arena, bool, PORTS);

	served_to(t, v->from, v->udp, served);
	if (!served_listeners(t, v->to, v->udp, listens))
		return false;
	for (size_t i = 0; i < TRIES; i++) {
		v->all[i].port = free_port(served, listens);
		if (!begin_attempt(&v->all[i], o, v->from, v->to, v->udp ? SOCK_DGRAM : SOCK_STREAM))
			v->all[i].port = 0;
	}
	return true;
}

/* Anything that has arrived makes the socket readable. */
static void end_view(struct trial *t, struct view *v)
{
	bool *tried = arena_new(t->arena, bool, PORTS), *reached = arena_new(t->arena, bool, PORTS);
	const char *protocol = v->udp ? "UDP" : "TCP", *who = v->from->who, *to = v->to->text;
	bool any = false, all_kept = true;

	for (size_t i = 0; i < TRIES; i++) {
		struct attempt *at = &v->all[i];
		struct pollfd p = {.fd = at->waiting, .events = POLLIN};

		if (!at->port)
			continue;
		any = tried[at->port] = true;
		reached[at->port] = poll(&p, 1, 0) == 1;
		all_kept = all_kept && !reached[at->port];
		close_fd(&at->waiting);
		close_fd(&at->coming);
	}
	if (!any)
		trial_not_run(t, "no %s port of %s can be listened on", protocol, to);
	else if (!all_kept)
		trial_refuted(t, "%s reaches new listeners on %s over %s that nothing allows: %s", who, to,
					  protocol, served_list(t, reached));
	else
		trial_proven(t, "%s reaches no new listener on %s over %s (tried %s)", who, to, protocol,
					 served_list(t, tried));
}

/* Those for whom the site does nothing in particular; admins may be let in everywhere. All are under way at
 * once, so that there is one time to wait. */
static void look_from_all(struct trial *t, const struct outside *o, bool is_copy _unused_)
{
	struct view *views = arena_new(t->arena, struct view, 2 * o->origins.n);
	size_t n = 0;

	for (size_t i = 0; i < 2 * o->origins.n; i++) {
		const struct origin *from = &o->origins.p[i / 2];
		const struct target *to = outside_target(o, from->family);

		if (!outside_has(from) || !to)
			continue;
		views[n] = (struct view){.from = from, .to = to, .udp = i % 2};
		n += begin_view(t, o, &views[n]);
	}
	(void)poll(NULL, 0, WAIT_MS);
	for (size_t i = 0; i < n; i++)
		end_view(t, &views[i]);
}

static void run(struct trial *t)
{
	replica_try(t, ORIGINS(ORIGIN_OUTSIDER) | ORIGINS(ORIGIN_NEIGHBOUR), false, look_from_all);
}

static const struct experiment firewall_new_listener = {
	"firewall.new-listener",
	"A service that starts to listen cannot be reached unless it is served",
	"Listens on a few free ports, over TCP and UDP, IPv4 and IPv6, and tries to reach them from "
	"the addresses of an outsider and of a neighbour.",
	"listens for a second on free ports, for a wire of its own into this host alone; for its "
	"time, packets to the addresses that it uses go there",
	NAMES("I7", "G9", "L9"),
	NAMES("firewall.active", "firewall.default-deny", "firewall.default-deny-ipv6"),
	20,
	NAMES("listeners"),
	run,
	.company = COMPANY_WIRELESS,
};
EXPERIMENT(firewall_new_listener);
