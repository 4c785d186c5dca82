/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "base/buf.h"
#include "host/address.h"
#include "host/value.h"
#include "site/nets.h"
#include "site/seen_private.h"

#define MAX_NETWORKS 64
#define FORWARDING "net.ipv4.ip_forward"

/* --- what the parts share ---------------------------------------------------------------------- */

struct str seen_word(const struct seeing *s, struct str address)
{
	struct site_network net;

	if (!nets_parse(address, s->arena, &net))
		return STR_ABSENT;
	vec_each(&s->seen->networks, n)
		vec_each(&n->networks, in) if (nets_has(in, &net)) return str_of(n->name);
	return net.text;
}

bool seen_is_outside(const struct seeing *s, struct str address)
{
	return nets_is_peer(address) && !map_get(&s->own, address);
}

bool seen_is_name(const struct seeing *s, struct str word)
{
	vec_each(&s->seen->networks, n) if (str_is(word, n->name)) return true;
	return false;
}

bool seen_add_to(struct seeing *s, struct seen_to *to, struct str word)
{
	size_t loose = 0;

	vec_each(&to->words, w)
	{
		if (str_eq(*w, word))
			return true;
		loose += !seen_is_name(s, *w);
	}
	if (word.p && loose >= SEEN_MANY)
		return false;
	if (word.p)
		*vec_push(s->arena, &to->words) = word;
	return true;
}

const char *seen_some(struct arena *a, const struct str *items, size_t n)
{
	_cleanup_buf_ struct buf out = BUF(65536);
	size_t shown = n > 4 ? 3 : n;

	for (size_t i = 0; i < shown; i++)
		buf_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(items[i]));
	if (shown < n)
		buf_printf(&out, " and %zu more", n - shown);
	return out.n ? arena_strdup(a, out.p) : "";
}

const char *seen_day(struct arena *a, int64_t time)
{
	_cleanup_buf_ struct buf out = BUF(64);

	value_print(&out, TYPE_TIME, &(struct value){.state = VALUE_SET, .number = time});
	return out.n ? arena_printf(a, "%.10s", out.p) : "";
}

void seen_unknown(struct seeing *s, const char *what, const char *why, const char **ret)
{
	const char *text = why ? arena_printf(s->arena, "%s: %s", what, why) : NULL;

	if (text)
		*vec_push(s->arena, &s->seen->unknown) = text;
	if (ret && !*ret)
		*ret = text;
}

/* --- networks ---------------------------------------------------------------------------------- */

static const char *role_of(struct str name, struct str kind)
{
	static const char *const vpn[] = {"wireguard", "tun", "ppp", "tunnel"};
	static const char *const containers[] = {"docker*", "br-*", "podman*", "cni*",    "virbr*",
											 "lxc*",    "lxd*", "incus*",  "flannel*"};

	for (size_t i = 0; i < ARRAY_LEN(vpn); i++)
		if (str_is(kind, vpn[i]))
			return "vpn";
	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		if (str_glob(containers[i], name))
			return "containers";
	return "lan";
}

static size_t count_role(const struct seen *seen, const char *role)
{
	size_t n = 0;

	for (size_t i = 0; i < seen->networks.n; i++)
		n += str_starts(str_of(seen->networks.p[i].name), role);
	return n;
}

/* Of an address that has the length of the whole nobody else is in the network. */
static void add_network(struct seeing *s, struct str interface, struct str kind,
						const struct site_network *net)
{
	const char *role = role_of(interface, kind);
	size_t n = count_role(s->seen, role);
	struct seen_network *last =
		s->seen->networks.n ? &s->seen->networks.p[s->seen->networks.n - 1] : NULL;

	if (!last || !str_eq(last->interface, interface)) {
		if (s->seen->networks.n >= MAX_NETWORKS)
			return;
		last = vec_push(s->arena, &s->seen->networks);
		last->interface = interface;
		last->name = n ? arena_printf(s->arena, "%s%zu", role, n + 1) : role;
	}
	vec_each(&last->networks, known) if (str_eq(known->text, net->text)) return;
	if (last->networks.n < MAX_NETWORKS)
		*vec_push(s->arena, &last->networks) = *net;
}

