/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/outside.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>

#include "change/netns.h"
#include "prove/ruleset.h"

#define MAX_ORIGINS 16
#define MAX_TARGETS 16
#define MAX_INTERFACES 64
#define THERE "out" /* the other end of the wire */
#define UP_TRIES 50 /* for a wire to come up */
#define UP_EVERY_MS 20

/* --- addresses -------------------------------------------------------------------------------------- */

static const void *bytes_of(const struct sockaddr_storage *s)
{
	return s->ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)s)->sin_addr
								   : &((const struct sockaddr_in6 *)s)->sin6_addr;
}

static size_t size_of(int family)
{
	return family == AF_INET ? 4 : 16;
}

static struct sockaddr_storage address_of(int family, const void *bytes)
{
	struct sockaddr_storage s = {.ss_family = (sa_family_t)family};

	memcpy((void *)bytes_of(&s), bytes, size_of(family));
	return s;
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

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return a->ss_family == b->ss_family &&
		   memcmp(bytes_of(a), bytes_of(b), size_of(a->ss_family)) == 0;
}

static const char *text_of(struct arena *a, const struct sockaddr_storage *s)
{
	char text[INET6_ADDRSTRLEN];

	return arena_strdup(a, inet_ntop(s->ss_family, bytes_of(s), text, sizeof(text)));
}

static bool is_within(const void *address, const void *network, unsigned prefix)
{
	const unsigned char *a = address, *n = network;
	unsigned bytes = prefix / 8, rest = prefix % 8;

	return memcmp(a, n, bytes) == 0 && (!rest || (a[bytes] ^ n[bytes]) >> (8 - rest) == 0);
}

static bool is_in_network(const struct sockaddr_storage *s, const struct site_network *n)
{
	return n->family == s->ss_family && is_within(bytes_of(s), n->address, n->prefix);
}

bool outside_is_among(const struct site_peers *peers, const struct sockaddr_storage *s)
{
	bool found = peers->world;

	for (size_t i = 0; i < peers->networks.n && !found; i++)
		found = is_in_network(s, &peers->networks.p[i]);
	return found;
}

/* --- what the host has ------------------------------------------------------------------------------- */

/* Bridges and wires of containers and virtual machines: nobody comes in by them from outside. */
static bool is_inner(const char *interface)
{
	static const char *const patterns[] = {"lo",     "docker*", "br-*",  "veth*",
										   "virbr*", "vnet*",   "cni*",  "podman*",
										   "lxcbr*", "lxdbr*",  "cali*", "flannel*"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (str_glob(patterns[i], str_of(interface)))
			return true;
	return false;
}

/* Labels such as eth0:1 are names of addresses. */
static const char *name_of(struct arena *a, const struct ifaddrs *i)
{
	return str_dup(a, (struct str){i->ifa_name, strcspn(i->ifa_name, ":")});
}

static bool is_target(const struct ifaddrs *i)
{
	const struct sockaddr_in6 *six = (const void *)i->ifa_addr;

	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK)
		return false;
	return i->ifa_addr->sa_family == AF_INET ||
		   (i->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr));
}

/* Does a network of the host's own have the address? */
static bool is_connected(const struct ifaddrs *all, const struct sockaddr_storage *s)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const unsigned char *a, *b, *mask;
		bool same = true;

		if (!i->ifa_addr || !i->ifa_netmask || i->ifa_addr->sa_family != s->ss_family)
			continue;
		a = bytes_of((const struct sockaddr_storage *)i->ifa_addr);
		mask = bytes_of((const struct sockaddr_storage *)i->ifa_netmask);
		b = bytes_of(s);
		for (size_t k = 0; k < size_of(s->ss_family); k++)
			same = same && !((a[k] ^ b[k]) & mask[k]);
		if (same)
			return true;
	}
	return false;
}

/* The address that the host would speak from; false: it knows no way there. */
static bool find_source(const struct sockaddr_storage *to, struct sockaddr_storage *ret)
{
	_cleanup_close_ int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage s = outside_address(to, 9);
	socklen_t n = sizeof(*ret);

	return fd >= 0 && connect(fd, (struct sockaddr *)&s, outside_length(&s)) == 0 &&
		   getsockname(fd, (struct sockaddr *)ret, &n) == 0;
}

