/* SPDX-License-Identifier: Apache-2.0 */
#include "host/netlink.h"

#include <sys/socket.h>
#include <sys/time.h>

#define RECEIVE_SIZE (256u << 10)
#define MAX_REQUEST 1024
#define ATTR_HEADER sizeof(struct nlattr)

static int send_request(int fd, unsigned type, const void *request, size_t n)
{
	struct {
		struct nlmsghdr header;
		char body[MAX_REQUEST];
	} message = {0};

	if (n > sizeof(message.body))
		return -E2BIG;
	message.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(n);
	message.header.nlmsg_type = (uint16_t)type;
	message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message.header.nlmsg_seq = 1;
	memcpy(message.body, request, n);
	return send(fd, &message, message.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* 1: go on; 0: that was all; else -errno. */
static int take_messages(const char *p, size_t n, netlink_each *each, void *arg, bool *interrupted)
{
	while (n >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)p;
		struct str body = {p + NLMSG_HDRLEN, 0};
		size_t whole;

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > n)
			return -EBADMSG;
		body.n = h->nlmsg_len - NLMSG_HDRLEN;
		*interrupted = *interrupted || h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_DONE)
			return body.n >= sizeof(int) ? *(const int *)(const void *)body.p : 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return body.n >= sizeof(int) ? *(const int *)(const void *)body.p : -EBADMSG;
		if (!each(arg, h->nlmsg_type, body))
			return 0;
		whole = MIN(NLMSG_ALIGN((size_t)h->nlmsg_len), n);
		p += whole;
		n -= whole;
	}
	return 1;
}

static int receive_all(int fd, char *p, netlink_each *each, void *arg)
{
	bool interrupted = false;
	int r = 1;

	while (r > 0) {
		ssize_t n = recv(fd, p, RECEIVE_SIZE, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		r = take_messages(p, (size_t)n, each, arg, &interrupted);
	}
	return r == 0 && interrupted ? -EINTR : r;
}

int netlink_dump(int protocol, unsigned type, const void *request, size_t n, netlink_each *each,
				 void *arg)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	_cleanup_arena_ struct arena a = {0};
	const struct timeval limit = {.tv_sec = 10};
	int r;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	r = send_request(fd, type, request, n);
	return r < 0 ? r : receive_all(fd, arena_raw(&a, RECEIVE_SIZE), each, arg);
}

struct str netlink_attribute(struct str body, size_t skip, unsigned type)
{
	struct str found = STR_ABSENT;

	skip = NLMSG_ALIGN(skip);
	while (body.n >= skip + ATTR_HEADER) {
		const struct nlattr *attr;

		body.p += skip;
		body.n -= skip;
		attr = (const void *)body.p;
		if (attr->nla_len < ATTR_HEADER || attr->nla_len > body.n)
			break;
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			found = (struct str){body.p + ATTR_HEADER, attr->nla_len - ATTR_HEADER};
		skip = NLMSG_ALIGN((size_t)attr->nla_len);
	}
	return found;
}

uint32_t netlink_u32(struct str value)
{
	uint32_t n = 0;

	if (value.n >= sizeof(n))
		memcpy(&n, value.p, sizeof(n));
	return n;
}
