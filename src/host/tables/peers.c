/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected now: the far ends of sockets, and what connection tracking knows beside them. */
#include <arpa/inet.h>

#include "base/num.h"
#include "host/address.h"
#include "host/fields.h"
#include "host/holders.h"
#include "host/listening.h"
#include "host/passwd.h"
#include "host/rtnetlink.h"
#include "host/sock_diag.h"
#include "host/table.h"

#define CONNTRACK "/proc/net/nf_conntrack"
#define MAX_CONNECTIONS ((size_t)8 << 20) /* bytes: some 70,000 */

enum { PROTOCOL, DIRECTION, PORT, ADDRESS, SCOPE, PROCESS, USER, UNIT, CONNECTIONS };

static const struct column columns[] = {
	[PROTOCOL] = {"protocol", TYPE_STRING, "tcp or udp", COLUMN_LABEL},
	[DIRECTION] = {"direction", TYPE_STRING,
				   "in: it came to a port that listens here or leads into a container; else out",
				   COLUMN_LABEL},
	[PORT] = {"port", TYPE_INT, "The port that it came to: of this host, or of the other one",
			  COLUMN_LABEL},
	[ADDRESS] = {"address", TYPE_STRING, "Address of the other one", COLUMN_LABEL},
	[SCOPE] = {"scope", TYPE_STRING,
			   "What that address is: loopback, link-local, private or public", 0},
	[PROCESS] = {"process", TYPE_STRING,
				 "Name of the process at this end; absent: the kernel, or none is known to "
				 "connection tracking",
				 0},
	[USER] = {"user", TYPE_STRING, "Its effective user", 0},
	[UNIT] = {"unit", TYPE_STRING, "systemd unit that it runs in; absent: none", 0},
	[CONNECTIONS] = {"connections", TYPE_INT, "How many of them there are", 0},
	{0},
};

static int connections_live(struct host *host, struct buf *out, struct err *err)
{
	return sock_diag_ask(host, SOCK_ESTABLISHED, SOCK_ESTABLISHED, MAX_CONNECTIONS, out, err);
}

static const struct query connections_query = {.name = "connections", .live = connections_live};

struct connection {
	struct str protocol, address; /* of the other end */
	uint64_t port, remote_port, inode;
	bool in;
	const struct proc *proc;
};

struct reading {
	struct rows *rows;
	bool *listens[2]; /* to TCP and UDP, by port */
	struct holders holders;
	struct passwd_db users;
	bool has_users;
	struct map own;  /* addresses of this host */
	struct map seen; /* rows, by what they are about */
};

/* --- rows -------------------------------------------------------------------------------------- */

static void set_process(const struct reading *r, struct row *row, const struct proc *p)
{
	row_str(row, PROCESS, p->name);
	row_str(row, UNIT, p->unit);
	if (r->has_users)
		row_str(row, USER, passwd_user_name(&r->users, p->uid, r->rows->arena));
	else
		row_unknown(row, USER, "/etc/passwd could not be read");
}

static void set_no_process(struct row *row, const char *why)
{
	static const int of_process[] = {PROCESS, USER, UNIT};

	for (size_t i = 0; why && i < ARRAY_LEN(of_process); i++)
		row_unknown(row, of_process[i], why);
}

static struct row *add_row(struct reading *r, const struct connection *c, const char *source)
{
	struct row *row = rows_add(r->rows, FROM(source, 0));

	row_str(row, PROTOCOL, c->protocol);
	row_strz(row, DIRECTION, c->in ? "in" : "out");
	row_int(row, PORT, (int64_t)(c->in ? c->port : c->remote_port));
	row_str(row, ADDRESS, c->address);
	row_strz(row, SCOPE, address_scope(c->address));
	row_int(row, CONNECTIONS, 0);
	return row;
}

/* One row for all connections of a kind: the ports that the kernel makes up say nothing. */
static struct row *row_of(struct reading *r, const struct connection *c, const char *source)
{
	struct arena *a = r->rows->arena;
	const char *key = arena_printf(a, "%.*s %d %llu %.*s %.*s", STR_ARG(c->protocol), c->in,
								   (unsigned long long)(c->in ? c->port : c->remote_port),
								   STR_ARG(c->address), STR_ARG(c->proc ? c->proc->name : STR("")));
	struct row *row = map_get(&r->seen, str_of(key));

	if (!row) {
		row = add_row(r, c, source);
		map_put(&r->seen, str_of(key), row);
		if (c->proc)
			set_process(r, row, c->proc);
		else if (c->inode)
			set_no_process(row, r->holders.unknown);
	}
	row->cells[CONNECTIONS].number++;
	return row;
}

/* An IPv4 address that a socket of IPv6 talks to. */
static struct str unmapped(struct str address)
{
	(void)(str_has_char(address, '.') && str_skip(&address, "::ffff:"));
	return address;
}

static bool listens(const struct reading *r, struct str protocol, uint64_t port)
{
	return r->listens[str_is(protocol, "udp")][port];
}

static int find_listeners(struct host *host, struct reading *r, struct err *err)
{
	struct listening listening;
	int code = listening_read(host, r->rows->arena, &listening, err);

	for (int i = 0; i < 2; i++)
		r->listens[i] = arena_new(r->rows->arena, bool, 65536);
	for (size_t i = 0; code == 0 && i < listening.n; i++)
		r->listens[str_is(listening.p[i].protocol, "udp")][listening.p[i].port] = true;
	return code;
}

