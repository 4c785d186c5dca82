/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces and their addresses, from rtnetlink(7). */
#include <net/if.h>
#include <net/if_arp.h>

#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/address.h"
#include "host/fields.h"
#include "host/rtnetlink.h"
#include "host/table.h"

enum { NAME, ADDRESSES, UP, PROMISCUOUS, WIRELESS, KIND, PUBLIC };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the interface", COLUMN_KEY | COLUMN_LABEL},
	[ADDRESSES] = {"addresses", TYPE_LIST, "Addresses with the length of their prefix", 0},
	[UP] = {"up", TYPE_BOOL, "It is switched on", COLUMN_SETTABLE},
	[PROMISCUOUS] = {"promiscuous", TYPE_BOOL,
					 "Something takes in all packets that pass; that a bridge does so with its "
					 "ports does not count",
					 0},
	[WIRELESS] = {"wireless", TYPE_BOOL, "It is a Wi-Fi interface", 0},
	[KIND] = {"kind", TYPE_STRING,
			  "loopback, ethernet, wireless, or what made it, as ip -d link prints it: bridge, "
			  "veth, wireguard, tun, bond, vlan, ...",
			  0},
	[PUBLIC] = {"public", TYPE_BOOL, "It has an address that is routed on the Internet", 0},
	{0},
};

struct link {
	struct str name, kind, port;
	uint64_t index, type, flags, promiscuity;
	VEC(struct str) addresses;
};

typedef VEC(struct link) link_list;

static uint64_t number(struct str s)
{
	uint64_t n = 0;

	(void)num_u64(s, 0, UINT32_MAX, &n);
	return n;
}

static void parse_link(struct arena *a, struct str line, struct link *ret)
{
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "link"))
			ret->index = number(value);
		else if (str_is(name, "type"))
			ret->type = number(value);
		else if (str_is(name, "flags"))
			ret->flags = number(value);
		else if (str_is(name, "promiscuity"))
			ret->promiscuity = number(value);
		else if (str_is(name, "name"))
			ret->name = fields_plain(a, value);
		else if (str_is(name, "kind"))
			ret->kind = fields_plain(a, value);
		else if (str_is(name, "port"))
			ret->port = fields_plain(a, value);
	}
}

/* Links are written before addresses, and under their number in by_index. */
static void parse_address(struct arena *a, struct str line, link_list *links,
						  const struct map *by_index)
{
	struct str name, value, address = STR_ABSENT, index = STR("");
	size_t *at;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "address"))
			address = value;
		else if (str_is(name, "link"))
			index = value;
	}
	at = map_get(by_index, index);
	if (at && address.p)
		*vec_push(a, &links->p[*at].addresses) = address;
}

static void parse_links(struct arena *a, struct str text, link_list *links)
{
	struct map by_index;
	struct str line;

	map_init(&by_index, a);
	while (str_line(&text, &line)) {
		size_t *at;

		if (!str_starts(line, "link=")) {
			parse_address(a, line, links, &by_index);
			continue;
		}
		at = arena_new(a, size_t, 1);
		*at = links->n;
		parse_link(a, line, vec_push(a, links));
		map_put(&by_index, str_of(arena_printf(a, "%llu", (unsigned long long)
											   links->p[*at].index)), at);
	}
}

static bool is_wireless(struct host *host, struct arena *a, struct str name)
{
	struct path_stat st;
	struct err ignored;
	const char *path;

	/* A name that is no file name ("..") cannot be looked up in sysfs; the kernel allows none. */
	if (str_has_char(name, '/') || str_starts(name, "."))
		return false;
	path = arena_printf(a, "/sys/class/net/%.*s/phy80211", STR_ARG(name));
	return host_stat(host, path, true, &st, &ignored) == 0;
}

static struct str kind_of(const struct link *link, bool wireless)
{
	if (link->kind.p)
		return link->kind;
	if (wireless)
		return STR("wireless");
	switch (link->type) {
	case ARPHRD_LOOPBACK:
		return STR("loopback");
	case ARPHRD_ETHER:
		return STR("ethernet");
	case ARPHRD_INFINIBAND:
		return STR("infiniband");
	case ARPHRD_PPP:
		return STR("ppp");
	case ARPHRD_NONE:
		return STR("tun");
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
		return STR("tunnel");
	default:
		return STR("other");
	}
}

/* A bridge, bond or team puts its ports into this mode once; whatever comes on top listens. */
static bool is_promiscuous(const struct link *link)
{
	return link->promiscuity > (link->port.p ? 1u : 0u) || (link->flags & IFF_PROMISC) != 0;
}

static void add_link(struct host *host, struct rows *rows, const struct link *link)
{
	const char *path = arena_printf(rows->arena, "/sys/class/net/%.*s", STR_ARG(link->name));
	struct row *row = rows_add(rows, FROM(path, 0));
	bool wireless = is_wireless(host, rows->arena, link->name), public = false;

	for (size_t i = 0; i < link->addresses.n; i++) {
		const char *scope = address_scope(link->addresses.p[i]);

		public = public || (scope && strcmp(scope, "public") == 0);
	}
	row_str(row, NAME, link->name);
	row_list(row, ADDRESSES, link->addresses.p, link->addresses.n);
	row_bool(row, UP, link->flags & IFF_UP);
	row_bool(row, PROMISCUOUS, is_promiscuous(link));
	row_bool(row, WIRELESS, wireless);
	row_str(row, KIND, kind_of(link, wireless));
	row_bool(row, PUBLIC, public);
}

static int read_interfaces(struct host *host, struct rows *rows, struct err *err)
{
	link_list links = {0};
	struct str text;
	int r = host_query(host, &interfaces_query, rows->arena, &text, err);

	if (r < 0)
		return r;
	parse_links(rows->arena, text, &links);
	vec_each(&links, link)
		add_link(host, rows, link);
	return 0;
}

static const struct table interfaces = {
	.name = "interfaces",
	.doc = "Network interfaces of this network namespace, from rtnetlink(7)",
	.columns = columns,
	.read = read_interfaces,
};
TABLE(interfaces);
