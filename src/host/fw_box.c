/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fw_box.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "host/fields.h"

#define PRINTED 8 /* values of one property; of more it is said that there are */

static const struct {
	const char *name;
	size_t width;
} fields[] = {
	[FW_FAMILY] = {NULL, 1},
	[FW_IIF] = {"iifname", FW_IFNAME},
	[FW_OIF] = {"oifname", FW_IFNAME},
	[FW_CT_STATE] = {"ct state", 1},
	[FW_CT_DNAT] = {"ct status dnat", 1},
	[FW_CT_DPORT] = {"ct original proto-dst", 2},
	[FW_TO_HOST] = {"pkttype host", 1},
	[FW_LOCAL] = {"daddr type local", 1},
	[FW_SADDR4] = {"ip saddr", 4},
	[FW_SADDR6] = {"ip6 saddr", 16},
	[FW_DADDR4] = {"ip daddr", 4},
	[FW_DADDR6] = {"ip6 daddr", 16},
	[FW_PROTOCOL] = {"l4proto", 1},
	[FW_TCP_FLAGS] = {"tcp flags", 1},
	[FW_SPORT] = {"sport", 2},
	[FW_DPORT] = {"dport", 2},
};

static const char *const states[FW_STATES] = {"invalid", "established", "related", "new",
											  "untracked"};

/* As /etc/protocols has them, which nft and iptables-save take the names from. */
static const struct {
	const char *name;
	int number;
} protocols[] = {
	{"tcp", 6},    {"udp", 17},     {"icmp", 1},     {"icmpv6", 58},   {"ipv6-icmp", 58},
	{"igmp", 2},   {"esp", 50},     {"ah", 51},      {"gre", 47},      {"sctp", 132},
	{"comp", 108}, {"dccp", 33},    {"ipcomp", 108}, {"udplite", 136}, {"ospf", 89},
	{"vrrp", 112}, {"ospfigp", 89}, {"ipip", 4},     {"ipencap", 4},   {"ipv6", 41},
};

size_t fw_field_width(enum fw_field f)
{
	return fields[f].width;
}

int fw_protocol_number(struct str name)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (str_is(name, protocols[i].name))
			return protocols[i].number;
	return num_u64(name, 0, 255, &number) == 0 ? (int)number : -1;
}

int fw_state_number(struct str name)
{
	for (int i = 0; i < FW_STATES; i++)
		if (str_is_nocase(name, states[i]))
			return i;
	return -1;
}

/* --- values ---------------------------------------------------------------------------------- */

bool fw_add_interface(struct arena *a, struct nft_ranges *r, struct str name)
{
	bool several = name.n && (name.p[name.n - 1] == '*' || name.p[name.n - 1] == '+');
	size_t n = name.n - several;
	struct nft_range *range;

	if (!name.n || n >= FW_IFNAME)
		return false;
	range = vec_push(a, &r->list);
	memcpy(range->low, name.p, n);
	memcpy(range->high, name.p, n);
	if (several)
		memset(range->high + n, 0xff, FW_IFNAME - n);
	return true;
}