/* --- sockets ----------------------------------------------------------------------------------- */

static struct connection parse_socket(struct str line)
{
	struct connection c = {.protocol = STR(""), .address = STR("")};
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "protocol"))
			c.protocol = value;
		else if (str_is(name, "remote"))
			c.address = unmapped(value);
		else if (str_is(name, "port"))
			(void)num_u64(value, 0, 65535, &c.port);
		else if (str_is(name, "remote_port"))
			(void)num_u64(value, 0, 65535, &c.remote_port);
		else if (str_is(name, "inode"))
			(void)num_u64(value, 0, UINT64_MAX, &c.inode);
	}
	return c;
}

/* A connected UDP socket is a client's: servers answer from the one that is not connected. */
static void take_socket(struct reading *r, struct str line)
{
	struct connection c = parse_socket(line);

	if (!address_scope(c.address))
		return;
	c.in = str_is(c.protocol, "tcp") && listens(r, c.protocol, c.port);
	c.proc = holders_find(&r->holders, c.inode);
	row_of(r, &c, "sock_diag");
}

static int read_sockets(struct host *host, struct reading *r, struct err *err)
{
	struct str text, line;
	int code = host_query(host, &connections_query, r->rows->arena, &text, err);

	while (code == 0 && str_line(&text, &line))
		if (str_is(line, "more"))
			rows_gap(r->rows, "there are more connections than are looked at");
		else
			take_socket(r, line);
	return code;
}

/* --- connection tracking ----------------------------------------------------------------------- */

/* An entry has the ends of the first packet and then those of the answer to it. */
struct tracked {
	struct str from, to, answered_by;
	uint64_t port;
	bool established, answered;
};

static struct tracked parse_tracked(struct str line)
{
	struct tracked t = {.answered = true};
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		bool second = t.to.p && t.port;

		if (!value.p) {
			t.established = t.established || str_is(name, "ESTABLISHED");
			t.answered = t.answered && !str_is(name, "[UNREPLIED]");
		} else if (str_is(name, "src")) {
			*(second ? &t.answered_by : &t.from) = value;
		} else if (str_is(name, "dst") && !second) {
			t.to = value;
		} else if (str_is(name, "dport") && !second) {
			(void)num_u64(value, 0, 65535, &t.port);
		}
	}
	return t;
}

/* An IPv6 address is written in full there: as it is written elsewhere. */
static struct str shortened(struct arena *a, struct str address)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (!str_has_char(address, ':') || inet_pton(AF_INET6, str_dup(a, address), bytes) != 1 ||
		!inet_ntop(AF_INET6, bytes, text, sizeof(text)))
		return address;
	return str_of(arena_strdup(a, text));
}

/* What no socket of this host tells: whom a server of UDP talks to, and what is passed on to a
 * container. */
static void take_tracked(struct reading *r, struct str line)
{
	struct tracked t;
	struct str word, protocol;
	bool passed_on;

	if (!str_word(&line, &word) || !str_word(&line, &word) || !str_word(&line, &protocol))
		return;
	t = parse_tracked(line);
	t.from = shortened(r->rows->arena, t.from);
	t.to = shortened(r->rows->arena, t.to);
	t.answered_by = shortened(r->rows->arena, t.answered_by);
	if (!t.answered || !t.from.p || !t.to.p || !t.answered_by.p || !address_scope(t.from) ||
		map_get(&r->own, t.from) || !map_get(&r->own, t.to))
		return;
	passed_on = !str_eq(t.answered_by, t.to);
	if ((str_is(protocol, "tcp") && t.established && passed_on) ||
		(str_is(protocol, "udp") && (passed_on || listens(r, protocol, t.port))))
		row_of(r,
			   &(struct connection){
				   .protocol = protocol, .address = t.from, .port = t.port, .in = true},
			   CONNTRACK);
}

/* Not there unless something in the kernel tracks connections, and then for root alone. */
static void read_tracked(struct host *host, struct reading *r)
{
	struct str text, line;
	struct err err = {0};
	int code = own_addresses_read(host, r->rows->arena, &r->own, &err);

	if (code == 0)
		code = host_read(host, CONNTRACK, r->rows->arena, &text, &err);
	if (code < 0 && code != -ENOENT)
		rows_gap(r->rows, "connections that are tracked: %s", err.msg);
	while (code == 0 && str_line(&text, &line))
		take_tracked(r, line);
}

static int read_peers(struct host *host, struct rows *rows, struct err *err)
{
	struct reading r = {.rows = rows};
	struct err ignored = {0};
	int code = find_listeners(host, &r, err);

	map_init(&r.seen, rows->arena);
	if (code < 0)
		return code;
	holders_read(host, rows->arena, &r.holders);
	r.has_users = passwd_read(host, rows->arena, &r.users, &ignored) == 0;
	code = read_sockets(host, &r, err);
	if (code == 0)
		read_tracked(host, &r);
	return code;
}

static const struct table peers = {
	.name = "peers",
	.doc =
		"Who is connected now, one row for each port, direction and address: TCP and connected UDP "
		"from sock_diag(7), and from /proc/net/nf_conntrack those that talk to servers of UDP and "
		"to "
		"containers",
	.columns = columns,
	.read = read_peers,
	.early = procs_early,
	.cost = 5,
};
TABLE(peers);
