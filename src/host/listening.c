/* SPDX-License-Identifier: Apache-2.0 */
#include "host/listening.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/fields.h"
#include "host/netlink.h"

#define STATE_CLOSE 7 /* include/net/tcp_states.h; what UDP is in until it is connected */
#define STATE_LISTEN 10

/*
 * The query: "protocol= family= address= port= inode=" and the flag v6only.
 */

struct ask {
	const char *protocol, *family;
	unsigned char number; /* of the protocol */
	int af;
	unsigned state;
	const char *path; /* the same in text, should the kernel have no module for the question */
};

static const struct ask asks[] = {
	{"tcp", "ipv4", IPPROTO_TCP, AF_INET, STATE_LISTEN, "/proc/net/tcp"},
	{"tcp", "ipv6", IPPROTO_TCP, AF_INET6, STATE_LISTEN, "/proc/net/tcp6"},
	{"udp", "ipv4", IPPROTO_UDP, AF_INET, STATE_CLOSE, "/proc/net/udp"},
	{"udp", "ipv6", IPPROTO_UDP, AF_INET6, STATE_CLOSE, "/proc/net/udp6"},
};

struct asking {
	const struct ask *ask;
	struct buf *out;
};

static void put_socket(struct buf *out, const struct ask *ask, const void *address, unsigned port,
					   uint64_t inode, bool v6only)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(ask->af, address, text, sizeof(text));
	buf_printf(out, "protocol=%s family=%s address=%s port=%u inode=%llu%s\n", ask->protocol,
			   ask->family, text, port, (unsigned long long)inode, v6only ? " v6only" : "");
}

static bool take_socket(void *arg, unsigned type, struct str body)
{
	const struct asking *a = arg;
	struct inet_diag_msg msg;
	struct str v6only;

	if (type != SOCK_DIAG_BY_FAMILY || body.n < sizeof(msg))
		return true;
	memcpy(&msg, body.p, sizeof(msg));
	/* A UDP socket without a port was made and not used. */
	if (!msg.id.idiag_sport || msg.idiag_state != a->ask->state)
		return true;
	v6only = netlink_attribute(body, sizeof(msg), INET_DIAG_SKV6ONLY);
	put_socket(a->out, a->ask, msg.id.idiag_src, ntohs(msg.id.idiag_sport), msg.idiag_inode,
			   v6only.n && v6only.p[0]);
	return true;
}

/* Local addresses are groups of 8 hexadecimal digits: 32 bits each, in the byte order of the
 * machine. */
static bool parse_proc_address(struct str s, uint32_t *ret_address, unsigned *ret_port)
{
	uint64_t word;
	struct str groups;

	if (!str_cut(&s, ':', &groups) || groups.n % 8 || groups.n > 32 ||
		num_hex(s, 0xffff, &word) < 0)
		return false;
	*ret_port = (unsigned)word;
	for (size_t i = 0; i < groups.n / 8; i++) {
		if (num_hex((struct str){groups.p + i * 8, 8}, UINT32_MAX, &word) < 0)
			return false;
		ret_address[i] = (uint32_t)word;
	}
	return true;
}

/* "SL LOCAL REMOTE STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE ...", see proc(5). */
static void take_proc_line(struct buf *out, const struct ask *ask, struct str line)
{
	struct str words[10];
	uint32_t address[4] = {0};
	uint64_t state, inode;
	unsigned port;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!str_word(&line, &words[i]))
			return;
	if (num_hex(words[3], 0xff, &state) == 0 && state == ask->state &&
		num_u64(words[9], 0, UINT64_MAX, &inode) == 0 &&
		parse_proc_address(words[1], address, &port) && port)
		put_socket(out, ask, address, port, inode, false);
}

/* Where the module is missing and may not be loaded any more (kernel.modules_disabled). A kernel
 * without IPv6 has no file for it either. */
static int ask_proc(struct host *host, const struct ask *ask, struct buf *out, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, line;
	int r = host_read(host, ask->path, &a, &text, err);

	if (r < 0)
		return r == -ENOENT && ask->af == AF_INET6 ? 0 : r;
	while (str_line(&text, &line))
		take_proc_line(out, ask, line);
	return 0;
}

static int ask_kernel(struct host *host, const struct ask *ask, struct buf *out, struct err *err)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = (uint8_t)ask->af,
		.sdiag_protocol = ask->number,
		.idiag_states = 1u << ask->state,
	};
	struct asking asking = {ask, out};
	size_t start = out->n;
	int r = netlink_dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, &request, sizeof(request),
						 take_socket, &asking);

	if (r == 0)
		return 0;
	out->n = start;
	return ask_proc(host, ask, out, err);
}

static int sock_diag_live(struct host *host, struct buf *out, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(asks); i++)
		r = ask_kernel(host, &asks[i], out, err);
	return r;
}

static const struct query sock_diag_query = {.name = "sock_diag", .live = sock_diag_live};

/*
 * Which process holds a socket.
 */

