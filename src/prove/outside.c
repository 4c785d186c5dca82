/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/outside.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "change/netns.h"
#include "prove/ruleset.h"

#define MAX_INTERFACES 64
#define THERE "out" /* the other end of the wire */
#define UP_TRIES 50 /* for a wire to come up */
#define UP_EVERY_MS 20
#define CONNECT_MS 1500

/* --- addresses -------------------------------------------------------------------------------------- */

const void *outside_bytes(const struct sockaddr_storage *s)
{
	return s->ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)s)->sin_addr
								   : &((const struct sockaddr_in6 *)s)->sin6_addr;
}

size_t outside_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

struct sockaddr_storage outside_address(const struct sockaddr_storage *address, uint16_t port)
{
	struct sockaddr_storage s = *address;

	if (s.ss_family == AF_INET)
		((struct sockaddr_in *)&s)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&s)->sin6_port = htons(port);
	return s;
}

socklen_t outside_length(const struct sockaddr_storage *s)
{
	return s->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

bool outside_is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return a->ss_family == b->ss_family &&
		   memcmp(outside_bytes(a), outside_bytes(b), outside_size(a->ss_family)) == 0;
}

struct site_network outside_network(const struct sockaddr_storage *s)
{
	struct site_network n = {.family = s->ss_family,
							 .prefix = 8 * (unsigned)outside_size(s->ss_family)};

	memcpy(n.address, outside_bytes(s), outside_size(s->ss_family));
	return n;
}

struct sockaddr_storage outside_of_network(const struct site_network *n)
{
	struct sockaddr_storage s = {.ss_family = (sa_family_t)n->family};

	memcpy((void *)outside_bytes(&s), n->address, outside_size(n->family));
	return s;
}

static bool is_within(const void *address, const void *network, unsigned prefix)
{
	const unsigned char *a = address, *n = network;
	unsigned bytes = prefix / 8, rest = prefix % 8;

	return memcmp(a, n, bytes) == 0 && (!rest || (a[bytes] ^ n[bytes]) >> (8 - rest) == 0);
}

bool outside_is_in(const struct sockaddr_storage *s, const struct site_network *n)
{
	return n->family == s->ss_family && is_within(outside_bytes(s), n->address, n->prefix);
}

bool outside_is_among(const struct site_peers *peers, const struct sockaddr_storage *s)
{
	bool found = peers->world;

	for (size_t i = 0; i < peers->networks.n && !found; i++)
		found = outside_is_in(s, &peers->networks.p[i]);
	return found;
}

