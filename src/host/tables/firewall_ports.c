/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the packet filter lets in to which ports, beside whom the site file serves there. */
#include <netinet/in.h>

#include "base/buf.h"
#include "host/fw_open.h"
#include "host/procs.h"
#include "host/site_facts.h"
#include "host/site_file.h"
#include "host/table.h"

#define MAX_GROUPS 1024 /* of ports that are treated alike */
#define MAX_LISTED 32   /* networks in one cell */

enum { FAMILY, PROTOCOL, PORTS, ADMITTED, ONLY_IPV6, BEYOND };

static const struct column columns[] = {
	[FAMILY] = {"family", TYPE_STRING, "ipv4 or ipv6", COLUMN_LABEL},
	[PROTOCOL] = {"protocol", TYPE_STRING, "tcp or udp", COLUMN_LABEL},
	[PORTS] = {"ports", TYPE_STRING, "As ranges: 22, 8000-8999", COLUMN_LABEL},
	[ADMITTED] = {"admitted", TYPE_LIST,
				  "Networks whose new connections, or datagrams, the filter lets in there by an "
				  "interface of a "
				  "default route, or world; absent: that is not known of anybody",
				  0},
	[ONLY_IPV6] = {"only_ipv6", TYPE_BOOL,
				   "The world is let in there, and is not over IPv4; absent: the row is about IPv4",
				   0},
	[BEYOND] =
		{"beyond", TYPE_LIST,
		 "Of those, networks that the site file does not serve there; absent: none, or it does not "
		 "say who is served",
		 0},
	{0},
};

/* Ports that the filter and the site treat alike. */
struct group {
	struct nft_ranges ports;
	struct fw_sources sources;
	struct nft_ranges served;
	uint8_t over_ipv4; /* enum world; of IPv6 */
};

/* Is the world let in? */
enum world { SHUT, OPEN, UNSURE };

struct reader {
	struct rows *rows;
	struct fw_open open;
	const struct site_file *site; /* NULL: it does not say who is served */
	const char *why;              /* that is not known; NULL: it is */
	struct site_facts facts;
	VEC(struct group) groups; /* of one family and protocol */
	uint8_t *over_ipv4;       /* enum world, of every port of the protocol */
};

/* --- whom the site serves ------------------------------------------------------------------------ */

static void read_site(struct reader *r, struct host *host)
{
	struct arena *a = r->rows->arena;
	struct err err = {0};
	int result = site_file_read(host, a, &r->site, &err);

	if (result == 0 && (!r->site || !site_has_ruleset(r->site))) {
		r->site = NULL;
		return;
	}
	if (result == 0)
		result = site_facts_read(host, a, &r->facts, &err);
	if (result < 0)
		r->why = arena_strdup(a, err.msg);
}

static void add_peers(struct reader *r, const struct site_peers *peers, bool v6,
					  struct nft_ranges *to)
{
	struct arena *a = r->rows->arena;

	if (peers->world)
		nft_ranges_add_all(a, to, &r->open.place.world[v6]);
	vec_each(&peers->networks, n) if (n->family == (v6 ? AF_INET6 : AF_INET))
		nft_ranges_add_network(a, to, n->address, n->prefix);
}

static bool is_in(const struct site_service *s, bool udp, unsigned port)
{
	return s->ports.udp == udp && s->ports.low <= port && port <= s->ports.high;
}

/* Administrators come by SSH, from anywhere where neither they nor the service are said to come from
 * somewhere: as the ruleset of the site has it. */
static void add_ssh(struct reader *r, bool v6, unsigned port, bool served, struct nft_ranges *to)
{
	const struct site_peers world = {.world = true}, *from = &r->site->admins.from;

	for (size_t i = 0; i < r->facts.ssh_ports.n; i++)
		if (r->facts.ssh_ports.p[i] == port)
			add_peers(r, from->world || from->networks.n || served ? from : &world, v6, to);
}

static struct nft_ranges served_on(struct reader *r, bool v6, bool udp, unsigned port)
{
	const struct site_peers world = {.world = true};
	struct nft_ranges to = {.width = v6 ? 16 : 4};
	bool served = false;

