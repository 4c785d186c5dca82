/* SPDX-License-Identifier: Apache-2.0 */
/* Networks, their names, and lists of them. */
#include <arpa/inet.h>

#include "base/num.h"
#include "host/site_private.h"

#define MAX_NAME 32
#define MAX_NAMES 1000
#define MAX_DEPTH 16      /* of names within names */
#define MAX_COPIED 100000 /* as many as a file has room for without names */

enum { UNREAD, READING, READ };

/* Words that mean something where the name of a network may stand. */
static const char *const reserved[] = {"world", "dns",  "ntp",  "apt",       "icmp", "any",
									   "all",   "none", "self", "localhost", NULL};

/* --- one network ------------------------------------------------------------------------- */

static unsigned bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool parse_address(struct str s, int *family, unsigned char address[16])
{
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text) || (s.n && memchr(s.p, '\0', s.n)))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*family = str_has_char(s, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*family, text, address) == 1;
}

/* The same with every bit past the prefix cleared; false when there was none. */
static bool clear_host_bits(struct site_network *net)
{
	bool any = false;

	for (unsigned bit = net->prefix; bit < bits_of(net->family); bit++) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);

		any = any || net->address[bit / 8] & mask;
		net->address[bit / 8] &= (unsigned char)~mask;
	}
	return any;
}

