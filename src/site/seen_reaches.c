/* SPDX-License-Identifier: Apache-2.0 */
/* What the server connects to. */
#include "site/seen_private.h"

#define MAX_REACHES 64

struct going {
	struct seeing *seeing;
	struct map by_port; /* index from 1, of seen->reaches */
	struct map seen;    /* port and address */
	struct map by;      /* port and process */
	VEC(struct str) processes[MAX_REACHES + 8];
	bool more;
};

static void add_word(struct seeing *s, enum site_reach_kind kind, const char *evidence)
{
	*vec_push(s->arena, &s->seen->reaches) =
		(struct seen_reach){.kind = kind, .evidence = evidence};
}

static void see_resolver(struct seeing *s)
{
	struct look l = look_at(s->snapshot, "resolver");
	const struct str *servers;
	size_t n = l.n ? look_list(&l, 0, "nameservers", &servers) : 0;

	if (n)
		add_word(
			s, SITE_REACH_DNS,
			arena_printf(s->arena, "names are resolved by %s", seen_some(s->arena, servers, n)));
}

static void see_clock(struct seeing *s)
{
	struct look l = look_at(s->snapshot, "time_sync");
	struct str service = l.n ? look_str(&l, 0, "service") : STR_ABSENT;

	if (service.p && !str_is(service, "none"))
		add_word(s, SITE_REACH_NTP,
				 arena_printf(s->arena, "%.*s sets the clock", STR_ARG(service)));
}

static void see_packages(struct seeing *s)
{
	struct look l = look_at(s->snapshot, "apt_sources");

	for (size_t i = 0; i < l.n; i++) {
		struct str scheme = look_str(&l, i, "scheme");

		if (!str_has(scheme, "http") || !look_bool(&l, i, "enabled"))
			continue;
		add_word(s, SITE_REACH_APT,
				 arena_printf(s->arena, "packages come from %.*s (%s)",
							  STR_ARG(look_str(&l, i, "uri")), look_source(&l, i, s->arena)));
		return;
	}
}

/* What the words above stand for, and what apt has open at the moment. */
static bool is_said(const struct look *l, size_t row)
{
	int64_t port = look_int(l, row, "port");

	return port == 53 || port == 853 || port == 123 || port < 1 || port > 65535 ||
		   str_is(look_str(l, row, "user"), "_apt");
}

static size_t reach_of(struct going *g, struct site_ports ports)
{
	struct seeing *s = g->seeing;
	struct str key = str_of(arena_printf(s->arena, "%u/%d", ports.low, ports.udp));
	uintptr_t n = (uintptr_t)map_get(&g->by_port, key);

	if (n)
		return n;
	if (s->seen->reaches.n >= MAX_REACHES) {
		g->more = true;
		return 0;
	}
	*vec_push(s->arena, &s->seen->reaches) =
		(struct seen_reach){.kind = SITE_REACH_PORTS, .ports = ports};
	map_put(&g->by_port, key, (void *)(uintptr_t)s->seen->reaches.n);
	return s->seen->reaches.n;
}

static void take_peer(struct going *g, const struct look *l, size_t row)
{
	struct seeing *s = g->seeing;
	struct str address = look_str(l, row, "address"), process = look_str(l, row, "process");
	uint16_t port = (uint16_t)look_int(l, row, "port");
	bool udp = str_is(look_str(l, row, "protocol"), "udp");
	size_t n = reach_of(g, (struct site_ports){port, port, udp});
	struct seen_reach *reach;

	if (!n)
		return;
	reach = &s->seen->reaches.p[n - 1];
	if (process.p &&
		!map_put(&g->by, str_of(arena_printf(s->arena, "%zu %.*s", n, STR_ARG(process))), g) &&
		g->processes[n].n < 64)
		*vec_push(s->arena, &g->processes[n]) = process;
	if (map_put(&g->seen, str_of(arena_printf(s->arena, "%zu %.*s", n, STR_ARG(address))), g))
		return;
	*vec_push(s->arena, &reach->peers) = address;
	if (!reach->to.world && !seen_add_to(s, &reach->to, address))
		reach->to.world = true;
}

static void see_peers(struct seeing *s)
{
	struct look l = look_at(s->snapshot, "peers");
	struct going *g = arena_new(s->arena, struct going, 1);

	g->seeing = s;
	map_init(&g->by_port, s->arena);
	map_init(&g->seen, s->arena);
	map_init(&g->by, s->arena);
	for (size_t i = 0; i < l.n; i++)
		if (str_is(look_str(&l, i, "direction"), "out") && !is_said(&l, i) &&
			seen_is_outside(s, look_str(&l, i, "address")))
			take_peer(g, &l, i);
	for (size_t n = 1; n <= s->seen->reaches.n; n++) {
		struct seen_reach *reach = &s->seen->reaches.p[n - 1];
		const char *who = seen_some(s->arena, g->processes[n].p, g->processes[n].n);

		if (reach->kind == SITE_REACH_PORTS)
			reach->evidence =
				arena_printf(s->arena, "connected now: %s to %s", *who ? who : "something",
							 seen_some(s->arena, reach->peers.p, reach->peers.n));
	}
	if (g->more)
		*vec_push(s->arena, &s->seen->notes) = arena_printf(
			s->arena, "It connects to more than %d ports: the rest is left out.", MAX_REACHES);
}

void seen_reaches(struct seeing *s)
{
	see_resolver(s);
	see_clock(s);
	see_packages(s);
	see_peers(s);
}
