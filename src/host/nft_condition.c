/* SPDX-License-Identifier: Apache-2.0 */
/* See libnftables-json(5). Named sets are taken as they are now, but for those that packets change. */
#include "host/nft_condition.h"

#include <netinet/in.h>

struct condition {
	const json_t *left;
	const char *op;
	const json_t *right; /* NULL: not known */
	bool is_list;        /* it is several values without braces */
};

/* What may stand on the left. `one`: the only value that there is a number for, of a property that is met
 * or not; NULL: any. Headers say by themselves which family and protocol (0: any) they are of. */
struct subject {
	const char *kind, *of, *name, *one;
	int field; /* -1: a box cannot say it */
	unsigned char family, protocol;
	enum fw_certainty sure; /* with -1 */
};
static const struct subject subjects[] = {
	{"payload", "ip", "saddr", NULL, FW_SADDR4, 4, 0, FW_ALL},
	{"payload", "ip", "daddr", NULL, FW_DADDR4, 4, 0, FW_ALL},
	{"payload", "ip", "protocol", NULL, FW_PROTOCOL, 4, 0, FW_ALL},
	{"payload", "ip", "ttl", NULL, -1, 4, 0, FW_CHANCE},
	{"payload", "ip", "length", NULL, -1, 4, 0, FW_CHANCE},
	{"payload", "ip", NULL, NULL, -1, 4, 0, FW_OPEN},
	{"payload", "ip6", "saddr", NULL, FW_SADDR6, 6, 0, FW_ALL},
	{"payload", "ip6", "daddr", NULL, FW_DADDR6, 6, 0, FW_ALL},
	{"payload", "ip6", "hoplimit", NULL, -1, 6, 0, FW_CHANCE},
	{"payload", "ip6", "length", NULL, -1, 6, 0, FW_CHANCE},
	{"payload", "ip6", NULL, NULL, -1, 6, 0, FW_OPEN},
	{"payload", "tcp", "sport", NULL, FW_SPORT, 0, IPPROTO_TCP, FW_ALL},
	{"payload", "tcp", "dport", NULL, FW_DPORT, 0, IPPROTO_TCP, FW_ALL},
	{"payload", "tcp", "flags", NULL, FW_TCP_FLAGS, 0, IPPROTO_TCP, FW_ALL},
	{"payload", "tcp", NULL, NULL, -1, 0, IPPROTO_TCP, FW_CHANCE},
	{"payload", "udp", "sport", NULL, FW_SPORT, 0, IPPROTO_UDP, FW_ALL},
	{"payload", "udp", "dport", NULL, FW_DPORT, 0, IPPROTO_UDP, FW_ALL},
	{"payload", "udp", NULL, NULL, -1, 0, IPPROTO_UDP, FW_CHANCE},
	{"payload", "th", "sport", NULL, FW_SPORT, 0, 0, FW_ALL},
	{"payload", "th", "dport", NULL, FW_DPORT, 0, 0, FW_ALL},
	{"payload", "icmp", NULL, NULL, -1, 4, IPPROTO_ICMP, FW_OPEN},
	{"payload", "icmpv6", NULL, NULL, -1, 6, IPPROTO_ICMPV6, FW_OPEN},
	{"payload", "sctp", NULL, NULL, -1, 0, IPPROTO_SCTP, FW_OPEN},
	{"payload", "dccp", NULL, NULL, -1, 0, IPPROTO_DCCP, FW_OPEN},
	{"payload", "esp", NULL, NULL, -1, 0, IPPROTO_ESP, FW_OPEN},
	{"payload", "ah", NULL, NULL, -1, 0, IPPROTO_AH, FW_OPEN},
	{"meta", NULL, "l4proto", NULL, FW_PROTOCOL, 0, 0, FW_ALL},
	{"meta", NULL, "nfproto", NULL, FW_FAMILY, 0, 0, FW_ALL},
	{"meta", NULL, "protocol", NULL, FW_FAMILY, 0, 0, FW_ALL},
	{"meta", NULL, "iif", NULL, FW_IIF, 0, 0, FW_ALL},
	{"meta", NULL, "iifname", NULL, FW_IIF, 0, 0, FW_ALL},
	{"meta", NULL, "oif", NULL, FW_OIF, 0, 0, FW_ALL},
	{"meta", NULL, "oifname", NULL, FW_OIF, 0, 0, FW_ALL},
	{"meta", NULL, "pkttype", "host", FW_TO_HOST, 0, 0, FW_ALL},
	{"meta", NULL, "length", NULL, -1, 0, 0, FW_CHANCE},
	{"meta", NULL, "time", NULL, -1, 0, 0, FW_CHANCE},
	{"meta", NULL, "hour", NULL, -1, 0, 0, FW_CHANCE},
	{"meta", NULL, "day", NULL, -1, 0, 0, FW_CHANCE},
	{"meta", NULL, "random", NULL, -1, 0, 0, FW_CHANCE},
	{"ct", NULL, "state", NULL, FW_CT_STATE, 0, 0, FW_ALL},
	{"ct", NULL, "status", "dnat", FW_CT_DNAT, 0, 0, FW_ALL},
	{"ct", "original", "proto-dst", NULL, FW_CT_DPORT, 0, 0, FW_ALL},
	{"numgen", NULL, NULL, NULL, -1, 0, 0, FW_CHANCE},
	{"tcp option", NULL, NULL, NULL, -1, 0, IPPROTO_TCP, FW_CHANCE},
	{"ip option", NULL, NULL, NULL, -1, 4, 0, FW_CHANCE},
	{"exthdr", NULL, NULL, NULL, -1, 6, 0, FW_CHANCE},
};
/* Of the routing table: is the destination this host's, or does it know the source another way? */
static const struct subject is_local = {"fib", NULL, NULL, "local", FW_LOCAL, 0, 0, FW_ALL};
static const struct subject is_spoofed = {"fib", NULL, NULL, NULL, -1, 0, 0, FW_FEW};
static const struct subject anything = {NULL, NULL, NULL, NULL, -1, 0, 0, FW_OPEN};

