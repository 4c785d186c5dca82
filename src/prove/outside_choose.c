/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses of this host are tried, and from which that are nobody's. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/random.h>

#include "prove/outside.h"

#define MAX_ORIGINS 48
#define MAX_TARGETS 64

static struct sockaddr_storage address_of(int family, const void *bytes)
{
	struct site_network n = {.family = family};

	memcpy(n.address, bytes, outside_size(family));
	return outside_of_network(&n);
}

static const char *text_of(struct arena *a, const struct sockaddr_storage *s)
{
	char text[INET6_ADDRSTRLEN];

	return arena_strdup(a, inet_ntop(s->ss_family, outside_bytes(s), text, sizeof(text)));
}

/* --- what the host has ------------------------------------------------------------------------------- */

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
		a = outside_bytes((const struct sockaddr_storage *)i->ifa_addr);
		mask = outside_bytes((const struct sockaddr_storage *)i->ifa_netmask);
		b = outside_bytes(s);
		for (size_t k = 0; k < outside_size(s->ss_family); k++)
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
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct sockaddr_storage s;

		if (!is_target(i))
			continue;
		if (o->targets.n == MAX_TARGETS) {
			o->left_out++;
			continue;
		}
		s = address_of(i->ifa_addr->sa_family,
					   outside_bytes((const struct sockaddr_storage *)i->ifa_addr));
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

		if (target->family != outsider->family || outside_is_inner(target->interface))
			continue;
		if (!best || (known && outside_is_same(&target->address, &source)))
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

	memcpy(words, outside_bytes(s), outside_size(s->ss_family));
	if (s->ss_family == AF_INET)
		return arena_printf(a, "%08X:", words[0]);
	return arena_printf(a, "%08X%08X%08X%08X:", words[0], words[1], words[2], words[3]);
}

/* What says whom this host talks to. The last may be large, with what nobody waits for any more: then
 * it is left out. */
#define MAX_TALK ((size_t)8 << 20)
static const char *const talk_files[] = {"/proc/self/net/tcp", "/proc/self/net/tcp6",
										 "/proc/self/net/arp", "/proc/self/net/nf_conntrack"};

static void read_talk(struct trial *t, struct outside *o)
{
	for (size_t i = 0; i < ARRAY_LEN(talk_files); i++)
		if (path_read(t->place.root_fd, talk_files[i], MAX_TALK, t->arena, &o->talk[i]) < 0)
			o->talk[i] = STR("");
}

/* Somebody has it whom this host talks to, or has lately. */
static bool is_in_use(struct trial *t, const struct outside *o, const struct sockaddr_storage *s)
{
	const char *text = text_of(t->arena, s), *hex = as_in_proc(t->arena, s);

	for (size_t i = 0; i < o->targets.n; i++)
		if (outside_is_same(&o->targets.p[i].address, s))
			return true;
	for (size_t i = 0; i < o->origins.n; i++)
		if (outside_is_same(&o->origins.p[i].address, s))
			return true;
	return strcmp(t->session->peer, text) == 0 || str_has(o->talk[0], hex) ||
		   str_has(o->talk[1], hex) || str_has(o->talk[2], arena_printf(t->arena, "\n%s ", text)) ||
		   str_has(o->talk[3], arena_printf(t->arena, "=%s ", text));
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

struct origin *outside_add(struct trial *t, struct outside *o, enum origin_kind kind,
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
	unsigned last = (unsigned)outside_size(n->family) - 1;

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
		outside_add(t, o, kind, &s, who);
		return true;
	}
	return false;
}

static void add_member(struct trial *t, struct outside *o, enum origin_kind kind,
					   const struct site_network *n, const char *who)
{
	unsigned bits = 8 * (unsigned)outside_size(n->family);
	struct sockaddr_storage s = address_of(n->family, n->address);
	struct origin *origin;
	bool found = false;

	for (size_t i = 0; i < o->origins.n; i++)
		if (o->origins.p[i].kind >= ORIGIN_ADMIN && outside_is_in(&o->origins.p[i].address, n) &&
			(o->origins.p[i].kind == kind || kind == ORIGIN_SERVED))
			return;
	if (!has_family(t, n->family))
		return;
	if (o->origins.n >= MAX_ORIGINS) {
		o->networks_left_out++;
		return;
	}
	for (int tries = 0; n->prefix + 2 <= bits && tries < 32 && !found; tries++) {
		s = random_of(n);
		found = !is_in_use(t, o, &s);
	}
	origin =
		outside_add(t, o, kind, &s, arena_printf(t->arena, "%s of %.*s", who, STR_ARG(n->text)));
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

const char *outside_interface_to(const struct outside *o, const struct sockaddr_storage *to)
{
	struct sockaddr_storage source;
	bool known = find_source(to, &source);

	for (size_t k = 0; k < o->targets.n; k++) {
		const struct target *target = &o->targets.p[k];

		if (target->family == to->ss_family &&
			(known ? outside_is_same(&target->address, &source) : target->is_main))
			return target->interface;
	}
	return "";
}

/* By the way that leads there. */
static void find_interfaces(struct outside *o)
{
	for (size_t i = 0; i < o->origins.n; i++)
		o->origins.p[i].interface = outside_interface_to(o, &o->origins.p[i].address);
}

int outside_choose(struct trial *t, struct outside *o, struct err *err)
{
	struct ifaddrs *all = NULL;

	*o = (struct outside){.host_ns = -1};
	if (getifaddrs(&all) < 0)
		return err_errno(err, errno, "the interfaces cannot be listed");
	read_talk(t, o);
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
