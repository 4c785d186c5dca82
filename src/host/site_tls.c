/* SPDX-License-Identifier: Apache-2.0 */
#include "host/site_tls.h"

#include <sys/socket.h>

#include "base/num.h"
#include "host/mosquitto.h"
#include "host/nginx_server.h"
#include "host/postgres.h"

struct reading {
	struct host *host;
	struct arena *arena;
	struct tls_ports *ret;
	struct map tls; /* addresses and ports on which some server of nginx has TLS */
};

static void add_gap(struct reading *r, const char *program, const char *why)
{
	*vec_push(r->arena, &r->ret->gaps) =
		(struct tls_port){.program = program, .why = arena_strdup(r->arena, why)};
}

/* --- nginx ------------------------------------------------------------------------------- */

/* Where a server listens, however it is written: "443", "*:443" and "0.0.0.0:443" are one. */
static struct str place_of(struct reading *r, struct str s, const struct tls_port *port)
{
	size_t n = s.n;

	while (n && s.p[n - 1] != ':' && s.p[n - 1] != ']')
		n--;
	if (!n && str_has_char(s, '.'))
		n = s.n;
	else if (n && s.p[n - 1] == ':')
		n--;
	s.n = n;
	if (!n || str_is(s, "0.0.0.0"))
		s = STR("*");
	return str_of(arena_printf(r->arena, "%.*s %u-%u", STR_ARG(s), port->low, port->high));
}

/* Of "443", "*:443", "[::]:8000-8010", "10.0.0.1"; false: a Unix socket, or nothing understood. */
static bool parse_listen(struct str s, unsigned *low, unsigned *high)
{
	struct str rest = s, first;
	size_t colon = s.n, i;

	if (str_starts(s, "unix:"))
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == ':')
			colon = i;
		else if (s.p[i] == ']')
			colon = s.n;
	}
	if (colon < s.n)
		rest = (struct str){s.p + colon + 1, s.n - colon - 1};
	else if (!s.n || str_has_char(s, '.') || str_has_char(s, ']') || s.p[0] < '0' || s.p[0] > '9')
		rest = STR("80");
	if (!str_cut(&rest, '-', &first) || num_port(first, low) < 0)
		return false;
	*high = *low;
	return !rest.p || num_port(rest, high) == 0;
}

/* `optional` lets in who has none. */
static bool asks_for_certificates(const struct nginx_server *server)
{
	const struct directive *d = nginx_scope_last(&server->in_force, NGINX_SSL_VERIFY_CLIENT);

	return d && str_is(directive_arg(d), "on");
}

static void add_listen(struct reading *r, const struct nginx_server *server,
					   const struct directive *d)
{
	struct tls_port port = {.program = "nginx", .from = FROM(d->file, d->line)};
	bool tls = server->tls && !server->plain, udp = false;

	for (size_t i = 1; i < d->n_args; i++) {
		tls |= str_is(d->args[i], "ssl");
		udp |= str_is(d->args[i], "udp") || str_is(d->args[i], "quic");
	}
	/* A stream without TLS of its own may well pass on what is TLS. */
	if (udp || (!tls && strcmp(server->protocol, "stream") == 0) ||
		web_reach(d->args[0]) == WEB_LOOPBACK || !parse_listen(d->args[0], &port.low, &port.high))
		return;
	port.place = place_of(r, d->args[0], &port);
	if (tls)
		(void)map_put(&r->tls, port.place, r);
	port.with_tls = asks_for_certificates(server) ? SITE_TLS_MUTUAL : SITE_TLS_SERVER;
	port.tls = tls ? port.with_tls : SITE_TLS_NONE;
	*vec_push(r->arena, &r->ret->ports) = port;
}

static void add_servers(struct reading *r, const struct directive *top,
						const struct nginx_scope *outer)
{
	struct nginx_scope scope;
	struct nginx_server server;

	nginx_scope_enter(r->arena, outer, top, &scope);
	for (const struct directive *d = top->first; d; d = d->next) {
		if (!d->is_block || !str_is(d->name, "server"))
			continue;
		nginx_server_read(r->arena, d, str_dup(r->arena, top->name), &scope, &server);
		for (const struct directive *l = d->first; l; l = l->next)
			if (str_is(l->name, "listen") && l->n_args)
				add_listen(r, &server, l);
	}
}

/* One `ssl` makes the address TLS for all servers that share it. */
static void share_tls(struct reading *r)
{
	vec_each(&r->ret->ports, p) if (p->tls == SITE_TLS_NONE && map_get(&r->tls, p->place)) p->tls =
		p->with_tls;
}

static void read_nginx(struct reading *r)
{
	static const char *const programs[] = {"/usr/sbin/nginx", "/usr/bin/nginx"};
	static const char *const blocks[] = {"http", "stream", "mail"};
	struct nginx_config config;
	struct nginx_scope scope = {0};
	struct err err = {0};
	int result = web_is_installed(r->host, programs, ARRAY_LEN(programs), &err);

	if (result > 0)
		result = nginx_config_read(r->host, r->arena, &config, &err);
	else if (result == 0)
		return;
	if (result < 0) {
		add_gap(r, "nginx", err.msg);
		return;
	}
	nginx_scope_enter(r->arena, &scope, &config.root, &scope);
	for (const struct directive *d = config.root.first; d; d = d->next)
		for (size_t i = 0; d->is_block && i < ARRAY_LEN(blocks); i++)
			if (str_is(d->name, blocks[i]))
				add_servers(r, d, &scope);
	share_tls(r);
}

/* --- mosquitto --------------------------------------------------------------------------- */