static bool has_value(const json_t *object, const char *name, const char *value)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s && strcmp(s, value) == 0;
}

static bool has_flag(const json_t *flags, const char *flag)
{
	if (json_is_string(flags))
		return strcmp(json_string_value(flags), flag) == 0;
	for (size_t i = 0; i < json_array_size(flags); i++)
		if (json_is_string(json_array_get(flags, i)) &&
			strcmp(json_string_value(json_array_get(flags, i)), flag) == 0)
			return true;
	return false;
}

static const struct subject *subject_of(const json_t *left)
{
	const json_t *fib = json_object_get(left, "fib");
	const json_t *masked = json_array_get(json_object_get(left, "&"), 0);

	if (fib)
		return has_flag(json_object_get(fib, "flags"), "saddr") ? &is_spoofed
			   : has_value(fib, "result", "type")               ? &is_local
																: &anything;
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		const struct subject *s = &subjects[i];
		const json_t *body = json_object_get(masked ? masked : left, s->kind);
		bool payload = strcmp(s->kind, "payload") == 0;

		if (body && (!s->of || has_value(body, payload ? "protocol" : "dir", s->of)) &&
			(!s->name || has_value(body, payload ? "field" : "key", s->name)))
			return s;
	}
	return &anything;
}

bool nft_is_looked_at(const json_t *left)
{
	const json_t *payload = json_object_get(left, "payload");

	return subject_of(left)->field >= 0 || (payload && !json_object_get(payload, "field"));
}

/* --- values ---------------------------------------------------------------------------------- */

const json_t *nft_plain(const json_t *value)
{
	const json_t *elem = json_object_get(value, "elem");

	return elem ? json_object_get(elem, "val") : value;
}

