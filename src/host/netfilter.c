/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netfilter.h"

#include "base/vec.h"
#include "host/ipt_clause.h"
#include "host/ipt_match.h"
#include "host/nft_clause.h"
#include "host/nft_match.h"
#include "host/nft_sets.h"
#include "host/site_file.h"

#define MAX_STEPS 100000 /* of one judgement: chains that jump to each other */
#define MAX_DEPTH 16     /* the kernel's own limit on jumps */

/* -t leaves the elements of sets out, of which there may be a million. */
const struct helper netfilter_ruleset = {
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

/* What iptables-nft has put into nftables, with the conditions that nft calls "xt" and does not show. */
static const struct helper compat4 = {
	.argv = (const char *const[]){"/usr/sbin/iptables-nft-save", NULL},
	.needs = "/usr/sbin/iptables-nft-save",
	.rare = true,
};
static const struct helper compat6 = {
	.argv = (const char *const[]){"/usr/sbin/ip6tables-nft-save", NULL},
	.needs = "/usr/sbin/ip6tables-nft-save",
	.rare = true,
};

/* Exits with an error when there is no such table. */
const struct helper netfilter_own = {
	.argv = (const char *const[]){"/usr/sbin/nft", "-s", "list", "table", "inet", "revet_loopback", NULL},
	.needs = "/etc/nftables.d/revet_loopback.nft",
	.rare = true,
	.status_ok = true,
};

const struct helper netfilter_site = {
	.argv = (const char *const[]){"/usr/sbin/nft", "-s", "list", "table", "inet", "revet", NULL},
	.needs = SITE_FILE,
	.rare = true,
	.status_ok = true,
};

const struct helper *const netfilter_helpers[] = {
	&netfilter_ruleset, &legacy4, &legacy6, &compat4, &compat6, &netfilter_own, &netfilter_site, NULL};

bool fw_is_v6(enum fw_packet p)
{
	return p % 2 == FW_V6 % 2;
}

bool fw_is_spoofed(enum fw_packet p)
{
	return p == FW_V4_SPOOFED || p == FW_V6_SPOOFED;
}

const char *fw_protocol(enum fw_packet p)
{
	return p == FW_V4_UDP || p == FW_V6_UDP ? "udp" : "tcp";
}

static bool is_loopback(enum fw_packet p)
{
	return p == FW_V4_LOOPBACK || p == FW_V6_LOOPBACK;
}

/* --- interfaces ------------------------------------------------------------------------------ */

/* "eth0", or "eth*" as nft and "eth+" as iptables write it. */
static bool is_named(struct str name, struct str pattern)
{
	if (pattern.n && (pattern.p[pattern.n - 1] == '*' || pattern.p[pattern.n - 1] == '+'))
		return name.n + 1 >= pattern.n && memcmp(name.p, pattern.p, pattern.n - 1) == 0;
	return str_eq(name, pattern);
}

/* Where no default route says which it is, names that hardware has. */
static bool is_uplink(const struct fw_ruleset *set, struct str pattern)
{
	static const char *const names[] = {"en",   "eth", "em",  "ib",  "wl",   "ww",
										"bond", "ppp", "ven", "tea", "host0"};

	for (size_t i = 0; i < set->uplinks.n; i++)
		if (is_named(set->uplinks.p[i], pattern))
			return true;
	for (size_t i = 0; !set->uplinks.n && i < ARRAY_LEN(names); i++)
		if (str_starts(pattern, names[i]))
			return true;
	return str_is(pattern, "*") || str_is(pattern, "+");
}

bool fw_interface(const struct fw_ruleset *set, enum fw_packet p, struct str pattern, bool incoming)
{
	bool forwarded = p == FW_V4_FORWARD || p == FW_V6_FORWARD;
	bool sent = p == FW_V4_OUTPUT || p == FW_V6_OUTPUT;

	if (is_loopback(p))
		return incoming && is_named(STR("lo"), pattern);
	if (incoming ? sent : !sent && !forwarded)
		return false;
	/* A packet that is routed leaves by whatever lies behind this host. */
	return is_uplink(set, pattern) != (forwarded && !incoming);
}

static void add_uplink(struct fw_ruleset *set, struct arena *a, struct str name)
{
	if (name.n && !str_is(name, "lo"))
		*vec_push(a, &set->uplinks) = name;
}

/* The interfaces of the default routes: to no address, with no bit of it given. */
static void read_uplinks(struct fw_ruleset *set, struct host *host, struct arena *a)
{
	struct str text, line, words[10];
	struct err ignored = {0};

	if (host_read(host, "/proc/net/route", a, &text, &ignored) == 0)
		while (str_line(&text, &line)) {
			size_t n = 0;

			while (n < 8 && str_word(&line, &words[n]))
				n++;
			if (n == 8 && str_is(words[1], "00000000") && str_is(words[7], "00000000"))
				add_uplink(set, a, words[0]);
		}
	if (host_read(host, "/proc/net/ipv6_route", a, &text, &ignored) == 0)
		while (str_line(&text, &line)) {
			size_t n = 0;

			while (n < 10 && str_word(&line, &words[n]))
				n++;
			if (n == 10 && str_is(words[0], "00000000000000000000000000000000") &&
				str_is(words[1], "00"))
				add_uplink(set, a, words[9]);
		}
}

/* --- chains ---------------------------------------------------------------------------------- */

static struct fw_chain *find_chain(const struct fw_ruleset *set, struct str family,
								   struct str table, struct str name)
{
	_cleanup_arena_ struct arena scratch = {0};

	return map_get(&set->by_name, str_of(arena_printf(&scratch, "%.*s %.*s %.*s", STR_ARG(family),
													  STR_ARG(table), STR_ARG(name))));
}

const struct fw_chain *fw_find_chain(const struct fw_ruleset *set, struct str family,
									 struct str table, struct str name)
{
	return find_chain(set, family, table, name);
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
	chain->rules[chain->n] = (struct fw_rule){0};
	return &chain->rules[chain->n++];
}

/* --- nft's JSON (libnftables-json(5)) -------------------------------------------------------- */

static struct str member(const json_t *object, const char *name, struct arena *a)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? str_of(arena_strdup(a, s)) : STR_ABSENT;
}