struct holder {
	uint64_t inode;
	const struct proc *proc;
};

struct holders {
	struct holder *p; /* sorted by inode, then pid */
	size_t n;
	const char *unknown; /* why a socket's process may not be among them; NULL: the kernel's */
};

static int by_inode(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->proc->pid > y->proc->pid) - (x->proc->pid < y->proc->pid);
}

/* In a process namespace of its own (a container with the host's network) what is outside is not
 * seen. The first namespace has a fixed number, PROC_PID_INIT_INO. */
static bool sees_all_processes(struct host *host, struct arena *a)
{
	struct err ignored;
	struct str link;

	return host_readlink(host, "/proc/self/ns/pid", a, &link, &ignored) == 0 &&
		   str_is(link, "pid:[4026531836]");
}

static void find_holders(struct host *host, struct arena *a, struct holders *ret)
{
	VEC(struct holder) all = {0};
	struct procs procs = {0};
	struct err err = {0};

	if (procs_read(host, a, &procs, &err) < 0)
		ret->unknown = arena_strdup(a, err.msg);
	else if (procs.gap)
		ret->unknown = procs.gap;
	else if (!sees_all_processes(host, a))
		ret->unknown = "no process seen here holds it; those outside this container are not seen";
	for (size_t i = 0; i < procs.n; i++) {
		const struct proc *p = &procs.p[i];

		if (p->sockets_unknown && !ret->unknown)
			ret->unknown = "the descriptors of some processes could not be read (root may read "
						   "all)";
		for (size_t k = 0; k < p->n_sockets; k++)
			*vec_push(a, &all) = (struct holder){p->sockets[k], p};
	}
	if (all.n)
		qsort(all.p, all.n, sizeof(*all.p), by_inode);
	ret->p = all.p;
	ret->n = all.n;
}

static size_t first_holder(const struct holders *h, uint64_t inode)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->p[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An init that opens sockets for others and passes them on. In a container process 1 is the server
 * itself. */
static bool is_init(const struct proc *p)
{
	return p->pid == 1 && (str_is(p->name, "systemd") || str_is(p->name, "init"));
}

static bool holds(const struct holder *p, size_t n, uint32_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].proc->pid == pid && !is_init(p[i].proc))
			return true;
	return false;
}

/* Of several that share a socket, the one that the others come from. Looks at the first few: a
 * server has no more levels. */
static const struct proc *holder_of(const struct holders *h, uint64_t inode)
{
	size_t from = first_holder(h, inode), n = 0;

	if (!inode)
		return NULL;
	while (from + n < h->n && h->p[from + n].inode == inode && n < 64)
		n++;
	for (size_t i = 0; i < n; i++) {
		const struct proc *p = h->p[from + i].proc;

		if (!is_init(p) && !holds(h->p + from, n, p->ppid))
			return p;
	}
	return n ? h->p[from].proc : NULL;
}

/*
 * Sockets.
 */

static struct socket parse_socket(struct str line)
{
	struct socket s = {0};
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "protocol"))
			s.protocol = value;
		else if (str_is(name, "family"))
			s.family = value;
		else if (str_is(name, "address"))
			s.address = value;
		else if (str_is(name, "port"))
			(void)num_u64(value, 0, 65535, &s.port);
		else if (str_is(name, "inode"))
			(void)num_u64(value, 0, UINT64_MAX, &s.inode);
	}
	return s;
}

static int by_port(const void *a, const void *b)
{
	const struct socket *x = a, *y = b;
	int c = str_cmp(x->protocol, y->protocol);

	if (!c && x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (!c)
		c = str_cmp(x->family, y->family);
	if (!c)
		c = str_cmp(x->address, y->address);
	return c ? c : (x->inode > y->inode) - (x->inode < y->inode);
}

static bool is_same(const struct socket *x, const struct socket *y)
{
	return x->port == y->port && x->proc == y->proc && str_eq(x->protocol, y->protocol) &&
		   str_eq(x->family, y->family) && str_eq(x->address, y->address);
}

/* A server with SO_REUSEPORT has a socket for each worker: one row is enough. */
static size_t drop_repeated(struct socket *p, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!kept || !p[i].proc || !is_same(&p[kept - 1], &p[i]))
			p[kept++] = p[i];
	return kept;
}

int listening_read(struct host *host, struct arena *a, struct listening *ret, struct err *err)
{
	VEC(struct socket) sockets = {0};
	struct holders holders = {0};
	struct str text, line;
	int r = host_query(host, &sock_diag_query, a, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line))
		*vec_push(a, &sockets) = parse_socket(line);
	find_holders(host, a, &holders);
	vec_each(&sockets, s) s->proc = holder_of(&holders, s->inode);
	if (sockets.n)
		qsort(sockets.p, sockets.n, sizeof(*sockets.p), by_port);
	ret->p = sockets.p;
	ret->n = drop_repeated(sockets.p, sockets.n);
	ret->unknown = holders.unknown;
	return 0;
}
