/* SPDX-License-Identifier: Apache-2.0 */
/* What is served, and to whom: what listens, what containers publish, and who is connected. */
#include <stdlib.h>

#include "base/num.h"
#include "host/address.h"
#include "site/known.h"
#include "site/seen_private.h"

#define MAX_WHAT 32    /* the site file takes 64, the kernel keeps 15 of a process */
#define MOSH_LOW 60000 /* as site/known.c has it */
#define MOSH_HIGH 61000

typedef VEC(struct str) strings;

/* A service in the making. */
struct found {
	struct seen_service s;
	struct known known;
	bool wide;         /* it listens on an address that everyone may reach */
	strings addresses; /* that it listens on */
	strings holders;   /* "nginx (nginx.service)" */
	strings own;       /* private addresses of this host among them */
	strings programs;  /* names of the processes */
	strings earlier;   /* private addresses that their logs have */
	strings strangers; /* public ones: whoever tries a port is in its log */
};

struct finding {
	struct seeing *seeing;
	VEC(struct found) all;
	struct map by_port; /* "443/tcp": index from 1 */
	bool wireguard;     /* an interface of it is there */
	bool ssh;           /* a server of SSH listens */
};

/* --- what listens ------------------------------------------------------------------------------ */

static void add_once(struct arena *a, strings *v, struct str item)
{
	vec_each(v, known) if (str_eq(*known, item)) return;
	if (v->n < 64)
		*vec_push(a, v) = item;
}

static struct str port_key(const struct finding *f, unsigned port, bool udp)
{
	return str_of(arena_printf(f->seeing->arena, "%u/%d", port, udp));
}

/* NULL: nothing listens there. */
static struct found *find(struct finding *f, unsigned port, bool udp)
{
	uintptr_t n = (uintptr_t)map_get(&f->by_port, port_key(f, port, udp));

	return n ? &f->all.p[n - 1] : NULL;
}

static struct found *add(struct finding *f, struct site_ports ports)
{
	*vec_push(f->seeing->arena, &f->all) =
		(struct found){.s = {.ports = ports, .what = STR_ABSENT}};
	map_put(&f->by_port, port_key(f, ports.low, ports.udp), (void *)(uintptr_t)f->all.n);
	return &f->all.p[f->all.n - 1];
}

/* What a person would call it, of letters that a site file may hold. */
static struct str plain_name(struct arena *a, struct str process)
{
	char *name = arena_copy(a, process.p, process.n);
	size_t n = 0;

	for (size_t i = 0; i < process.n && n < MAX_WHAT; i++)
		if ((process.p[i] >= 'a' && process.p[i] <= 'z') ||
			(process.p[i] >= 'A' && process.p[i] <= 'Z') ||
			(process.p[i] >= '0' && process.p[i] <= '9') || (process.p[i] == '-' && n))
			name[n++] = process.p[i];
	return n ? (struct str){name, n} : STR_ABSENT;
}

/* Of several that listen on the port, one that belongs inside has its way. */
static void add_holder(struct finding *f, struct found *found, struct known known,
					   struct str process, struct str holder)
{
	struct arena *a = f->seeing->arena;

	if (!found->holders.n || known.use == KNOWN_INSIDE || found->known.use == KNOWN_UNSAID)
		found->known = known;
	if (known.what && (!found->s.what.p || known.use == KNOWN_INSIDE))
		found->s.what = str_of(known.what);
	if (!found->s.what.p && process.p && !known.runtime)
		found->s.what = plain_name(a, process);
	add_once(a, &found->holders, holder);
	if (process.p)
		add_once(a, &found->programs, process);
}

static void add_address(struct finding *f, struct found *found, struct str address)
{
	const char *scope = address_scope(address);

	add_once(f->seeing->arena, &found->addresses, address);
	if (scope && strcmp(scope, "private") == 0)
		add_once(f->seeing->arena, &found->own, address);
	else
		found->wide = true;
}

static bool is_sshd_port(const struct seeing *s, int64_t port)
{
	struct look l = look_at(s->snapshot, "sshd");
	uint64_t number;

	for (size_t i = 0; i < l.n; i++)
		if (str_is(look_str(&l, i, "key"), "Port") &&
			num_u64(look_str(&l, i, "value"), 0, 65535, &number) == 0 && (int64_t)number == port)
			return true;
	return false;
}

