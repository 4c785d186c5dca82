/* SPDX-License-Identifier: Apache-2.0 */
/* See iptables-save(8) and iptables-extensions(8). */
#include "host/ipt_clause.h"

#include <netinet/in.h>

#include "base/num.h"
#include "host/ipt_match.h"

struct reader {
	struct arena *arena;
	bool v6;
	struct fw_clause now;
};

/* Values of one option. False: they are not understood. */
typedef bool add_fn(struct reader *, struct str value, struct nft_ranges *);

static bool add_network(struct reader *t, struct str value, struct nft_ranges *r)
{
	return fw_add_network(t->arena, r, t->v6 ? AF_INET6 : AF_INET, value);
}

static bool add_interface(struct reader *t, struct str value, struct nft_ranges *r)
{
	return fw_add_interface(t->arena, r, value);
}

static void add_number(struct reader *t, int number, struct nft_ranges *r)
{
	struct nft_range *range = vec_push(t->arena, &r->list);

	range->low[0] = range->high[0] = (unsigned char)number;
}

static bool add_protocol(struct reader *t, struct str value, struct nft_ranges *r)
{
	int number = fw_protocol_number(value);

	if (number == 0 || str_is(value, "all"))
		*r = nft_ranges_whole(t->arena, 1);
	else if (number > 0)
		add_number(t, number, r);
	return number >= 0 || str_is(value, "all");
}

/* "22,1024:65535" */
static bool add_ports(struct reader *t, struct str value, struct nft_ranges *r)
{
	struct str item, first;
	uint64_t low, high;

	while (str_cut(&value, ',', &item)) {
		if (!str_cut(&item, ':', &first) || num_u64(first, 0, 65535, &low) < 0)
			return false;
		high = low;
		if (item.p && num_u64(item, low, 65535, &high) < 0)
			return false;
		nft_ranges_add_ports(t->arena, r, (uint16_t)low, (uint16_t)high);
	}
	return true;
}

static bool add_states(struct reader *t, struct str value, struct nft_ranges *r)
{
	struct str item;

	while (str_cut(&value, ',', &item)) {
		int number = fw_state_number(item);

		if (number < 0)
			return false;
		add_number(t, number, r);
	}
	return true;
}

static bool add_dnat(struct reader *t, struct str value, struct nft_ranges *r)
{
	if (str_is(value, "DNAT"))
		add_number(t, 1, r);
	return str_is(value, "DNAT");
}

static bool add_local(struct reader *t, struct str value, struct nft_ranges *r)
{
	if (str_is(value, "LOCAL"))
		add_number(t, 1, r);
	return str_is(value, "LOCAL");
}

static bool add_host(struct reader *t, struct str value, struct nft_ranges *r)
{
	if (str_is(value, "unicast"))
		add_number(t, 1, r);
	return str_is(value, "unicast");
}

/* What options ask for. field6: of IPv6, where that is another. */
static const struct {
	const char *option;
	add_fn *add;
	enum fw_field field, field6;
} options[] = {
	{"-s", add_network, FW_SADDR4, FW_SADDR6},
	{"-d", add_network, FW_DADDR4, FW_DADDR6},
	{"-i", add_interface, FW_IIF, FW_IIF},
	{"-o", add_interface, FW_OIF, FW_OIF},
	{"-p", add_protocol, FW_PROTOCOL, FW_PROTOCOL},
	{"--dport", add_ports, FW_DPORT, FW_DPORT},
	{"--dports", add_ports, FW_DPORT, FW_DPORT},
	{"--sport", add_ports, FW_SPORT, FW_SPORT},
	{"--sports", add_ports, FW_SPORT, FW_SPORT},
	{"--ctstate", add_states, FW_CT_STATE, FW_CT_STATE},
	{"--state", add_states, FW_CT_STATE, FW_CT_STATE},
	{"--ctstate", add_dnat, FW_CT_DNAT, FW_CT_DNAT},
	{"--ctorigdstport", add_ports, FW_CT_DPORT, FW_CT_DPORT},
	{"--dst-type", add_local, FW_LOCAL, FW_LOCAL},
	{"--pkt-type", add_host, FW_TO_HOST, FW_TO_HOST},
};

/* Modules that have no condition but by their options. */
static const char *const modules[] = {
	"tcp",       "udp",       "comment", "conntrack", "state",  "multiport", "limit",   "addrtype",
	"hashlimit", "connlimit", "icmp",    "icmp6",     "recent", "statistic", "pkttype", "ttl",
	"hl",        "length",    "time",    "set",       "rt",     NULL};
