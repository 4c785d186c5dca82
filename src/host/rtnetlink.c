/* SPDX-License-Identifier: Apache-2.0 */
#include "host/rtnetlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "host/fields.h"
#include "host/netlink.h"

static void put_text(struct buf *out, const char *name, struct str value)
{
	const char *end = value.n ? memchr(value.p, '\0', value.n) : NULL;

	if (end)
		value.n = (size_t)(end - value.p);
	fields_put(out, name, value);
}

static bool take_link(void *arg, unsigned type, struct str body)
{
	struct buf *out = arg;
	struct ifinfomsg msg;
	struct str info;

	if (type != RTM_NEWLINK || body.n < sizeof(msg))
		return true;
	memcpy(&msg, body.p, sizeof(msg));
	info = netlink_attribute(body, sizeof(msg), IFLA_LINKINFO);
	buf_printf(out, "link=%d type=%u flags=%u promiscuity=%u", msg.ifi_index, msg.ifi_type,
			   msg.ifi_flags, netlink_u32(netlink_attribute(body, sizeof(msg), IFLA_PROMISCUITY)));
	put_text(out, "name", netlink_attribute(body, sizeof(msg), IFLA_IFNAME));
	put_text(out, "kind", netlink_attribute(info, 0, IFLA_INFO_KIND));
	put_text(out, "port", netlink_attribute(info, 0, IFLA_INFO_SLAVE_KIND));
	buf_putc(out, '\n');
	return true;
}

/* IFA_ADDRESS is the peer's on a point-to-point link; ours is IFA_LOCAL then. */
static bool take_address(void *arg, unsigned type, struct str body)
{
	struct buf *out = arg;
	struct ifaddrmsg msg;
	struct str address;
	char text[INET6_ADDRSTRLEN];

	if (type != RTM_NEWADDR || body.n < sizeof(msg))
		return true;
	memcpy(&msg, body.p, sizeof(msg));
	address = netlink_attribute(body, sizeof(msg), IFA_LOCAL);
	if (!address.p)
		address = netlink_attribute(body, sizeof(msg), IFA_ADDRESS);
	if (address.n < (msg.ifa_family == AF_INET6 ? 16u : 4u) ||
		!inet_ntop(msg.ifa_family, address.p, text, sizeof(text)))
		return true;
	buf_printf(out, "address=%s/%u link=%u\n", text, msg.ifa_prefixlen, msg.ifa_index);
	return true;
}

static int interfaces_live(struct host *host _unused_, struct buf *out, struct err *err)
{
	const struct ifinfomsg links = {.ifi_family = AF_UNSPEC};
	const struct ifaddrmsg addresses = {.ifa_family = AF_UNSPEC};
	int r;

	/* The kernel says when a list changed while it was sent. */
	for (int tries = 0; tries < 5; tries++) {
		buf_clear(out);
		r = netlink_dump(NETLINK_ROUTE, RTM_GETLINK, &links, sizeof(links), take_link, out);
		if (r == 0)
			r = netlink_dump(NETLINK_ROUTE, RTM_GETADDR, &addresses, sizeof(addresses),
							 take_address, out);
		if (r != -EINTR)
			break;
	}
	return r < 0 ? err_errno(err, -r, "rtnetlink") : 0;
}

const struct query interfaces_query = {.name = "interfaces", .live = interfaces_live};

int own_addresses_read(struct host *host, struct arena *a, struct map *ret, struct err *err)
{
	struct str text, line, address;
	int r = host_query(host, &interfaces_query, a, &text, err);

	map_init(ret, a);
	while (r == 0 && str_line(&text, &line))
		if (str_skip(&line, "address=") && str_cut(&line, '/', &address))
			map_put(ret, address, ret);
	return r;
}