/* Its ports are admins.from's; systemd may hold them for it. */
static bool is_sshd(const struct seeing *s, const struct look *l, size_t row)
{
	struct str process = look_str(l, row, "process");

	if ((str_starts(process, "sshd") || str_is(process, "dropbear")) &&
		str_is(look_str(l, row, "user"), "root"))
		return true;
	return str_is(look_str(l, row, "protocol"), "tcp") &&
		   (!process.p || str_is(process, "systemd")) && is_sshd_port(s, look_int(l, row, "port"));
}

static bool knows_sshd_ports(const struct seeing *s)
{
	struct look l = look_at(s->snapshot, "sshd");
	bool knows = false;

	for (size_t i = 0; i < l.n; i++) {
		if (look_is_unknown(&l, i, "value") && str_is(look_str(&l, i, "key"), "Port"))
			return false;
		knows = knows || str_is(look_str(&l, i, "key"), "Port");
	}
	return knows;
}

/* Without root neither its process nor, mostly, its ports are seen. Where something else usually listens,
 * it is that. */
static void doubt_sshd(struct seeing *s, struct found *found)
{
	const char *usual = found->known.what;

	if (found->s.doubt || found->s.ports.udp || (usual && strcmp(usual, "ssh") != 0) ||
		knows_sshd_ports(s))
		return;
	seen_unknown(s, arena_printf(s->arena, "what listens on %u/tcp", found->s.ports.low),
				 "neither its process nor sshd's ports could be seen", &found->s.doubt);
}

/* What no process holds is the kernel's. */
static struct known of_kernel(const struct finding *f, struct known k, bool udp)
{
	if (udp && f->wireguard && k.use == KNOWN_UNSAID)
		return (struct known){.what = "wireguard", .use = KNOWN_WORLD};
	if (k.use == KNOWN_UNSAID)
		k.use = KNOWN_INSIDE;
	return k;
}

static struct str holder_text(struct arena *a, const struct look *l, size_t row)
{
	struct str process = look_str(l, row, "process"), unit = look_str(l, row, "unit");

	if (look_is_unknown(l, row, "process"))
		return STR("a process that could not be seen");
	if (!process.p)
		return STR("the kernel");
	return unit.p ? str_of(arena_printf(a, "%.*s (%.*s)", STR_ARG(process), STR_ARG(unit)))
				  : process;
}

static void take_listener(struct finding *f, const struct look *l, size_t row)
{
	struct str process = look_str(l, row, "process"), address = look_str(l, row, "address"),
			   scope = look_str(l, row, "scope");
	unsigned port = (unsigned)look_int(l, row, "port");
	bool udp = str_is(look_str(l, row, "protocol"), "udp");
	struct known known = known_listener(process, port, udp);
	struct site_ports ports;
	struct found *found;

	if (port < 1 || port > 65535 || str_is(scope, "loopback") || str_is(scope, "link-local"))
		return;
	if (is_sshd(f->seeing, l, row)) {
		f->ssh = true;
		return;
	}
	if (!process.p && !look_is_unknown(l, row, "process"))
		known = of_kernel(f, known, udp);
	if (known.use == KNOWN_NEVER)
		return;
	ports = (struct site_ports){(uint16_t)(known.low ? known.low : port),
								(uint16_t)(known.low ? known.high : port), udp};
	found = find(f, ports.low, udp);
	found = found ? found : add(f, ports);
	add_holder(f, found, known, process, holder_text(f->seeing->arena, l, row));
	add_address(f, found, address);
	if (look_is_unknown(l, row, "process"))
		doubt_sshd(f->seeing, found);
}

static void see_listeners(struct finding *f)
{
	struct seeing *s = f->seeing;
	struct look l = look_at(s->snapshot, "listeners"), links = look_at(s->snapshot, "interfaces");

	s->seen->listeners_known = l.read;
	seen_unknown(s, "what listens", l.why, &s->seen->listeners_why);
	for (size_t i = 0; i < links.n; i++)
		f->wireguard = f->wireguard || str_is(look_str(&links, i, "kind"), "wireguard");
	for (size_t i = 0; i < l.n; i++)
		take_listener(f, &l, i);
}

