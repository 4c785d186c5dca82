/* SPDX-License-Identifier: Apache-2.0 */
#include "host/site_ruleset.h"

#include <arpa/inet.h>

#include "host/nft_text.h"
#include "host/site_writer.h"

#define ADMINS "admins"
#define MANY 8 /* lines about the same peers that become one rule with a set of ports */
#define LOGGED "limit rate 6/minute burst 20 packets log prefix "

/* --- spoofed ------------------------------------------------------------------------------------ */

/* The guard of loopback is for hosts that route to its addresses (route_localnet), CVE-2020-8558. A
 * source of no address asks for one, or looks whether its own is taken (RFC 2131, RFC 4862). Where
 * several interfaces lead elsewhere, answers may well go another way than questions came, and only
 * what claims to be from this host is surely a lie; but for what the host itself sends to a group. */
static void write_prerouting(struct writer *w)
{
	writer_begin_chain(w, "prerouting", "prerouting", "raw", "accept");
	writer_rule(w, "iif != \"lo\" ip saddr 127.0.0.0/8 counter drop",
				"loopback addresses come in by lo");
	writer_rule(w, "iif != \"lo\" ip daddr 127.0.0.0/8 counter drop", NULL);
	writer_rule(w, "iif != \"lo\" ip6 saddr ::1 counter drop", NULL);
	writer_rule(w, "iif != \"lo\" ip6 daddr ::1 counter drop", NULL);
	if (w->facts->single_path) {
		writer_rule(w, "ip saddr 0.0.0.0 accept", "from nobody yet");
		writer_rule(w, "ip6 saddr :: accept", "from nobody yet");
		writer_rule(w, "fib saddr . mark . iif oif missing counter drop",
					"spoofed: no route leads back there by this interface");
	} else {
		writer_rule(w, "fib saddr type local meta pkttype host iif != \"lo\" counter drop",
					"spoofed: it is an address of this host");
	}
	writer_end_chain(w);
}

/* --- ICMP --------------------------------------------------------------------------------------- */

#define NEIGHBOURS                                                                                 \
	"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, " \
	"ind-neighbor-solicit, ind-neighbor-advert } ip6 hoplimit 255 accept"
#define GROUPS                                                                   \
	"icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, " \
	"mld2-listener-report } ip6 hoplimit 1 accept"

/* What RFC 4890, 4.4.1 says must not be dropped, and the same of IPv4. Redirects are not among it. */
static void write_icmp(struct writer *w, const char *echo)
{
	writer_rule(w, NEIGHBOURS, "finding neighbours and routers");
	writer_rule(w, GROUPS, "listeners of groups");
	writer_rule(
		w,
		"icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem "
		"} accept",
		"errors (RFC 4890)");
	writer_rule(w, "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
				"errors");
	writer_rule(w, "meta l4proto igmp accept", "members of groups");
	if (!echo)
		return;
	writer_rule(w, arena_printf(w->arena, "icmpv6 type echo-request %saccept", echo), "ping");
	writer_rule(w, arena_printf(w->arena, "icmp type echo-request %saccept", echo), "ping");
}

/* Answers come from another address than what was asked, so that they are not known as such. */
static void write_dhcp(struct writer *w, bool out)
{
	if (!w->facts->dhcp)
		return;
	writer_rule(w,
				out ? "meta nfproto ipv4 udp sport 68 udp dport 67 accept"
					: "meta nfproto ipv4 udp sport 67 udp dport 68 accept",
				"DHCP");
	writer_rule(w,
				out ? "ip6 saddr fe80::/10 udp sport 546 udp dport 547 accept"
					: "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
				"DHCPv6");
}

/* --- who comes in ------------------------------------------------------------------------------- */

static bool has_ssh_port(const struct site_facts *f, const struct site_service *s)
{
	for (size_t i = 0; !s->ports.udp && i < f->ssh_ports.n; i++)
		if (s->ports.low <= f->ssh_ports.p[i] && f->ssh_ports.p[i] <= s->ports.high)
			return true;
	return false;
}

