/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/reached.h"

#include "base/num.h"
#include "prove/resolve.h"

#define MAX_REACHED 24

static const struct site_ports dns_udp = {53, 53, true}, dns_tcp = {53, 53, false},
							   dns_tls = {853, 853, false}, ntp = {123, 123, true},
							   nts = {4460, 4460, false}, http = {80, 80, false},
							   https = {443, 443, false};

static bool is_own(const struct outside *o, const struct sockaddr_storage *s)
{
	static const struct site_network loopback[] = {
		{.family = AF_INET, .address = {127}, .prefix = 8},
		{.family = AF_INET6, .address = {[15] = 1}, .prefix = 128}};

	for (size_t i = 0; i < o->targets.n; i++)
		if (outside_is_same(&o->targets.p[i].address, s))
			return true;
	return outside_is_in(s, &loopback[0]) || outside_is_in(s, &loopback[1]);
}

static struct origin *find_origin(struct outside *o, const struct sockaddr_storage *s)
{
	for (size_t i = 0; i < o->origins.n; i++)
		if (o->origins.p[i].kind == ORIGIN_REACHED && outside_is_same(&o->origins.p[i].address, s))
			return &o->origins.p[i];
	return NULL;
}

/* The origin at an address, a new one where there is none; NULL: there is none to be had. */
static struct origin *origin_at(struct trial *t, struct outside *o,
								const struct sockaddr_storage *s, const char *who)
{
	const struct target *own = outside_target(o, s->ss_family);
	struct origin *origin = find_origin(o, s);
	size_t n = 0;

	/* A family of which this host has no address is not used. */
	if (origin || !own || own->is_made || is_own(o, s))
		return origin;
	for (size_t i = 0; i < o->origins.n; i++)
		n += o->origins.p[i].kind == ORIGIN_REACHED;
	if (n >= MAX_REACHED) {
		trial_not_run(t, "%s is not tried: there are more than %d places to go to", who,
					  MAX_REACHED);
		return NULL;
	}
	origin = outside_add(t, o, ORIGIN_REACHED, s, who);
	origin->why_not = "the address is somebody's";
	origin->interface = outside_interface_to(o, s);
	return origin;
}

/* Names and addresses of one kind, and at which ports; those that are needed stand in front. */
struct goal {
	const char *who, *name;
	struct site_ports ports[3];
	size_t needed, n;
};
typedef VEC(struct goal) goals;

static void add_goal(struct trial *t, struct outside *o, const struct goal *g,
					 const struct lookup *found)
{
	struct site_network ignored;
	bool is_name = !site_network_parse(str_of(g->name), &ignored);
	const char *who = is_name ? arena_printf(t->arena, "%s %s", g->who, g->name) : g->who;

	if (!found->n)
		trial_not_run(t, "%s is not tried: it does not resolve", who);
	for (size_t i = 0; i < found->n; i++) {
		struct origin *origin = origin_at(t, o, &found->p[i], who);

		for (size_t k = 0; origin && k < g->n; k++)
			*vec_push(t->arena, &origin->reached) =
				(struct reached){g->ports[k], k < g->needed, is_name ? g->name : NULL};
	}
}

static void add_goals(struct trial *t, struct outside *o, const goals *all)
{
	size_t n = MIN(all->n, MAX_REACHED);
	struct lookup *lookups = arena_new(t->arena, struct lookup, n + 1);

	if (all->n > n)
		trial_not_run(t, "%zu places to go to are not tried: there are too many", all->n - n);
	for (size_t i = 0; i < n; i++)
		lookups[i].name = all->p[i].name;
	resolve_names(t, lookups, n);
	for (size_t i = 0; i < n; i++)
		add_goal(t, o, &all->p[i], &lookups[i]);
}

/* --- of each kind --------------------------------------------------------------------------------- */

/* Of a table with one row. */
static const struct value *list_of(struct trial *t, const char *table, const char *column)
{
	const struct rows *rows = trial_rows(t, table);
	const struct value *v =
		rows && rows->n ? &rows->p[0]->cells[table_column(rows->table, str_of(column))] : NULL;

	return v && v->state == VALUE_SET ? v : NULL;
}

static void list_configured(struct trial *t, const char *table, const char *column, struct goal g,
							goals *all)
{
	const struct value *v = list_of(t, table, column);

	if (!v || !v->list.n)
		trial_not_run(t, "%s is not tried: none is known", g.who);
	for (size_t i = 0; v && i < v->list.n; i++) {
		g.name = str_dup(t->arena, v->list.items[i]);
		*vec_push(t->arena, all) = g;
	}
}

