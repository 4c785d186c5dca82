/* SPDX-License-Identifier: Apache-2.0 */
#include "change/netns.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/path.h"

/* Linux 3.10; see veth.h and if_addr.h */
#ifndef IFA_F_NODAD
#define IFA_F_NODAD 0x02
#endif

/* --- namespaces --------------------------------------------------------------------------------- */

/* A thread has a network namespace of its own: only it leaves the host's. */
struct visit {
	bool makes_one; /* that is what is asked for */
	int ns;
	int family, type, protocol;
	const char *path; /* to be written to, instead of a socket */
	struct str text;
	int result;
};

static int write_file(const char *path, struct str text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_all(fd, text);
}

static void *visit(void *data)
{
	struct visit *v = data;

	if (v->makes_one) {
		v->result = unshare(CLONE_NEWNET) < 0
						? -errno
						: open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		v->result = v->result == -1 ? -errno : v->result;
		return NULL;
	}
	if (setns(v->ns, CLONE_NEWNET) < 0)
		v->result = -errno;
	else if (v->path)
		v->result = write_file(v->path, v->text);
	else
		v->result = socket(v->family, v->type | SOCK_CLOEXEC, v->protocol);
	v->result = v->result == -1 ? -errno : v->result;
	return NULL;
}

static int run_visit(struct visit *v)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, visit, v);

	if (r)
		return -r;
	pthread_join(thread, NULL);
	return v->result;
}

int netns_new(struct err *err)
{
	struct visit v = {.makes_one = true};
	int r = run_visit(&v);

	return r < 0 ? err_errno(err, -r, "no network namespace can be had to try it in") : r;
}

int netns_socket(int ns, int family, int type, int protocol)
{
	int fd = ns < 0 ? socket(family, type | SOCK_CLOEXEC, protocol) : -1;

	if (ns < 0)
		return fd < 0 ? -errno : fd;
	return run_visit(
		&(struct visit){.ns = ns, .family = family, .type = type, .protocol = protocol});
}

int netns_write(int ns, const char *path, struct str text)
{
	return ns < 0 ? write_file(path, text)
				  : run_visit(&(struct visit){.ns = ns, .path = path, .text = text});
}

int netns_enter(void *data)
{
	const int *ns = data;

	return *ns >= 0 && setns(*ns, CLONE_NEWNET) < 0;
}

/* --- requests to the kernel, see rtnetlink(7) ----------------------------------------------------- */

struct request {
	union {
		struct nlmsghdr header;
		char bytes[512];
	};
};

static void *add_bytes(struct request *q, const void *p, size_t n)
{
	size_t at = NLMSG_ALIGN(q->header.nlmsg_len);

	if (p)
		memcpy(q->bytes + at, p, n);
	q->header.nlmsg_len = (uint32_t)(at + n);
	return q->bytes + at;
}

static struct request request(unsigned type, unsigned flags, const void *body, size_t n)
{
	struct request q = {0};

	q.header.nlmsg_len = NLMSG_HDRLEN;
	q.header.nlmsg_type = (uint16_t)type;
	q.header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	add_bytes(&q, body, n);
	return q;
}

/* An attribute; one without a value holds what is added until it is closed. */
static struct nlattr *add(struct request *q, unsigned type, const void *p, size_t n)
{
	struct nlattr head = {(uint16_t)(sizeof(struct nlattr) + n), (uint16_t)type};
	struct nlattr *at = add_bytes(q, &head, sizeof(head));

	if (n)
		add_bytes(q, p, n);
	return at;
}

static void close_attr(struct request *q, struct nlattr *attr)
{
	attr->nla_len = (uint16_t)(q->bytes + q->header.nlmsg_len - (char *)attr);
}

static int ask(int ns, struct request *q)
{
	_cleanup_close_ int fd = netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} answer;

	if (fd < 0)
		return fd;
	if (send(fd, q, q->header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return -errno;
	return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EBADMSG;
}

/* Both ends are known, for netns_add_neighbour(), and set by hand, so that udev leaves them alone. */
static const unsigned char near_mac[6] = {2, 'r', 'e', 'v', 'e', 1}, far_mac[6] = {2, 'r', 'e', 'v', 'e', 2};

int netns_wire(int ns, const char *interface, int other_ns, const char *other_interface)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
	struct request q = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	struct nlattr *info, *data, *peer;
	int32_t fd = other_ns;

	if (strlen(interface) >= IFNAMSIZ || strlen(other_interface) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	add(&q, IFLA_IFNAME, interface, strlen(interface) + 1);
	add(&q, IFLA_ADDRESS, near_mac, sizeof(near_mac));
	info = add(&q, IFLA_LINKINFO, NULL, 0);
	add(&q, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = add(&q, IFLA_INFO_DATA, NULL, 0);
	peer = add(&q, VETH_INFO_PEER, NULL, 0);
	add_bytes(&q, &link, sizeof(link));
	add(&q, IFLA_IFNAME, other_interface, strlen(other_interface) + 1);
	add(&q, IFLA_ADDRESS, far_mac, sizeof(far_mac));
	add(&q, IFLA_NET_NS_FD, &fd, sizeof(fd));
	close_attr(&q, peer);
	close_attr(&q, data);
	close_attr(&q, info);
	return ask(ns, &q);
}

/* --- addresses ---------------------------------------------------------------------------------- */

static const void *bytes_of(const struct sockaddr_storage *s, size_t *ret_n)
{
	*ret_n = s->ss_family == AF_INET ? 4 : 16;
	return s->ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)s)->sin_addr
								   : &((const struct sockaddr_in6 *)s)->sin6_addr;
}