/* The length of the prefix that a mask such as 255.255.255.0 says, or 33. */
static unsigned mask_length(struct str s)
{
	unsigned char mask[16];
	int family;
	unsigned n = 0;

	if (!parse_address(s, &family, mask) || family != AF_INET)
		return 33;
	while (n < 32 && mask[n / 8] & 0x80 >> n % 8)
		n++;
	for (unsigned i = n; i < 32; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return 33;
	return n;
}

static int no_address(struct site_parse *p, struct yaml_at at, struct str address)
{
	struct str text = yaml_text(at);

	if (str_has_char(text, '%'))
		return yaml_err(at, p->err,
						"'%.*s': an address has no zone here: leave out the '%%' and what "
						"follows",
						STR_ARG(text));
	if (!str_has_char(text, ':') && str_has_char(text, '-'))
		return yaml_err(at, p->err, "'%.*s' is a range: write networks, as 192.0.2.0/28",
						STR_ARG(text));
	return yaml_err(at, p->err,
					"'%.*s' is no address: expected one like 192.0.2.7, 192.0.2.0/24 or "
					"2001:db8::/32",
					STR_ARG(address));
}

static int parse_prefix(struct site_parse *p, struct yaml_at at, struct str address,
						struct str text, struct site_network *net)
{
	unsigned most = bits_of(net->family), masked = mask_length(text);
	uint64_t n;

	if (masked < 33)
		return yaml_err(at, p->err, "'%.*s' has a mask: write %.*s/%u", STR_ARG(yaml_text(at)),
						STR_ARG(address), masked);
	if (text.n > 1 && text.p[0] == '0')
		return yaml_err(at, p->err, "'/%.*s' has a leading zero", STR_ARG(text));
	if (num_u64(text, 0, most, &n) < 0)
		return yaml_err(at, p->err, "'/%.*s' is no prefix of an IPv%d address: expected 1 to %u",
						STR_ARG(text), net->family == AF_INET ? 4 : 6, most);
	net->prefix = (unsigned)n;
	return 0;
}

bool site_network_parse(struct str s, struct site_network *ret)
{
	struct site_network net = {.text = s};
	struct str rest = s, address;
	uint64_t n;

	if (!str_cut(&rest, '/', &address) || !parse_address(address, &net.family, net.address))
		return false;
	n = bits_of(net.family);
	if (rest.p && num_u64(rest, 0, n, &n) < 0)
		return false;
	net.prefix = (unsigned)n;
	if (clear_host_bits(&net))
		return false;
	*ret = net;
	return true;
}

static bool starts_with(const struct site_network *net, const void *prefix, unsigned bits)
{
	const unsigned char *bytes = prefix;

	if (net->prefix < bits)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if ((net->address[i / 8] ^ bytes[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

bool site_network_holds(const struct site_network *outer, const struct site_network *inner)
{
	return outer->family == inner->family && starts_with(inner, outer->address, outer->prefix);
}

/* What is an address, but none that peers have. */
static int check_use(struct site_parse *p, struct yaml_at at, unsigned allowed,
					 const struct site_network *net)
{
	static const struct {
		int family;
		unsigned char prefix[16];
		unsigned bits;
		bool multicast;
		const char *what;
	} odd[] = {
		{AF_INET,
		 {127},
		 8,
		 false,
		 "is this host itself, which is always let through: leave it out"},
		{AF_INET6,
		 {[15] = 1},
		 128,
		 false,
		 "is this host itself, which is always let through: leave it out"},
		{AF_INET, {0}, 8, false, "is no address that a host has"},
		{AF_INET6, {0}, 128, false, "is no address that a host has"},
		{AF_INET, {255, 255, 255, 255}, 32, false, "is for broadcasts: nobody comes from there"},
		{AF_INET, {224}, 4, true, "is for multicast: nobody comes from there"},
		{AF_INET6, {0xff}, 8, true, "is for multicast: nobody comes from there"},
		{AF_INET6,
		 {[10] = 0xff, [11] = 0xff},
		 96,
		 false,
		 "is an IPv4 address in IPv6's clothes: write the IPv4 one"},
	};

	if (!net->prefix)
		return yaml_err(at, p->err, "'%.*s' is everyone: write 'world' where that is meant",
						STR_ARG(net->text));
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (net->family == odd[i].family && starts_with(net, odd[i].prefix, odd[i].bits) &&
			!(odd[i].multicast && allowed & SITE_ALLOW_MULTICAST))
			return yaml_err(at, p->err, "'%.*s' %s", STR_ARG(net->text), odd[i].what);
	return 0;
}

static int parse_network(struct site_parse *p, struct yaml_at at, unsigned allowed,
						 struct site_network *net)
{
	struct str rest = yaml_text(at), address;
	char text[INET6_ADDRSTRLEN];

	*net = (struct site_network){.text = rest, .at = at};
	(void)str_cut(&rest, '/', &address);
	if (!parse_address(address, &net->family, net->address))
		return no_address(p, at, address);
	net->prefix = bits_of(net->family);
	if (rest.p && parse_prefix(p, at, address, rest, net) < 0)
		return -EINVAL;
	if (net->prefix && clear_host_bits(net))
		return yaml_err(at, p->err,
						"'%.*s' has bits past its prefix: write %s/%u for the network, or "
						"%.*s for the one address",
						STR_ARG(net->text),
						inet_ntop(net->family, net->address, text, sizeof(text)), net->prefix,
						STR_ARG(address));
	return check_use(p, at, allowed, net);
}

/* --- names ------------------------------------------------------------------------------- */

static struct site_named *named(const struct site_parse *p, struct str name)
{
	uintptr_t n = (uintptr_t)map_get(&p->by_name, name);

	return n ? &p->site->networks.p[n - 1] : NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whoever writes a colon, a slash, or nothing but digits, dots and dashes means an address. */
static bool is_like_address(struct str s)
{
	bool digits = s.n > 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ':' || s.p[i] == '/')
			return true;
		digits = digits && (is_digit(s.p[i]) || s.p[i] == '.' || s.p[i] == '-');
	}
	return digits;
}

bool site_is_peer(const struct site_parse *p, struct str s)
{
	return str_is(s, "world") || named(p, s) || is_like_address(s);
}

static int check_name(struct site_parse *p, struct yaml_at key)
{
	struct str name = yaml_text(key);
	bool fits = name.n && name.n <= MAX_NAME && is_letter(name.p[0]);

	for (size_t i = 0; fits && i < name.n; i++)
		fits = is_letter(name.p[i]) || is_digit(name.p[i]) || name.p[i] == '-' || name.p[i] == '_';
	if (!fits)
		return yaml_err(key, p->err,
						"'%.*s' cannot name a network: expected a letter, then letters, "
						"digits, '-' and '_', %d at most",
						STR_ARG(name), MAX_NAME);
	for (size_t i = 0; reserved[i]; i++)
		if (str_is_nocase(name, reserved[i]))
			return yaml_err(key, p->err,
							"'%.*s' has a meaning of its own, and cannot name a network",
							STR_ARG(name));
	return 0;
}

static int unknown_name(struct site_parse *p, struct yaml_at at)
{
	struct str name = yaml_text(at);
	const char **known = arena_new(p->arena, const char *, p->site->networks.n + 2);
	const char *near;

	known[0] = "world";
	for (size_t i = 0; i < p->site->networks.n; i++)
		known[i + 1] = str_dup(p->arena, p->site->networks.p[i].name);
	near = yaml_nearest(name, known);
	if (near)
		return yaml_err(at, p->err, "there is no network '%.*s'; did you mean '%s'?", STR_ARG(name),
						near);
	return yaml_err(at, p->err,
					"there is no network '%.*s': name it under 'networks', or write an "
					"address",
					STR_ARG(name));
}

/* --- hosts ------------------------------------------------------------------------------- */

static bool is_label(struct str s)
{
	bool fits = s.n && s.n <= 63 && s.p[0] != '-' && s.p[s.n - 1] != '-';

	for (size_t i = 0; fits && i < s.n; i++)
		fits = is_letter(s.p[i]) || is_digit(s.p[i]) || s.p[i] == '-';
	return fits;
}

/* RFC 1123, with a dot at least: a name without one is another on every network. */
static bool is_host_name(struct str s)
{
	struct str rest = s, label = STR_ABSENT;
	bool fits = s.n <= 253;

	while (fits && str_cut(&rest, '.', &label))
		fits = is_label(label);
	return fits && is_letter(label.p[0]);
}

static int add_host(struct site_parse *p, struct yaml_at at, unsigned allowed,
					struct site_peers *ret)
{
	struct str name = yaml_text(at);

	if (!(allowed & SITE_ALLOW_HOSTS))
		return yaml_err(at, p->err,
						"'%.*s' is the name of a host: who comes is told by address; write "
						"that, or name a network",
						STR_ARG(name));
	if (str_has_char(name, '*'))
		return yaml_err(at, p->err, "'%.*s' cannot be resolved: name each host", STR_ARG(name));
	if (!is_host_name(name))
		return yaml_err(at, p->err,
						"'%.*s' is no name of a host: expected one like api.example.org",
						STR_ARG(name));
	*vec_push(p->arena, &ret->names) = name;
	return 0;
}

/* --- lists ------------------------------------------------------------------------------- */

static int resolve(struct site_parse *p, struct yaml_at at, struct site_named *n)
{
	unsigned *state = &p->states[n - p->site->networks.p];
	int r;

	if (*state == READ)
		return 0;
	if (*state == READING)
		return yaml_err(at, p->err, "'%.*s' contains itself", STR_ARG(n->name));
	if (p->depth >= MAX_DEPTH)
		return yaml_err(at, p->err, "'%.*s': names within names, more than %d deep",
						STR_ARG(n->name), MAX_DEPTH);
	*state = READING;
	p->depth++;
	r = site_parse_peers(p, n->peers.at, 0, &n->peers);
	p->depth--;
	*state = READ;
	return r;
}

static int add_named(struct site_parse *p, struct yaml_at at, struct site_named *n, bool alone,
					 struct site_peers *ret)
{
	if (resolve(p, at, n) < 0)
		return -EINVAL;
	if (alone) {
		ret->networks.p = n->peers.networks.p;
		ret->networks.n = ret->networks.cap = n->peers.networks.n;
		return 0;
	}
	p->copied += n->peers.networks.n;
	if (p->copied > MAX_COPIED)
		return yaml_err(at, p->err,
						"too many addresses come by names into other lists (more than %d)",
						MAX_COPIED);
	for (size_t i = 0; i < n->peers.networks.n; i++)
		*vec_push(p->arena, &ret->networks) = n->peers.networks.p[i];
	return 0;
}

static int add_world(struct site_parse *p, struct yaml_at at, unsigned allowed, bool alone,
					 struct site_peers *ret)
{
	if (!(allowed & SITE_ALLOW_WORLD))
		return yaml_err(at, p->err,
						"'world' cannot be part of a network: write it where it is meant");
	if (!alone)
		return yaml_err(at, p->err, "'world' is everyone: leave the others out, or it");
	ret->world = true;
	return 0;
}

static int add_item(struct site_parse *p, struct yaml_at at, unsigned allowed, bool alone,
					struct site_peers *ret)
{
	struct str text;
	struct site_named *name;

	if (yaml_str(at, &text, p->err) < 0)
		return -EINVAL;
	name = named(p, text);
	if (str_is(text, "world"))
		return add_world(p, at, allowed, alone, ret);
	if (name)
		return add_named(p, at, name, alone, ret);
	if (str_has(text, "://"))
		return yaml_err(at, p->err, "'%.*s' is a URL: write the host alone", STR_ARG(text));
	if (is_like_address(text))
		return parse_network(p, at, allowed, vec_push(p->arena, &ret->networks));
	return str_has_char(text, '.') ? add_host(p, at, allowed, ret) : unknown_name(p, at);
}

/* What is the same although it is written differently: one address, one host, one name. */
static int check_seen(struct site_parse *p, struct map *seen, struct yaml_at at,
					  const struct site_peers *peers)
{
	struct str text = str_lower(p->arena, yaml_text(at)), key = text;
	const struct site_network *last;
	uintptr_t line;

	if (peers->networks.n && is_like_address(text)) {
		last = &peers->networks.p[peers->networks.n - 1];
		key = (struct str){arena_copy(p->arena, last, offsetof(struct site_network, text)),
						   offsetof(struct site_network, text)};
	}
	line = (uintptr_t)map_put(seen, key, (void *)(uintptr_t)at.doc->nodes[at.i].line);
	return line ? yaml_err(at, p->err, "'%.*s' is in this list already (line %u)",
						   STR_ARG(yaml_text(at)), (unsigned)line)
				: 0;
}

int site_parse_peers(struct site_parse *p, struct yaml_at at, unsigned allowed,
					 struct site_peers *ret)
{
	struct yaml_iter it = yaml_iter(at);
	bool alone = yaml_kind(at) == YAML_LIST && at.doc->nodes[at.i].child &&
				 !at.doc->nodes[at.doc->nodes[at.i].child].next;
	struct map seen;
	int r = 0;

	*ret = (struct site_peers){.at = at};
	if (yaml_kind(at) == YAML_SCALAR)
		return add_item(p, at, allowed, true, ret);
	if (yaml_kind(at) == YAML_MAP)
		return yaml_err(at, p->err, "expected a network or a list of networks, found a mapping");
	if (!yaml_len(at))
		return yaml_err(at, p->err,
						"this list is empty, which lets nobody through: leave the line out");
	map_init(&seen, p->arena);
	while (r == 0 && yaml_next(&it)) {
		r = add_item(p, it.value, allowed, alone, ret);
		if (r == 0)
			r = check_seen(p, &seen, it.value, ret);
	}
	return r;
}

int site_parse_networks(struct site_parse *p, struct yaml_at map)
{
	struct yaml_iter it = yaml_iter(map);
	int r = 0;

	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, p->err, "expected {name: [network, ...], ...}, found %s",
						yaml_kind_name(map));
	if (yaml_len(map) > MAX_NAMES)
		return yaml_err(map, p->err, "more than %d networks", MAX_NAMES);
	while (r == 0 && yaml_next(&it)) {
		struct site_named *n = vec_push(p->arena, &p->site->networks);

		*n = (struct site_named){yaml_text(it.key), {.at = it.value}, it.key};
		r = check_name(p, it.key);
		(void)map_put(&p->by_name, n->name, (void *)(uintptr_t)p->site->networks.n);
	}
	p->states = arena_new(p->arena, unsigned, p->site->networks.n + 1);
	for (size_t i = 0; r == 0 && i < p->site->networks.n; i++)
		r = resolve(p, p->site->networks.p[i].at, &p->site->networks.p[i]);
	return r;
}
