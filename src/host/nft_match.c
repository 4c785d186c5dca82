/* SPDX-License-Identifier: Apache-2.0 */
/* See libnftables-json(5). */
#include "host/nft_match.h"

#include <arpa/inet.h>

/* Whether a packet meets a condition. UNKNOWN: it looks into a named set that is not known. */
enum match { NO, MAYBE, YES, UNKNOWN };

/* The packet that a rule is tried with. */
struct trial {
	const struct fw_ruleset *set;
	const struct fw_chain *chain;
	enum fw_packet packet;
	struct arena *arena;
};

static struct str member(const json_t *object, const char *name, struct arena *a)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? str_of(arena_strdup(a, s)) : STR_ABSENT;
}

static bool has_value(const json_t *object, const char *name, const char *value)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s && strcmp(s, value) == 0;
}

static enum match met(bool yes)
{
	return yes ? YES : NO;
}

/* The n-th of the values on the right, which may be one or a set; NULL behind the last. */
static const json_t *value_at(const json_t *right, size_t n)
{
	const json_t *set = json_object_get(right, "set");

	if (!set && json_is_array(right))
		set = right;
	if (!set)
		return n ? NULL : right;
	return json_array_get(set, n);
}

/* Whether a value on the right stands for the fact. */
static bool holds(const json_t *right, const char *known)
{
	const json_t *value;

	for (size_t i = 0; (value = value_at(right, i)); i++)
		if (json_is_string(value) && strcmp(json_string_value(value), known) == 0)
			return true;
	return false;
}

/* --- facts ----------------------------------------------------------------------------------- */

/* What the packet has where a condition looks, NULL when that is open. */
static const char *fact(const json_t *left, enum fw_packet p)
{
	const json_t *meta = json_object_get(left, "meta"), *ct = json_object_get(left, "ct");
	const json_t *payload = json_object_get(left, "payload"), *fib = json_object_get(left, "fib");

	if (has_value(meta, "key", "l4proto") || has_value(payload, "field", "nexthdr") ||
		(has_value(payload, "protocol", "ip") && has_value(payload, "field", "protocol")))
		return fw_protocol(p);
	if (has_value(meta, "key", "nfproto"))
		return fw_is_v6(p) ? "ipv6" : "ipv4";
	if (has_value(meta, "key", "protocol"))
		return fw_is_v6(p) ? "ip6" : "ip";
	if (has_value(meta, "key", "pkttype"))
		return "host";
	if (has_value(ct, "key", "state"))
		return "new";
	if (has_value(ct, "key", "direction"))
		return "original";
	return has_value(fib, "result", "type") ? "local" : NULL;
}

/* The first 16 bits of an address: enough to tell how much of all a range is. */
static int64_t address_begin(const char *text)
{
	unsigned char bytes[16];

	if (!text || (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1))
		return 0;
	return bytes[0] << 8 | bytes[1];
}

static int64_t address_width(const json_t *value)
{
	const json_t *length = json_object_get(json_object_get(value, "prefix"), "len");
	const json_t *range = json_object_get(value, "range");

	if (json_is_integer(length))
		return 65536 >> MIN(MAX(json_integer_value(length), 0), 17);
	return address_begin(json_string_value(json_array_get(range, 1))) -
		   address_begin(json_string_value(json_array_get(range, 0)));
}

/* "No address in particular" is among them when they are more than half of all. */
static bool are_most_addresses(const json_t *left, const json_t *right)
{
	const json_t *payload = json_object_get(left, "payload"), *value;
	int64_t width = 0;

	if (!has_value(payload, "field", "saddr") && !has_value(payload, "field", "daddr"))
		return false;
	for (size_t i = 0; (value = value_at(right, i)); i++)
		width += address_width(value);
	return width > 32768;
}

