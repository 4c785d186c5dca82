/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netfilter.h"

#include <jansson.h>

#include "base/num.h"
#include "base/vec.h"

#define MAX_STEPS 100000 /* of one judgement: chains that jump to each other */
#define MAX_DEPTH 16     /* the kernel's own limit on jumps */

/* -t leaves the elements of sets out, of which there may be a million. */
static const struct helper nft = {
	.argv = (const char *const[]){"/usr/sbin/nft", "-j", "-t", "list", "ruleset", NULL},
};
/* These would load the modules of the older kind of tables, unless they are loaded already. */
static const struct helper legacy4 = {
	.argv = (const char *const[]){"/usr/sbin/iptables-legacy-save", NULL},
	.needs = "/proc/net/ip_tables_names",
};
static const struct helper legacy6 = {
	.argv = (const char *const[]){"/usr/sbin/ip6tables-legacy-save", NULL},
	.needs = "/proc/net/ip6_tables_names",
};

const struct helper *const netfilter_helpers[] = {&nft, &legacy4, &legacy6, NULL};

static bool is_v6(enum fw_packet p)
{
	return p == FW_V6 || p == FW_V6_LOOPBACK;
}

static bool is_loopback(enum fw_packet p)
{
	return p >= FW_V4_LOOPBACK;
}

static struct fw_chain *find_chain(const struct fw_ruleset *set, struct str family,
								   struct str table, struct str name)
{
	_cleanup_arena_ struct arena scratch = {0};

	return map_get(&set->by_name, str_of(arena_printf(&scratch, "%.*s %.*s %.*s", STR_ARG(family),
													  STR_ARG(table), STR_ARG(name))));
}

static struct fw_chain *add_chain(struct fw_ruleset *set, struct arena *a, struct str family,
								  struct str table, struct str name)
{
	struct fw_chain *chain = arena_new(a, struct fw_chain, 1);

	chain->family = family;
	chain->table = table;
	chain->name = name;
	map_put(
		&set->by_name,
		str_of(arena_printf(a, "%.*s %.*s %.*s", STR_ARG(family), STR_ARG(table), STR_ARG(name))),
		chain);
	*vec_push(a, set) = chain;
	set->docker = set->docker || str_starts(name, "DOCKER");
	return chain;
}

static struct fw_rule *add_rule(struct fw_ruleset *set, struct arena *a, struct fw_chain *chain)
{
	if (chain->n == chain->cap)
		chain->rules = vec_grow(a, chain->rules, chain->n, &chain->cap, sizeof(*chain->rules));
	set->n_rules++;
	return &chain->rules[chain->n++];
}

/* --- nft's JSON (libnftables-json(5)) -------------------------------------------------------- */

/* Whether a packet meets a condition. */
enum match { NO, MAYBE, YES };

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

/* What the packet has where a condition looks, NULL when that is open. */
static const char *fact(const json_t *left, enum fw_packet p)
{
	const json_t *meta = json_object_get(left, "meta"), *ct = json_object_get(left, "ct");
	const json_t *payload = json_object_get(left, "payload"), *fib = json_object_get(left, "fib");

	if (has_value(meta, "key", "l4proto") || has_value(payload, "field", "nexthdr") ||
		(has_value(payload, "protocol", "ip") && has_value(payload, "field", "protocol")))
		return "tcp";
	if (has_value(meta, "key", "nfproto"))
		return is_v6(p) ? "ipv6" : "ipv4";
	if (has_value(meta, "key", "iif") || has_value(meta, "key", "iifname"))
		return is_loopback(p) ? "lo" : "(some network)";
	if (has_value(ct, "key", "state"))
		return "new";
	return has_value(fib, "result", "type") ? "local" : NULL;
}

/* Whether a value on the right stands for the fact. */
static bool holds(const json_t *right, const char *known)
{
	const json_t *set = json_object_get(right, "set");

	if (json_is_string(right))
		return strcmp(json_string_value(right), known) == 0;
	if (!set && json_is_array(right))
		set = right;
	for (size_t i = 0; i < json_array_size(set); i++) {
		const char *item = json_string_value(json_array_get(set, i));

		if (item && strcmp(item, known) == 0)
			return true;
	}
	return false;
}

static bool is_every_address(const json_t *right)
{
	const json_t *length = json_object_get(json_object_get(right, "prefix"), "len");

	return json_is_integer(length) && json_integer_value(length) == 0;
}

static bool is_other_family(const json_t *left, enum fw_packet p)
{
	return has_value(json_object_get(left, "payload"), "protocol", is_v6(p) ? "ip" : "ip6");
}

static enum match try_match(const json_t *match, enum fw_packet p)
{
	const json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right");
	bool negated = has_value(match, "op", "!=");
	const char *known = fact(left, p);