static void read_mosquitto(struct reading *r)
{
	struct mosquitto m = {0};

	mosquitto_read(r->host, r->arena, &m);
	if (m.gap)
		add_gap(r, "mosquitto", m.gap);
	for (size_t i = 0; i < m.n_listeners; i++) {
		const struct mosquitto_listener *l = m.listeners[i];
		struct tls_port port = {.program = "mosquitto", .from = l->from, .tls = SITE_TLS_NONE};

		port.low = port.high = l->port;
		if (l->socket.p || str_is(l->interface, "lo") ||
			(l->address.p && !settings_is_network(l->address)))
			continue;
		if (l->certfile.n && l->keyfile.n)
			port.tls = l->require_certificate ? SITE_TLS_MUTUAL : SITE_TLS_SERVER;
		else if (l->psk_hint.n) /* of a shared key each side has to know */
			port.tls = SITE_TLS_MUTUAL;
		*vec_push(r->arena, &r->ret->ports) = port;
	}
}

/* --- PostgreSQL -------------------------------------------------------------------------- */

static bool demands_certificate(const struct pg_hba_line *l)
{
	if (str_is(l->method, "reject"))
		return true;
	if (!str_is(l->type, "hostssl"))
		return false;
	for (size_t i = 0; i < l->n_options; i++)
		if (str_is(l->options[i], "clientcert=verify-full") ||
			str_is(l->options[i], "clientcert=verify-ca") || str_is(l->options[i], "clientcert=1"))
			return true;
	return str_is(l->method, "cert");
}

/* "10.0.0.0/8" and "0.0.0.0/0" are about IPv4, "all" and names about either. */
static bool is_of_family(struct str address, int family)
{
	if (str_has_char(address, ':'))
		return family == AF_INET6;
	return family == AF_INET || !str_has_char(address, '/');
}

/* Clients of this network, or any (NULL). A name, or what is no network as such, may be about anyone. */
static bool may_admit(const struct pg_hba_line *l, const struct site_network *from)
{
	struct site_network net;

	if (strcmp(l->scope, "socket") == 0 || strcmp(l->scope, "loopback") == 0)
		return false;
	if (!from)
		return true;
	if (!l->mask.p && !is_of_family(l->address, from->family))
		return false;
	if (strcmp(l->scope, "all") == 0 || l->mask.p || !site_network_parse(l->address, &net))
		return true;
	return site_network_holds(&net, from) || site_network_holds(from, &net);
}

static bool is_all(const struct str *names, size_t n)
{
	return n == 1 && str_is(names[0], "all");
}

static bool names_replication(const struct pg_hba_line *l)
{
	for (size_t i = 0; i < l->n_databases; i++)
		if (str_is(l->databases[i], "replication"))
			return true;
	return false;
}

/* Does nothing behind the line matter to them, but for replication, which is no part of "all" databases? */
static bool decides(const struct pg_hba_line *l, const struct site_network *from)
{
	struct site_network net;

	if (!str_is(l->type, "host") || !is_all(l->databases, l->n_databases) ||
		!is_all(l->users, l->n_users))
		return false;
	if (str_is(l->address, "all"))
		return true;
	return from && !l->mask.p && site_network_parse(l->address, &net) &&
		   from->prefix >= net.prefix && site_network_holds(&net, from);
}

static const struct pg_hba_line *without_certificate(const struct pg_hba *hba,
													 const struct site_network *from)
{
	bool decided = false;

	for (size_t i = 0; i < hba->lines.n; i++) {
		const struct pg_hba_line *l = &hba->lines.p[i];

		if (!l->shadowed && (!decided || names_replication(l)) && may_admit(l, from) &&
			!demands_certificate(l))
			return l;
		decided = decided || decides(l, from);
	}
	return NULL;
}

const struct pg_hba_line *tls_without_certificate(const struct pg_hba *hba,
												  const struct site_peers *peers)
{
	const struct pg_hba_line *found = NULL;

	if (peers->world)
		return without_certificate(hba, NULL);
	for (size_t i = 0; !found && i < peers->networks.n; i++)
		found = without_certificate(hba, &peers->networks.p[i]);
	return found;
}

static void read_postgres(struct reading *r)
{
	struct pg_clusters clusters = {0};
	struct err err = {0};

	if (postgres_read(r->host, r->arena, &clusters, &err) < 0) {
		add_gap(r, "postgres", err.msg);
		return;
	}
	for (size_t i = 0; i < clusters.n; i++) {
		const struct settings *s = &clusters.p[i].settings;
		const struct setting *ssl = settings_find(s, "ssl");
		struct tls_port port = {.program = "postgres", .tls = SITE_TLS_NONE};
		bool on = false;

		if (s->gap || !ssl || !postgres_bool(ssl->value, &on) ||
			num_port(settings_get(s, "port"), &port.low) < 0) {
			add_gap(r, "postgres", s->gap ? s->gap : "its settings are not known");
			continue;
		}
		port.high = port.low;
		port.from = ssl->from.path ? ssl->from : FROM(clusters.p[i].config, 0);
		if (on) {
			struct pg_hba *hba = arena_new(r->arena, struct pg_hba, 1);

			pg_hba_read(r->host, r->arena, &clusters.p[i], hba);
			port.tls = SITE_TLS_SERVER;
			port.why = hba->gap;
			port.hba = hba;
		}
		if (clusters.p[i].network)
			*vec_push(r->arena, &r->ret->ports) = port;
	}
}

void tls_ports_read(struct host *host, struct arena *a, struct tls_ports *ret)
{
	struct reading r = {.host = host, .arena = a, .ret = ret};

	*ret = (struct tls_ports){0};
	map_init(&r.tls, a);
	read_nginx(&r);
	read_mosquitto(&r);
	read_postgres(&r);
}