static void find_targets(struct trial *t, const struct ifaddrs *all, struct outside *o)
{
	for (const struct ifaddrs *i = all; i && o->targets.n < MAX_TARGETS; i = i->ifa_next) {
		struct sockaddr_storage s;

		if (!is_target(i))
			continue;
		s = address_of(i->ifa_addr->sa_family,
					   bytes_of((const struct sockaddr_storage *)i->ifa_addr));
		*vec_push(t->arena, &o->targets) = (struct target){.family = s.ss_family,
														   .address = s,
														   .text = text_of(t->arena, &s),
														   .interface = name_of(t->arena, i)};
	}
}

static bool has_family(struct trial *t, int family)
{
	struct str text;

	return family == AF_INET ||
		   (path_read(t->place.root_fd, "/proc/sys/net/ipv6/conf/all/disable_ipv6", 16, t->arena,
					  &text) == 0 &&
			str_is(str_trim(text), "0"));
}

/* The address that the host is known by: that of the way to the outsider, else the first that faces
 * outside. A host without any gets one, on the wire. */
static void choose_main(struct trial *t, struct outside *o, const struct origin *outsider)
{
	struct target *best = NULL;
	struct sockaddr_storage source;
	bool known = find_source(&outsider->address, &source);

	for (size_t i = 0; i < o->targets.n; i++) {
		struct target *target = &o->targets.p[i];

		if (target->family != outsider->family || is_inner(target->interface))
			continue;
		if (!best || (known && is_same(&target->address, &source)))
			best = target;
	}
	if (!best && has_family(t, outsider->family)) {
		static const unsigned char four[4] = {192, 0, 2, 189};
		static const unsigned char six[16] = {0xfd, 'r', 'e', 'v', 'e', 't', [15] = 1};
		bool is_four = outsider->family == AF_INET;

		best = vec_push(t->arena, &o->targets);
		best->family = outsider->family;
		best->address = address_of(best->family, is_four ? four : six);
		best->text = text_of(t->arena, &best->address);
		best->interface = "";
		best->is_made = true;
	}
	if (best)
		best->is_main = true;
}

/* --- whose address is nobody's ----------------------------------------------------------------------- */

/* The words of an address as /proc/net/tcp writes them: 32 bits each, in the machine's order. */
static const char *as_in_proc(struct arena *a, const struct sockaddr_storage *s)
{
	uint32_t words[4];

	memcpy(words, bytes_of(s), size_of(s->ss_family));
	if (s->ss_family == AF_INET)
		return arena_printf(a, "%08X:", words[0]);
	return arena_printf(a, "%08X%08X%08X%08X:", words[0], words[1], words[2], words[3]);
}

static bool does_file_have(struct trial *t, const char *path, const char *what)
{
	struct str text;

	return path_read(t->place.root_fd, path, (size_t)64 << 20, t->arena, &text) == 0 &&
		   str_has(text, what);
}

/* Somebody has it whom this host talks to, or has lately. */
static bool is_in_use(struct trial *t, const struct outside *o, const struct sockaddr_storage *s)
{
	const char *text = text_of(t->arena, s), *hex = as_in_proc(t->arena, s);

	for (size_t i = 0; i < o->targets.n; i++)
		if (is_same(&o->targets.p[i].address, s))
			return true;
	for (size_t i = 0; i < o->origins.n; i++)
		if (is_same(&o->origins.p[i].address, s))
			return true;
	return strcmp(t->session->peer, text) == 0 || does_file_have(t, "/proc/self/net/tcp", hex) ||
		   does_file_have(t, "/proc/self/net/tcp6", hex) ||
		   does_file_have(t, "/proc/self/net/arp", arena_printf(t->arena, "\n%s ", text)) ||
		   does_file_have(t, "/proc/self/net/nf_conntrack", arena_printf(t->arena, "=%s ", text));
}

static bool is_in_site(const struct site_file *f, const struct sockaddr_storage *s)
{
	bool found = !f->admins.from.world && outside_is_among(&f->admins.from, s);

	for (size_t i = 0; i < f->serves.n && !found; i++)
		found = !f->serves.p[i].to.world && outside_is_among(&f->serves.p[i].to, s);
	for (size_t i = 0; i < f->reaches.n && !found; i++)
		found = !f->reaches.p[i].to.world && outside_is_among(&f->reaches.p[i].to, s);
	return found;
}