/* Options, by how they begin, that hold now and then, or of packets of some senders. */
static const struct {
	const char *begin;
	enum fw_certainty sure;
} by_chance[] = {
	{"--limit", FW_CHANCE},       {"--hashlimit", FW_CHANCE}, {"--connlimit", FW_CHANCE},
	{"--probability", FW_CHANCE}, {"--mode", FW_CHANCE},      {"--every", FW_CHANCE},
	{"--packet", FW_CHANCE},      {"--ttl-", FW_CHANCE},      {"--hl-", FW_CHANCE},
	{"--length", FW_CHANCE},      {"--time", FW_CHANCE},      {"--weekdays", FW_CHANCE},
	{"--update", FW_CHANCE},      {"--rcheck", FW_CHANCE},    {"--seconds", FW_CHANCE},
	{"--hitcount", FW_CHANCE},    {"--rt-", FW_CHANCE},       {"--src-type", FW_FEW},
};
/* Options that say nothing about the packet. */
static const char *const silent[] = {"--comment", "--name", "--mask", "--set",
									 "--rsource", "--reap", "--rttl", NULL};

static void less_sure(struct reader *t, enum fw_certainty sure)
{
	t->now.sure = MAX(t->now.sure, sure);
}

/* --- conditions ------------------------------------------------------------------------------ */

static bool narrow(struct reader *t, struct str option, struct str value, bool negated)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		enum fw_field field = t->v6 ? options[i].field6 : options[i].field;
		struct nft_ranges values = {.width = fw_field_width(field)};

		if (!str_is(option, options[i].option) || !options[i].add(t, value, &values))
			continue;
		nft_ranges_join(&values);
		if (negated) {
			struct nft_ranges all = nft_ranges_whole(t->arena, values.width);

			values = nft_ranges_without(t->arena, &all, &values);
		}
		fw_box_narrow(t->arena, &t->now.box, field, &values);
		return true;
	}
	return false;
}

/* `--tcp-flags SYN,ACK SYN`: which to look at, and which of them are set. */
static void narrow_flags(struct reader *t, struct str mask, struct str set, bool negated)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
	struct nft_ranges values = {.width = 1};
	unsigned bits[2] = {0, 0};
	struct str list[2] = {mask, set}, item;

	for (int k = 0; k < 2; k++)
		while (str_cut(&list[k], ',', &item))
			for (unsigned i = 0; i < 8; i++)
				if (str_is(item, "ALL") ? i < 6 : i < 6 && str_is(item, names[i]))
					bits[k] |= 1u << i;
	for (unsigned flags = 0; flags < 256; flags++)
		if (((flags & bits[0]) == bits[1]) != negated)
			add_number(t, (int)flags, &values);
	nft_ranges_join(&values);
	fw_box_narrow(t->arena, &t->now.box, FW_TCP_FLAGS, &values);
}