	if (is_other_family(left, p))
		return NO;
	if (known)
		return holds(right, known) != negated ? YES : NO;
	if (is_every_address(right))
		return negated ? NO : YES;
	return negated ? MAYBE : NO;
}

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
static bool try_vmap(const json_t *vmap, enum fw_packet p, struct fw_effect *effect,
					 struct arena *a)
{
	const json_t *set = json_object_get(json_object_get(vmap, "data"), "set");
	const char *known = fact(json_object_get(vmap, "key"), p);

	for (size_t i = 0; known && i < json_array_size(set); i++) {
		const json_t *pair = json_array_get(set, i);

		if (holds(json_array_get(pair, 0), known))
			return set_verdict(json_array_get(pair, 1), effect, a);
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

static struct fw_effect effect_on(const json_t *statements, enum fw_packet p, struct arena *a)
{
	struct fw_effect effect = {.verdict = FW_CONTINUE}, none = effect;

	for (size_t i = 0; i < json_array_size(statements); i++) {
		const json_t *statement = json_array_get(statements, i);
		const json_t *match = json_object_get(statement, "match");
		const json_t *vmap = json_object_get(statement, "vmap");

		if (match) {
			enum match m = try_match(match, p);

			if (m == NO)
				return none;
			effect.maybe = effect.maybe || m == MAYBE;
		} else if (vmap) {
			return try_vmap(vmap, p, &effect, a) ? effect : none;
		} else if (set_verdict(statement, &effect, a) || set_xt_verdict(statement, &effect)) {
			return effect;
		} else if (!is_neutral(statement)) {
			return none;
		}
	}
	return none;
}

static void read_nft_chain(struct fw_ruleset *set, struct arena *a, const json_t *object)
{
	struct fw_chain *chain = add_chain(set, a, member(object, "family", a),
									   member(object, "table", a), member(object, "name", a));

	chain->type = member(object, "type", a);
	chain->hook = member(object, "hook", a);
	chain->policy = member(object, "policy", a);
	chain->priority = json_integer_value(json_object_get(object, "prio"));
}

static void read_nft_rule(struct fw_ruleset *set, struct arena *a, const json_t *object)
{
	struct fw_chain *chain = find_chain(set, member(object, "family", a),
										member(object, "table", a), member(object, "chain", a));
	struct fw_rule *rule;

	if (!chain)
		return;
	rule = add_rule(set, a, chain);
	for (int p = 0; p < FW_PACKETS; p++)
		rule->on[p] = effect_on(json_object_get(object, "expr"), (enum fw_packet)p, a);
}

/* Chains come before the rules that jump to them, but not always before all rules; so twice. */
static int read_nft(struct fw_ruleset *set, struct arena *a, struct str text, struct err *err)
{
	json_error_t error;
	json_t *root = json_loadb(text.p, text.n, 0, &error);
	const json_t *list = json_object_get(root, "nftables");

	if (!json_is_array(list)) {
		json_decref(root);
		return err_set(err, EINVAL, "nft: not the JSON that was expected: %s", error.text);
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i), *table = json_object_get(item, "table");

		if (table)
			set->backend = "nftables";
		set->firewalld = set->firewalld || has_value(table, "name", "firewalld");
		if (json_object_get(item, "chain"))
			read_nft_chain(set, a, json_object_get(item, "chain"));
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *rule = json_object_get(json_array_get(list, i), "rule");

		if (rule)
			read_nft_rule(set, a, rule);
	}
	json_decref(root);
	return 0;
}

/* --- iptables-save --------------------------------------------------------------------------- */

static struct str lower(struct arena *a, struct str s)
{
	char *copy = str_dup(a, s);

	for (size_t i = 0; i < s.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] |= 0x20;
	return (struct str){copy, s.n};
}

/* Hooks are named as nft names them; user-defined chains have none. */
static struct str hook_of(struct arena *a, struct str chain)
{
	static const char *const hooks[] = {"INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"};

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		if (str_is(chain, hooks[i]))
			return lower(a, chain);
	return STR_ABSENT;
}

/* An option of a rule and its value, as one of the packets sees it. */
static enum match try_option(struct str option, struct str value, bool negated, enum fw_packet p)
{
	bool met;

