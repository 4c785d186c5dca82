/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name stands for: as the system resolves it, or as a server says that is named. With a server the
 * name may have a type before it, as MX:example.org, and what is looked up is up to that server alone.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "spec/dns_message.h"
#include "spec/lookup.h"

enum { RESOLVABLE, ADDRS, RESOLVE, SERVER, TIMEOUT };

static const struct attribute attributes[] = {
	[RESOLVABLE] = {"resolvable", EXPECTED, .required = true, .also = "resolveable"},
	[ADDRS] = {"addrs", EXPECTED},
	[RESOLVE] = {"resolve", SETTING_TEXT},
	[SERVER] = {"server", SETTING_TEXT},
	[TIMEOUT] = {"timeout", SETTING_NUMBER},
	{0},
};

/* What is asked of a server: one type, or both of addresses. */
struct questions {
	struct str name;
	unsigned types[2];
	size_t n;
};

static struct questions questions_of(const struct resource *r)
{
	struct str rest = r->name, type;
	struct questions q = {r->name, {0}, 1};

	if (str_has_char(rest, ':') && str_cut(&rest, ':', &type) && dns_type(type)) {
		q.name = rest;
		q.types[0] = dns_type(type);
		return q;
	}
	q.types[0] = dns_type(STR("A"));
	q.types[1] = dns_type(STR("AAAA"));
	q.n = 2;
	return q;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = deadline - now_ms();

	if (left <= 0 || poll(&p, 1, (int)left) <= 0)
		return err_set(err, ETIMEDOUT, "the name server did not answer in time");
	return 0;
}

static int open_socket(const struct addrinfo *to, int64_t deadline, struct err *err)
{
	int fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
	socklen_t n = sizeof(error);

	if (fd < 0)
		return err_errno(err, errno, "socket");
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 &&
		(errno != EINPROGRESS || wait_for(fd, POLLOUT, deadline, err) < 0 ||
		 getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error)) {
		close(fd);
		return err_set(err, ECONNREFUSED, "the name server cannot be reached");
	}
	return fd;
}

/* One that is not to the question, or is broken in its head, is passed over: it may be somebody else's. */
static int exchange_udp(int fd, const unsigned char *question, size_t n, int64_t deadline,
						struct buf *out, struct err *err)
{
	unsigned char packet[65535];

	if (send(fd, question, n, 0) < 0)
		return err_errno(err, errno, "the name server cannot be asked");
	for (;;) {
		ssize_t got;

		if (wait_for(fd, POLLIN, deadline, err) < 0)
			return -ETIMEDOUT;
		got = recv(fd, packet, sizeof(packet), 0);
		if (got < 0)
			return err_errno(err, errno, "the name server does not answer");
		if (got >= 12 && memcmp(packet, question, 2) == 0)
			return buf_add(out, packet, (size_t)got);
	}
}

static int receive(int fd, void *to, size_t n, int64_t deadline, struct err *err)
{
	size_t got = 0;

	while (got < n) {
		ssize_t more;

		if (wait_for(fd, POLLIN, deadline, err) < 0)
			return -ETIMEDOUT;
		more = recv(fd, (char *)to + got, n - got, 0);
		if (more <= 0)
			return err_set(err, EIO, "the name server breaks off");
		got += (size_t)more;
	}
	return 0;
}

static int exchange_tcp(int fd, const unsigned char *question, size_t n, int64_t deadline,
						struct buf *out, struct err *err)
{
	unsigned char packet[65535], length[2] = {(unsigned char)(n >> 8), (unsigned char)n};
	size_t size;

	if (send(fd, length, 2, MSG_NOSIGNAL) != 2 || send(fd, question, n, MSG_NOSIGNAL) != (ssize_t)n)
		return err_set(err, EIO, "the name server cannot be asked");
	if (receive(fd, length, 2, deadline, err) < 0)
		return -EIO;
	size = (size_t)length[0] << 8 | length[1];
	return receive(fd, packet, size, deadline, err) < 0 ? -EIO : buf_add(out, packet, size);
}

/* HOST, HOST:PORT or [HOST]:PORT. */
static int find_server(struct arena *a, struct str server, int type, struct addrinfo **ret,
					   struct err *err)
{
	struct addrinfo hints = {.ai_socktype = type};
	const char *colon = memrchr(server.p, ':', server.n), *port = "53";
	struct str host = server;
	int r;

	if (colon && (str_starts(server, "[") || memchr(server.p, ':', server.n) == colon) &&
		colon > server.p && (!str_starts(server, "[") || colon[-1] == ']')) {
		host.n = (size_t)(colon - server.p);
		port = arena_copy(a, colon + 1, server.n - host.n - 1);
	}
	if (str_starts(host, "[") && str_ends(host, "]"))
		host = (struct str){host.p + 1, host.n - 2};
	r = getaddrinfo(str_dup(a, host), port, &hints, ret);
	return r ? err_set(err, ENOENT, "%.*s: %s", STR_ARG(server), gai_strerror(r)) : 0;
}