static int family_number(struct str name)
{
	return str_is(name, "ipv4") || str_is(name, "ip")    ? 4
		   : str_is(name, "ipv6") || str_is(name, "ip6") ? 6
														 : 0;
}

static int small_number(const struct subject *s, const json_t *value)
{
	struct str name = str_of(json_string_value(value));

	if (json_is_integer(value) && s->field == FW_PROTOCOL)
		return json_integer_value(value) >= 0 && json_integer_value(value) < 256
				   ? (int)json_integer_value(value)
				   : -1;
	if (!name.p)
		return -1;
	if (s->one)
		return str_is(name, s->one);
	return s->field == FW_PROTOCOL ? fw_protocol_number(name)
		   : s->field == FW_FAMILY ? family_number(name)
								   : fw_state_number(name);
}

static bool add_small(struct arena *a, const struct subject *s, const json_t *value,
					  struct nft_ranges *r)
{
	int number = small_number(s, value);
	struct nft_range *range;

	if (number < 0)
		return false;
	range = vec_push(a, &r->list);
	range->low[0] = range->high[0] = (unsigned char)number;
	return true;
}

static bool add_port(struct arena *a, const json_t *first, const json_t *last, struct nft_ranges *r)
{
	json_int_t low = json_integer_value(first), high = json_integer_value(last);

	if (!json_is_integer(first) || !json_is_integer(last) || low < 0 || high > 65535 || low > high)
		return false;
	nft_ranges_add_ports(a, r, (uint16_t)low, (uint16_t)high);
	return true;
}

static bool add_address(struct arena *a, int family, const json_t *first, const json_t *last,
						struct nft_ranges *r)
{
	struct nft_ranges end = {.width = r->width};

	if (!json_is_string(first) || !json_is_string(last) ||
		!fw_add_network(a, r, family, str_of(json_string_value(first))) ||
		!fw_add_network(a, &end, family, str_of(json_string_value(last))))
		return false;
	memcpy(r->list.p[r->list.n - 1].high, end.list.p[0].high, r->width);
	return memcmp(r->list.p[r->list.n - 1].low, end.list.p[0].high, r->width) <= 0;
}

static bool add_prefix(struct arena *a, int family, const json_t *prefix, struct nft_ranges *r)
{
	const char *address = json_string_value(json_object_get(prefix, "addr"));
	json_int_t length = json_integer_value(json_object_get(prefix, "len"));

	return address && length >= 0 && length <= 128 &&
		   fw_add_network(a, r, family, str_of(arena_printf(a, "%s/%d", address, (int)length)));
}

/* False: it is not understood. */
static bool add_value(struct nft_reader *t, const struct subject *s, const json_t *value,
					  struct nft_ranges *r)
{
	const json_t *range = json_object_get(value, "range"),
				 *prefix = json_object_get(value, "prefix");
	const json_t *first = range ? json_array_get(range, 0) : value;
	const json_t *last = range ? json_array_get(range, 1) : value;
	bool six = s->field == FW_SADDR6 || s->field == FW_DADDR6;

	switch (fw_field_width((enum fw_field)s->field)) {
	case 1:
		return add_small(t->arena, s, value, r);
	case 2:
		return add_port(t->arena, first, last, r);
	case 4:
		break;
	default:
		if (!six)
			return json_is_string(value) &&
				   fw_add_interface(t->arena, r, str_of(json_string_value(value)));
	}
	return prefix ? add_prefix(t->arena, six ? AF_INET6 : AF_INET, prefix, r)
				  : add_address(t->arena, six ? AF_INET6 : AF_INET, first, last, r);
}

/* The n-th of the values on the right, which may be one or a set; NULL behind the last. */
static const json_t *value_at(const json_t *right, size_t n)
{
	const json_t *set = json_object_get(right, "set");

	if (!set && json_is_array(right))
		set = right;
	if (!set)
		return n ? NULL : nft_plain(right);
	return nft_plain(json_array_get(set, n));
}

