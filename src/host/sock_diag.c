/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include "base/num.h"
#include "host/netlink.h"

struct ask {
	const char *protocol, *family;
	unsigned char number; /* of the protocol */
	int af;
	const char *path; /* the same in text, should the kernel have no module for the question */
};

static const struct ask asks[] = {
	{"tcp", "ipv4", IPPROTO_TCP, AF_INET, "/proc/net/tcp"},
	{"tcp", "ipv6", IPPROTO_TCP, AF_INET6, "/proc/net/tcp6"},
	{"udp", "ipv4", IPPROTO_UDP, AF_INET, "/proc/net/udp"},
	{"udp", "ipv6", IPPROTO_UDP, AF_INET6, "/proc/net/udp6"},
};

struct asking {
	const struct ask *ask;
	unsigned state;
	size_t max;
	struct buf *out;
};

struct ends {
	const void *local, *remote; /* addresses */
	unsigned port, remote_port; /* remote_port 0: nobody is at the other end */
	uint64_t inode;
	bool v6only;
};

/* False: that was enough. */
static bool put_socket(const struct asking *a, const struct ends *e)
{
	char local[INET6_ADDRSTRLEN] = "", remote[INET6_ADDRSTRLEN] = "";

	if (a->out->n > a->max)
		return false;
	inet_ntop(a->ask->af, e->local, local, sizeof(local));
	inet_ntop(a->ask->af, e->remote, remote, sizeof(remote));
	buf_printf(a->out, "protocol=%s family=%s address=%s port=%u inode=%llu%s", a->ask->protocol,
			   a->ask->family, local, e->port, (unsigned long long)e->inode,
			   e->v6only ? " v6only" : "");
	if (e->remote_port)
		buf_printf(a->out, " remote=%s remote_port=%u", remote, e->remote_port);
	buf_putc(a->out, '\n');
	return true;
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
	if (!msg.id.idiag_sport || msg.idiag_state != a->state)
		return true;
	v6only = netlink_attribute(body, sizeof(msg), INET_DIAG_SKV6ONLY);
	return put_socket(a, &(struct ends){.local = msg.id.idiag_src,
										.remote = msg.id.idiag_dst,
										.port = ntohs(msg.id.idiag_sport),
										.remote_port = ntohs(msg.id.idiag_dport),
										.inode = msg.idiag_inode,
										.v6only = v6only.n && v6only.p[0]});
}

/* Addresses are groups of 8 hexadecimal digits: 32 bits each, in the byte order of the machine. */
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
static bool take_proc_line(const struct asking *a, struct str line)
{
	uint32_t local[4] = {0}, remote[4] = {0};
	struct ends ends = {.local = local, .remote = remote};
	struct str words[10];
	uint64_t state;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!str_word(&line, &words[i]))
			return true;
	if (num_hex(words[3], 0xff, &state) == 0 && state == a->state &&
		num_u64(words[9], 0, UINT64_MAX, &ends.inode) == 0 &&
		parse_proc_address(words[1], local, &ends.port) && ends.port &&
		parse_proc_address(words[2], remote, &ends.remote_port))
		return put_socket(a, &ends);
	return true;
}

/* Where the module is missing and may not be loaded any more (kernel.modules_disabled). A kernel
 * without IPv6 has no file for it either. */
static int ask_proc(struct host *host, const struct asking *asking, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, line;
	int r = host_read(host, asking->ask->path, &a, &text, err);

	if (r < 0)
		return r == -ENOENT && asking->ask->af == AF_INET6 ? 0 : r;
	while (str_line(&text, &line) && take_proc_line(asking, line))
		;
	return 0;
}

static int ask_kernel(struct host *host, struct asking *asking, struct err *err)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = (uint8_t)asking->ask->af,
		.sdiag_protocol = asking->ask->number,
		.idiag_states = 1u << asking->state,
	};
	size_t start = asking->out->n;
	int r = netlink_dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, &request, sizeof(request),
						 take_socket, asking);

	if (r == 0)
		return 0;
	asking->out->n = start;
	return ask_proc(host, asking, err);
}

int sock_diag_ask(struct host *host, unsigned tcp_state, unsigned udp_state, size_t max,
				  struct buf *out, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(asks); i++) {
		struct asking asking = {
			.ask = &asks[i],
			.state = asks[i].number == IPPROTO_TCP ? tcp_state : udp_state,
			.max = max,
			.out = out,
		};

		r = ask_kernel(host, &asking, err);
	}
	if (out->n > max)
		buf_puts(out, "more\n");
	return r;
}
