/* SPDX-License-Identifier: Apache-2.0 */
/* See libnftables-json(5). */
#include "host/nft_clause.h"

#include <netinet/in.h>

#include "host/nft_condition.h"

static bool has_value(const json_t *object, const char *name, const char *value)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s && strcmp(s, value) == 0;
}

static void add_clause(struct nft_reader *t, const struct fw_clause *c)
{
	struct fw_rule *rule = t->rule;

	if (!c->box.empty && (c->does != FW_DOES_NOTHING || c->alters))
		*vec_push(t->arena, &rule->clauses) = *c;
}

/* One with an address is for the family of that, which the kernel asks for without nft's listing it. */
static void take_to(struct nft_reader *t, const json_t *body, bool redirects, struct fw_clause *c)
{
	const json_t *address = json_object_get(body, "addr"), *port = json_object_get(body, "port");
	const char *family = json_string_value(json_object_get(body, "family"));
	struct str name = family ? str_of(family) : t->chain->family;
	struct str number = STR("");
	bool six = str_is(name, "ip6"), one = six || str_is(name, "ip");

	if (one)
		fw_box_narrow_to(t->arena, &c->box, FW_FAMILY, six ? 6 : 4);
	if (json_is_integer(port))
		number = str_of(arena_printf(t->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(port)));
	if ((port && !number.n) || (redirects ? address != NULL : !json_is_string(address)))
		return;
	if (one || redirects)
		(void)fw_to_parse(t->arena, six ? AF_INET6 : AF_INET,
						  redirects ? STR("") : str_of(json_string_value(address)), number, &c->to);
}

static bool take_verdict(struct nft_reader *t, const json_t *statement, struct fw_clause *c)
{
	static const struct {
		const char *name;
		enum fw_does does;
		enum fw_certainty sure;
	} verdicts[] = {
		{"accept", FW_ADMITS, FW_ALL},
		{"drop", FW_REFUSES, FW_ALL},
		{"reject", FW_REFUSES, FW_ALL},
		{"jump", FW_JUMPS, FW_ALL},
		{"goto", FW_GOES, FW_ALL},
		{"return", FW_RETURNS, FW_ALL},
		{"continue", FW_DOES_NOTHING, FW_ALL},
		{"queue", FW_ADMITS, FW_OPEN},
		{"dnat", FW_TRANSLATES, FW_ALL},
		{"redirect", FW_TRANSLATES, FW_ALL},
		{"snat", FW_TRANSLATES, FW_ALL},
		{"masquerade", FW_TRANSLATES, FW_ALL},
		{"tproxy", FW_TRANSLATES, FW_ALL},
	};

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		const json_t *body = json_object_get(statement, verdicts[i].name);
		const char *target = json_string_value(json_object_get(body, "target"));

		if (!body)
			continue;
		c->does = verdicts[i].does;
		c->sure = MAX(c->sure, verdicts[i].sure);
		c->target = target ? str_of(arena_strdup(t->arena, target)) : STR_ABSENT;
		if (strcmp(verdicts[i].name, "dnat") == 0 || strcmp(verdicts[i].name, "redirect") == 0)
			take_to(t, body, verdicts[i].name[0] == 'r', c);
		return true;
	}
	return false;
}

static bool is_catch_all(const json_t *pair)
{
	const char *value = json_string_value(nft_plain(json_array_get(pair, 0)));

	return value && strcmp(value, "*") == 0;
}

/* One entry: its key on top of the conditions so far. */
static void take_entry(struct nft_reader *t, const json_t *key, const json_t *pair)
{
	struct fw_clause before = t->now;

	if (is_catch_all(pair))
		nft_narrow_to_header(t, key);
	else
		nft_narrow(t, key, "==", nft_plain(json_array_get(pair, 0)));
	if (!take_verdict(t, json_array_get(pair, 1), &t->now))
		nft_less_sure(t, FW_OPEN);
	add_clause(t, &t->now);
	t->now = before;
}

