/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fw_saved.h"

#include <jansson.h>

#include "base/map.h"
#include "host/fields.h"
#include "host/netfilter.h"
#include "host/nft_saved.h"
#include "host/nft_sets.h"

/* A table, chain, set, or another thing with a name, as nft -j lists it (libnftables-json(5)). */
struct thing {
	const char *kind;
	const json_t *object;
	struct str table;          /* "inet filter" */
	const char *name;          /* "the set inet filter s" */
	VEC(const json_t *) rules; /* of a chain */
};

struct ruleset {
	struct map by_name; /* to struct thing */
	VEC(struct thing *) things;
	struct map sets; /* "family= table= name=" -> to struct str, what is in it */
};

struct comparison {
	struct arena *arena;
	struct ruleset saved, now;
	struct fw_saved *ret;
};

/* --- reading --------------------------------------------------------------------------------- */

static const char *member(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

static const char *name_of(struct arena *a, const char *kind, const json_t *object,
						   const char *last)
{
	const char *table = strcmp(kind, "table") == 0 ? "" : member(object, "table");

	return arena_printf(a, "the %s %s %s%s%s", kind, member(object, "family"), table,
						*table ? " " : "", member(object, last));
}

static void add_thing(struct arena *a, struct ruleset *r, const char *kind, const json_t *object)
{
	struct thing *t = arena_new(a, struct thing, 1);
	bool table = strcmp(kind, "table") == 0;

	t->kind = arena_strdup(a, kind);
	t->object = object;
	t->table = str_of(arena_printf(a, "%s %s", member(object, "family"),
								   member(object, table ? "name" : "table")));
	t->name = name_of(a, kind, object, "name");
	*vec_push(a, &r->things) = t;
	map_put(&r->by_name, str_of(t->name), t);
}

static void add_rule(struct arena *a, struct ruleset *r, const json_t *object)
{
	struct thing *chain = map_get(&r->by_name, str_of(name_of(a, "chain", object, "chain")));

	if (chain)
		*vec_push(a, &chain->rules) = object;
}

/* "family=inet table=filter name=s element=..." */
static void add_sets(struct arena *a, struct ruleset *r, struct str text)
{
	struct str line, name, value;

	while (str_line(&text, &line)) {
		struct str *elements = arena_new(a, struct str, 1);
		struct str rest = line;

		for (int i = 0; i < 3; i++)
			if (!fields_next(&rest, &name, &value))
				return;
		*elements = str_trim(rest.p ? rest : STR(""));
		map_put(&r->sets, (struct str){line.p, (size_t)(value.p + value.n - line.p)}, elements);
	}
}

/* Chains come before their rules, but not always before all rules; so twice. */
static void add_list(struct arena *a, struct ruleset *r, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);
		void *first = json_object_iter(item);
		const char *kind = first ? json_object_iter_key(first) : "metainfo";

		if (strcmp(kind, "rule") != 0 && strcmp(kind, "metainfo") != 0)
			add_thing(a, r, kind, json_object_iter_value(first));
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_object_get(json_array_get(list, i), "rule"))
			add_rule(a, r, json_object_get(json_array_get(list, i), "rule"));
}

/* *ret is to be released after the ruleset has been used. */
static int parse(struct arena *a, struct str text, struct str sets, struct ruleset *r, json_t **ret,
				 struct err *err)
{
	json_error_t error;
	json_t *root = json_loadb(text.p, text.n, 0, &error);
	json_t *list = json_object_get(root, "nftables");

	*ret = root;
	if (!json_is_array(list))
		return err_set(err, EINVAL, "nft: not the JSON that was expected: %s", error.text);
	map_init(&r->by_name, a);
	map_init(&r->sets, a);
	add_list(a, r, list);
	add_sets(a, r, sets);
	return 0;
}

/* --- comparing ------------------------------------------------------------------------------- */

static bool is_same(const json_t *one, const json_t *other);

/* What differs between two that say the same: numbers that the kernel gives, counts, comments. */
static bool decides(const char *key)
{
	static const char *const nothing[] = {"handle", "comment",   "packets", "bytes",
										  "used",   "used_unit", "expires", "elem_count"};

	for (size_t i = 0; i < ARRAY_LEN(nothing); i++)
		if (strcmp(key, nothing[i]) == 0)
			return false;
	return true;
}