	if (str_is(option, "-m") || str_is(option, "--comment"))
		return YES;
	if (str_is(option, "-p"))
		met = str_is(value, "tcp") || str_is(value, "all");
	else if (str_is(option, "-i"))
		met = is_loopback(p) && str_is(value, "lo");
	else if (str_is(option, "--ctstate") || str_is(option, "--state"))
		met = str_has(value, "NEW");
	else
		return negated ? MAYBE : NO;
	return met != negated ? YES : NO;
}

static void set_target(struct fw_effect *effect, struct str option, struct str target)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
	} targets[] = {
		{"ACCEPT", FW_ACCEPT}, {"DROP", FW_DENY},    {"REJECT", FW_DENY},
		{"RETURN", FW_RETURN}, {"LOG", FW_CONTINUE},
	};

	effect->verdict = str_is(option, "-g") ? FW_GOTO : FW_JUMP;
	effect->target = target;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		if (str_is(target, targets[i].name))
			effect->verdict = targets[i].verdict;
}

/* A word, or a string in quotes, which only comments and log prefixes are. */
static bool take_value(struct str *line, struct str *ret)
{
	*line = str_trim(*line);
	if (!str_skip(line, "\""))
		return str_word(line, ret);
	while (line->n && line->p[0] != '"') {
		size_t step = line->p[0] == '\\' && line->n > 1 ? 2 : 1;

		line->p += step;
		line->n -= step;
	}
	(void)str_skip(line, "\"");
	*ret = STR("");
	return true;
}

/* "-i lo -m conntrack --ctstate NEW -j ACCEPT": what is behind the target are its own options. */
static struct fw_effect legacy_effect(struct str line, enum fw_packet p)
{
	struct fw_effect effect = {.verdict = FW_CONTINUE}, none = effect;
	struct str option, value;

	while (str_word(&line, &option)) {
		bool negated = str_is(option, "!");
		enum match m;

		if ((negated && !str_word(&line, &option)) || !take_value(&line, &value))
			return none;
		if (str_is(option, "-j") || str_is(option, "-g")) {
			set_target(&effect, option, value);
			return effect;
		}
		m = try_option(option, value, negated, p);
		if (m == NO)
			return none;
		effect.maybe = effect.maybe || m == MAYBE;
	}
	return none;
}

static void read_legacy_line(struct fw_ruleset *set, struct arena *a, struct str family,
							 struct str table, struct str line)
{
	struct fw_chain *chain;
	struct fw_rule *rule;
	struct str name, policy;

	if (str_skip(&line, ":")) {
		if (!str_word(&line, &name) || !str_word(&line, &policy))
			return;
		chain = add_chain(set, a, family, table, name);
		chain->hook = hook_of(a, name);
		if (chain->hook.p) {
			chain->type = str_is(table, "nat") ? STR("nat") : STR("filter");
			chain->policy = lower(a, policy);
		}
		return;
	}
	if (!str_skip(&line, "-A ") || !str_word(&line, &name))
		return;
	chain = find_chain(set, family, table, name);
	if (!chain)
		return;
	rule = add_rule(set, a, chain);
	for (int p = 0; p < FW_PACKETS; p++)
		rule->on[p] = legacy_effect(line, (enum fw_packet)p);
}

static void read_legacy(struct fw_ruleset *set, struct arena *a, struct str family, struct str text)
{
	struct str line, table = STR("");

	while (str_line(&text, &line)) {
		if (str_skip(&line, "*"))
			table = line;
		else
			read_legacy_line(set, a, family, table, line);
	}
}