/* --- what containers publish ------------------------------------------------------------------- */

/* "0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp" */
static bool parse_published(struct str text, struct str *ret_address, struct site_ports *ret,
							unsigned *ret_inside)
{
	const char *arrow = text.n ? memmem(text.p, text.n, "->", 2) : NULL, *colon;
	struct str inside, number = STR("");
	uint64_t port = 0;

	if (!arrow)
		return false;
	ret->udp = str_ends(text, "/udp");
	inside = (struct str){arrow + 2, text.n - (size_t)(arrow + 2 - text.p)};
	(void)str_cut(&inside, '/', &number);
	(void)num_u64(number, 1, 65535, &port);
	*ret_inside = (unsigned)port;
	text.n = (size_t)(arrow - text.p);
	colon = memrchr(text.p, ':', text.n);
	if (!colon || num_u64((struct str){colon + 1, text.n - (size_t)(colon + 1 - text.p)}, 1, 65535,
						  &port) < 0)
		return false;
	ret->low = ret->high = (uint16_t)port;
	*ret_address = (struct str){text.p, (size_t)(colon - text.p)};
	if (str_skip(ret_address, "["))
		ret_address->n -= ret_address->n > 0;
	return true;
}

/* The port inside tells as much as the one outside. */
static struct known known_published(struct site_ports ports, unsigned inside)
{
	struct known at = known_listener(STR("docker-proxy"), ports.low, ports.udp),
				 in = known_listener(STR("docker-proxy"), inside, ports.udp);

	if (at.use == KNOWN_UNSAID || in.use == KNOWN_INSIDE)
		at.use = in.use;
	if (in.what)
		at.what = in.what;
	return at;
}

/* Of one that may not run, the port counts where something listens on it. */
static void take_published(struct finding *f, struct str text, struct str holder, bool runs)
{
	struct str address = STR("");
	struct site_ports ports = {0};
	struct found *found;
	const char *scope;
	unsigned inside;

	if (!parse_published(text, &address, &ports, &inside))
		return;
	scope = address_scope(address);
	found = find(f, ports.low, ports.udp);
	if ((scope && (strcmp(scope, "loopback") == 0 || strcmp(scope, "link-local") == 0)) ||
		(!found && !runs))
		return;
	found = found ? found : add(f, ports);
	add_holder(f, found, known_published(ports, inside), STR_ABSENT, holder);
	add_address(f, found, address.n ? address : STR("0.0.0.0"));
}

static void take_container(struct finding *f, const struct look *l, size_t row)
{
	bool runs = look_bool(l, row, "active") || look_bool(l, row, "running"),
		 may_run = look_is_unknown(l, row, "active") || look_is_unknown(l, row, "running");
	struct str holder = str_of(arena_printf(
		f->seeing->arena, "the container %.*s of %.*s (%.*s)", STR_ARG(look_str(l, row, "name")),
		STR_ARG(look_str(l, row, "image")), STR_ARG(look_str(l, row, "engine"))));
	const struct str *items;
	size_t n = look_list(l, row, "published", &items);

	for (size_t i = 0; i < n && (runs || may_run); i++)
		take_published(f, items[i], holder, runs);
}

static void see_containers(struct finding *f)
{
	struct look l = look_at(f->seeing->snapshot, "containers");

	seen_unknown(f->seeing, "containers", l.why, &f->seeing->seen->listeners_why);
	for (size_t i = 0; i < l.n; i++)
		take_container(f, &l, i);
}

/* --- who is connected -------------------------------------------------------------------------- */

static void take_peer(struct finding *f, struct map *seen, const struct look *l, size_t row)
{
	struct arena *a = f->seeing->arena;
	struct str address = look_str(l, row, "address"), key;
	unsigned port = (unsigned)look_int(l, row, "port");
	bool udp = str_is(look_str(l, row, "protocol"), "udp");
	struct found *found = find(f, port, udp);

	if (!found && udp && port > MOSH_LOW && port <= MOSH_HIGH)
		found = find(f, MOSH_LOW, true);
	if (!found || port > found->s.ports.high)
		return;
	/* Several processes may have connections of one port. */
	key = str_of(arena_printf(a, "%u/%d %.*s", found->s.ports.low, udp, STR_ARG(address)));
	if (!map_put(seen, key, found))
		*vec_push(a, &found->s.peers) = address;
}