	if (!r->site || r->why)
		return to;
	for (size_t i = 0; i < r->site->serves.n; i++) {
		const struct site_service *s = &r->site->serves.p[i];

		if (!is_in(s, udp, port))
			continue;
		served = true;
		add_peers(r, &s->to, v6, &to);
	}
	if (!udp)
		add_ssh(r, v6, port, served, &to);
	/* Answers to a client of DHCP are no answers to the packet filter: it has asked everybody. */
	else if (port == (v6 ? 546 : 68))
		add_peers(r, &world, v6, &to);
	nft_ranges_join(&to);
	return to;
}

/* --- ports that are treated alike --------------------------------------------------------------- */

static bool is_same(const struct group *g, const struct group *other)
{
	return g->over_ipv4 == other->over_ipv4 &&
		   nft_ranges_equal(&g->sources.in, &other->sources.in) &&
		   nft_ranges_equal(&g->sources.perhaps, &other->sources.perhaps) &&
		   nft_ranges_equal(&g->served, &other->served);
}

static void add_ports(struct reader *r, struct group *found, uint16_t low, uint16_t high)
{
	struct arena *a = r->rows->arena;

	if (!found->sources.in.list.n && !found->sources.perhaps.list.n)
		return;
	for (size_t i = 0; i < r->groups.n; i++)
		if (is_same(&r->groups.p[i], found)) {
			nft_ranges_add_ports(a, &r->groups.p[i].ports, low, high);
			return;
		}
	if (r->groups.n == MAX_GROUPS) {
		rows_gap(r->rows, "the packet filter tells more than %d kinds of ports apart", MAX_GROUPS);
		return;
	}
	found->ports.width = 2;
	nft_ranges_add_ports(a, &found->ports, low, high);
	*vec_push(a, &r->groups) = *found;
}

static enum world is_open(const struct reader *r, const struct fw_sources *s, bool v6)
{
	if (nft_ranges_equal(&s->in, &r->open.place.world[v6]))
		return OPEN;
	return s->perhaps.list.n ? UNSURE : SHUT;
}

static int find_groups(struct reader *r, bool v6, bool udp, const bool *cuts, struct err *err)
{
	unsigned end;
	int result = 0;

	r->groups.n = 0;
	for (unsigned port = 1; result == 0 && port < 65536; port = end) {
		struct group found = {.served = served_on(r, v6, udp, port)};

		for (end = port + 1; end < 65536 && !cuts[end];)
			end++;
		result =
			fw_open_port(&r->open, v6, udp, (uint16_t)port, r->rows->arena, &found.sources, err);
		if (result < 0)
			break;
		for (unsigned p = port; !v6 && p < end; p++)
			r->over_ipv4[p] = (uint8_t)is_open(r, &found.sources, v6);
		found.over_ipv4 = v6 ? r->over_ipv4[port] : SHUT;
		add_ports(r, &found, (uint16_t)port, (uint16_t)(end - 1));
	}
	return result;
}

/* --- rows ---------------------------------------------------------------------------------------- */

static struct str printed(struct arena *a, const struct nft_ranges *r)
{
	_cleanup_buf_ struct buf text = BUF(1u << 20);

	nft_ranges_print(&text, r);
	return str_of(str_dup(a, buf_get(&text)));
}

static void set_networks(struct reader *r, struct row *row, int column,
						 const struct nft_ranges *networks, bool v6)
{
	struct arena *a = r->rows->arena;
	struct str *items = arena_new(a, struct str, MAX_LISTED + 1);
	size_t n = MIN(networks->list.n, (size_t)MAX_LISTED);

	for (size_t i = 0; i < n; i++) {
		struct nft_ranges one = {.width = networks->width};

		*vec_push(a, &one.list) = networks->list.p[i];
		items[i] = printed(a, &one);
	}
	if (n < networks->list.n)
		items[n++] = STR("and others");
	if (nft_ranges_equal(networks, &r->open.place.world[v6])) {
		items[0] = STR("world");
		n = 1;
	}
	if (n)
		row_list(row, column, items, n);
}