static bool is_loopback_value(const json_t *value, bool v6)
{
	const json_t *prefix = json_object_get(value, "prefix"), *range = json_object_get(value, "range");
	const char *first = json_string_value(prefix  ? json_object_get(prefix, "addr")
										  : range ? json_array_get(range, 0)
												  : value);
	const char *last = json_string_value(json_array_get(range, 1));
	unsigned bits = prefix ? (unsigned)json_integer_value(json_object_get(prefix, "len")) : 128;
	unsigned char from[16], to[16], own[16] = {0};
	int family = v6 ? AF_INET6 : AF_INET;

	own[v6 ? 15 : 3] = 1;
	own[0] = v6 ? 0 : 127;
	if (!first || inet_pton(family, first, from) != 1)
		return false;
	if (range)
		return last && inet_pton(family, last, to) == 1 && memcmp(from, own, v6 ? 16 : 4) <= 0 &&
			   memcmp(own, to, v6 ? 16 : 4) <= 0;
	for (unsigned i = 0; i < MIN(bits, v6 ? 128u : 32u); i++)
		if ((from[i / 8] ^ own[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

/* The spoofed packet's own address, 127.0.0.1 or ::1, is among them. */
static bool has_loopback(const json_t *right, enum fw_packet p)
{
	const json_t *value;

	for (size_t i = 0; (value = value_at(right, i)); i++)
		if (is_loopback_value(value, fw_is_v6(p)))
			return true;
	return false;
}

/* Met by any packet now and then. */
static bool is_by_chance(const json_t *left)
{
	static const char *const keys[] = {"time", "hour", "day", "random"};
	const json_t *meta = json_object_get(left, "meta");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (has_value(meta, "key", keys[i]))
			return true;
	return json_object_get(left, "numgen") || json_object_get(left, "jhash");
}

/* A header that the packet does not have, which no condition on it can meet, negated or not. */
static bool is_other_packet(const json_t *left, enum fw_packet p)
{
	const json_t *masked = json_array_get(json_object_get(left, "&"), 0);
	const json_t *payload = json_object_get(masked ? masked : left, "payload");

	return has_value(payload, "protocol", fw_is_v6(p) ? "ip" : "ip6") ||
		   has_value(payload, "protocol", strcmp(fw_protocol(p), "tcp") == 0 ? "udp" : "tcp");
}

/* --- interfaces ------------------------------------------------------------------------------ */

static enum match try_interface(const struct trial *t, const json_t *right, bool incoming)
{
	enum match best = NO;
	const json_t *value;

	for (size_t i = 0; (value = value_at(right, i)); i++) {
		struct str name = str_of(json_string_value(value));

		/* Whoever spoofs may be behind any of them. */
		if (fw_is_spoofed(t->packet) && incoming && name.p && !str_is(name, "*"))
			best = str_is(name, "lo") ? best : MAYBE;
		else if (name.p && fw_interface(t->set, t->packet, name, incoming))
			return YES;
	}
	return best;
}

/* --- ports ----------------------------------------------------------------------------------- */

static bool is_port(const json_t *left, enum fw_packet p)
{
	const json_t *payload = json_object_get(left, "payload");

	return has_value(payload, "field", "dport") &&
		   (has_value(payload, "protocol", fw_protocol(p)) || has_value(payload, "protocol", "th"));
}

static int64_t range_width(const json_t *value)
{
	const json_t *range = json_object_get(value, "range");

	return json_integer_value(json_array_get(range, 1)) -
		   json_integer_value(json_array_get(range, 0));
}

/* "No port in particular" is among them when they are more than half of all. */
static enum match try_ports(const json_t *match, const json_t *right)
{
	int64_t width = 0, limit = json_integer_value(right);
	const json_t *value;

	if (has_value(match, "op", ">") || has_value(match, "op", ">="))
		width = 65535 - limit;
	else if (has_value(match, "op", "<") || has_value(match, "op", "<="))
		width = limit;
	else
		for (size_t i = 0; (value = value_at(right, i)); i++)
			width += range_width(value);
	return met(width > 32768);
}

/* `tcp flags syn`, also with a mask in front. */
static bool is_flags(const json_t *left)
{
	const json_t *masked = json_array_get(json_object_get(left, "&"), 0);
	const json_t *payload = json_object_get(masked ? masked : left, "payload");

	return has_value(payload, "protocol", "tcp") && has_value(payload, "field", "flags");
}

static enum match try_flags(const json_t *match, const json_t *right)
{
	return met(has_value(match, "op", "in") ? holds(right, "syn")
											: json_is_string(right) && holds(right, "syn"));
}

/* --- conditions ------------------------------------------------------------------------------ */

/* The condition without its negation; MAYBE: it looks at something that is open. */
static enum match try_plain(const struct trial *t, const json_t *match, const json_t *left,
							const json_t *right)
{
	const json_t *meta = json_object_get(left, "meta");
	const char *known = fact(left, t->packet);

	if (known)
		return met(holds(right, known));
	if (has_value(meta, "key", "iif") || has_value(meta, "key", "iifname"))
		return try_interface(t, right, true);
	if (has_value(meta, "key", "oif") || has_value(meta, "key", "oifname"))
		return try_interface(t, right, false);
	if (fw_is_spoofed(t->packet) && has_value(json_object_get(left, "payload"), "field", "saddr"))
		return met(has_loopback(right, t->packet));
	if (is_port(left, t->packet) && !fw_is_spoofed(t->packet) && try_ports(match, right) == YES)
		return YES;
	if (is_flags(left))
		return try_flags(match, right);
	return are_most_addresses(left, right) ? YES : MAYBE;
}

/* The elements of "@name"; anything else as it is. NULL: they are not known. */
static const json_t *resolve(const struct trial *t, const json_t *right)
{
	const char *name = json_string_value(right);

	if (!name || name[0] != '@')
		return right;
	return json_object_get(t->set->sets,
						   arena_printf(t->arena, "%.*s %.*s %s", STR_ARG(t->chain->family),
										STR_ARG(t->chain->table), name + 1));
}

static enum match try_match(const struct trial *t, const json_t *match)
{
	const json_t *left = json_object_get(match, "left");
	const json_t *right = resolve(t, json_object_get(match, "right"));
	bool negated = has_value(match, "op", "!=");
	enum match plain;

	if (is_other_packet(left, t->packet))
		return NO;
	if (!right) /* all but what is in it is most of all */
		return negated ? MAYBE : UNKNOWN;
	plain = try_plain(t, match, left, right);
	if (plain == MAYBE) /* few packets have the value, most do not have it; a spoofed one may */
		return negated || is_by_chance(left) || fw_is_spoofed(t->packet) ? MAYBE : NO;
	return met((plain == YES) != negated);
}

/* --- statements ------------------------------------------------------------------------------ */

static bool set_verdict(const json_t *statement, struct fw_effect *effect, struct arena *a)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
	} verdicts[] = {
		{"accept", FW_ACCEPT}, {"drop", FW_DENY},    {"reject", FW_DENY},   {"jump", FW_JUMP},
		{"goto", FW_GOTO},     {"queue", FW_ACCEPT}, {"return", FW_RETURN},
	};

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		const json_t *body = json_object_get(statement, verdicts[i].name);

		if (!body)
			continue;
		effect->verdict = verdicts[i].verdict;
		effect->target = member(body, "target", a);
		return true;
	}
	return false;
}

/* A verdict map: the entry for what is known of the packet. */
static bool try_vmap(const struct trial *t, const json_t *vmap, struct fw_effect *effect)
{
	const json_t *set = json_object_get(json_object_get(vmap, "data"), "set");
	const json_t *key = json_object_get(vmap, "key");

	for (size_t i = 0; i < json_array_size(set); i++) {
		const json_t *pair = json_array_get(set, i);

		if (!is_other_packet(key, t->packet) &&
			try_plain(t, NULL, key, json_array_get(pair, 0)) == YES)
			return set_verdict(json_array_get(pair, 1), effect, t->arena);
	}
	return false;
}

/* What iptables-nft left to its own modules: nft shows no more of them than their names. */
static bool set_xt_verdict(const json_t *statement, struct fw_effect *effect)
{
	const json_t *xt = json_object_get(statement, "xt");

	if (!has_value(xt, "type", "target") ||
		(!has_value(xt, "name", "REJECT") && !has_value(xt, "name", "DROP")))
		return false;
	effect->verdict = FW_DENY;
	return true;
}

/* Statements that neither decide nor are conditions. Anything that is not known is taken for a
 * condition, so that a rule counts only when it surely applies. */
static bool is_neutral(const json_t *statement)
{
	static const char *const names[] = {"counter",   "log",     "mangle", "notrack",
										"ct helper", "comment", "set"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_object_get(statement, names[i]))
			return true;
	return has_value(json_object_get(statement, "xt"), "name", "comment");
}

/* `limit rate 10/second` and `ct count 20` hold until there are too many, "over" then only. */
static bool is_limit(const json_t *statement, bool *ret_over)
{
	const json_t *limit = json_object_get(statement, "limit");

	if (!limit)
		limit = json_object_get(statement, "ct count");
	*ret_over = json_is_true(json_object_get(limit, "inv"));
	return limit;
}

static struct fw_effect effect_on(const struct trial *t, const json_t *statements)
{
	struct fw_effect effect = {.verdict = FW_CONTINUE}, none = effect;

	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *statement = json_array_get(statements, i);
		const json_t *match = json_object_get(statement, "match");
		const json_t *vmap = json_object_get(statement, "vmap");
		bool over;

		if (match) {
			enum match m = try_match(t, match);

			if (m == NO)
				return none;
			effect.maybe = effect.maybe || m == MAYBE;
			effect.unknown = effect.unknown || m == UNKNOWN;
		} else if (vmap) {
			effect.unknown = effect.unknown ||
							 (json_is_string(json_object_get(vmap, "data")) &&
							  !is_other_packet(json_object_get(vmap, "key"), t->packet));
			return effect.unknown || try_vmap(t, vmap, &effect) ? effect : none;
		} else if (is_limit(statement, &over)) {
			if (over)
				return none;
			effect.limited = true;
		} else if (set_verdict(statement, &effect, t->arena) ||
				   set_xt_verdict(statement, &effect)) {
			return effect;
		} else if (!is_neutral(statement)) {
			return none;
		}
	}
	return none;
}