static struct origin *add_origin(struct trial *t, struct outside *o, enum origin_kind kind,
								 const struct sockaddr_storage *s, const char *who)
{
	struct origin *origin = vec_push(t->arena, &o->origins);
	const char *text = text_of(t->arena, s);

	*origin = (struct origin){.kind = kind,
							  .family = s->ss_family,
							  .address = *s,
							  .ns = -1,
							  .text = text,
							  .who = arena_printf(t->arena, "%s (%s)", who, text)};
	return origin;
}

/* Addresses for documentation (RFC 5737, 3849, 9637) are nobody's; private ones of networks that the
 * host is not in are nobody's here. Some of each, of 24 bits, and of 64. */
static const char *const outsiders[2][3] = {{"203.0.113.0", "198.51.100.0", "192.0.2.0"},
											{"2001:db8:7265::", "3fff:7265::", "2001:db8:77::"}};
static const char *const neighbours[2][3] = {{"10.213.77.0", "172.31.213.0", "192.168.213.0"},
											 {"fd72:6576:6574::", "fd77:7265::", "fdac:77::"}};

/* Any address of the network, but for the first and the last. */
static struct sockaddr_storage random_of(const struct site_network *n)
{
	unsigned char bytes[16] = {0}, noise[16] = {0};
	unsigned last = (unsigned)size_of(n->family) - 1;

	(void)!getrandom(noise, sizeof(noise), 0);
	for (unsigned i = 0; i <= last; i++) {
		unsigned kept = n->prefix >= 8 * (i + 1) ? 8 : n->prefix > 8 * i ? n->prefix - 8 * i : 0;
		unsigned char mask = (unsigned char)(0xff >> kept);

		bytes[i] = (unsigned char)((n->address[i] & ~mask) | (noise[i] & mask));
	}
	/* Of a network of at least four addresses these two bits are its own. */
	bytes[last] = (unsigned char)((bytes[last] & ~3) | (noise[0] & 1 ? 1 : 2));
	return address_of(n->family, bytes);
}

static bool add_nobody(struct trial *t, const struct ifaddrs *all, struct outside *o,
					   enum origin_kind kind, const char *const candidates[3], const char *who)
{
	for (size_t i = 0; i < 3; i++) {
		bool six = strchr(candidates[i], ':') != NULL;
		struct site_network n = {.family = six ? AF_INET6 : AF_INET, .prefix = six ? 64 : 24};
		struct sockaddr_storage s;

		if (inet_pton(n.family, candidates[i], n.address) != 1)
			continue;
		s = random_of(&n);
		if (is_connected(all, &s) || is_in_site(&t->site->file, &s) || is_in_use(t, o, &s))
			continue;
		add_origin(t, o, kind, &s, who);
		return true;
	}
	return false;
}

static void add_member(struct trial *t, struct outside *o, enum origin_kind kind,
					   const struct site_network *n, const char *who)
{
	unsigned bits = 8 * (unsigned)size_of(n->family);
	struct sockaddr_storage s = address_of(n->family, n->address);
	struct origin *origin;
	bool found = false;

	for (size_t i = 0; i < o->origins.n; i++)
		if (o->origins.p[i].kind >= ORIGIN_ADMIN && is_in_network(&o->origins.p[i].address, n) &&
			(o->origins.p[i].kind == kind || kind == ORIGIN_SERVED))
			return;
	if (o->origins.n >= MAX_ORIGINS || !has_family(t, n->family))
		return;
	for (int tries = 0; n->prefix + 2 <= bits && tries < 32 && !found; tries++) {
		s = random_of(n);
		found = !is_in_use(t, o, &s);
	}
	origin =
		add_origin(t, o, kind, &s, arena_printf(t->arena, "%s of %.*s", who, STR_ARG(n->text)));
	if (n->prefix + 2 > bits)
		origin->why_not = "its network is too small for an address that is nobody's";
	else if (!found)
		origin->why_not = "no address of its network is nobody's";
}

