/* SPDX-License-Identifier: Apache-2.0 */
#include "site/compare.h"

#include "base/map.h"
#include "site/nets.h"

struct comparing {
	const struct seen *seen;
	const struct site_file *site;
	struct arena *arena;
	struct comparison *ret;
	struct map left; /* "serves 5432/tcp", "admins bob": what is commented out */
};

const char *difference_name(enum difference_kind kind)
{
	static const char *const names[] = {
		[DIFFERENCE_LISTENER] = "listener", [DIFFERENCE_IDLE] = "idle",
		[DIFFERENCE_PEER] = "peer",         [DIFFERENCE_ADMIN] = "admin",
		[DIFFERENCE_NO_ADMIN] = "no-admin", [DIFFERENCE_SESSION] = "session",
		[DIFFERENCE_ORIGIN] = "origin",     [DIFFERENCE_REACH] = "reach",
	};

	return names[kind];
}

static void add(struct comparing *c, enum difference_kind kind, const char *object,
				const char *detail, struct yaml_at at)
{
	*vec_push(c->arena, &c->ret->all) = (struct difference){
		.kind = kind,
		.object = object,
		.detail = detail,
		.line = at.doc ? at.doc->nodes[at.i].line : 0,
	};
}

/* Once, whatever it is needed for. */
static void add_unknown(struct comparing *c, const char *why)
{
	vec_each(&c->ret->unknown, known) if (*known == why) return;
	if (why)
		*vec_push(c->arena, &c->ret->unknown) = why;
}

static const char *ports_text(const struct comparing *c, struct site_ports p)
{
	return p.low == p.high
			   ? arena_printf(c->arena, "%u/%s", p.low, p.udp ? "udp" : "tcp")
			   : arena_printf(c->arena, "%u-%u/%s", p.low, p.high, p.udp ? "udp" : "tcp");
}

/* --- what was left out ------------------------------------------------------------------------- */

/* "{port: 5432/tcp, to: ..." is about its port, "bob" about itself. */
static struct str subject(struct str item)
{
	struct str word = STR("");

	if (str_skip(&item, "{port:"))
		(void)str_cut(&item, ',', &word);
	else
		(void)str_word(&item, &word);
	word = str_trim(word);
	return str_starts(word, "'") && str_ends(word, "'") && word.n > 2
			   ? (struct str){word.p + 1, word.n - 2}
			   : word;
}

static void find_left(struct comparing *c, struct str text)
{
	struct str line, section = STR("");

	map_init(&c->left, c->arena);
	while (str_line(&text, &line)) {
		struct str rest = str_trim(line), item;

		if (line.n && line.p[0] >= 'a' && line.p[0] <= 'z')
			(void)str_cut(&line, ':', &section);
		if (!str_skip(&rest, "#"))
			continue;
		item = str_trim(rest);
		if (str_skip(&item, "- "))
			map_put(&c->left,
					str_of(arena_printf(c->arena, "%.*s %.*s", STR_ARG(section),
										STR_ARG(subject(item)))),
					c);
	}
}

static bool is_left(const struct comparing *c, const char *section, const char *what)
{
	return map_get(&c->left, str_of(arena_printf(c->arena, "%s %s", section, what))) != NULL;
}

/* --- services ---------------------------------------------------------------------------------- */

static bool are_in(const struct site_ports *in, const struct site_ports *ports)
{
	return in->udp == ports->udp && ports->low >= in->low && ports->high <= in->high;
}

static const struct site_service *line_of(const struct comparing *c, const struct seen_service *s)
{
	for (size_t i = 0; i < c->site->serves.n; i++)
		if (are_in(&c->site->serves.p[i].ports, &s->ports))
			return &c->site->serves.p[i];
	return NULL;
}

static void compare_service(struct comparing *c, const struct seen_service *s)
{
	const struct site_service *line = line_of(c, s);
	const char *ports = ports_text(c, s->ports);

	if (!line) {
		if (s->doubt)
			add_unknown(c, s->doubt);
		else if (!is_left(c, "serves", ports))
			add(c, DIFFERENCE_LISTENER, ports, s->evidence, (struct yaml_at){0});
		return;
	}
	for (size_t i = 0; i < s->peers.n; i++)
		if (!nets_admit(&line->to, s->peers.p[i]))
			add(c, DIFFERENCE_PEER, str_dup(c->arena, s->peers.p[i]),
				arena_printf(c->arena, "is connected to %s, which is not for it", ports), line->at);
}

static bool is_used(const struct comparing *c, const struct site_service *line)
{
	for (size_t i = 0; i < c->seen->services.n; i++)
		if (are_in(&line->ports, &c->seen->services.p[i].ports))
			return true;
	/* What listens for a while only. */
	return line->ports.high != line->ports.low;
}

