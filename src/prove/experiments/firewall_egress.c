/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>

#include "change/netns.h"
#include "prove/replica.h"
#include "prove/served.h"

#define WAIT_MS 1300 /* a first packet that was lost is sent again after a second */

/* May this host go there? What `dns`, `ntp` and `apt` allow depends on how it is configured, and is not
 * asked of addresses that are nobody's. */
static bool is_reached(const struct site_file *f, const struct origin *there, uint16_t port,
					   bool udp)
{
	for (size_t i = 0; i < f->reaches.n; i++) {
		const struct site_reach *r = &f->reaches.p[i];

		if (r->kind == SITE_REACH_PORTS && r->ports.udp == udp && r->ports.low <= port &&
			port <= r->ports.high && outside_is_among(&r->to, &there->address))
			return true;
	}
	return false;
}

static bool has_word(const struct site_file *f, enum site_reach_kind kind)
{
	for (size_t i = 0; i < f->reaches.n; i++)
		if (f->reaches.p[i].kind == kind)
			return true;
	return false;
}

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
	uint16_t port;
	bool udp, allowed;
	int waiting, going; /* sockets there and here */
	int failed;         /* errno: it cannot be tried */
};

/* All are under way at once, so that there is one time to wait for all that do not arrive. */
#define MAX_ATTEMPTS 96
struct attempts {
	struct attempt p[MAX_ATTEMPTS];
	size_t n;
};

static void begin(struct attempts *all, struct trial *t, const struct outside *o,
				  const struct origin *there, uint16_t port, bool udp)
{
	int type = udp ? SOCK_DGRAM : SOCK_STREAM;
	struct sockaddr_storage s = outside_address(&there->address, port);
	struct attempt *at = &all->p[all->n];

	if (all->n == MAX_ATTEMPTS)
		return;
	all->n++;
	*at = (struct attempt){.there = there, .port = port, .udp = udp};
	at->allowed = is_reached(&t->site->file, there, port, udp);
	at->waiting = wait_at(there, port, type);
	at->going = netns_socket(o->host_ns, there->family, type | SOCK_NONBLOCK, 0);
	if (at->waiting < 0 || at->going < 0)
		at->failed = -MIN(at->waiting, at->going);
	/* A packet filter may answer at once. */
	else if (connect(at->going, (struct sockaddr *)&s, outside_length(&s)) < 0 &&
			 errno != EINPROGRESS && errno != EPERM && errno != ECONNREFUSED)
		at->failed = errno;
	else if (udp)
		(void)send(at->going, "", 0, MSG_NOSIGNAL);
}

static void judge_attempt(struct trial *t, const struct attempt *at)
{
	struct pollfd p = {.fd = at->waiting, .events = POLLIN};
	bool arrived = !at->failed && poll(&p, 1, 0) == 1;
	const char *protocol = at->udp ? "udp" : "tcp";

	if (at->failed)
		trial_not_run(t, "%u/%s of %s cannot be tried: %s", at->port, protocol, at->there->who,
					  strerror(at->failed));
	else if (arrived && !at->allowed)
		trial_refuted(t, "this host reaches %u/%s of %s, which the site does not mention", at->port,
					  protocol, at->there->who);
	else if (!arrived && at->allowed)
		trial_refuted(t, "this host does not reach %u/%s of %s, as the site says it has to",
					  at->port, protocol, at->there->who);
	else
		trial_proven(t, "this host %s %u/%s of %s", arrived ? "reaches" : "does not reach",
					 at->port, protocol, at->there->who);
}

/* What malware likes to use, and a port of no meaning. Of the Web only where it is not for packages. */
static void begin_forbidden(struct attempts *all, struct trial *t, const struct outside *o,
							const struct origin *there)
{
	static const struct {
		uint16_t port;
		bool udp;
	} ports[] = {{443, false}, {25, false}, {6667, false}, {4444, true}};
	const struct site_file *f = &t->site->file;
	bool web = !has_word(f, SITE_REACH_APT);

	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if ((web || ports[i].port != 443) && !is_reached(f, there, ports[i].port, ports[i].udp))
			begin(all, t, o, there, ports[i].port, ports[i].udp);
}

/* The first port of each line that is about it. */
static void begin_allowed(struct attempts *all, struct trial *t, const struct outside *o,
						  const struct origin *there)
{
	const struct site_file *f = &t->site->file;

	for (size_t i = 0; i < f->reaches.n; i++)
		if (f->reaches.p[i].kind == SITE_REACH_PORTS && !f->reaches.p[i].to.world &&
			outside_is_among(&f->reaches.p[i].to, &there->address))
			begin(all, t, o, there, f->reaches.p[i].ports.low, f->reaches.p[i].ports.udp);
}

static void look(struct trial *t, const struct outside *o, bool is_copy _unused_)
{
	struct attempts all = {0};

	for (size_t i = 0; i < o->origins.n; i++) {
		const struct origin *there = &o->origins.p[i];

		if (!outside_has(there))
			continue;
		if (there->kind == ORIGIN_REACHED)
			begin_allowed(&all, t, o, there);
		begin_forbidden(&all, t, o, there);
	}
	(void)poll(NULL, 0, WAIT_MS);
	for (size_t i = 0; i < all.n; i++) {
		judge_attempt(t, &all.p[i]);
		close_fd(&all.p[i].waiting);
		close_fd(&all.p[i].going);
	}
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
	"Opens connections from this host to the address of an outsider, and to one of each network "
	"that the site reaches, over IPv4 and IPv6, on ports that are allowed there and on others.",
	"opens connections that go to a network of its own; for its time, packets to the addresses "
	"that it uses go there; dropped ones may be logged",
	NAMES("I8"),
	NAMES("firewall.egress"),
	30,
	NO_NAMES,
	run,
};
EXPERIMENT(firewall_egress);
