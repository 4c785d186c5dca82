/* SPDX-License-Identifier: Apache-2.0 */
#include "host/listening.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/fields.h"
#include "host/holders.h"
#include "host/sock_diag.h"

static int sock_diag_live(struct host *host, struct buf *out, struct err *err)
{
	return sock_diag_ask(host, SOCK_LISTEN, SOCK_CLOSE, HOST_MAX_FILE, out, err);
}

static const struct query sock_diag_query = {.name = "sock_diag", .live = sock_diag_live};

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
	holders_read(host, a, &holders);
	vec_each(&sockets, s) s->proc = holders_find(&holders, s->inode);
	if (sockets.n)
		qsort(sockets.p, sockets.n, sizeof(*sockets.p), by_port);
	ret->p = sockets.p;
	ret->n = drop_repeated(sockets.p, sockets.n);
	ret->unknown = holders.unknown;
	return 0;
}