static void compare_services(struct comparing *c)
{
	if (!c->site->has_serves) {
		*vec_push(c->arena, &c->ret->unsaid) = "serves";
		return;
	}
	add_unknown(c, c->seen->listeners_why);
	add_unknown(c, c->seen->peers_why);
	for (size_t i = 0; i < c->seen->services.n; i++)
		compare_service(c, &c->seen->services.p[i]);
	for (size_t i = 0; i < c->site->serves.n; i++) {
		const struct site_service *line = &c->site->serves.p[i];

		if (!c->seen->listeners_why && !is_used(c, line))
			add(c, DIFFERENCE_IDLE, ports_text(c, line->ports), "nothing listens there", line->at);
	}
}

/* --- people ------------------------------------------------------------------------------------ */

static bool is_named(const struct site_file *site, struct str user)
{
	for (size_t i = 0; i < site->admins.users.n; i++)
		if (str_eq(site->admins.users.p[i], user))
			return true;
	return false;
}

static bool administers(const struct seen *seen, struct str user)
{
	for (size_t i = 0; i < seen->admins.n; i++)
		if (str_eq(seen->admins.p[i].name, user))
			return true;
	return false;
}

static void compare_users(struct comparing *c)
{
	const struct site_file *site = c->site;

	for (size_t i = 0; i < c->seen->admins.n; i++) {
		const struct seen_admin *admin = &c->seen->admins.p[i];
		const char *name = str_dup(c->arena, admin->name);

		if (!is_named(site, admin->name) && !is_left(c, "admins", name))
			add(c, DIFFERENCE_ADMIN, name, admin->evidence, (struct yaml_at){0});
	}
	for (size_t i = 0; !c->seen->admins_why && i < site->admins.users.n; i++)
		if (!administers(c->seen, site->admins.users.p[i]) &&
			!str_is(site->admins.users.p[i], "root"))
			add(c, DIFFERENCE_NO_ADMIN, str_dup(c->arena, site->admins.users.p[i]),
				"no such account is seen to have a key or a login, and sudo or doas",
				site->admins.at);
	add_unknown(c, c->seen->admins_why);
}

static void compare_origins(struct comparing *c)
{
	const struct site_peers *from = &c->site->admins.from;

	if (!from->at.doc)
		return;
	add_unknown(c, c->seen->logins_why);
	if (c->seen->peer.p && !nets_admit(from, c->seen->peer))
		add(c, DIFFERENCE_SESSION, str_dup(c->arena, c->seen->peer),
			"this session comes from there, and admins.from would not let it in", from->at);
	for (size_t i = 0; i < c->seen->from.n; i++) {
		const struct seen_origin *o = &c->seen->from.p[i];

		for (size_t k = 0; k < o->addresses.n; k++)
			if (!nets_admit(from, o->addresses.p[k]) && !str_eq(o->addresses.p[k], c->seen->peer))
				add(c, DIFFERENCE_ORIGIN, str_dup(c->arena, o->addresses.p[k]), o->evidence,
					from->at);
	}
}

/* --- what it connects to ----------------------------------------------------------------------- */

/* A name of a host may be any address. */
static bool may_go(const struct comparing *c, const struct seen_reach *reach, struct str address)
{
	for (size_t i = 0; i < c->site->reaches.n; i++) {
		const struct site_reach *line = &c->site->reaches.p[i];

		if (line->kind == SITE_REACH_PORTS && are_in(&line->ports, &reach->ports) &&
			(line->to.names.n || nets_admit(&line->to, address)))
			return true;
	}
	return false;
}

static void compare_reaches(struct comparing *c)
{
	if (!c->site->has_reaches) {
		*vec_push(c->arena, &c->ret->unsaid) = "reaches";
		return;
	}
	add_unknown(c, c->seen->peers_why);
	for (size_t i = 0; i < c->seen->reaches.n; i++) {
		const struct seen_reach *reach = &c->seen->reaches.p[i];
		const char *ports = ports_text(c, reach->ports);

		if (reach->kind != SITE_REACH_PORTS || is_left(c, "reaches", ports))
			continue;
		for (size_t k = 0; k < reach->peers.n; k++)
			if (!may_go(c, reach, reach->peers.p[k]))
				add(c, DIFFERENCE_REACH,
					arena_printf(c->arena, "%s of %.*s", ports, STR_ARG(reach->peers.p[k])),
					reach->evidence, (struct yaml_at){0});
	}
}

void site_compare(const struct seen *seen, const struct site_file *site, struct str text,
				  struct arena *a, struct comparison *ret)
{
	struct comparing c = {.seen = seen, .site = site, .arena = a, .ret = ret};

	*ret = (struct comparison){0};
	find_left(&c, text);
	compare_services(&c);
	if (site->admins.at.doc) {
		compare_users(&c);
		compare_origins(&c);
	} else {
		*vec_push(a, &ret->unsaid) = "admins";
	}
	compare_reaches(&c);
}