static bool serves_ssh(const struct writer *w)
{
	for (size_t i = 0; i < w->site->serves.n; i++)
		if (has_ssh_port(w->facts, &w->site->serves.p[i]))
			return true;
	return false;
}

/* "22", "{ 22, 2222 }". */
static const char *ssh_ports(struct writer *w)
{
	_cleanup_buf_ struct buf text = BUF((size_t)65536 * 8);
	struct nft_ranges ports = {.width = 2};

	for (size_t i = 0; i < w->facts->ssh_ports.n; i++)
		nft_ranges_add_ports(w->arena, &ports, w->facts->ssh_ports.p[i], w->facts->ssh_ports.p[i]);
	nft_ranges_join(&ports);
	nft_ranges_print(&text, &ports);
	return arena_printf(w->arena, ports.list.n > 1 ? "{ %s }" : "%s", text.p);
}

/* Each address, of IPv6 each network of a customer, may open so many. */
static void write_ssh_limit(struct writer *w, const char *ports)
{
	static const char *const sources[2] = {"ip saddr", "ip6 saddr & ffff:ffff:ffff:ffff::"};

	for (int v = 0; v < 2; v++) {
		buf_printf(&w->sets,
				   "\tset ssh_v%d {\n\t\ttype %s\n\t\tsize 65535\n\t\tflags dynamic,timeout\n"
				   "\t\ttimeout 1m\n\t\tcomment \"who opens connections to sshd\"\n\t}\n\n",
				   v ? 6 : 4, site_types[v]);
		writer_rule(
			w,
			arena_printf(w->arena,
						 "tcp dport %s update @ssh_v%d { %s limit rate over 10/minute burst 20 "
						 "packets } counter drop",
						 ports, v ? 6 : 4, sources[v]),
			"too many new connections to sshd");
	}
}

/* Admins come first, so that nobody can use up their share. Without networks of theirs, sshd is open
 * unless the site serves its port to somebody. */
static void write_ssh(struct writer *w)
{
	const struct site_peers *from = &w->site->admins.from;
	bool known = from->networks.n || from->world, served = serves_ssh(w);
	const char *ports, *text;

	if (!w->facts->ssh_ports.n)
		return;
	ports = ssh_ports(w);
	text = arena_printf(w->arena, "tcp dport %s accept", ports);
	if (known && !from->world) {
		const char *comment = writer_comment(w, from->at, ADMINS);
		struct whom who = writer_peers(w, from, "admins", comment);

		writer_rule_for(w, &who, "saddr", text, comment);
	}
	if (served || !known || from->world)
		write_ssh_limit(w, ports);
	if (from->world || (!known && !served))
		writer_rule(w, text,
					w->site->admins.at.doc
						? writer_comment(w, w->site->admins.at, "admins, from anywhere")
						: "ssh from anywhere, as no admins are named");
}

/* Lines of `serves` for the same peers over the same protocol. */
struct group {
	struct whom who;
	VEC(size_t) lines;
};

typedef VEC(struct group *) groups;

static const char *about(struct writer *w, const struct site_service *s)
{
	const char *what = s->what.n ? str_dup(w->arena, s->what)
								 : arena_printf(w->arena, "%s/%s", writer_ports(w, s->ports),
												site_protocol(s->ports));

	return writer_comment(w, s->at,
						  s->to.world ? arena_printf(w->arena, "%s to world", what) : what);
}

static void add_to_group(struct writer *w, struct map *by_key, groups *all, size_t i)
{
	const struct site_service *s = &w->site->serves.p[i];
	struct whom who =
		writer_peers(w, &s->to, arena_printf(w->arena, "serves_%u", site_line(s->at)), about(w, s));
	const char *key =
		arena_printf(w->arena, "%s %d %s %s", site_protocol(s->ports), who.world,
					 who.match[0] ? who.match[0] : "-", who.match[1] ? who.match[1] : "-");
	struct group *g = map_get(by_key, str_of(key));

	if (!g) {
		g = arena_new(w->arena, struct group, 1);
		g->who = who;
		map_put(by_key, str_of(key), g);
		*vec_push(w->arena, all) = g;
	}
	*vec_push(w->arena, &g->lines) = i;
}

