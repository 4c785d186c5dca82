/* SPDX-License-Identifier: Apache-2.0 */
/* Whether something answers at tcp://HOST:PORT. Of UDP a socket to it is all that can be told. */
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "spec/lookup.h"

enum { REACHABLE, ADDRESS, TIMEOUT, LOCAL_ADDRESS };

static const struct attribute attributes[] = {
	[REACHABLE] = {"reachable", EXPECTED, .required = true},
	[ADDRESS] = {"address", SETTING_TEXT},
	[TIMEOUT] = {"timeout", SETTING_NUMBER},
	[LOCAL_ADDRESS] = {"local-address", SETTING_TEXT},
	{0},
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* HOST:PORT, [HOST]:PORT; the port may be a name. */
static bool divide(struct arena *a, struct str address, const char **ret_host,
				   const char **ret_port)
{
	const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
	struct str host;

	if (!colon)
		return false;
	host = (struct str){address.p, (size_t)(colon - address.p)};
	if (str_starts(host, "[") && str_ends(host, "]"))
		host = (struct str){host.p + 1, host.n - 2};
	*ret_host = str_dup(a, host);
	*ret_port = arena_copy(a, colon + 1,
						   address.n - host.n - (size_t)(host.p - address.p) -
							   (size_t)(colon - (host.p + host.n)) - 1);
	return true;
}

/* The address to connect from, of the same family; false: there is none. */
static bool bind_to(int fd, int family, const char *from)
{
	struct addrinfo hints = {.ai_family = family, .ai_flags = AI_NUMERICHOST}, *found;
	bool good;

	if (getaddrinfo(from, NULL, &hints, &found) != 0)
		return false;
	good = bind(fd, found->ai_addr, found->ai_addrlen) == 0;
	freeaddrinfo(found);
	return good;
}

static int connects(const struct addrinfo *to, const char *from, int64_t deadline, struct err *err)
{
	_cleanup_close_ int fd =
		socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof(error);

	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : err_errno(err, errno, "socket");
	if (from && !bind_to(fd, to->ai_family, from))
		return err_set(err, EADDRNOTAVAIL, "cannot connect from %s", from);
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 1;
	if (errno != EINPROGRESS || poll(&p, 1, (int)MAX(deadline - now_ms(), 0)) <= 0)
		return 0;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

/* 1: it is; 0: it is not, or has no address. What says nothing about the other side is an error: a name
 * server that does not answer, an address to connect from that is not this machine's. */
static int reach(struct arena *a, const struct resource *r, struct str address, bool udp, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = udp ? SOCK_DGRAM : SOCK_STREAM}, *all;
	struct str from = setting_text(r, "local-address");
	int64_t deadline = now_ms() + setting_number(r, "timeout", 500);
	const char *host, *port, *local = from.n ? str_dup(a, from) : NULL;
	int found, reached = 0;

	if (!divide(a, address, &host, &port))
		return err_set(err, EINVAL, "'%.*s' is no address: expected tcp://HOST:PORT", STR_ARG(address));
	found = getaddrinfo(*host ? host : NULL, port, &hints, &all);
	if (found == EAI_NONAME || found == EAI_NODATA)
		return 0;
	if (found)
		return err_set(err, EIO, "%s: %s", host, gai_strerror(found));
	for (const struct addrinfo *one = all; one && reached == 0; one = one->ai_next)
		reached = connects(one, local, deadline, err);
	freeaddrinfo(all);
	return reached;
}

static void ask(const struct resource *r, struct buf *answer)
{
	_cleanup_arena_ struct arena a = {0};
	struct str address = r->name;
	bool udp = str_skip(&address, "udp://");
	struct err err;
	int reached;

	if (!udp && !str_skip(&address, "tcp://") && str_has(address, "://"))
		reached = err_set(&err, EINVAL, "expected tcp:// or udp://");
	else
		reached = reach(&a, r, address, udp, &err);
	if (reached < 0)
		answer_error(answer, &err);
	else
		buf_puts(answer, reached ? "+1" : "+0");
}

static int find(struct finding *f, int attribute _unused_, struct datum *ret, struct err *err)
{
	struct str answer;
	int r = find_answer(f, &answer, err);

	*ret = DATUM_YES(str_is(answer, "1"));
	return r;
}

static const struct kind addr = {"addr",     "Addr",      attributes, .subject = "address",
								 .ask = ask, .find = find};
KIND(addr);