/* Flags of a table: "dormant" switches it off. Of the others only those known are let pass, as nft
 * 1.0.6 prints garbage instead of the flag. */
static bool is_dormant(const json_t *table)
{
	const json_t *flags = json_object_get(table, "flags");
	size_t n = json_is_array(flags) ? json_array_size(flags) : flags != NULL;

	for (size_t i = 0; i < n; i++) {
		const json_t *flag = json_is_array(flags) ? json_array_get(flags, i) : flags;
		struct str name = str_of(json_string_value(flag));

		if (!str_is(name, "owner") && !str_is(name, "persist"))
			return true;
	}
	return false;
}

static const char *table_key(struct arena *a, struct str family, struct str name)
{
	return arena_printf(a, "%.*s %.*s", STR_ARG(family), STR_ARG(name));
}

static void read_nft_table(struct fw_ruleset *set, struct arena *a, const json_t *object)
{
	struct str name = member(object, "name", a);

	set->backend = "nftables";
	set->firewalld = set->firewalld || str_is(name, "firewalld");
	if (is_dormant(object))
		map_put(&set->dormant, str_of(table_key(a, member(object, "family", a), name)), set);
}

/* Packets add elements to it, or they go after a while. */
static void read_nft_set(struct fw_ruleset *set, struct arena *a, const json_t *object)
{
	static const char *const flags[] = {"dynamic", "timeout"};
	const json_t *list = json_object_get(object, "flags");
	size_t n = json_is_array(list) ? json_array_size(list) : list != NULL;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(flags); k++)
			if (str_is(
					str_of(json_string_value(json_is_array(list) ? json_array_get(list, i) : list)),
					flags[k]))
				map_put(&set->varying,
						str_of(arena_printf(
							a, "%s %.*s",
							table_key(a, member(object, "family", a), member(object, "table", a)),
							STR_ARG(member(object, "name", a)))),
						set);
}

static struct str *read_devices(struct arena *a, const json_t *dev)
{
	size_t n = json_is_array(dev) ? json_array_size(dev) : 1;
	struct str *names = arena_new(a, struct str, n + 1);

	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_is_array(dev) ? json_array_get(dev, i) : dev);

		names[i] = name ? str_of(arena_strdup(a, name)) : STR("");
	}
	return names;
}

static void read_nft_chain(struct fw_ruleset *set, struct arena *a, const json_t *object)
{
	struct fw_chain *chain = add_chain(set, a, member(object, "family", a),
									   member(object, "table", a), member(object, "name", a));

	chain->type = member(object, "type", a);
	if (!map_get(&set->dormant, str_of(table_key(a, chain->family, chain->table))))
		chain->hook = member(object, "hook", a);
	chain->policy = member(object, "policy", a);
	if (json_object_get(object, "dev"))
		chain->devices = read_devices(a, json_object_get(object, "dev"));
	set->refuses = set->refuses || str_is(chain->policy, "drop");
	chain->priority = json_integer_value(json_object_get(object, "prio"));
}