static void see_peers(struct finding *f)
{
	struct look l = look_at(f->seeing->snapshot, "peers");
	struct map seen;

	map_init(&seen, f->seeing->arena);
	seen_unknown(f->seeing, "who is connected", l.why, &f->seeing->seen->peers_why);
	for (size_t i = 0; i < l.n; i++)
		if (str_is(look_str(&l, i, "direction"), "in") &&
			seen_is_outside(f->seeing, look_str(&l, i, "address")))
			take_peer(f, &seen, &l, i);
}

/* --- who came before --------------------------------------------------------------------------- */

static bool is_program_of(const struct found *found, struct str program)
{
	for (size_t i = 0; i < found->programs.n; i++)
		if (str_eq(found->programs.p[i], program))
			return true;
	return false;
}

/* The only port of the program; NULL: it has several, and the log does not say which it was. */
static struct found *only_of(struct finding *f, struct str program)
{
	struct found *only = NULL;

	vec_each(&f->all, found)
	{
		if (!is_program_of(found, program))
			continue;
		if (only)
			return NULL;
		only = found;
	}
	return only;
}

static void see_logs(struct finding *f)
{
	struct look l = look_at(f->seeing->snapshot, "log_peers");

	for (size_t i = 0; i < l.n; i++) {
		struct str program = look_str(&l, i, "program"), address = look_str(&l, i, "address");
		unsigned port = (unsigned)look_int(&l, i, "port");
		struct found *found = port ? find(f, port, false) : only_of(f, program);

		if (found && is_program_of(found, program) && seen_is_outside(f->seeing, address))
			add_once(f->seeing->arena,
					 str_is(look_str(&l, i, "scope"), "public") ? &found->strangers
																: &found->earlier,
					 address);
	}
}

/* --- TLS --------------------------------------------------------------------------------------- */

/* The port of "443", "[::]:443", "10.0.0.1:443"; 0: there is none. */
static uint64_t port_of(struct str listen)
{
	const char *colon = listen.n ? memrchr(listen.p, ':', listen.n) : NULL;
	uint64_t port = 0;

	if (str_starts(listen, "unix:"))
		return 0;
	if (colon)
		listen = (struct str){colon + 1, listen.n - (size_t)(colon + 1 - listen.p)};
	(void)num_u64(listen, 1, 65535, &port);
	return port;
}

/* A web server's configuration says of a server with several ports only that some talk TLS. */
static void see_web_tls(struct finding *f, const char *table)
{
	struct look l = look_at(f->seeing->snapshot, table);

	for (size_t i = 0; i < l.n; i++) {
		const struct str *items;
		size_t n = look_list(&l, i, "listen", &items);

		for (size_t k = 0; k < n && str_is(look_str(&l, i, "context"), "server"); k++) {
			uint64_t port = port_of(items[k]);
			bool tls = look_bool(&l, i, "tls") &&
					   (n == 1 || port == 443 || port == 8443 || !look_str(&l, i, "plain").p);
			struct found *found = port ? find(f, (unsigned)port, false) : NULL;

			if (!found || !found->known.named || found->known.use == KNOWN_INSIDE)
				continue;
			if (tls)
				found->s.tls = SITE_TLS_SERVER;
			if (!found->known.what)
				found->s.what = tls ? STR("https") : STR("http");
		}
	}
}

static void see_broker_tls(struct finding *f)
{
	struct look l = look_at(f->seeing->snapshot, "mosquitto");

	for (size_t i = 0; i < l.n; i++) {
		struct found *found = find(f, (unsigned)look_int(&l, i, "port"), false);

		if (found && look_bool(&l, i, "tls") && str_is(found->s.what, "mqtt"))
			found->s.tls =
				look_bool(&l, i, "client_certificates") ? SITE_TLS_MUTUAL : SITE_TLS_SERVER;
	}
}

/* --- to whom ----------------------------------------------------------------------------------- */