static void add_members(struct trial *t, struct outside *o)
{
	const struct site_file *f = &t->site->file;

	if (!t->site->path)
		return;
	for (size_t i = 0; i < f->admins.from.networks.n; i++)
		add_member(t, o, ORIGIN_ADMIN, &f->admins.from.networks.p[i], "an admin");
	for (size_t i = 0; i < f->serves.n; i++)
		for (size_t k = 0; k < f->serves.p[i].to.networks.n; k++)
			add_member(t, o, ORIGIN_SERVED, &f->serves.p[i].to.networks.p[k], "a client");
	for (size_t i = 0; i < f->reaches.n; i++)
		for (size_t k = 0; k < f->reaches.p[i].to.networks.n; k++)
			add_member(t, o, ORIGIN_REACHED, &f->reaches.p[i].to.networks.p[k], "a server");
}

/* By the way that leads there. */
static void find_interfaces(struct outside *o)
{
	for (size_t i = 0; i < o->origins.n; i++) {
		struct origin *origin = &o->origins.p[i];
		struct sockaddr_storage source;
		bool known = find_source(&origin->address, &source);

		for (size_t k = 0; k < o->targets.n; k++) {
			const struct target *target = &o->targets.p[k];

			if (target->family == origin->family &&
				(known ? is_same(&target->address, &source) : target->is_main))
				origin->interface = target->interface;
		}
	}
}

int outside_choose(struct trial *t, struct outside *o, struct err *err)
{
	struct ifaddrs *all = NULL;

	*o = (struct outside){.host_ns = -1};
	if (getifaddrs(&all) < 0)
		return err_errno(err, errno, "the interfaces cannot be listed");
	find_targets(t, all, o);
	for (int v = 0; v < 2; v++) {
		if (!has_family(t, v ? AF_INET6 : AF_INET))
			continue;
		if (!add_nobody(t, all, o, ORIGIN_OUTSIDER, outsiders[v], "an outsider"))
			continue;
		choose_main(t, o, &o->origins.p[o->origins.n - 1]);
		add_nobody(t, all, o, ORIGIN_NEIGHBOUR, neighbours[v], "a neighbour");
	}
	freeifaddrs(all);
	add_members(t, o);
	find_interfaces(o);
	return o->origins.n ? 0 : err_set(err, EADDRNOTAVAIL, "no address is nobody's here");
}

/* --- live --------------------------------------------------------------------------------------------- */

const char *outside_doubt(struct trial *t, const struct outside *o, bool floods)
{
	struct ruleset rules;
	struct err err;

	if (ruleset_read(t, &rules, &err) < 0)
		return arena_printf(t->arena, "the packet filter in force is not known: %s", err.msg);
	if (floods && rules.unlimited_log)
		return "a rule logs every packet that it is about, without a limit";
	for (size_t i = 0; i < o->targets.n; i++) {
		const char *interface = o->targets.p[i].interface;

		if (*interface && !is_inner(interface) && ruleset_names(&rules, interface))
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
				memmem(packet, (size_t)n, bytes_of(&origin->address), size_of(origin->family)))
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
static void place_origin(struct outside *o, const struct wire *w, struct origin *origin)
{
	const struct target *target = outside_target(o, origin->family);
	int r = netns_add_address(w->ns, THERE, &origin->address);

	origin->ns = w->ns;
	if (r == 0)
		r = netns_add_route(o->host_ns, w->interface, &origin->address);
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
		r = netns_add_route(w->ns, THERE, &o->targets.p[i].address);
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

bool outside_open(struct trial *t, struct outside *o)
{
	struct err err;
	const char *doubt;

	if (outside_choose(t, o, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return false;
	}
	doubt = outside_doubt(t, o, false);
	if (doubt) {
		trial_not_run(t, "%s", doubt);
		return false;
	}
	if (outside_wire(t, o, NULL, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		outside_close(o);
		return false;
	}
	return true;
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

const struct origin *outside_origin(const struct outside *o, enum origin_kind kind, int family)
{
	for (size_t i = 0; i < o->origins.n; i++)
		if (o->origins.p[i].kind == kind && o->origins.p[i].family == family &&
			outside_has(&o->origins.p[i]))
			return &o->origins.p[i];
	return NULL;
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

int outside_connect(const struct origin *from, const struct target *to, uint16_t port, int type,
					int timeout_ms)
{
	_cleanup_close_ int fd = outside_begin(from, to, port, type);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int failed = 0;

	if (fd < 0)
		return fd;
	if (poll(&p, 1, timeout_ms) != 1)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &(socklen_t){sizeof(failed)}) < 0)
		return -errno;
	return failed ? -failed : take_fd(&fd);
}