static int exchange(struct arena *a, struct str server, bool tcp, const unsigned char *question,
					size_t n, int64_t deadline, struct buf *out, struct err *err)
{
	struct addrinfo *all;
	int r = find_server(a, server, tcp ? SOCK_STREAM : SOCK_DGRAM, &all, err), fd;

	if (r < 0)
		return r;
	fd = r = open_socket(all, deadline, err);
	if (fd >= 0) {
		r = tcp ? exchange_tcp(fd, question, n, deadline, out, err)
				: exchange_udp(fd, question, n, deadline, out, err);
		close(fd);
	}
	freeaddrinfo(all);
	return MIN(r, 0);
}

static int ask_question(struct arena *a, const struct resource *r, struct str name, unsigned type,
						struct buf *answer, struct err *err)
{
	_cleanup_buf_ struct buf got = BUF(65535);
	struct str server = setting_text(r, "server");
	int64_t deadline = now_ms() + setting_number(r, "timeout", 500);
	unsigned char question[DNS_MAX_QUESTION];
	uint16_t id = 0;
	int n, status;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return err_errno(err, errno, "getrandom");
	n = dns_question(name, type, id, question);
	if (n < 0)
		return err_set(err, EINVAL, "'%.*s' cannot be asked for", STR_ARG(name));
	status = exchange(a, server, false, question, (size_t)n, deadline, &got, err);
	if (status == 0 && got.n > 2 && (got.p[2] & 2)) { /* it was cut off */
		buf_clear(&got);
		status = exchange(a, server, true, question, (size_t)n, deadline, &got, err);
	}
	if (status < 0)
		return status;
	buf_printf(answer, "%u %u %zu\n", type, id, got.n);
	return buf_str(answer, buf_get(&got));
}

static void ask_system(struct arena *a, struct str name, struct buf *answer, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all, *one;
	char text[INET6_ADDRSTRLEN];
	int r = getaddrinfo(str_dup(a, name), NULL, &hints, &all);

	if (r == EAI_AGAIN || r == EAI_SYSTEM || r == EAI_FAIL) {
		err_set(err, EIO, "%.*s: %s", STR_ARG(name), gai_strerror(r));
		answer_error(answer, err);
	}
	if (r)
		return;
	for (one = all; one; one = one->ai_next)
		if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof(text), NULL, 0,
						NI_NUMERICHOST) == 0)
			buf_printf(answer, "%s\n", text);
	freeaddrinfo(all);
}

static void ask(const struct resource *r, struct buf *answer)
{
	_cleanup_arena_ struct arena a = {0};
	struct questions q = questions_of(r);
	struct err err;

	buf_putc(answer, '+');
	if (!setting_text(r, "server").n) {
		ask_system(&a, r->name, answer, &err);
		return;
	}
	for (size_t i = 0; i < q.n; i++)
		if (ask_question(&a, r, q.name, q.types[i], answer, &err) < 0) {
			answer_error(answer, &err);
			return;
		}
}

/* --- what was answered ----------------------------------------------------------------------- */

static bool take_number(struct str *s, char until, uint64_t *ret)
{
	struct str word;

	*ret = 0;
	if (!str_has_char(*s, until) || !str_cut(s, until, &word) || !word.n || word.n > 9)
		return false;
	for (size_t i = 0; i < word.n; i++)
		*ret = *ret * 10 + (unsigned)(word.p[i] - '0');
	return true;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorted, each once. */
static struct datum sorted(struct arena *a, struct str *p, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(p, n, sizeof(*p), by_text);
	for (size_t i = 0; i < n; i++)
		if (!kept || !str_eq(p[i], p[kept - 1]))
			p[kept++] = p[i];
	return datum_texts(a, p, kept);
}

static int from_server(struct finding *f, struct str answer, struct datum *ret, struct err *err)
{
	VEC(struct str) all = {0};
	uint64_t type, id, n;

	while (answer.n) {
		struct dns_answer one;

		if (!take_number(&answer, ' ', &type) || !take_number(&answer, ' ', &id) ||
			!take_number(&answer, '\n', &n) || n > answer.n)
			return err_set(err, EBADMSG, "the answer is not as it should be");
		if (dns_answer_parse((struct str){answer.p, n}, (unsigned)type, (uint16_t)id, f->arena,
							 &one, err) < 0)
			return -EBADMSG;
		if (one.code != 0 && one.code != 3)
			return err_set(err, EIO, "the name server answers with code %u", one.code);
		for (size_t i = 0; i < one.n; i++)
			*vec_push(f->arena, &all) = one.p[i];
		answer = (struct str){answer.p + n, answer.n - n};
	}
	*ret = sorted(f->arena, all.p, all.n);
	return 0;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	VEC(struct str) lines = {0};
	struct str answer, line;
	int r = find_answer(f, &answer, err);

	if (r < 0)
		return r;
	if (setting_text(f->resource, "server").n) {
		r = from_server(f, answer, ret, err);
	} else {
		while (str_line(&answer, &line))
			*vec_push(f->arena, &lines) = line;
		*ret = sorted(f->arena, lines.p, lines.n);
	}
	if (r == 0 && attribute == RESOLVABLE)
		*ret = DATUM_YES(ret->list.n > 0);
	return r;
}

static const struct kind dns = {"dns",         "DNS",      attributes,  .subject = "resolve",
								.gated = true, .ask = ask, .find = find};
KIND(dns);