static void read_nft_rule(struct fw_ruleset *set, struct arena *a, const json_t *object)
{
	const json_t *statements = json_object_get(object, "expr");
	struct str family = member(object, "family", a);
	struct fw_chain *chain =
		find_chain(set, family, member(object, "table", a), member(object, "chain", a));
	struct fw_rule *rule;

	if (!chain)
		return;
	rule = add_rule(set, a, chain);
	nft_effects(set, chain, statements, a, rule);
	nft_clauses(set, chain, statements, a, rule);
	set->refuses = set->refuses || nft_refuses(statements);
	set->compat[str_is(family, "ip6")] =
		set->compat[str_is(family, "ip6")] || nft_has_xt(statements);
	if (nft_has_xt_match(statements))
		set->unsure[str_is(family, "ip6")] =
			"it has rules of iptables that nft does not show in full, and iptables-nft-save does "
			"not say more";
}

/* Chains come before the rules that jump to them, but not always before all rules; so twice. */
static int read_nft(struct fw_ruleset *set, struct host *host, struct arena *a, struct str text,
					struct err *err)
{
	json_error_t error;
	json_t *root = json_loadb(text.p, text.n, 0, &error);
	const json_t *list = json_object_get(root, "nftables");

	if (!json_is_array(list)) {
		json_decref(root);
		return err_set(err, EINVAL, "nft: not the JSON that was expected: %s", error.text);
	}
	set->sets = nft_sets_read(host, a);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (json_object_get(item, "table"))
			read_nft_table(set, a, json_object_get(item, "table"));
		if (json_object_get(item, "set"))
			read_nft_set(set, a, json_object_get(item, "set"));
		if (json_object_get(item, "chain"))
			read_nft_chain(set, a, json_object_get(item, "chain"));
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *rule = json_object_get(json_array_get(list, i), "rule");

		if (rule)
			read_nft_rule(set, a, rule);
	}
	json_decref(set->sets);
	set->sets = NULL;
	json_decref(root);
	return 0;
}

/* --- iptables-save --------------------------------------------------------------------------- */

/* Hooks are named as nft names them; user-defined chains have none. */
static struct str hook_of(struct arena *a, struct str chain)
{
	static const char *const hooks[] = {"INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"};

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		if (str_is(chain, hooks[i]))
			return str_lower(a, chain);
	return STR_ABSENT;
}

static void read_legacy_line(struct fw_ruleset *set, struct arena *a, struct str family,
							 struct str table, struct str line)
{
	struct fw_chain *chain;
	struct fw_rule *rule;
	struct str name, policy;