bool nft_has_xt(const json_t *statements)
{
	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *xt = json_object_get(json_array_get(statements, i), "xt");

		if (xt && !has_value(xt, "name", "comment"))
			return true;
	}
	return false;
}

bool nft_has_xt_match(const json_t *statements)
{
	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *xt = json_object_get(json_array_get(statements, i), "xt");

		if (has_value(xt, "type", "match") && !has_value(xt, "name", "comment"))
			return true;
	}
	return false;
}

bool nft_refuses(const json_t *statements)
{
	const char *key;
	json_t *value;

	for (size_t i = 0; json_is_array(statements) && i < json_array_size(statements); i++)
		if (nft_refuses(json_array_get(statements, i)))
			return true;
	if (!json_is_object(statements))
		return false;
	json_object_foreach((json_t *)statements, key, value)
		if (strcmp(key, "drop") == 0 || strcmp(key, "reject") == 0 || strcmp(key, "xt") == 0 ||
			nft_refuses(value))
			return true;
	return false;
}

void nft_effects(const struct fw_ruleset *set, const struct fw_chain *chain,
				 const json_t *statements, struct arena *a, struct fw_rule *ret)
{
	for (int p = 0; p < FW_PACKETS; p++) {
		struct trial trial = {set, chain, (enum fw_packet)p, a};

		ret->on[p] = effect_on(&trial, statements);
	}
}