/* published: by the port that it was sent to, before an engine's rules passed it on to a container. */
static const char *admission(struct writer *w, bool published, const char *protocol,
							 const char *ports)
{
	return arena_printf(w->arena,
						published ? "meta l4proto %s ct original proto-dst %s accept"
								  : "%s dport %s accept",
						protocol, ports);
}

static void write_group(struct writer *w, const struct group *g, bool published)
{
	const struct site_service *first = &w->site->serves.p[g->lines.p[0]], *last;
	const char *protocol = site_protocol(first->ports), *set, *comment;
	struct nft_ranges ports = {.width = 2};

	for (size_t i = 0; i < g->lines.n; i++) {
		const struct site_service *s = &w->site->serves.p[g->lines.p[i]];

		nft_ranges_add_ports(w->arena, &ports, s->ports.low, s->ports.high);
		if (g->lines.n <= MANY)
			writer_rule_for(w, &g->who, "saddr",
							admission(w, published, protocol, writer_ports(w, s->ports)),
							about(w, s));
	}
	if (g->lines.n <= MANY)
		return;
	last = &w->site->serves.p[g->lines.p[g->lines.n - 1]];
	comment = writer_comment(
		w, first->at,
		arena_printf(w->arena, "to line %u: %zu ports or ranges", site_line(last->at), g->lines.n));
	set = writer_set(w, &ports, "inet_service",
					 arena_printf(w->arena, "ports_%u", site_line(first->at)), comment);
	writer_rule_for(w, &g->who, "saddr", admission(w, published, protocol, *set ? set : "0-65535"),
					comment);
}

static void write_groups(struct writer *w, const groups *all, bool published)
{
	for (size_t i = 0; i < all->n; i++)
		write_group(w, all->p[i], published);
}

/* Those of networks within this host ask it for addresses, and for names. */
static void write_bridges_in(struct writer *w)
{
	for (size_t i = 0; i < w->facts->served.n; i++) {
		const char *from =
			arena_printf(w->arena, "iifname \"%.*s\" ", STR_ARG(w->facts->served.p[i]));

		writer_rule(w,
					arena_printf(w->arena, "%smeta l4proto { tcp, udp } th dport 53 accept", from),
					"names for containers and virtual machines");
		writer_rule(w, arena_printf(w->arena, "%sudp dport { 67, 547 } accept", from),
					"addresses for containers and virtual machines");
	}
}

static void write_input(struct writer *w, const groups *serves)
{
	writer_begin_chain(w, "input", "input", "filter", "drop");
	writer_rule(w, "iif \"lo\" accept", "loopback");
	writer_rule(w, "ct state established,related accept", "what belongs to something admitted");
	writer_rule(w, "ct state invalid counter drop", NULL);
	write_icmp(w, "limit rate 10/second burst 20 packets ");
	write_dhcp(w, false);
	write_ssh(w);
	write_groups(w, serves, false);
	if (w->facts->bridges.n)
		writer_rule(w, "ct status dnat jump published", NULL);
	write_bridges_in(w);
	writer_rule(w, "meta pkttype { broadcast, multicast } counter drop",
				"everybody's noise, not logged");
	writer_rule(w, LOGGED "\"revet drops: \"", NULL);
	writer_end_chain(w);
}

/* --- who goes out ------------------------------------------------------------------------------- */

static bool is_address(struct str s, struct site_network *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (!s.n || s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*ret = (struct site_network){.family = memchr(text, ':', s.n) ? AF_INET6 : AF_INET};
	ret->prefix = ret->family == AF_INET ? 32 : 128;
	return inet_pton(ret->family, text, ret->address) == 1;
}

static bool is_host_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
			  s.p[i] == '-' || s.p[i] == '.'))
			return false;
	return s.n && s.n <= 240;
}