static void add_addresses(struct seeing *s, const struct look *l, size_t row)
{
	struct str name = look_str(l, row, "name"), kind = look_str(l, row, "kind");
	const struct str *items;
	size_t n = look_list(l, row, "addresses", &items);

	for (size_t i = 0; i < n; i++) {
		struct str rest = items[i], address = STR("");
		const char *scope = address_scope(items[i]);
		struct site_network net;

		(void)str_cut(&rest, '/', &address);
		map_put(&s->own, address, s);
		if (scope && strcmp(scope, "private") == 0 && look_bool(l, row, "up") &&
			nets_parse(items[i], s->arena, &net) &&
			net.prefix <= (net.family == AF_INET ? 30u : 126u))
			add_network(s, name, kind, &net);
	}
}

static void see_networks(struct seeing *s)
{
	struct look l = look_at(s->snapshot, "interfaces");

	seen_unknown(s, "networks", l.why, NULL);
	for (size_t i = 0; i < l.n; i++)
		add_addresses(s, &l, i);
}

/* --- profile ----------------------------------------------------------------------------------- */

static const struct seen_service *serves(const struct seen *seen, const char *const *what)
{
	for (; *what; what++)
		for (size_t i = 0; i < seen->services.n; i++)
			if (str_is(seen->services.p[i].what, *what))
				return &seen->services.p[i];
	return NULL;
}

static bool runs_containers(const struct seeing *s)
{
	struct look l = look_at(s->snapshot, "containers");

	for (size_t i = 0; i < l.n; i++)
		if (look_bool(&l, i, "active"))
			return true;
	return false;
}

/* The first that fits: what an intruder would gain most by. */
static void see_profile(struct seeing *s)
{
	static const struct {
		const char *profile, *what[8];
	} roles[] = {
		{"iot-backend", {"mqtt", "coap", NULL}},
		{"web", {"http", "https", "http3", NULL}},
		{"database",
		 {"postgresql", "mysql", "redis", "mongodb", "influxdb", "clickhouse", "memcached", NULL}},
	};
	const struct seen_service *service = NULL;

	s->seen->profile = "server";
	s->seen->profile_evidence = "nothing is seen that another profile is for";
	for (size_t i = 0; i < ARRAY_LEN(roles) && !service; i++) {
		if (i == 1 && runs_containers(s)) {
			s->seen->profile = "container-host";
			s->seen->profile_evidence = "containers run here";
			return;
		}
		service = serves(s->seen, roles[i].what);
		if (service)
			s->seen->profile = roles[i].profile;
	}
	if (service)
		s->seen->profile_evidence =
			arena_printf(s->arena, "%.*s is served, on %u/%s", STR_ARG(service->what),
						 service->ports.low, service->ports.udp ? "udp" : "tcp");
}

/* --- forwarding -------------------------------------------------------------------------------- */

static bool forwards(const struct seeing *s)
{
	struct look l = look_at(s->snapshot, "sysctl");

	for (size_t i = 0; i < l.n; i++)
		if (str_is(look_str(&l, i, "key"), FORWARDING) && str_is(look_str(&l, i, "value"), "1"))
			return true;
	return false;
}

/* Containers need no line; a VPN's traffic that passes through does. */
static void see_forwarding(struct seeing *s)
{
	if (!forwards(s))
		return;
	vec_each(&s->seen->networks, n)
	{
		if (str_starts(str_of(n->name), "vpn") && !s->seen->passes_on)
			s->seen->passes_on = n->name;
	}
}

/* --- all of it --------------------------------------------------------------------------------- */

static const char *const tables[] = {
	"interfaces",      "listeners", "peers",     "logins",   "containers", "users",
	"authorized_keys", "sudoers",   "doas",      "resolver", "time_sync",  "apt_sources",
	"nginx",           "apache",    "mosquitto", "os",       "log_peers",
};

void seen_want(struct snapshot *snapshot)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		snapshot_want(snapshot, table_find(str_of(tables[i])));
	snapshot_want_key(snapshot, table_find(STR("sshd")), STR("Port"));
	snapshot_want_key(snapshot, table_find(STR("sysctl")), STR(FORWARDING));
}

void seen_make(const struct snapshot *snapshot, const struct seen_session *session, struct arena *a,
			   struct seen *ret)
{
	struct seeing s = {
		.snapshot = snapshot,
		.session = session,
		.arena = a,
		.seen = ret,
		.now = snapshot_facts((struct snapshot *)snapshot)->time,
	};

	*ret = (struct seen){.peer = STR_ABSENT};
	map_init(&s.own, a);
	see_networks(&s);
	see_forwarding(&s);
	seen_services(&s);
	seen_people(&s);
	seen_reaches(&s);
	see_profile(&s);
}