	set->refuses = set->refuses || str_has(line, "DROP") || str_has(line, "REJECT");
	if (str_skip(&line, ":")) {
		if (!str_word(&line, &name) || !str_word(&line, &policy))
			return;
		chain = add_chain(set, a, family, table, name);
		chain->hook = hook_of(a, name);
		if (chain->hook.p) {
			chain->type = str_is(table, "nat") ? STR("nat") : STR("filter");
			chain->policy = str_lower(a, policy);
			chain->priority =
				str_is(table, "raw") ? -300 : 0; /* in front of what tracks connections */
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
		rule->on[p] = ipt_effect(set, line, (enum fw_packet)p);
	ipt_clauses(line, str_is(family, "ip6"), a, rule);
}

static void forget_rules(struct fw_ruleset *set, struct str family, struct str table)
{
	for (size_t i = 0; i < set->n; i++) {
		if (!str_eq(set->p[i]->family, family) || !str_eq(set->p[i]->table, table))
			continue;
		set->n_rules -= set->p[i]->n;
		set->p[i]->n = 0;
	}
}

/* again: nft has told the chains already, and these are their rules. */
static void read_legacy(struct fw_ruleset *set, struct arena *a, struct str family, bool again,
						struct str text)
{
	struct str line, table = STR("");

	while (str_line(&text, &line)) {
		if (str_skip(&line, "*")) {
			table = line;
			if (again)
				forget_rules(set, family, table);
		} else if (!again || !str_starts(line, ":")) {
			read_legacy_line(set, a, family, table, line);
		}
	}
}

/* The names of the loaded tables of the older kind; the file is not there without the module. */
static int add_legacy(struct fw_ruleset *set, struct host *host, struct arena *a, const char *names,
					  const struct helper *helper, struct str family, struct err *err)
{
	size_t n = set->n, n_rules = set->n_rules;
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
	read_legacy(set, a, family, false, text);
	set->n_legacy_rules += set->n_rules - n_rules;
	set->legacy = set->legacy || set->n_legacy_rules;
	for (size_t i = n; i < set->n; i++)
		set->legacy = set->legacy || str_is(set->p[i]->policy, "drop");
	return 0;
}

static void read_compat(struct fw_ruleset *set, struct host *host, struct arena *a, bool v6)
{
	struct err ignored = {0};
	struct str text;

	if (!set->compat[v6] || host_run(host, v6 ? &compat6 : &compat4, a, &text, &ignored) < 0)
		return;
	read_legacy(set, a, v6 ? STR("ip6") : STR("ip"), true, text);
	set->unsure[v6] = NULL;
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

void netfilter_early(struct host *host)
{
	nft_sets_early(host);
}

int netfilter_read(struct host *host, struct arena *a, struct fw_ruleset *ret, struct err *err)
{
	struct fw_ruleset set = {.backend = "none"};
	struct str text;
	int r;

	map_init(&set.by_name, a);
	map_init(&set.dormant, a);
	map_init(&set.varying, a);
	if (host_is_live(host) && !host_is_root(host))
		return err_set(err, EPERM, "needs root: only root may list the packet filter");
	read_uplinks(&set, host, a);
	r = host_run(host, &netfilter_ruleset, a, &text, err);
	if (r == 0)
		r = read_nft(&set, host, a, text, err);
	else if (r == -ENOENT && is_impossible(host, a))
		r = 0;
	else if (r == -ENOENT)
		return err_set(err, ENOENT,
					   "/usr/sbin/nft is not installed, without which the packet "
					   "filter cannot be listed; install nftables");
	read_compat(&set, host, a, false);
	read_compat(&set, host, a, true);
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
	bool unknown; /* a rule was passed that may let the packet in */
};

static enum fw_verdict walk_chain(struct walk *w, const struct fw_chain *chain, unsigned depth);

/* A condition that most packets meet opens, but does not close. */
static enum fw_verdict apply(struct walk *w, const struct fw_chain *chain,
							 const struct fw_effect *effect, unsigned depth)
{
	enum fw_verdict verdict = effect->verdict;

	if (effect->unknown) {
		w->unknown = w->unknown || verdict != FW_DENY;
		return FW_CONTINUE;
	}
	if (verdict == FW_JUMP || verdict == FW_GOTO) {
		const struct fw_chain *target =
			find_chain(w->set, chain->family, chain->table, effect->target);
		enum fw_verdict there = target ? walk_chain(w, target, depth + 1) : FW_CONTINUE;

		verdict = there == FW_CONTINUE && verdict == FW_GOTO ? FW_RETURN : there;
	}
	/* What talks over lo all the time is past any rate. */
	if (effect->limited && is_loopback(w->packet))
		return FW_CONTINUE;
	return (effect->maybe || effect->limited) && verdict != FW_ACCEPT ? FW_CONTINUE : verdict;
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

/* Every base chain of a hook must let a packet pass, so that one that does not is enough.
 * *ret_sure: one surely does not. */
static enum fw_verdict judge(const struct fw_ruleset *set, const char *hook, enum fw_packet packet,
							 bool *ret_sure)
{
	enum fw_verdict result = FW_CONTINUE;

	*ret_sure = false;

	for (size_t i = 0; i < set->n; i++) {
		struct walk w = {.set = set, .packet = packet};
		enum fw_verdict verdict;

		if (!is_at(set->p[i], hook, fw_is_v6(packet)))
			continue;
		verdict = walk_chain(&w, set->p[i], 0);
		if (verdict == FW_CONTINUE)
			verdict = str_is(set->p[i]->policy, "drop") ? FW_DENY : FW_ACCEPT;
		/* What ran out of steps is not known to deny. */
		if (w.steps > MAX_STEPS)
			verdict = FW_ACCEPT;
		if (result != FW_DENY)
			result = verdict;
		*ret_sure = *ret_sure || (verdict == FW_DENY && !w.unknown);
	}
	return result;
}

enum fw_verdict fw_judge(const struct fw_ruleset *set, const char *hook, enum fw_packet packet)
{
	bool ignored;

	return judge(set, hook, packet, &ignored);
}

const char *fw_doubt(const struct fw_ruleset *set, const char *hook, enum fw_packet packet)
{
	bool sure;

	if (set->unsure[fw_is_v6(packet)])
		return set->unsure[fw_is_v6(packet)];
	return judge(set, hook, packet, &sure) == FW_DENY && !sure
			   ? "it lets in what is in a named set, which is too large or of a kind that is not read"
			   : NULL;
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