static bool holds(const json_t *outer, const json_t *inner)
{
	json_t *object = (json_t *)(uintptr_t)inner; /* only looked at */

	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);

		if (decides(key) && !is_same(json_object_iter_value(i), json_object_get(outer, key)))
			return false;
	}
	return true;
}

/* json_loadb() bounds the nesting. */
static bool is_same(const json_t *one, const json_t *other)
{
	if (!one || !other || json_typeof(one) != json_typeof(other))
		return false;
	if (json_is_object(one))
		return holds(one, other) && holds(other, one);
	if (!json_is_array(one))
		return json_equal(one, other);
	for (size_t i = 0; i < json_array_size(one); i++)
		if (!is_same(json_array_get(one, i), json_array_get(other, i)))
			return false;
	return json_array_size(one) == json_array_size(other);
}

static bool is_same_rule(const json_t *one, const json_t *other)
{
	return is_same(json_object_get(one, "expr"), json_object_get(other, "expr"));
}

static void _printf_(2, 3) differ(struct comparison *c, const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (c->ret->differences.n < FW_SAVED_LISTED)
		*vec_push(c->arena, &c->ret->differences) = str_of(arena_strdup(c->arena, text));
	else if (c->ret->differences.n == FW_SAVED_LISTED)
		*vec_push(c->arena, &c->ret->differences) = STR("and others");
}

/* The first rule that is another one says what has happened, of which the rest may follow. */
static void compare_rules(struct comparison *c, const struct thing *saved, const struct thing *now)
{
	size_t i = 0, n = saved->rules.n, m = now->rules.n;
	const json_t *const *s = saved->rules.p, *const *r = now->rules.p;

	while (i < n && i < m && is_same_rule(s[i], r[i]))
		i++;
	if (i == n && i == m)
		return;
	if (m > n && (i == n || is_same_rule(s[i], r[i + 1])))
		differ(c, "rule %zu of %s is in force and is not saved", i + 1, now->name);
	else if (n > m && (i == m || is_same_rule(s[i + 1], r[i])))
		differ(c, "rule %zu of %s is saved and is not in force", i + 1, saved->name);
	else
		differ(c, "rule %zu of %s is not the one that is saved", i + 1, now->name);
}

static const struct str *elements(struct arena *a, const struct ruleset *r, const json_t *set)
{
	_cleanup_buf_ struct buf key = BUF(4096);

	buf_printf(&key, "family=%s", member(set, "family"));
	fields_put(&key, "table", str_of(member(set, "table")));
	fields_put(&key, "name", str_of(member(set, "name")));
	return map_get(&r->sets, str_of(str_dup(a, buf_get(&key))));
}

static void compare_sets(struct comparison *c, const struct thing *saved, const struct thing *now)
{
	const struct str *here = elements(c->arena, &c->saved, saved->object);
	const struct str *there = elements(c->arena, &c->now, now->object);

	if (!here || !there)
		c->ret->unknown =
			arena_printf(c->arena, "what is in %s is too much to be compared", now->name);
	else if (!str_starts(*there, "varies=1") && !str_eq(*here, *there))
		differ(c, "what is in %s is not what is saved", now->name);
}