bool fw_add_network(struct arena *a, struct nft_ranges *r, int family, struct str text)
{
	unsigned char address[16] = {0};
	unsigned bits = family == AF_INET ? 32 : 128;
	char plain[INET6_ADDRSTRLEN];
	uint64_t prefix = bits;
	struct str first = text;

	if (str_has_char(text, '/') &&
		(!str_cut(&text, '/', &first) || num_u64(text, 0, bits, &prefix) < 0))
		return false;
	if (!first.n || first.n >= sizeof(plain))
		return false;
	memcpy(plain, first.p, first.n);
	plain[first.n] = 0;
	if (inet_pton(family, plain, address) != 1)
		return false;
	for (size_t bit = prefix; bit < bits; bit++)
		address[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	nft_ranges_add_network(a, r, address, (unsigned)prefix);
	return true;
}

bool fw_to_parse(struct arena *a, int family, struct str address, struct str port,
				 struct fw_to *ret)
{
	struct fw_to to = {.known = true, .address.width = family == AF_INET ? 4 : 16};
	uint64_t number = 0;

	if ((port.n && num_u64(port, 1, 65535, &number) < 0) || str_has_char(address, '/') ||
		(address.n && !fw_add_network(a, &to.address, family, address)))
		return false;
	to.port = (uint16_t)number;
	*ret = to;
	return true;
}

/* --- boxes ----------------------------------------------------------------------------------- */

void fw_box_narrow(struct arena *a, struct fw_box *box, enum fw_field f,
				   const struct nft_ranges *values)
{
	struct nft_ranges *kept = arena_new(a, struct nft_ranges, 1);

	*kept = box->on[f] ? nft_ranges_common(a, box->on[f], values) : *values;
	box->on[f] = kept;
	box->empty = box->empty || !kept->list.n;
}

void fw_box_narrow_to(struct arena *a, struct fw_box *box, enum fw_field f, unsigned char value)
{
	struct nft_ranges one = {.width = 1};
	struct nft_range *range = vec_push(a, &one.list);

	range->low[0] = range->high[0] = value;
	fw_box_narrow(a, box, f, &one);
}

bool fw_box_holds(const struct fw_box *outer, const struct fw_box *inner)
{
	for (int f = 0; f < FW_FIELDS; f++)
		if (outer->on[f] && (!inner->on[f] || !nft_ranges_hold(outer->on[f], inner->on[f])))
			return false;
	return !outer->empty;
}

/* --- as text --------------------------------------------------------------------------------- */

static void print_value(struct buf *out, enum fw_field f, unsigned char value)
{
	if (f == FW_CT_STATE && value < FW_STATES) {
		buf_puts(out, states[value]);
		return;
	}
	for (size_t i = 0; f == FW_PROTOCOL && i < ARRAY_LEN(protocols); i++)
		if (protocols[i].number == value) {
			buf_puts(out, protocols[i].name);
			return;
		}
	buf_printf(out, "%u", value);
}

static void print_small(struct buf *out, enum fw_field f, const struct nft_ranges *r)
{
	for (size_t i = 0; i < r->list.n; i++) {
		unsigned low = r->list.p[i].low[0], high = r->list.p[i].high[0];

		for (unsigned v = low; f == FW_CT_STATE && v <= high && v < FW_STATES; v++) {
			buf_puts(out, i || v > low ? ", " : "");
			print_value(out, f, (unsigned char)v);
		}
		if (f == FW_CT_STATE)
			continue;
		buf_puts(out, i ? ", " : "");
		print_value(out, f, (unsigned char)low);
		if (high > low)
			buf_printf(out, "-%u", high);
	}
}

static void print_names(struct buf *out, const struct nft_ranges *r)
{
	for (size_t i = 0; i < r->list.n; i++) {
		const char *low = (const char *)r->list.p[i].low;

		buf_puts(out, i ? ", " : "");
		fields_escaped(out, (struct str){low, strnlen(low, FW_IFNAME)});
		buf_puts(out, memcmp(low, r->list.p[i].high, FW_IFNAME) == 0 ? "" : "*");
	}
}

/* What "!= eth0" is from within: from the first value there is to the last. */
static bool is_negated(const struct nft_ranges *r)
{
	const unsigned char *high = r->list.n > 1 ? r->list.p[r->list.n - 1].high : NULL;

	for (size_t i = 0; i < r->width; i++)
		if (!high || r->list.p[0].low[i] != 0 || high[i] != 0xff)
			return false;
	return true;
}

static void print_field(struct buf *out, enum fw_field f, const struct nft_ranges *r)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct nft_ranges some = *r;
	bool negated = f != FW_TCP_FLAGS && is_negated(r);
	size_t n;

	if (negated) {
		some = nft_ranges_whole(&scratch, r->width);
		some = nft_ranges_without(&scratch, &some, r);
	}
	n = some.list.n;
	some.list.n = MIN(n, (size_t)PRINTED);
	if (f == FW_CT_DNAT || f == FW_TO_HOST || f == FW_LOCAL) {
		buf_printf(out, "%s%s ", r->list.n && r->list.p[0].low[0] ? "" : "not ", fields[f].name);
		return;
	}
	buf_printf(out, "%s %s", fields[f].name, negated ? "!= " : "");
	if (f == FW_TCP_FLAGS)
		some.list.n = 0;
	else if (fields[f].width == 1)
		print_small(out, f, &some);
	else if (fields[f].width == FW_IFNAME && (f == FW_IIF || f == FW_OIF))
		print_names(out, &some);
	else
		nft_ranges_print(out, &some);
	buf_puts(out, n > some.list.n ? some.list.n ? ", ... " : "... " : " ");
}

static void print_family(struct buf *out, const struct nft_ranges *r)
{
	if (r->list.n == 1 && r->list.p[0].low[0] == r->list.p[0].high[0])
		buf_puts(out, r->list.p[0].low[0] == 4 ? "ipv4 " : "ipv6 ");
}

void fw_clause_print(struct buf *out, const struct fw_clause *c)
{
	static const char *const does[] = {"pass", "accept", "drop", "jump", "goto", "return", "nat"};

	for (int f = 0; f < FW_FIELDS; f++) {
		bool told = (f == FW_FAMILY && (c->box.on[FW_SADDR4] || c->box.on[FW_SADDR6] ||
										c->box.on[FW_DADDR4] || c->box.on[FW_DADDR6]));

		if (!c->box.on[f] || told)
			continue;
		if (f == FW_FAMILY)
			print_family(out, c->box.on[f]);
		else
			print_field(out, (enum fw_field)f, c->box.on[f]);
	}
	buf_printf(out, "%s%s", c->sure == FW_ALL ? "" : "... ", does[c->does]);
	if (c->target.n) {
		buf_putc(out, ' ');
		fields_escaped(out, c->target);
	}
}