/* The sets of a name, which are empty here: they are filled, and filled again, at run time. */
static void rule_for_name(struct writer *w, struct str host, const char *text, const char *comment)
{
	static const char *const prefixes[2] = {SITE_NAME4, SITE_NAME6};
	struct str name = str_lower(w->arena, host);

	if (!is_host_name(name)) {
		err_set(w->err, EINVAL, "%s: '%.*s' is no name of a host", comment, STR_ARG(host));
		return;
	}
	for (int v = 0; v < 2; v++) {
		const char *set = arena_printf(w->arena, "%s%.*s", prefixes[v], STR_ARG(name));

		if (!map_put(&w->names, str_of(set), w))
			buf_printf(&w->sets,
					   "\tset %s {\n\t\ttype %s\n\t\tflags timeout\n\t\tcomment \"%s\"\n\t}\n\n",
					   set, site_types[v], comment);
		writer_rule(w, arena_printf(w->arena, "%s daddr @%s %s", site_ip[v], set, text), comment);
	}
}

/* Each of `texts` (NULL-terminated) for where the host is configured to go. */
static void rules_for_goals(struct writer *w, const struct site_goals *goals, const char *name,
							const char *const texts[], const char *comment)
{
	struct site_peers peers = {.world = goals->anywhere};
	struct site_network net;
	struct whom who;

	for (size_t i = 0; i < goals->hosts.n; i++)
		if (is_address(goals->hosts.p[i], &net))
			*vec_push(w->arena, &peers.networks) = net;
	who = writer_peers(w, &peers, name, comment);
	for (; *texts; texts++) {
		writer_rule_for(w, &who, "daddr", *texts, comment);
		for (size_t i = 0; !goals->anywhere && i < goals->hosts.n; i++)
			if (!is_address(goals->hosts.p[i], &net))
				rule_for_name(w, goals->hosts.p[i], *texts, comment);
	}
}

static void write_reach_ports(struct writer *w, const struct site_reach *reach)
{
	const char *ports = writer_ports(w, reach->ports), *protocol = site_protocol(reach->ports);
	const char *text = arena_printf(w->arena, "%s dport %s accept", protocol, ports);
	const char *comment =
		writer_comment(w, reach->at, arena_printf(w->arena, "reaches %s/%s", ports, protocol));
	struct whom who = writer_peers(
		w, &reach->to, arena_printf(w->arena, "reaches_%u", site_line(reach->at)), comment);

	writer_rule_for(w, &who, "daddr", text, comment);
	for (size_t i = 0; i < reach->to.names.n; i++)
		rule_for_name(w, reach->to.names.p[i], text, comment);
}

/* NTS (RFC 8915) and DNS over TLS (RFC 7858) beside the plain protocols. */
static void write_reach(struct writer *w, const struct site_reach *reach)
{
	static const char *const dns[] = {"udp dport 53 accept", "tcp dport { 53, 853 } accept", NULL};
	static const char *const ntp[] = {"udp dport 123 accept", "tcp dport 4460 accept", NULL};
	static const char *const apt[] = {"tcp dport { 80, 443 } accept", NULL};

	switch (reach->kind) {
	case SITE_REACH_DNS:
		rules_for_goals(w, &w->facts->resolvers, "resolvers", dns,
						writer_comment(w, reach->at, "dns"));
		return;
	case SITE_REACH_NTP:
		rules_for_goals(w, &w->facts->clocks, "clocks", ntp, writer_comment(w, reach->at, "ntp"));
		return;
	case SITE_REACH_APT:
		rules_for_goals(w, &w->facts->mirrors, "mirrors", apt, writer_comment(w, reach->at, "apt"));
		return;
	case SITE_REACH_ICMP:
		writer_rule(w, "icmp type echo-request accept", writer_comment(w, reach->at, "icmp"));
		writer_rule(w, "icmpv6 type echo-request accept", writer_comment(w, reach->at, "icmp"));
		return;
	case SITE_REACH_PORTS:
		write_reach_ports(w, reach);
	}
}