static void set_beyond(struct reader *r, struct row *row, const struct group *g, bool v6)
{
	struct arena *a = r->rows->arena;
	struct nft_ranges beyond = nft_ranges_without(a, &g->sources.in, &g->served);
	struct nft_ranges perhaps = nft_ranges_without(a, &g->sources.perhaps, &g->served);

	if (r->why)
		row_unknown(row, BEYOND, r->why);
	else if (r->site && !beyond.list.n && perhaps.list.n)
		row_unknown(row, BEYOND, g->sources.why);
	else if (r->site)
		set_networks(r, row, BEYOND, &beyond, v6);
}

static void set_only_ipv6(struct reader *r, struct row *row, const struct group *g)
{
	enum world here = is_open(r, &g->sources, true);

	if (here == SHUT || g->over_ipv4 == OPEN)
		row_bool(row, ONLY_IPV6, false);
	else if (here == OPEN && g->over_ipv4 == SHUT)
		row_bool(row, ONLY_IPV6, true);
	else
		row_unknown(row, ONLY_IPV6,
					here == UNSURE ? g->sources.why : "whether it is over IPv4 is not known");
}

static void add_row(struct reader *r, struct group *g, bool v6, bool udp)
{
	struct row *row = rows_add(r->rows, FROM(r->open.set->backend, 0));

	nft_ranges_join(&g->ports);
	row_strz(row, FAMILY, v6 ? "ipv6" : "ipv4");
	row_strz(row, PROTOCOL, udp ? "udp" : "tcp");
	row_str(row, PORTS, printed(r->rows->arena, &g->ports));
	if (!g->sources.in.list.n)
		row_unknown(row, ADMITTED, g->sources.why);
	else
		set_networks(r, row, ADMITTED, &g->sources.in, v6);
	if (v6)
		set_only_ipv6(r, row, g);
	set_beyond(r, row, g, v6);
}

static void cut_by_site(const struct reader *r, bool udp, bool *cuts)
{
	for (size_t i = 0; r->site && !r->why && i < r->site->serves.n; i++) {
		struct site_ports ports = r->site->serves.p[i].ports;

		cuts[ports.low] = cuts[ports.low] || ports.udp == udp;
		cuts[ports.high + 1] = cuts[ports.high + 1] || ports.udp == udp;
	}
	for (size_t i = 0; !udp && i < r->facts.ssh_ports.n; i++)
		cuts[r->facts.ssh_ports.p[i]] = cuts[r->facts.ssh_ports.p[i] + 1] = true;
	for (unsigned port = 68; udp && port <= 546; port += 546 - 68)
		cuts[port] = cuts[port + 1] = true;
}

static int read_protocol(struct reader *r, bool udp, struct err *err)
{
	bool *cuts = arena_new(r->rows->arena, bool, 65537);
	int result = 0;

	r->over_ipv4 = arena_new(r->rows->arena, uint8_t, 65537);
	fw_open_cuts(r->open.set, udp, cuts);
	cut_by_site(r, udp, cuts);
	for (int v6 = 0; result == 0 && v6 < 2; v6++) {
		result = find_groups(r, v6, udp, cuts, err);
		vec_each(&r->groups, g) add_row(r, g, v6, udp);
	}
	return result;
}

static int read_firewall_ports(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.rows = rows};
	struct fw_ruleset set;
	int result = netfilter_read(host, rows->arena, &set, err);

	if (result < 0)
		return result;
	fw_open_init(&r.open, host, &set, rows->arena);
	read_site(&r, host);
	for (int udp = 0; result == 0 && udp < 2; udp++)
		result = read_protocol(&r, udp, err);
	return result;
}

static void early(struct host *host)
{
	procs_early(host);
	netfilter_early(host);
}

static const struct table firewall_ports = {
	.name = "firewall_ports",
	.doc = "Ports of this host to which the packet filter lets somebody in, or may, a row for "
		   "those that it "
		   "treats alike; whatever listens there",
	.columns = columns,
	.read = read_firewall_ports,
	.early = early,
	.helpers = netfilter_helpers,
	.multi = true,
	.cost = 40,
};
TABLE(firewall_ports);