/* The private networks that can reach it at all: those of its own addresses, or every one. */
static void add_networks(struct seeing *s, struct found *found)
{
	vec_each(&found->own, address)
	{
		if (!found->wide && seen_is_name(s, seen_word(s, *address)))
			(void)seen_add_to(s, &found->s.to, seen_word(s, *address));
	}
	vec_each(&s->seen->networks, n)
	{
		if (found->wide)
			*vec_push(s->arena, &found->s.to.words) = str_of(n->name);
	}
}

/* Who is connected or came before; false when that is more than anybody lists. */
static bool add_peers(struct seeing *s, struct found *found)
{
	vec_each(&found->s.peers,
			 peer) if (!seen_add_to(s, &found->s.to, seen_word(s, *peer))) return false;
	vec_each(&found->earlier,
			 peer) if (!seen_add_to(s, &found->s.to, seen_word(s, *peer))) return false;
	return true;
}

static bool are_inside(const struct seeing *s, const struct found *found)
{
	for (size_t i = 0; i < found->s.peers.n; i++)
		if (!seen_is_name(s, seen_word(s, found->s.peers.p[i])))
			return false;
	for (size_t i = 0; i < found->earlier.n; i++)
		if (!seen_is_name(s, seen_word(s, found->earlier.p[i])))
			return false;
	return found->s.peers.n + found->earlier.n > 0;
}

static void decide(struct seeing *s, struct found *found)
{
	bool inside = found->known.use == KNOWN_INSIDE;

	if (found->wide && !inside && (found->known.use == KNOWN_WORLD || !are_inside(s, found))) {
		found->s.to.world = true;
		return;
	}
	if (!add_peers(s, found))
		found->s.question = arena_printf(
			s->arena, "%zu addresses %s what is not for everyone: which networks are they in?",
			found->s.peers.n + found->earlier.n, found->earlier.n ? "came to" : "are connected to");
	/* Clients of a database stay connected; those of something that is inside by its address alone
	 * may come from all of the network. */
	else if ((!found->s.peers.n && !found->earlier.n) || !found->wide)
		add_networks(s, found);
	if (!found->s.to.words.n && !found->s.question)
		found->s.question = "This is not for everyone, and nobody is seen that it is for: whom?";
}

static void tell(struct seeing *s, struct found *found)
{
	struct seen_service *service = &found->s;
	const char *peers =
		s->seen->peers_why ? "who comes is not known" : "nobody else is connected now";

	if (service->ports.udp && !s->seen->peers_why)
		peers = "nobody is seen to come";
	if (service->peers.n)
		peers = arena_printf(s->arena, "connected now: %s",
							 seen_some(s->arena, service->peers.p, service->peers.n));

	vec_each(&found->strangers, address)
		add_once(s->arena, &found->earlier, *address);
	if (found->earlier.n)
		peers = arena_printf(s->arena, "%s; in its log: %s", peers,
							 seen_some(s->arena, found->earlier.p, found->earlier.n));
	service->evidence = arena_printf(
		s->arena, "%s listens on %s; %s%s", seen_some(s->arena, found->holders.p, found->holders.n),
		seen_some(s->arena, found->addresses.p, found->addresses.n), peers,
		service->to.world && !service->peers.n && !found->earlier.n ? ": a guess" : "");
}

static int by_port(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->s.ports.low != y->s.ports.low)
		return x->s.ports.low < y->s.ports.low ? -1 : 1;
	return (int)x->s.ports.udp - (int)y->s.ports.udp;
}

void seen_services(struct seeing *s)
{
	struct finding f = {.seeing = s};

	map_init(&f.by_port, s->arena);
	see_listeners(&f);
	see_containers(&f);
	see_peers(&f);
	see_logs(&f);
	see_web_tls(&f, "nginx");
	see_web_tls(&f, "apache");
	see_broker_tls(&f);
	if (f.all.n)
		qsort(f.all.p, f.all.n, sizeof(*f.all.p), by_port);
	vec_each(&f.all, found)
	{
		decide(s, found);
		tell(s, found);
		*vec_push(s->arena, &s->seen->services) = found->s;
	}
	s->seen->ssh = f.ssh;
}