static void write_reaches(struct writer *w)
{
	writer_begin_chain(w, "reaches", NULL, NULL, NULL);
	for (size_t i = 0; i < w->site->reaches.n; i++)
		write_reach(w, &w->site->reaches.p[i]);
	writer_end_chain(w);
}

static void write_output(struct writer *w)
{
	bool deny = w->site->egress == SITE_EGRESS_DENY;

	writer_begin_chain(w, "output", "output", "filter", deny ? "drop" : "accept");
	writer_rule(w, "oif \"lo\" accept", "loopback");
	writer_rule(w, "ct state established,related accept", "what belongs to something admitted");
	write_icmp(w, NULL);
	write_dhcp(w, true);
	for (size_t i = 0; i < w->facts->bridges.n; i++)
		writer_rule(
			w, arena_printf(w->arena, "oifname \"%.*s\" accept", STR_ARG(w->facts->bridges.p[i])),
			"to networks within this host");
	/* Of connections from outside that were there before anything tracked them, the first packet that is
	 * seen may be this host's. What opens one has no such flag. */
	writer_rule(w, "tcp flags ack accept", "what belongs to a connection");
	writer_rule(w, "jump reaches", NULL);
	writer_rule(w, deny ? LOGGED "\"revet stops: \"" : LOGGED "\"revet would stop: \"",
				w->site->egress_at.doc ? writer_comment(w, w->site->egress_at, "egress") : NULL);
	/* Whoever tries should learn it at once. */
	if (deny)
		writer_rule(w, "counter reject", NULL);
	writer_end_chain(w);
}

/* --- what is passed on -------------------------------------------------------------------------- */

/* An interface as nft may be told it in quotes. */
static bool is_interface(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"\\/$", s.p[i]))
			return false;
	return s.n && s.n < 16;
}

/* One end of a line of `forwards` as a condition, for a family; NULL: nobody there. */
static const char *end_of(struct writer *w, const struct site_end *end, const struct whom *who,
						  int v, bool from)
{
	const char *by = "";

	if (end->interface.n)
		by = arena_printf(w->arena, "%s \"%.*s\" ", from ? "iifname" : "oifname",
						  STR_ARG(end->interface));
	if (end->interface.n || who->world)
		return by;
	return writer_side(w, who, v, from ? "saddr" : "daddr");
}

static void write_forward(struct writer *w, const struct site_forward *f)
{
	const char *comment = writer_comment(w, f->at, "forwards"), *ports = "";
	unsigned line = site_line(f->at);
	struct whom from, to;

	if ((f->from.interface.n && !is_interface(f->from.interface)) ||
		(f->to.interface.n && !is_interface(f->to.interface))) {
		err_set(w->err, EINVAL, "%s: no name of an interface", comment);
		return;
	}
	from = writer_peers(w, &f->from.peers, arena_printf(w->arena, "from_%u", line), comment);
	to = writer_peers(w, &f->to.peers, arena_printf(w->arena, "to_%u", line), comment);
	if (f->has_ports)
		ports = arena_printf(w->arena, "%s dport %s ", site_protocol(f->ports),
							 writer_ports(w, f->ports));
	for (int v = 0; v < 2; v++) {
		const char *one = end_of(w, &f->from, &from, v, true),
				   *other = end_of(w, &f->to, &to, v, false);
		bool any = (f->from.interface.n || from.world) && (f->to.interface.n || to.world);

		if (one && other)
			writer_rule(w, arena_printf(w->arena, "%s%s%saccept", one, other, ports), comment);
		if (any) /* of neither family in particular */
			return;
	}
}

/* Containers and virtual machines go out as this host does. What talks within one network comes here
 * where bridges are filtered (br_netfilter). */