/* part: of values that are several together; -1: they are not. */
static bool add_values(struct nft_reader *t, const struct subject *s, const json_t *right, int part,
					   struct nft_ranges *r)
{
	const json_t *value;

	for (size_t i = 0; (value = value_at(right, i)); i++) {
		if (part >= 0)
			value = nft_plain(json_array_get(json_object_get(value, "concat"), (size_t)part));
		if (!value || !add_value(t, s, value, r))
			return false;
	}
	nft_ranges_join(r);
	return true;
}

/* The elements of "@name", or what stands there itself. NULL: they are not known, or change. */
static const json_t *resolve(struct nft_reader *t, const json_t *right)
{
	const char *name = json_string_value(right);
	struct str key;

	if (!name || name[0] != '@')
		return right;
	key = str_of(arena_printf(t->arena, "%.*s %.*s %s", STR_ARG(t->chain->family),
							  STR_ARG(t->chain->table), name + 1));
	return map_get(&t->set->varying, key) ? NULL : json_object_get(t->set->sets, key.p);
}

/* --- conditions ------------------------------------------------------------------------------ */

void nft_less_sure(struct nft_reader *t, enum fw_certainty sure)
{
	t->now.sure = MAX(t->now.sure, sure);
}

void nft_narrow_to_header(struct nft_reader *t, const json_t *left)
{
	const struct subject *s = subject_of(left);

	if (s->family)
		fw_box_narrow_to(t->arena, &t->now.box, FW_FAMILY, s->family);
	if (s->protocol)
		fw_box_narrow_to(t->arena, &t->now.box, FW_PROTOCOL, s->protocol);
}

static bool has_op(const struct condition *c, const char *op)
{
	return strcmp(c->op, op) == 0;
}

/* `tcp flags & (fin | syn) == syn`: which of the 256 values will do. */
static int flag_bits(const json_t *value)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
	const json_t *several = json_is_array(value) ? value : json_object_get(value, "|");
	int bits = 0;

	if (!several && json_object_get(value, "set"))
		several = json_object_get(value, "set");
	for (size_t i = 0; i < json_array_size(several); i++) {
		int part = json_is_object(json_array_get(several, i)) && several == value
					   ? -1
					   : flag_bits(json_array_get(several, i));

		if (part < 0)
			return -1;
		bits |= part;
	}
	if (several)
		return bits;
	for (int i = 0; json_is_string(value) && i < 8; i++)
		if (strcmp(json_string_value(value), names[i]) == 0)
			return 1 << i;
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
				   json_integer_value(value) < 256
			   ? (int)json_integer_value(value)
			   : -1;
}

static void narrow_flags(struct nft_reader *t, const struct condition *c)
{
	const json_t *masked = json_object_get(c->left, "&"), *right = c->right;
	int mask = masked ? flag_bits(json_array_get(masked, 1)) : 255, bits = flag_bits(right);
	bool any = has_op(c, "in"), negated = has_op(c, "!=");
	struct nft_ranges values = {.width = 1};

	if (mask < 0 || bits < 0 || json_object_get(right, "set") ||
		(!any && !negated && !has_op(c, "=="))) {
		nft_less_sure(t, FW_OPEN);
		return;
	}
	for (int flags = 0; flags < 256; flags++) {
		bool met = any ? (flags & mask & bits) != 0 : ((flags & mask) == bits) != negated;
		struct nft_range *range = met ? vec_push(t->arena, &values.list) : NULL;

		if (range)
			range->low[0] = range->high[0] = (unsigned char)flags;
	}
	nft_ranges_join(&values);
	fw_box_narrow(t->arena, &t->now.box, FW_TCP_FLAGS, &values);
}

