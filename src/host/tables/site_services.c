/* SPDX-License-Identifier: Apache-2.0 */
/* What the site file says that this server serves, beside what is there of it. */
#include "base/buf.h"
#include "host/address.h"
#include "host/listening.h"
#include "host/site_tls.h"
#include "host/table.h"

enum { PORT, TO, TO_SCOPE, WHAT, TLS, LISTENING, BOUND, PROCESSES, FOUND_TLS };

static const struct column columns[] = {
	[PORT] = {"port", TYPE_STRING, "As in the site file: 443/tcp", COLUMN_LABEL},
	[TO] = {"to", TYPE_LIST, "Whom it is for: world, or networks", 0},
	[TO_SCOPE] = {"to_scope", TYPE_STRING,
				  "private: it is for private networks alone; public: also for others", 0},
	[WHAT] = {"what", TYPE_STRING, "What it is; absent: not said", COLUMN_LABEL},
	[TLS] = {"tls", TYPE_STRING, "none, server or mutual; absent: not said", 0},
	[LISTENING] = {"listening", TYPE_BOOL,
				   "Something listens there, beyond loopback; absent: it is a range of ports", 0},
	[BOUND] = {"bound", TYPE_STRING,
			   "From where the address can be reached that it listens on: link-local, private or "
			   "public; absent: nothing listens",
			   0},
	[PROCESSES] = {"processes", TYPE_LIST, "Names of the processes that do", 0},
	[FOUND_TLS] = {"found_tls", TYPE_STRING,
				   "What the configuration of nginx, mosquitto or PostgreSQL offers those clients there: "
				   "none, server or mutual; absent: no such listens",
				   0},
	{0},
};

static const char *const tls_names[] = {NULL, "none", "server", "mutual"};

struct reader {
	struct rows *rows;
	struct listening sockets;
	const char *why; /* sockets are not known; NULL: they are */
	struct tls_ports tls;
};

static void set_peers(struct reader *r, struct row *row, const struct site_peers *to)
{
	struct str *items = arena_new(r->rows->arena, struct str, to->networks.n + 1);
	bool wide = to->world;

	items[0] = STR("world");
	for (size_t i = 0; i < to->networks.n; i++) {
		const char *scope = address_scope(to->networks.p[i].text);

		items[i] = to->networks.p[i].text;
		wide = wide || !scope || strcmp(scope, "public") == 0;
	}
	row_list(row, TO, items, to->world ? 1 : to->networks.n);
	row_strz(row, TO_SCOPE, wide ? "public" : "private");
}

/* --- who listens ------------------------------------------------------------------------- */

static bool is_on(const struct socket *s, struct site_ports ports)
{
	return str_is(s->protocol, ports.udp ? "udp" : "tcp") && s->port >= ports.low &&
		   s->port <= ports.high;
}

static int width(const char *scope)
{
	static const char *const scopes[] = {"link-local", "private", "public"};

	for (size_t i = 0; scope && i < ARRAY_LEN(scopes); i++)
		if (strcmp(scope, scopes[i]) == 0)
			return (int)i;
	return -1;
}

/* False: it is not known which process it is. */
static bool add_process(struct str *names, size_t *n, const struct socket *s)
{
	if (!s->proc || !s->proc->name.n)
		return false;
	for (size_t i = 0; i < *n; i++)
		if (str_eq(names[i], s->proc->name))
			return true;
	names[(*n)++] = s->proc->name;
	return true;
}

/* The names of the processes, of which there are *n; NULL: nothing listens. */
static const struct str *set_listening(struct reader *r, struct row *row, struct site_ports ports,
									   size_t *n)
{
	struct str *names = arena_new(r->rows->arena, struct str, r->sockets.n + 1);
	const char *widest = NULL;
	bool known = true;

	*n = 0;
	for (size_t i = 0; i < r->sockets.n; i++) {
		const struct socket *s = &r->sockets.p[i];
		const char *scope = address_scope(s->address);

		if (!is_on(s, ports) || (scope && strcmp(scope, "loopback") == 0))
			continue;
		widest = width(scope) > width(widest) ? scope : widest;
		known = add_process(names, n, s) && known;
	}
	if (ports.low == ports.high || widest)
		row_bool(row, LISTENING, widest);
	row_strz(row, BOUND, widest);
	if (!known && r->sockets.unknown)
		row_unknown(row, PROCESSES, r->sockets.unknown);
	else if (*n)
		row_list(row, PROCESSES, names, *n);
	return widest ? names : NULL;
}