static void write_bridges(struct writer *w)
{
	for (size_t i = 0; i < w->facts->bridges.n; i++) {
		struct str name = w->facts->bridges.p[i];
		const char *from = arena_printf(w->arena, "iifname \"%.*s\" ", STR_ARG(name));

		writer_rule(w, arena_printf(w->arena, "%soifname \"%.*s\" accept", from, STR_ARG(name)),
					"within a network of this host");
		if (w->site->egress == SITE_EGRESS_OPEN) {
			writer_rule(w, arena_printf(w->arena, "%saccept", from),
						"containers and virtual machines go out");
			continue;
		}
		writer_rule(w, arena_printf(w->arena, "%sjump reaches", from), "out as this host");
		if (w->site->egress == SITE_EGRESS_OBSERVE) {
			writer_rule(w, arena_printf(w->arena, "%s" LOGGED "\"revet would stop: \"", from),
						NULL);
			writer_rule(w, arena_printf(w->arena, "%saccept", from), NULL);
		}
	}
}

static void write_forward_chain(struct writer *w)
{
	writer_begin_chain(w, "forward", "forward", "filter", "drop");
	writer_rule(w, "ct state established,related accept", "what belongs to something admitted");
	writer_rule(w, "ct state invalid counter drop", NULL);
	if (w->facts->bridges.n)
		writer_rule(w, "ct status dnat jump published", "what containers serve");
	write_bridges(w);
	for (size_t i = 0; i < w->site->forwards.n; i++)
		write_forward(w, &w->site->forwards.p[i]);
	writer_rule(w, LOGGED "\"revet does not pass on: \"", NULL);
	writer_end_chain(w);
}

/* --- the table ---------------------------------------------------------------------------------- */

bool site_has_ruleset(const struct site_file *site)
{
	return site->has_serves || site->admins.at.doc;
}

static void write_chains(struct writer *w)
{
	struct map by_key;
	groups serves = {0};

	map_init(&by_key, w->arena);
	for (size_t i = 0; i < w->site->serves.n; i++)
		add_to_group(w, &by_key, &serves, i);
	write_prerouting(w);
	/* Before the chains that jump to them. */
	if (w->facts->bridges.n) {
		writer_begin_chain(w, "published", NULL, NULL, NULL);
		write_groups(w, &serves, true);
		writer_end_chain(w);
	}
	if (w->site->egress != SITE_EGRESS_OPEN)
		write_reaches(w);
	write_input(w, &serves);
	write_forward_chain(w);
	if (w->site->egress != SITE_EGRESS_OPEN)
		write_output(w);
}

int site_ruleset(const struct site_file *site, const struct site_facts *facts, struct arena *a,
				 struct str *ret, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF(NFT_TEXT_MAX);
	struct writer w = {.site = site, .facts = facts, .arena = a, .err = err};

	w.sets = BUF(NFT_TEXT_MAX);
	w.rules = BUF(NFT_TEXT_MAX);
	map_init(&w.by_content, a);
	map_init(&w.by_list, a);
	map_init(&w.names, a);
	*err = (struct err){0};
	write_chains(&w);
	buf_puts(&text, "table " SITE_TABLE " {\n");
	buf_str(&text, buf_get(&w.sets));
	/* The last chain has an empty line behind it, which a listing has not. */
	buf_str(&text, (struct str){w.rules.p, w.rules.n ? w.rules.n - 1 : 0});
	buf_puts(&text, "}");
	if (w.sets.full || w.rules.full || text.full)
		err_set(err, EFBIG, "the rules for %s would be over %zu bytes", SITE_FILE, NFT_TEXT_MAX);
	*ret = (struct str){arena_copy(a, text.p, text.n), text.n};
	buf_done(&w.sets);
	buf_done(&w.rules);
	return err->errnum ? -err->errnum : 0;
}

bool site_ruleset_has_names(struct str text)
{
	return str_has(text, "\tset " SITE_NAME4);
}

struct str site_ruleset_admins(struct str text)
{
	static const char before[] = " comment \"", behind[] = ": " ADMINS "\"";
	struct str line;

	while (str_line(&text, &line)) {
		const char *at =
			str_ends(line, behind) ? memmem(line.p, line.n, before, strlen(before)) : NULL;

		if (at)
			return (struct str){at + strlen(before),
								(size_t)(line.p + line.n - at) - strlen(before) - 1};
	}
	return STR_ABSENT;
}