/* A map of verdicts, whose entries do not overlap but for the last, "*". */
static void take_vmap(struct nft_reader *t, const json_t *vmap)
{
	const json_t *key = json_object_get(vmap, "key");
	const json_t *set = json_object_get(json_object_get(vmap, "data"), "set");

	for (int last = 0; set && last < 2; last++)
		for (size_t i = 0; i < json_array_size(set); i++)
			if (is_catch_all(json_array_get(set, i)) == (last == 1))
				take_entry(t, key, json_array_get(set, i));
	if (!set) {
		struct fw_clause c = t->now;

		c.does = FW_ADMITS;
		c.sure = FW_OPEN;
		add_clause(t, &c);
	}
}

/* What iptables-nft left to its own modules: nft shows no more of them than their names. */
static bool take_xt(struct nft_reader *t, const json_t *xt)
{
	static const char *const neutral[] = {"LOG",    "NFLOG",    "MARK", "CONNMARK",
										  "TCPMSS", "CHECKSUM", "TRACE"};

	if (has_value(xt, "name", "comment"))
		return true;
	if (!has_value(xt, "type", "target"))
		return false;
	if (has_value(xt, "name", "REJECT") || has_value(xt, "name", "DROP")) {
		t->now.does = FW_REFUSES;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(neutral); i++)
		if (has_value(xt, "name", neutral[i]))
			return true;
	return false;
}

/* Updating a set: up to a rate, perhaps, and of packets that have what is put into it. */
static bool take_update(struct nft_reader *t, const json_t *body, const char *key)
{
	nft_narrow_to_header(t, nft_plain(json_object_get(body, key)));
	nft_less_sure(t, FW_CHANCE);
	return true;
}

/* Statements that are no verdict. False: it is not known what it does. */
static bool take_other(struct nft_reader *t, const json_t *statement)
{
	static const char *const neutral[] = {"counter",        "log",     "ct helper", "ct timeout",
										  "ct expectation", "comment", "map",       "dup",
										  "flow",           "last",    "secmark",   "ct zone"};
	static const char *const rates[] = {"limit", "ct count"};

	for (size_t i = 0; i < ARRAY_LEN(neutral); i++)
		if (json_object_get(statement, neutral[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (json_object_get(statement, rates[i])) {
			nft_less_sure(t, FW_CHANCE);
			return true;
		}
	if (json_object_get(statement, "set"))
		return take_update(t, json_object_get(statement, "set"), "elem");
	if (json_object_get(statement, "meter"))
		return take_update(t, json_object_get(statement, "meter"), "key");
	if (json_object_get(statement, "mangle")) {
		t->now.alters =
			t->now.alters ||
			nft_is_looked_at(json_object_get(json_object_get(statement, "mangle"), "key"));
		return true;
	}
	if (json_object_get(statement, "notrack"))
		return t->now.alters = true;
	return json_object_get(statement, "xt") && take_xt(t, json_object_get(statement, "xt"));
}

static void take_match(struct nft_reader *t, const json_t *match)
{
	const char *op = json_string_value(json_object_get(match, "op"));

	nft_narrow(t, json_object_get(match, "left"), op ? op : "", json_object_get(match, "right"));
}

void nft_clauses(const struct fw_ruleset *set, const struct fw_chain *chain,
				 const json_t *statements, struct arena *a, struct fw_rule *ret)
{
	struct nft_reader t = {.set = set, .chain = chain, .arena = a, .rule = ret};

	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *statement = json_array_get(statements, i);

		if (json_object_get(statement, "match"))
			take_match(&t, json_object_get(statement, "match"));
		else if (json_object_get(statement, "vmap"))
			take_vmap(&t, json_object_get(statement, "vmap"));
		else if (!take_verdict(&t, statement, &t.now) && !take_other(&t, statement)) {
			t.now.sure = FW_OPEN;
			t.now.does = t.now.does == FW_DOES_NOTHING ? FW_ADMITS : t.now.does;
		}
	}
	add_clause(&t, &t.now);
}