static void take_option(struct reader *t, struct str option, struct str value, bool negated)
{
	if (str_is(option, "-m")) {
		less_sure(t, str_is_one_of(value, modules) ? FW_ALL : FW_OPEN);
		return;
	}
	if (narrow(t, option, value, negated) || (!negated && str_is_one_of(option, silent)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(by_chance); i++)
		if (str_starts(option, by_chance[i].begin)) {
			less_sure(t, by_chance[i].sure);
			return;
		}
	less_sure(t, FW_OPEN);
}

/* --- targets --------------------------------------------------------------------------------- */

static void take_target(struct reader *t, bool go, struct str target)
{
	static const struct {
		const char *name;
		enum fw_does does;
		enum fw_certainty sure;
	} targets[] = {
		{"ACCEPT", FW_ADMITS, FW_ALL},       {"DROP", FW_REFUSES, FW_ALL},
		{"REJECT", FW_REFUSES, FW_ALL},      {"RETURN", FW_RETURNS, FW_ALL},
		{"LOG", FW_DOES_NOTHING, FW_ALL},    {"NFLOG", FW_DOES_NOTHING, FW_ALL},
		{"MARK", FW_DOES_NOTHING, FW_ALL},   {"CONNMARK", FW_DOES_NOTHING, FW_ALL},
		{"TCPMSS", FW_DOES_NOTHING, FW_ALL}, {"CHECKSUM", FW_DOES_NOTHING, FW_ALL},
		{"SET", FW_DOES_NOTHING, FW_ALL},    {"TRACE", FW_DOES_NOTHING, FW_ALL},
		{"AUDIT", FW_DOES_NOTHING, FW_ALL},  {"CLASSIFY", FW_DOES_NOTHING, FW_ALL},
		{"DSCP", FW_DOES_NOTHING, FW_ALL},   {"TTL", FW_DOES_NOTHING, FW_ALL},
		{"DNAT", FW_TRANSLATES, FW_ALL},     {"REDIRECT", FW_TRANSLATES, FW_ALL},
		{"SNAT", FW_TRANSLATES, FW_ALL},     {"MASQUERADE", FW_TRANSLATES, FW_ALL},
		{"NETMAP", FW_TRANSLATES, FW_ALL},   {"TPROXY", FW_TRANSLATES, FW_ALL},
		{"QUEUE", FW_ADMITS, FW_OPEN},       {"NFQUEUE", FW_ADMITS, FW_OPEN},
	};

	t->now.alters = str_is(target, "CT") || str_is(target, "NOTRACK");
	t->now.does = t->now.alters ? FW_DOES_NOTHING : go ? FW_GOES : FW_JUMPS;
	t->now.target = t->now.alters ? STR_ABSENT : target;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (str_is(target, targets[i].name)) {
			t->now.does = targets[i].does;
			t->now.target = STR_ABSENT;
			less_sure(t, targets[i].sure);
		}
}

/* "192.0.2.1:80", "[2001:db8::1]:80", an address alone, or ":80". */
static void take_destination(struct reader *t, struct str to)
{
	struct str address = to, port = STR("");
	int family = t->v6 ? AF_INET6 : AF_INET;

	if (str_skip(&to, "[")) {
		if (!str_cut(&to, ']', &address) || !to.p || (to.n && !str_skip(&to, ":")))
			return;
		port = to;
	} else if (!t->v6) {
		(void)str_cut(&to, ':', &address);
		port = to.p ? to : port;
	}
	(void)fw_to_parse(t->arena, family, address, port, &t->now.to);
}

/* The options of what translates. Any that is not known leaves it unknown. */
static void take_to(struct reader *t, struct str target, struct str line)
{
	bool redirects = str_is(target, "REDIRECT");
	struct str option, to = STR_ABSENT;

	if (!redirects && !str_is(target, "DNAT"))
		return;
	while (str_word(&line, &option)) {
		if (str_is(option, redirects ? "--to-ports" : "--to-destination")) {
			if (to.p || !ipt_value(&line, &to))
				return;
		} else if (!str_is(option, "--random") && !str_is(option, "--persistent")) {
			return;
		}
	}
	if (redirects)
		(void)fw_to_parse(t->arena, AF_INET, STR(""), to, &t->now.to);
	else if (to.p)
		take_destination(t, to);
}

/* Of an option that is not known, what follows is its value unless it looks like an option. */
static bool has_value(struct str option, struct str rest)
{
	static const char *const always[] = {"-m", "-j", "-g", "--comment", "--name", NULL};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_is(option, options[i].option))
			return true;
	rest = str_trim(rest);
	return str_is_one_of(option, always) || (rest.n && rest.p[0] != '-' && !str_starts(rest, "! "));
}

/* What is behind the target are its own options. */
static bool take_options(struct reader *t, struct str line)
{
	struct str option, value;

	while (str_word(&line, &option)) {
		bool negated = str_is(option, "!");

		value = STR("");
		if ((negated && !str_word(&line, &option)) ||
			(has_value(option, line) && !ipt_value(&line, &value)))
			return false;
		if (str_is(option, "-j") || str_is(option, "-g")) {
			take_target(t, str_is(option, "-g"), value);
			take_to(t, value, line);
			return true;
		}
		if (str_is(option, "--tcp-flags")) {
			struct str set = STR("");

			if (!ipt_value(&line, &set))
				return false;
			narrow_flags(t, value, set, negated);
			continue;
		}
		if (str_is(option, "--match-set")) { /* "src" or "dst" */
			bool source = ipt_value(&line, &value) && str_is(value, "src");

			less_sure(t, source && !negated ? FW_FEW : FW_OPEN);
			continue;
		}
		take_option(t, option, value, negated);
	}
	return true;
}

void ipt_clauses(struct str line, bool v6, struct arena *a, struct fw_rule *ret)
{
	struct reader t = {.arena = a, .v6 = v6};

	fw_box_narrow_to(a, &t.now.box, FW_FAMILY, v6 ? 6 : 4);
	if (!take_options(&t, line)) {
		t.now.sure = FW_OPEN;
		t.now.does = FW_ADMITS;
	}
	if (!t.now.box.empty && (t.now.does != FW_DOES_NOTHING || t.now.alters))
		*vec_push(a, &ret->clauses) = t.now;
}