/* Who makes tables, or chains in those of others, when it starts; from its name. */
static const char *maker(const char *name)
{
	static const struct {
		const char *pattern, *maker;
	} known[] = {
		{"DOCKER*", "Docker"},
		{"docker-*", "Docker"},
		{"NETAVARK*", "Podman"},
		{"netavark*", "Podman"},
		{"CNI-*", "a container engine"},
		{"f2b-*", "fail2ban"},
		{"KUBE-*", "Kubernetes"},
		{"kube-*", "Kubernetes"},
		{"cali-*", "Calico"},
		{"CILIUM_*", "Cilium"},
		{"LIBVIRT_*", "libvirt"},
		{"libvirt_*", "libvirt"},
		{"ufw-*", "ufw"},
		{"ufw6-*", "ufw"},
		{"firewalld", "firewalld"},
		{"ts-*", "Tailscale"},
		{"wg-quick-*", "wg-quick"},
		{"lxc", "LXC"},
		{"lxd", "LXD"},
		{"incus", "Incus"},
		{"io.systemd.nat", "systemd"},
		{"nm-shared-*", "NetworkManager"},
		{"crowdsec*", "CrowdSec"},
		{"sshguard", "sshguard"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_glob(known[i].pattern, str_of(name)))
			return known[i].maker;
	return NULL;
}

/* Of the table "inet filter", as it is now. */
static const char *maker_of(const struct ruleset *r, struct str table)
{
	const char *found = NULL;

	for (size_t i = 0; !found && i < r->things.n; i++) {
		const struct thing *t = r->things.p[i];

		if (str_eq(t->table, table) &&
			(strcmp(t->kind, "table") == 0 || strcmp(t->kind, "chain") == 0))
			found = maker(member(t->object, "name"));
	}
	return found;
}

/* iptables-nft makes chains that let everything pass when it only lists them. */
static bool has_effect(const struct ruleset *r, struct str table)
{
	for (size_t i = 0; i < r->things.n; i++) {
		const struct thing *t = r->things.p[i];

		if (str_eq(t->table, table) &&
			(t->rules.n || strcmp(member(t->object, "policy"), "drop") == 0))
			return true;
	}
	return false;
}

static bool is_saved(const struct comparison *c, struct str table)
{
	return map_get(&c->saved.by_name,
				   str_of(arena_printf(c->arena, "the table %.*s", STR_ARG(table))));
}

static void compare_saved(struct comparison *c, const struct thing *saved)
{
	const struct thing *now = map_get(&c->now.by_name, str_of(saved->name));

	if (!now) {
		differ(c, "%s is saved and is not in force", saved->name);
		return;
	}
	if (!is_same(saved->object, now->object))
		differ(c, "%s is not as it is saved", saved->name);
	compare_rules(c, saved, now);
	if (strcmp(saved->kind, "set") == 0 || strcmp(saved->kind, "map") == 0)
		compare_sets(c, saved, now);
}

static void compare_now(struct comparison *c, const struct thing *now)
{
	bool table = strcmp(now->kind, "table") == 0;

	if (map_get(&c->saved.by_name, str_of(now->name)))
		return;
	if (is_saved(c, now->table))
		differ(c, "%s is in force and is not saved", now->name);
	else if (table && has_effect(&c->now, now->table) && !maker_of(&c->now, now->table))
		differ(c, "%s is in force, and nothing is known to load it at boot", now->name);
}

/* Whoever adds chains to a table of others may add rules, too, which are then not known to be lost. */
static void compare_all(struct comparison *c)
{
	for (size_t i = 0; i < c->saved.things.n; i++)
		compare_saved(c, c->saved.things.p[i]);
	for (size_t i = 0; i < c->now.things.n; i++)
		compare_now(c, c->now.things.p[i]);
	for (size_t i = 0; c->ret->differences.n && i < c->saved.things.n; i++) {
		const struct thing *t = c->saved.things.p[i];
		const char *who = strcmp(t->kind, "table") == 0 ? maker_of(&c->now, t->table) : NULL;

		if (who)
			c->ret->unknown =
				arena_printf(c->arena, "%s adds to %s, which is saved as well", who, t->name);
	}
}

/* --- reading both ---------------------------------------------------------------------------- */

static int compare(struct host *host, const struct nft_saved *saved, struct comparison *c,
				   struct err *err)
{
	json_t *there = NULL, *here = NULL;
	struct str text, sets;
	int r = host_run(host, &netfilter_ruleset, c->arena, &text, err);

	if (r == 0)
		r = host_query(host, &nft_sets_query, c->arena, &sets, err);
	if (r == 0)
		r = parse(c->arena, text, sets, &c->now, &here, err);
	if (r == 0)
		r = parse(c->arena, saved->list, saved->sets, &c->saved, &there, err);
	if (r == 0)
		compare_all(c);
	json_decref(here);
	json_decref(there);
	return r;
}

void fw_saved_read(struct host *host, struct arena *a, const struct unit_file *service,
				   struct fw_saved *ret)
{
	struct comparison c = {.arena = a, .ret = ret};
	struct nft_saved saved = {0};
	struct err err = {0};
	int r = nft_saved_read(host, a, service, &saved, &err);

	*ret = (struct fw_saved){.broken = saved.broken, .from = FROM(saved.path, saved.line)};
	if (r == 0 && !saved.broken)
		r = compare(host, &saved, &c, &err);
	if (r < 0)
		ret->unknown = arena_strdup(a, err.msg);
}