int netns_index(int ns, const char *interface, int *ret)
{
	_cleanup_close_ int fd = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
	struct ifreq name = {0};

	if (fd < 0)
		return fd;
	snprintf(name.ifr_name, sizeof(name.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFINDEX, &name) < 0)
		return -errno;
	*ret = name.ifr_ifindex;
	return 0;
}

int netns_bring_up(int ns, const char *interface)
{
	struct ifinfomsg link = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	int r = netns_index(ns, interface, &link.ifi_index);
	struct request q = request(RTM_NEWLINK, 0, &link, sizeof(link));

	return r < 0 ? r : ask(ns, &q);
}

bool netns_is_running(int ns, const char *interface)
{
	_cleanup_close_ int fd = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
	struct ifreq name = {0};

	snprintf(name.ifr_name, sizeof(name.ifr_name), "%s", interface);
	return fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &name) == 0 && name.ifr_flags & IFF_RUNNING;
}

int netns_remove(int ns, const char *interface)
{
	struct ifinfomsg link = {0};
	int r = netns_index(ns, interface, &link.ifi_index);
	struct request q = request(RTM_DELLINK, 0, &link, sizeof(link));

	return r < 0 ? r : ask(ns, &q);
}

int netns_add_address(int ns, const char *interface, const struct sockaddr_storage *address)
{
	size_t n;
	const void *bytes = bytes_of(address, &n);
	struct ifaddrmsg head = {.ifa_family = (uint8_t)address->ss_family,
							 .ifa_prefixlen = (uint8_t)(8 * n),
							 .ifa_flags = IFA_F_NODAD};
	int index = 0, r = netns_index(ns, interface, &index);
	struct request q;

	if (r < 0)
		return r;
	head.ifa_index = (uint32_t)index;
	q = request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	add(&q, IFA_LOCAL, bytes, n);
	add(&q, IFA_ADDRESS, bytes, n);
	return ask(ns, &q);
}

int netns_add_neighbour(int ns, const char *interface, const struct sockaddr_storage *to)
{
	size_t n;
	const void *bytes = bytes_of(to, &n);
	struct ndmsg head = {.ndm_family = (uint8_t)to->ss_family, .ndm_state = NUD_PERMANENT};
	struct request q;
	_cleanup_close_ int fd = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
	struct ifreq own = {0};
	bool is_near;
	int r = netns_index(ns, interface, &head.ndm_ifindex);

	if (r < 0 || fd < 0)
		return r < 0 ? r : fd;
	snprintf(own.ifr_name, sizeof(own.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &own) < 0)
		return -errno;
	is_near = memcmp(own.ifr_hwaddr.sa_data, near_mac, sizeof(near_mac)) == 0;
	q = request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	add(&q, NDA_DST, bytes, n);
	add(&q, NDA_LLADDR, is_near ? far_mac : near_mac, sizeof(far_mac));
	return ask(ns, &q);
}

int netns_add_route(int ns, const char *interface, const struct sockaddr_storage *to)
{
	size_t n;
	const void *bytes = bytes_of(to, &n);
	struct rtmsg head = {.rtm_family = (uint8_t)to->ss_family,
						 .rtm_dst_len = (uint8_t)(8 * n),
						 .rtm_table = RT_TABLE_MAIN,
						 .rtm_protocol = RTPROT_BOOT,
						 .rtm_scope = RT_SCOPE_LINK,
						 .rtm_type = RTN_UNICAST};
	struct request q = request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	int index = 0, r = netns_index(ns, interface, &index);

	if (r < 0)
		return r;
	add(&q, RTA_DST, bytes, n);
	add(&q, RTA_OIF, &index, sizeof(index));
	return ask(ns, &q);
}

bool netns_takes(int ns, const char *interface, const struct sockaddr_storage *from,
				 const struct sockaddr_storage *to)
{
	size_t n;
	const void *bytes = bytes_of(to, &n);
	struct rtmsg head = {.rtm_family = (uint8_t)to->ss_family,
						 .rtm_dst_len = (uint8_t)(8 * n),
						 .rtm_src_len = (uint8_t)(8 * n)};
	struct request q = request(RTM_GETROUTE, 0, &head, sizeof(head));
	_cleanup_close_ int fd = netns_socket(ns, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		char more[4096];
	} answer;
	int index = 0;

	if (fd < 0 || netns_index(ns, interface, &index) < 0)
		return false;
	q.header.nlmsg_flags = NLM_F_REQUEST;
	add(&q, RTA_DST, bytes, n);
	add(&q, RTA_SRC, bytes_of(from, &n), n);
	add(&q, RTA_IIF, &index, sizeof(index));
	return send(fd, &q, q.header.nlmsg_len, 0) >= 0 &&
		   recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(answer.route)) &&
		   answer.header.nlmsg_type == RTM_NEWROUTE && answer.route.rtm_type == RTN_LOCAL;
}

int netns_set_up(int ns, const char *interface, const struct sockaddr_storage *address,
				 const struct sockaddr_storage *other)
{
	int r = netns_bring_up(ns, interface);

	if (r == 0)
		r = netns_add_address(ns, interface, address);
	return r == 0 && other ? netns_add_route(ns, interface, other) : r;
}