/* --- TLS --------------------------------------------------------------------------------- */

/* Of what is installed, does this run here? Where processes are not seen, it may. */
static bool may_be(const struct reader *r, const char *program, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(names[i], program))
			return true;
	return r->why || (!n && r->sockets.unknown);
}

static void set_found(struct row *row, const struct tls_port *p, const struct site_service *s)
{
	const struct pg_hba_line *without = p->hba ? tls_without_certificate(p->hba, &s->to) : NULL;
	bool mutual = p->hba && !without;

	row_from(row, FOUND_TLS, p->from);
	if (without && s->tls == SITE_TLS_MUTUAL)
		row_from(row, FOUND_TLS, without->from);
	if (mutual && p->why && s->tls == SITE_TLS_MUTUAL)
		row_unknown(row, FOUND_TLS, p->why);
	else
		row_strz(row, FOUND_TLS, tls_names[mutual && !p->why ? SITE_TLS_MUTUAL : p->tls]);
}

static void set_tls(struct reader *r, struct row *row, const struct site_service *s,
					const struct str *names, size_t n)
{
	const struct tls_port *weakest = NULL;

	if (!r->why && !names)
		return;
	vec_each(&r->tls.ports, p) if (p->low <= s->ports.high && p->high >= s->ports.low &&
								   may_be(r, p->program, names, n) &&
								   (!weakest || p->tls < weakest->tls)) weakest = p;
	if (weakest)
		set_found(row, weakest, s);
	/* What is none cannot be less; anything else may be, by what could not be read. */
	if (weakest && weakest->tls == SITE_TLS_NONE)
		return;
	vec_each(&r->tls.gaps, p) if (may_be(r, p->program, names, n))
		row_unknown(row, FOUND_TLS, p->why);
}

static void add_service(struct reader *r, const struct site_service *s)
{
	struct yaml_at at = s->at;
	struct row *row = rows_add(r->rows, FROM(SITE_FILE, at.doc->nodes[at.i].line));
	_cleanup_buf_ struct buf port = BUF(64);
	const struct str *names = NULL;
	size_t n = 0;

	site_ports_print(&port, s->ports);
	row_str(row, PORT, str_of(str_dup(r->rows->arena, buf_get(&port))));
	set_peers(r, row, &s->to);
	row_str(row, WHAT, s->what);
	row_strz(row, TLS, tls_names[s->tls]);
	if (r->why) {
		if (s->ports.low == s->ports.high)
			row_unknown(row, LISTENING, r->why);
		row_unknown(row, BOUND, r->why);
		row_unknown(row, PROCESSES, r->why);
	} else {
		names = set_listening(r, row, s->ports, &n);
	}
	if (!s->ports.udp)
		set_tls(r, row, s, names, n);
}

static int read_site_services(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.rows = rows};
	const struct site_file *site;
	struct err why = {0};
	int result = site_file_read(host, rows->arena, &site, err);

	if (result < 0 || !site || !site->serves.n)
		return result;
	if (listening_read(host, rows->arena, &r.sockets, &why) < 0)
		r.why = host_is_live(host) ? arena_strdup(rows->arena, why.msg) : "offline";
	tls_ports_read(host, rows->arena, &r.tls);
	vec_each(&site->serves, s) add_service(&r, s);
	return 0;
}

static const struct table site_services = {
	.name = "site_services",
	.doc = "What the site file says that this server serves, a row for each line of `serves`, "
		   "and what listens there",
	.columns = columns,
	.read = read_site_services,
	.early = procs_early,
	.cost = 5,
};
TABLE(site_services);