/* "http://[user@]host[:port]/..." */
static bool split_uri(struct arena *a, struct str uri, const char **ret_host,
					  struct site_ports *ret_ports)
{
	struct str scheme, host = STR_ABSENT, rest;
	uint64_t port;

	*ret_ports = http;
	if (!str_cut(&uri, ':', &scheme) || !uri.p || !str_skip(&uri, "//"))
		return false;
	if (str_ends(scheme, "https"))
		*ret_ports = https;
	else if (!str_ends(scheme, "http"))
		return false;
	(void)str_cut(&uri, '/', &rest);
	while (str_has_char(rest, '@'))
		(void)str_cut(&rest, '@', &host);
	if (str_skip(&rest, "[")) {
		(void)str_cut(&rest, ']', &host);
		(void)str_skip(&rest, ":");
	} else {
		(void)str_cut(&rest, ':', &host);
	}
	if (rest.n && num_u64(rest, 1, 65535, &port) == 0)
		*ret_ports = (struct site_ports){(uint16_t)port, (uint16_t)port, false};
	*ret_host = str_dup(a, host);
	return host.n > 0;
}

static bool is_listed(const goals *all, const char *who, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->p[i].who, who) == 0 && strcmp(all->p[i].name, name) == 0)
			return true;
	return false;
}

static void list_mirrors(struct trial *t, goals *all)
{
	const struct rows *rows = trial_rows(t, "apt_sources");
	struct goal g = {"a mirror of packages,", NULL, {http, http, https}, 1, 3};
	bool any = false;

	/* The port that is configured has to do; the site lets it be either. */
	for (size_t i = 0; rows && i < rows->n; i++) {
		if (!split_uri(t->arena, trial_text(rows, rows->p[i], "uri"), &g.name, &g.ports[0]))
			continue;
		any = true;
		if (!is_listed(all, g.who, g.name))
			*vec_push(t->arena, all) = g;
	}
	if (rows && !any)
		trial_not_run(t, "no mirror of packages is known that apt would go to over the network");
}

static void list_reach(struct trial *t, const struct site_reach *r, goals *all)
{
	switch (r->kind) {
	case SITE_REACH_DNS:
		list_configured(t, "resolver", "nameservers",
						(struct goal){"a resolver", NULL, {dns_udp, dns_tcp, dns_tls}, 2, 3}, all);
		return;
	case SITE_REACH_NTP:
		list_configured(t, "time_sync", "servers",
						(struct goal){"a time server,", NULL, {ntp, nts}, 1, 2}, all);
		return;
	case SITE_REACH_APT:
		list_mirrors(t, all);
		return;
	case SITE_REACH_ICMP:
		return;
	case SITE_REACH_PORTS:
		for (size_t i = 0; i < r->to.names.n; i++)
			*vec_push(t->arena, all) =
				(struct goal){"the host", str_dup(t->arena, r->to.names.p[i]), {r->ports}, 1, 1};
	}
}

void reached_add(struct trial *t, struct outside *o)
{
	const struct site_file *f = &t->site->file;
	goals all = {0};

	for (size_t i = 0; i < f->reaches.n; i++)
		list_reach(t, &f->reaches.p[i], &all);
	add_goals(t, o, &all);
}

/* --- what may be ---------------------------------------------------------------------------------- */

static bool is_within(struct site_ports outer, struct site_ports inner)
{
	return outer.udp == inner.udp && outer.low <= inner.low && inner.high <= outer.high;
}

bool reached_is(const struct trial *t, const struct origin *there, struct site_ports ports)
{
	const struct site_file *f = &t->site->file;

	for (size_t i = 0; i < there->reached.n; i++)
		if (is_within(there->reached.p[i].ports, ports))
			return true;
	for (size_t i = 0; i < f->reaches.n; i++) {
		const struct site_reach *r = &f->reaches.p[i];

		if (r->kind == SITE_REACH_PORTS && is_within(r->ports, ports) &&
			outside_is_among(&r->to, &there->address))
			return true;
	}
	return false;
}

bool reached_asks_anybody(struct trial *t, const struct outside *o)
{
	const struct site_file *f = &t->site->file;
	const struct value *v = NULL;
	bool is_reached = false, anybody;

	for (size_t i = 0; i < f->reaches.n; i++)
		is_reached |= f->reaches.p[i].kind == SITE_REACH_DNS;
	v = is_reached ? list_of(t, "resolver", "nameservers") : NULL;
	anybody = is_reached && (!v || !v->list.n);
	for (size_t i = 0; v && i < v->list.n && !anybody; i++) {
		struct site_network n;
		struct sockaddr_storage s;

		if (!site_network_parse(v->list.items[i], &n))
			continue;
		s = outside_of_network(&n);
		anybody = is_own(o, &s);
	}
	return anybody;
}