/* `dport < 1024` and the like. */
static bool add_compared(struct nft_reader *t, const struct condition *c, struct nft_ranges *r)
{
	static const struct {
		const char *op;
		bool up;
		int step;
	} ops[] = {{"<", false, -1}, {"<=", false, 0}, {">", true, 1}, {">=", true, 0}};
	json_int_t limit = json_integer_value(c->right);

	for (size_t i = 0; json_is_integer(c->right) && i < ARRAY_LEN(ops); i++) {
		if (!has_op(c, ops[i].op))
			continue;
		limit += ops[i].step;
		if (limit < 0 || limit > 65535)
			return false;
		nft_ranges_add_ports(t->arena, r, ops[i].up ? (uint16_t)limit : 0,
							 ops[i].up ? 65535 : (uint16_t)limit);
		return true;
	}
	return false;
}

/* Of a property that is met or not, other values than the one are told as one. */
static bool is_exact(const struct subject *s, const json_t *right)
{
	return !s->one || (!json_object_get(right, "set") && !json_is_array(right) &&
					   json_is_string(right) && strcmp(json_string_value(right), s->one) == 0);
}

/* `ct state != a,b` without braces compares with both bits at once, as no packet has them. */
static bool is_odd(const struct condition *c)
{
	return c->is_list && !has_op(c, "in") && !has_op(c, "!");
}

static void narrow_values(struct nft_reader *t, const struct subject *s, const struct condition *c)
{
	struct nft_ranges values = {.width = fw_field_width((enum fw_field)s->field)};
	bool negated = has_op(c, "!=") || has_op(c, "!");
	bool same = has_op(c, "==") || has_op(c, "in");

	if (json_object_get(c->left, "&") || is_odd(c) ||
		(negated || same ? !add_values(t, s, c->right, -1, &values)
					 : values.width != 2 || !add_compared(t, c, &values)) ||
		(negated && !is_exact(s, c->right))) {
		nft_less_sure(t, FW_OPEN);
		return;
	}
	if (!is_exact(s, c->right))
		nft_less_sure(t, FW_OPEN);
	if (negated) {
		struct nft_ranges all = nft_ranges_whole(t->arena, values.width);

		values = nft_ranges_without(t->arena, &all, &values);
	}
	fw_box_narrow(t->arena, &t->now.box, (enum fw_field)s->field, &values);
}

/* Several properties together: of each, the values that stand somewhere. One element alone is exact. */
static void narrow_concat(struct nft_reader *t, const json_t *parts, const json_t *right, bool same)
{
	if (!same || !right || !value_at(right, 0) || value_at(right, 1))
		nft_less_sure(t, FW_OPEN);
	for (size_t i = 0; i < json_array_size(parts) && i < FW_FIELDS; i++) {
		const struct subject *s = subject_of(json_array_get(parts, i));
		struct nft_ranges values = {.width =
										s->field < 0 ? 0 : fw_field_width((enum fw_field)s->field)};

		nft_narrow_to_header(t, json_array_get(parts, i));
		if (same && right && s->field >= 0 && s->field != FW_TCP_FLAGS && !s->one &&
			add_values(t, s, right, (int)i, &values))
			fw_box_narrow(t->arena, &t->now.box, (enum fw_field)s->field, &values);
		else
			nft_less_sure(t, FW_OPEN);
	}
}

void nft_narrow(struct nft_reader *t, const json_t *left, const char *op, const json_t *right)
{
	const struct condition c = {left, op, resolve(t, right), json_is_array(right)};
	const json_t *parts = json_object_get(left, "concat");
	const struct subject *s = subject_of(left);
	bool same = has_op(&c, "==") || has_op(&c, "in");
	bool source = s->field == FW_SADDR4 || s->field == FW_SADDR6;

	if (parts) {
		narrow_concat(t, parts, c.right, same);
		return;
	}
	nft_narrow_to_header(t, left);
	if (s->field < 0)
		nft_less_sure(t, s->sure);
	else if (!c.right)
		nft_less_sure(t, same && source ? FW_FEW : FW_OPEN);
	else if (s->field == FW_TCP_FLAGS)
		narrow_flags(t, &c);
	else
		narrow_values(t, s, &c);
}
