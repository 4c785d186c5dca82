/* SPDX-License-Identifier: Apache-2.0 */
#include "change/ssh_hello.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/num.h"
#include "host/ssh_key.h"

#define PATIENCE_MS 3000
#define MAX_PACKET ((size_t)35000) /* RFC 4253, 6.1: the most that one has to take */
#define MAX_SAID ((size_t)16384)   /* the version, and lines that may stand before it */
#define KEXINIT 20
#define COOKIE 16

struct talk {
	int fd;
	struct timespec until;
	char said[MAX_SAID + MAX_PACKET];
	size_t n;
};

static int left_ms(const struct talk *t)
{
	struct timespec now;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left =
		(int64_t)(t->until.tv_sec - now.tv_sec) * 1000 + (t->until.tv_nsec - now.tv_nsec) / 1000000;
	return (int)MAX(left, 0);
}

static int wait_for(const struct talk *t, short events)
{
	struct pollfd p = {.fd = t->fd, .events = events};
	int r = poll(&p, 1, left_ms(t));

	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int reach(struct talk *t, const char *address, const char *port)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
								   .ai_socktype = SOCK_STREAM};
	struct addrinfo *to = NULL;
	int r = 0, error = 0;
	socklen_t length = sizeof(error);

	if (getaddrinfo(address, port, &hints, &to) != 0)
		return -EINVAL;
	t->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 || (connect(t->fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS))
		r = -errno;
	freeaddrinfo(to);
	if (r == 0)
		r = wait_for(t, POLLOUT);
	if (r == 0 && getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		r = -errno;
	return r < 0 ? r : -error;
}

/* At least so many bytes. */
static int hear(struct talk *t, size_t n)
{
	while (t->n < n) {
		int r = n > sizeof(t->said) ? -EMSGSIZE : wait_for(t, POLLIN);
		ssize_t got = r < 0 ? r : read(t->fd, t->said + t->n, sizeof(t->said) - t->n);

		if (r < 0)
			return r;
		if (got == 0)
			return -ECONNRESET;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		t->n += (size_t)MAX(got, 0);
	}
	return 0;
}

/* Past the line of the version; where the next byte is. */
static int hear_version(struct talk *t, size_t *ret_at)
{
	size_t start = 0;

	for (size_t at = 0; at < MAX_SAID; at++) {
		int r = hear(t, at + 1);

		if (r < 0)
			return r;
		if (t->said[at] != '\n')
			continue;
		if (at - start >= 4 && memcmp(t->said + start, "SSH-", 4) == 0) {
			*ret_at = at + 1;
			return 0;
		}
		start = at + 1;
	}
	return -EPROTO;
}

bool ssh_hello_parse(struct str lists, struct ssh_hello *ret)
{
	struct str other_way;

	return ssh_take_string(&lists, &ret->kex) && ssh_take_string(&lists, &ret->host_keys) &&
		   ssh_take_string(&lists, &ret->ciphers) && ssh_take_string(&lists, &other_way) &&
		   ssh_take_string(&lists, &ret->macs);
}

/* The packet at `at`: length, length of the padding, number of the message. Not encrypted yet. */
static int hear_offer(struct talk *t, size_t at, struct arena *a, struct ssh_hello *ret)
{
	size_t n, header = 6 + COOKIE;
	int r = hear(t, at + header);

	if (r < 0)
		return r;
	n = num_be32(t->said + at);
	if (n > MAX_PACKET - 4 || n < header - 4 || t->said[at + 5] != KEXINIT)
		return -ENOMSG;
	r = hear(t, at + 4 + n);
	if (r < 0)
		return r;
	n = n + 4 - header;
	return ssh_hello_parse((struct str){arena_copy(a, t->said + at + header, n), n}, ret) ? 0
																						  : -ENOMSG;
}

int ssh_hello(const char *address, const char *port, struct arena *a, struct ssh_hello *ret)
{
	static const char version[] = "SSH-2.0-revet\r\n";
	struct talk t = {.fd = -1};
	size_t at = 0;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &t.until);
	t.until.tv_sec += PATIENCE_MS / 1000;
	r = reach(&t, address, port);
	if (r == 0)
		r = hear_version(&t, &at);
	/* sshd tells whom it will not have just now so much, in a line of its own; what filters does not. */
	if (r == -ECONNRESET && t.n)
		r = -ECONNABORTED;
	/* The server offers nothing before it has heard whom it speaks to. */
	if (r == 0) {
		if (send(t.fd, version, sizeof(version) - 1, MSG_NOSIGNAL) < 0)
			r = -errno;
		else
			r = hear_offer(&t, at, a, ret) < 0 ? -ENOMSG : 0;
	}
	close_fd(&t.fd);
	return r;
}
