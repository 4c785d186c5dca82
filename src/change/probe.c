/* SPDX-License-Identifier: Apache-2.0 */
#include "change/probe.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#define AT_ONCE ((size_t)256) /* under the usual limit of 1024 descriptors */
#define PATIENCE_MS 1000      /* until a connection is there: on this machine, so at once */
#define GREETING_MS 300       /* from then on until the greeting */
#define GREETED_MS 3000       /* of one who is known to greet, and may have to start a process for it */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- where to -------------------------------------------------------------------------------------- */

/* With the interface that a link-local address needs. */
static bool is_of_interface(int family, const void *address, struct sockaddr_storage *ret)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != family)
			continue;
		if (family == AF_INET) {
			memcpy(ret, i->ifa_addr, sizeof(struct sockaddr_in));
			found = memcmp(&((struct sockaddr_in *)ret)->sin_addr, address, 4) == 0;
		} else {
			memcpy(ret, i->ifa_addr, sizeof(struct sockaddr_in6));
			found = memcmp(&((struct sockaddr_in6 *)ret)->sin6_addr, address, 16) == 0;
		}
	}
	freeifaddrs(all);
	return found;
}

static bool probe_address_v4(const void *address, uint16_t port, struct probe *ret)
{
	struct sockaddr_in *to = (struct sockaddr_in *)&ret->to;
	struct in_addr wanted;

	memcpy(&wanted, address, sizeof(wanted));
	if (wanted.s_addr == htonl(INADDR_ANY))
		wanted.s_addr = htonl(INADDR_LOOPBACK);
	/* All of 127.0.0.0/8 is this machine, though no interface lists it. */
	if (ntohl(wanted.s_addr) >> 24 != 127 && !is_of_interface(AF_INET, &wanted, &ret->to))
		return false;
	*to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = wanted, .sin_port = htons(port)};
	ret->to_length = sizeof(*to);
	return true;
}

static bool probe_address_v6(const void *address, uint16_t port, struct probe *ret)
{
	struct sockaddr_in6 *to = (struct sockaddr_in6 *)&ret->to;
	struct in6_addr wanted;

	memcpy(&wanted, address, sizeof(wanted));
	if (IN6_IS_ADDR_V4MAPPED(&wanted))
		return probe_address_v4(wanted.s6_addr + 12, port, ret);
	if (IN6_IS_ADDR_UNSPECIFIED(&wanted))
		wanted = in6addr_loopback;
	if (IN6_IS_ADDR_LOOPBACK(&wanted))
		*to = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = wanted};
	else if (!is_of_interface(AF_INET6, &wanted, &ret->to))
		return false;
	to->sin6_port = htons(port);
	ret->to_length = sizeof(*to);
	return true;
}

bool probe_address(int family, const void *address, uint16_t port, struct probe *ret)
{
	*ret = (struct probe){0};
	return family == AF_INET ? probe_address_v4(address, port, ret)
							 : probe_address_v6(address, port, ret);
}

/* --- asking ---------------------------------------------------------------------------------------- */

struct asking {
	struct probe *probe;
	bool connected;
	int64_t until;
};

/* The descriptor, or -1 when there is no connection to be had. */
static int begin(struct asking *a)
{
	int fd = socket(a->probe->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	a->probe->answer = ANSWER_NONE;
	a->probe->said[0] = '\0';
	a->until = now_ms() + PATIENCE_MS;
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a->probe->to, a->probe->to_length) < 0 &&
		errno != EINPROGRESS)
		close_fd(&fd);
	return fd;
}

/* Where nobody listens on a port that the kernel also gives to those who connect, a connection may
 * come to meet itself. */
static bool is_own_end(const struct asking *a, int fd)
{
	struct sockaddr_storage own = {0};
	socklen_t length = sizeof(own);

	return getsockname(fd, (struct sockaddr *)&own, &length) == 0 &&
		   memcmp(&own, &a->probe->to, length) == 0;
}

/* Something happened: is there more to wait for? */
static bool goes_on(struct asking *a, int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);
	char said[1024];
	ssize_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error || is_own_end(a, fd)) {
		a->probe->answer = a->connected ? ANSWER_CLOSES : ANSWER_NONE;
		return false;
	}
	if (!a->connected) {
		a->connected = true;
		a->probe->answer = ANSWER_OPEN;
		a->until = now_ms() + (a->probe->greeted ? GREETED_MS : GREETING_MS);
	}
	/* More than is kept: what is left unread when the connection closes would be an error there. */
	n = read(fd, said, sizeof(said));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	a->probe->answer = n > 0 ? ANSWER_GREETS : ANSWER_CLOSES;
	n = MIN(MAX(n, 0), (ssize_t)sizeof(a->probe->said) - 1);
	memcpy(a->probe->said, said, (size_t)n);
	a->probe->said[n] = '\0';
	return false;
}

/* Closes those whose time is over; how long the others may take. -1: none is left. */
static int next_timeout(struct asking *a, struct pollfd *fds, size_t n)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		if (fds[i].fd >= 0 && a[i].until <= now)
			close_fd(&fds[i].fd);
		if (fds[i].fd >= 0)
			next = MIN(next, a[i].until - now);
	}
	return next == INT64_MAX ? -1 : (int)next;
}

static void ask_batch(struct probe *const p[], size_t n)
{
	struct asking a[AT_ONCE] = {0};
	struct pollfd fds[AT_ONCE];
	int timeout;

	for (size_t i = 0; i < n; i++) {
		a[i].probe = p[i];
		fds[i] = (struct pollfd){.fd = begin(&a[i]), .events = POLLOUT};
	}
	while ((timeout = next_timeout(a, fds, n)) >= 0) {
		if (poll(fds, n, timeout) <= 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			if (!goes_on(&a[i], fds[i].fd))
				close_fd(&fds[i].fd);
			fds[i].events = POLLIN;
		}
	}
}

void probe_all(struct probe *const p[], size_t n)
{
	for (size_t i = 0; i < n; i += AT_ONCE)
		ask_batch(p + i, MIN(n - i, AT_ONCE));
}