/* The names of the loaded tables of the older kind; the file is not there without the module. */
static int add_legacy(struct fw_ruleset *set, struct host *host, struct arena *a, const char *names,
					  const struct helper *helper, struct str family, struct err *err)
{
	struct str text;
	int r = host_read(host, names, a, &text, err);

	if (r == -ENOENT || (r == 0 && !str_trim(text).n))
		return 0;
	if (r == 0)
		r = host_run(host, helper, a, &text, err);
	if (r < 0)
		return err_context(err, "there are iptables tables of the older kind");
	if (strcmp(set->backend, "none") == 0)
		set->backend = "iptables-legacy";
	read_legacy(set, a, family, text);
	return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool has_module(struct str list, const char *name)
{
	struct str line, word;

	while (str_line(&list, &line))
		if (str_word(&line, &word) && str_is(word, name))
			return true;
	return false;
}

/* Without nft nobody can say what the kernel holds, unless it has no packet filter at all: the
 * module is neither loaded nor built in. */
static bool is_impossible(struct host *host, struct arena *a)
{
	struct str modules, release, builtin;
	struct err err = {0};

	if (host_read(host, "/proc/modules", a, &modules, &err) < 0 ||
		host_read(host, "/proc/sys/kernel/osrelease", a, &release, &err) < 0)
		return false;
	release = str_trim(release);
	return !has_module(modules, "nf_tables") &&
		   host_read(host, arena_printf(a, "/lib/modules/%.*s/modules.builtin", STR_ARG(release)),
					 a, &builtin, &err) == 0 &&
		   !str_has(builtin, "/nf_tables.ko");
}

int netfilter_read(struct host *host, struct arena *a, struct fw_ruleset *ret, struct err *err)
{
	struct fw_ruleset set = {.backend = "none"};
	struct str text;
	int r;

	map_init(&set.by_name, a);
	if (host_is_live(host) && !host_is_root(host))
		return err_set(err, EPERM, "needs root: only root may list the packet filter");
	r = host_run(host, &nft, a, &text, err);
	if (r == 0)
		r = read_nft(&set, a, text, err);
	else if (r == -ENOENT && is_impossible(host, a))
		r = 0;
	else if (r == -ENOENT)
		return err_set(err, ENOENT,
					   "/usr/sbin/nft is not installed, without which the packet "
					   "filter cannot be listed; install nftables");
	if (r == 0)
		r = add_legacy(&set, host, a, "/proc/net/ip_tables_names", &legacy4, STR("ip"), err);
	if (r == 0)
		r = add_legacy(&set, host, a, "/proc/net/ip6_tables_names", &legacy6, STR("ip6"), err);
	if (r == 0)
		*ret = set;
	return r;
}

/* --- judging --------------------------------------------------------------------------------- */

struct walk {
	const struct fw_ruleset *set;
	enum fw_packet packet;
	unsigned steps;
};

static enum fw_verdict walk_chain(struct walk *w, const struct fw_chain *chain, unsigned depth);

/* A condition that most packets meet opens, but does not close. */
static enum fw_verdict apply(struct walk *w, const struct fw_chain *chain,
							 const struct fw_effect *effect, unsigned depth)
{
	enum fw_verdict verdict = effect->verdict;

	if (verdict == FW_JUMP || verdict == FW_GOTO) {
		const struct fw_chain *target =
			find_chain(w->set, chain->family, chain->table, effect->target);
		enum fw_verdict there = target ? walk_chain(w, target, depth + 1) : FW_CONTINUE;

		verdict = there == FW_CONTINUE && verdict == FW_GOTO ? FW_RETURN : there;
	}
	return effect->maybe && verdict != FW_ACCEPT ? FW_CONTINUE : verdict;
}

static enum fw_verdict walk_chain(struct walk *w, const struct fw_chain *chain, unsigned depth)
{
	for (size_t i = 0; depth < MAX_DEPTH && i < chain->n; i++) {
		enum fw_verdict verdict;

		if (++w->steps > MAX_STEPS)
			return FW_CONTINUE;
		verdict = apply(w, chain, &chain->rules[i].on[w->packet], depth);
		if (verdict == FW_RETURN)
			return FW_CONTINUE;
		if (verdict != FW_CONTINUE)
			return verdict;
	}
	return FW_CONTINUE;
}

static bool is_at(const struct fw_chain *chain, const char *hook, bool v6)
{
	return str_is(chain->hook, hook) &&
		   (str_is(chain->family, "inet") || str_is(chain->family, v6 ? "ip6" : "ip"));
}

/* Every base chain of a hook must let a packet pass, so that one that does not is enough. */
enum fw_verdict fw_judge(const struct fw_ruleset *set, const char *hook, enum fw_packet packet)
{
	enum fw_verdict result = FW_CONTINUE;

	for (size_t i = 0; i < set->n; i++) {
		struct walk w = {.set = set, .packet = packet};
		enum fw_verdict verdict;

		if (!is_at(set->p[i], hook, is_v6(packet)))
			continue;
		verdict = walk_chain(&w, set->p[i], 0);
		if (verdict == FW_CONTINUE)
			verdict = str_is(set->p[i]->policy, "drop") ? FW_DENY : FW_ACCEPT;
		/* What ran out of steps is not known to deny. */
		if (w.steps > MAX_STEPS)
			verdict = FW_ACCEPT;
		if (result != FW_DENY)
			result = verdict;
	}
	return result;
}

const char *fw_policy(const struct fw_ruleset *set, const char *hook, bool v6)
{
	const char *policy = NULL;

	for (size_t i = 0; i < set->n; i++) {
		if (!is_at(set->p[i], hook, v6) || !str_is(set->p[i]->type, "filter"))
			continue;
		if (str_is(set->p[i]->policy, "drop"))
			return "drop";
		policy = "accept";
	}
	return policy;
}

bool fw_is_active(const struct fw_ruleset *set, const char *hook)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_is(set->p[i]->hook, hook) && !str_is(set->p[i]->family, "netdev") &&
			!str_is(set->p[i]->family, "arp") && !str_is(set->p[i]->family, "bridge") &&
			(set->p[i]->n || str_is(set->p[i]->policy, "drop")))
			return true;
	return false;
}