/* Bridges and wires of containers and virtual machines: nobody comes in by them from outside. */
bool outside_is_inner(const char *interface)
{
	static const char *const patterns[] = {"lo",     "docker*", "br-*",  "veth*",
										   "virbr*", "vnet*",   "cni*",  "podman*",
										   "lxcbr*", "lxdbr*",  "cali*", "flannel*"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (str_glob(patterns[i], str_of(interface)))
			return true;
	return false;
}

/* --- live --------------------------------------------------------------------------------------------- */

int outside_read_rules(struct trial *t, struct outside *o, struct err *err)
{
	struct ruleset *rules = o->rules ? NULL : arena_new(t->arena, struct ruleset, 1);
	int r = rules ? ruleset_read(t, rules, err) : 0;

	if (rules && r == 0)
		o->rules = rules;
	return r;
}

const char *outside_doubt(struct trial *t, struct outside *o, bool floods)
{
	struct err err;

	if (outside_read_rules(t, o, &err) < 0)
		return arena_printf(t->arena, "the packet filter in force is not known: %s", err.msg);
	if (floods && o->rules->unlimited_log)
		return "a rule logs every packet that it is about, without a limit";
	for (size_t i = 0; i < o->targets.n; i++) {
		const char *interface = o->targets.p[i].interface;

		if (*interface && !outside_is_inner(interface) && ruleset_names(o->rules, interface))
			return arena_printf(t->arena,
								"rules tell the interface %s from others, and a wire of our own is "
								"another",
								interface);
	}
	return NULL;
}

/* Those whose interface it is; without one it is everybody's. */
static bool is_on(const char *interface, const char *own)
{
	return !interface || (own && strcmp(interface, own) == 0);
}

static int set_up_ends(struct outside *o, const struct wire *w, const char *interface)
{
	int r = netns_bring_up(o->host_ns, w->interface);

	if (r == 0)
		r = netns_bring_up(w->ns, "lo");
	if (r == 0)
		r = netns_bring_up(w->ns, THERE);
	for (size_t i = 0; r == 0 && i < o->targets.n; i++) {
		const struct target *target = &o->targets.p[i];

		/* The host has its addresses already, but for one that was made for this. */
		if (is_on(interface, target->interface) && (interface || target->is_made))
			r = netns_add_address(o->host_ns, w->interface, &target->address);
	}
	return r;
}

/* Does a datagram from there arrive at the host's end? A wire takes a while to come up, and what is sent
 * before is lost. To the port for what nobody wants (RFC 863), before the packet filter sees it. */
static bool is_through(const struct outside *o, const struct wire *w, const struct origin *origin,
					   const struct target *target)
{
	_cleanup_close_ int seen = netns_socket(o->host_ns, AF_PACKET, SOCK_DGRAM, 0);
	_cleanup_close_ int sent = outside_begin(origin, target, 9, SOCK_DGRAM);
	struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct pollfd p = {.fd = seen, .events = POLLIN};
	unsigned char packet[128];
	ssize_t n;

	if (seen < 0 || sent < 0 || netns_index(o->host_ns, w->interface, &link.sll_ifindex) < 0 ||
		bind(seen, (struct sockaddr *)&link, sizeof(link)) < 0)
		return false;
	for (int i = 0; i < UP_TRIES; i++) {
		(void)send(sent, "", 0, MSG_NOSIGNAL);
		while (poll(&p, 1, UP_EVERY_MS) == 1)
			if ((n = recv(seen, packet, sizeof(packet), MSG_DONTWAIT)) > 0 &&
				netns_is_running(o->host_ns, w->interface) && netns_is_running(w->ns, THERE) &&
				memmem(packet, (size_t)n, outside_bytes(&origin->address),
					   outside_size(origin->family)))
				return true;
	}
	return false;
}

/* An address of IPv6 is not there at once. */
static bool does_take(const struct outside *o, const struct wire *w, const struct origin *origin,
					  const struct target *target)
{
	bool takes = false;

	for (int i = 0; i < (origin->family == AF_INET6 ? UP_TRIES : 1) && !takes; i++) {
		if (i)
			(void)poll(NULL, 0, UP_EVERY_MS);
		takes = netns_takes(o->host_ns, w->interface, &origin->address, &target->address);
	}
	return takes;
}

/* Each alone: that one cannot be had keeps nobody else out. */
static int add_way(int ns, const char *interface, const struct sockaddr_storage *to)
{
	int r = netns_add_route(ns, interface, to);

	return r < 0 ? r : netns_add_neighbour(ns, interface, to);
}

static void place_origin(struct outside *o, const struct wire *w, struct origin *origin)
{
	const struct target *target = outside_target(o, origin->family);
	int r = netns_add_address(w->ns, THERE, &origin->address);

	origin->ns = w->ns;
	if (r == 0)
		r = add_way(o->host_ns, w->interface, &origin->address);
	if (r == -EEXIST)
		origin->why_not = "this host has a route to that very address";
	else if (r < 0)
		origin->why_not = "its address cannot be had on a wire into this host";
	else if (!target)
		origin->why_not = "this host has no address of its family";
	else if (!does_take(o, w, origin, target))
		origin->why_not = "the kernel does not take what comes from there by another interface "
						  "(rp_filter, or rules of routing)";
}

bool outside_takes(const struct outside *o, const struct origin *origin,
				   const struct target *target)
{
	for (size_t i = 0; i < o->wires.n; i++)
		if (o->wires.p[i].ns == origin->ns)
			return does_take(o, &o->wires.p[i], origin, target);
	return false;
}

static void check_origin(const struct outside *o, const struct wire *w, struct origin *origin)
{
	if (outside_has(origin) && origin->ns == w->ns &&
		!is_through(o, w, origin, outside_target(o, origin->family)))
		origin->why_not = "no packet gets here from there, whatever the packet filter says";
}

int outside_wire(struct trial *t, struct outside *o, const char *interface, struct err *err)
{
	struct wire *w = vec_push(t->arena, &o->wires);
	unsigned number = 0;
	int r;

	(void)!getrandom(&number, sizeof(number), 0);
	w->interface = interface ? interface : arena_printf(t->arena, "revet%08x", number);
	w->ns = netns_new(err);
	if (w->ns < 0)
		return w->ns;
	r = netns_wire(o->host_ns, w->interface, w->ns, THERE);
	if (r == 0)
		r = set_up_ends(o, w, interface);
	/* Whoever is asked is known before it is asked for. */
	for (size_t i = 0; r == 0 && i < o->origins.n; i++)
		if (!o->origins.p[i].why_not && is_on(interface, o->origins.p[i].interface))
			place_origin(o, w, &o->origins.p[i]);
	for (size_t i = 0; r == 0 && i < o->targets.n; i++)
		r = add_way(w->ns, THERE, &o->targets.p[i].address);
	for (size_t i = 0; r == 0 && i < o->origins.n; i++)
		check_origin(o, w, &o->origins.p[i]);
	return r < 0 ? err_errno(err, -r, "no wire to %s can be had", w->interface) : 0;
}

/* --- a network in the host's place ------------------------------------------------------------------- */

static bool is_wired(const struct outside *o, const char *interface)
{
	for (size_t i = 0; i < o->wires.n; i++)
		if (strcmp(o->wires.p[i].interface, interface) == 0)
			return true;
	return false;
}

/* What is on none of the host's interfaces comes in by its first. */
static const char *first_interface(const struct outside *o)
{
	for (size_t i = 0; i < o->targets.n; i++)
		if (o->targets.p[i].is_main && *o->targets.p[i].interface)
			return o->targets.p[i].interface;
	for (size_t i = 0; i < o->targets.n; i++)
		if (*o->targets.p[i].interface)
			return o->targets.p[i].interface;
	return "eth0";
}

static void place_everything(struct outside *o)
{
	const char *first = first_interface(o);

	for (size_t i = 0; i < o->targets.n; i++)
		if (!*o->targets.p[i].interface)
			o->targets.p[i].interface = first;
	for (size_t i = 0; i < o->origins.n; i++) {
		if (!o->origins.p[i].interface || !*o->origins.p[i].interface)
			o->origins.p[i].interface = first;
		/* Nothing that could be disturbed is in the copy. */
		o->origins.p[i].why_not = NULL;
		o->origins.p[i].ns = -1;
	}
}

static int wire_all(struct trial *t, struct outside *o, struct err *err)
{
	int r = netns_bring_up(o->host_ns, "lo");

	for (size_t i = 0; r == 0 && i < o->targets.n; i++)
		if (!is_wired(o, o->targets.p[i].interface))
			r = outside_wire(t, o, o->targets.p[i].interface, err);
	return r;
}

/* The other interfaces of the host, so that rules may name them. They lead nowhere. */
static void add_others(struct outside *o)
{
	struct if_nameindex *all = if_nameindex();
	char other[IFNAMSIZ];

	for (size_t i = 0; all && all[i].if_index && i < MAX_INTERFACES; i++) {
		if (strcmp(all[i].if_name, "lo") == 0 || is_wired(o, all[i].if_name) || !o->wires.n)
			continue;
		snprintf(other, sizeof(other), "other%zu", i);
		if (netns_wire(o->host_ns, all[i].if_name, o->wires.p[0].ns, other) == 0)
			(void)netns_bring_up(o->host_ns, all[i].if_name);
	}
	if_freenameindex(all);
}

int outside_copy(struct trial *t, struct outside *o, struct err *err)
{
	int r;

	o->wires.n = 0;
	place_everything(o);
	r = o->host_ns = netns_new(err);
	if (r >= 0)
		r = wire_all(t, o, err);
	if (r == 0)
		add_others(o);
	return r;
}

/* Nothing has to be there: what leaves is seen. */
int outside_lead(const struct outside *o, const struct site_network *address)
{
	struct sockaddr_storage to = outside_of_network(address);
	const char *interface = outside_interface_to(o, &to);

	for (size_t i = 0; i < o->targets.n; i++)
		if (o->targets.p[i].family == to.ss_family &&
			outside_is_in(&o->targets.p[i].address, address))
			return 0;
	return add_way(o->host_ns, *interface ? interface : first_interface(o), &to);
}

void outside_close(struct outside *o)
{
	for (size_t i = 0; i < o->wires.n; i++) {
		/* At once, rather than when the kernel gets to it. */
		(void)netns_remove(o->wires.p[i].ns, THERE);
		close_fd(&o->wires.p[i].ns);
	}
	o->wires.n = 0;
	close_fd(&o->host_ns);
}

/* --- connections -------------------------------------------------------------------------------------- */

bool outside_has(const struct origin *origin)
{
	return origin->ns >= 0 && !origin->why_not && !origin->done;
}

const struct target *outside_target(const struct outside *o, int family)
{
	for (size_t i = 0; i < o->targets.n; i++)
		if (o->targets.p[i].family == family && o->targets.p[i].is_main)
			return &o->targets.p[i];
	return NULL;
}

int outside_begin(const struct origin *from, const struct target *to, uint16_t port, int type)
{
	_cleanup_close_ int fd = netns_socket(from->ns, from->family, type | SOCK_NONBLOCK, 0);
	struct sockaddr_storage a = outside_address(&to->address, port);

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&from->address, outside_length(&from->address)) < 0 ||
		(connect(fd, (struct sockaddr *)&a, outside_length(&a)) < 0 && errno != EINPROGRESS))
		return -errno;
	return take_fd(&fd);
}

/* Has it come about, or failed? */
static bool is_over(int *fd)
{
	struct pollfd p = {.fd = *fd, .events = POLLOUT};
	int failed = 0;

	if (poll(&p, 1, 0) != 1)
		return false;
	if (getsockopt(*fd, SOL_SOCKET, SO_ERROR, &failed, &(socklen_t){sizeof(failed)}) < 0)
		failed = errno;
	if (failed) {
		close_fd(fd);
		*fd = -failed;
	}
	return true;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void outside_await(int fds[], size_t n)
{
	int64_t end = now_ms() + CONNECT_MS;

	for (size_t i = 0; i < n; i++) {
		struct pollfd p = {.fd = fds[i], .events = POLLOUT};

		if (fds[i] < 0)
			continue;
		(void)poll(&p, 1, (int)MAX(end - now_ms(), 0));
		if (!is_over(&fds[i])) {
			close_fd(&fds[i]);
			fds[i] = -ETIMEDOUT;
		}
	}
}
