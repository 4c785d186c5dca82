/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/sweep.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include "change/netns.h"

#define BATCH 256
#define QUIET_MS 150   /* without a packet, after the last was sent: on a wire in memory it is over */
#define PATIENT_MS 400
#define PATIENT_TRIES 4 /* a rate of three in a second lets one of them through */
#define CHECKSUM_AT 16  /* in the header of TCP */

struct sweeping {
	int fd;
	const struct origin *from;
	const struct target *to;
	uint16_t from_port;
	uint32_t sequence;
	uint32_t pseudo_sum; /* IPv4: of what the checksum covers besides the header */
	struct sweep *seen;
};

/* --- sending ------------------------------------------------------------------------------------------ */

static uint32_t add_words(uint32_t sum, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static const void *address_bytes(const struct sockaddr_storage *s)
{
	return &((const struct sockaddr_in *)s)->sin_addr;
}

static struct tcphdr first_packet(const struct sweeping *s, uint16_t port)
{
	struct tcphdr h = {.source = htons(s->from_port),
					   .dest = htons(port),
					   .seq = htonl(s->sequence),
					   .doff = sizeof(h) / 4,
					   .syn = 1,
					   .window = htons(64240)};

	/* Of IPv6 the kernel does it. */
	if (s->from->family == AF_INET)
		h.check = folded(add_words(s->pseudo_sum, &h, sizeof(h)));
	return h;
}

/* To those of n ports, as many at a time as one call takes. */
static int send_batch(const struct sweeping *s, const uint16_t *ports, unsigned n)
{
	struct sockaddr_storage to = outside_address(&s->to->address, 0);
	struct tcphdr packets[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		packets[i] = first_packet(s, ports[i]);
		parts[i] = (struct iovec){&packets[i], sizeof(packets[i])};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &to,
												   .msg_namelen = outside_length(&to),
												   .msg_iov = &parts[i],
												   .msg_iovlen = 1}};
	}
	while (done < n) {
		int sent = sendmmsg(s->fd, messages + done, n - done, 0);

		if (sent < 0 && errno != EINTR && errno != ENOBUFS)
			return -errno;
		done += sent > 0 ? (unsigned)sent : 0;
	}
	return 0;
}

/* --- what comes back ----------------------------------------------------------------------------------- */

static void mark(struct sweep *seen, uint16_t port, enum port_state state)
{
	if (state <= seen->ports[port])
		return;
	seen->counts[seen->ports[port]]--;
	seen->counts[state]++;
	seen->ports[port] = (unsigned char)state;
}

static void take_packet(const struct sweeping *s, const unsigned char *p, size_t n)
{
	size_t header = s->from->family == AF_INET && n ? 4 * (size_t)(p[0] & 15) : 0;
	struct tcphdr h;

	if (n < header + sizeof(h))
		return;
	memcpy(&h, p + header, sizeof(h));
	if (ntohs(h.dest) != s->from_port || !h.ack || ntohl(h.ack_seq) != s->sequence + 1)
		return;
	mark(s->seen, ntohs(h.source), h.rst ? PORT_CLOSED : h.syn ? PORT_OPEN : PORT_SILENT);
}

/* All that is there now, and more as long as there is a pause of less than that. */
static int hear(const struct sweeping *s, int pause_ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	unsigned char packet[256];
	ssize_t n;

	for (;;) {
		while ((n = recv(s->fd, packet, sizeof(packet), MSG_DONTWAIT)) >= 0)
			take_packet(s, packet, (size_t)n);
		if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
			return -errno;
		if (pause_ms == 0 || poll(&p, 1, pause_ms) == 0)
			return 0;
	}
}

/* --- a sweep ------------------------------------------------------------------------------------------- */

static int open_socket(struct sweeping *s)
{
	int family = s->from->family, size = 16 << 20, at = CHECKSUM_AT;
	const struct sockaddr_storage *from = &s->from->address;

	s->fd = netns_socket(s->from->ns, family, SOCK_RAW, IPPROTO_TCP);
	if (s->fd < 0)
		return s->fd;
	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (family == AF_INET6 && setsockopt(s->fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof(at)) < 0)
		return -errno;
	return bind(s->fd, (const struct sockaddr *)from, outside_length(from)) < 0 ? -errno : 0;
}

static int begin(struct sweeping *s)
{
	uint32_t noise[2] = {0};

	(void)!getrandom(noise, sizeof(noise), 0);
	s->sequence = noise[0];
	s->from_port = (uint16_t)(33000 + noise[1] % 27000);
	if (s->from->family == AF_INET) {
		s->pseudo_sum = add_words(0, address_bytes(&s->from->address), 4);
		s->pseudo_sum = add_words(s->pseudo_sum, address_bytes(&s->to->address), 4);
		s->pseudo_sum += IPPROTO_TCP + (uint32_t)sizeof(struct tcphdr);
	}
	return open_socket(s);
}

/* One packet to each wanted port that has not answered. */
static int pass(struct sweeping *s, const bool wanted[PORTS], size_t max_closed, int pause_ms)
{
	uint16_t ports[BATCH];
	unsigned n = 0;
	int r = 0;

	for (unsigned port = 1; r == 0 && port < PORTS; port++) {
		if (wanted[port] && s->seen->ports[port] < PORT_CLOSED) {
			mark(s->seen, (uint16_t)port, PORT_SILENT);
			ports[n++] = (uint16_t)port;
		}
		if (n < BATCH && port + 1 < PORTS)
			continue;
		r = send_batch(s, ports, n);
		n = 0;
		if (r == 0)
			r = hear(s, 0);
		if (s->seen->counts[PORT_CLOSED] > max_closed)
			break;
	}
	return r == 0 ? hear(s, pause_ms) : r;
}

int sweep_tcp(const struct origin *from, const struct target *to, const bool wanted[PORTS],
			  const bool patiently[PORTS], size_t max_closed, struct sweep *ret, struct err *err)
{
	struct sweeping s = {.fd = -1, .from = from, .to = to, .seen = ret};
	int r = begin(&s);

	memset(ret, 0, sizeof(*ret));
	ret->counts[PORT_UNTRIED] = PORTS - 1;
	/* A second time what was lost where a queue was full. */
	for (int i = 0; r == 0 && i < 2; i++)
		r = pass(&s, wanted, max_closed, QUIET_MS);
	for (int i = 0; r == 0 && i < PATIENT_TRIES; i++) {
		bool any = false;

		for (unsigned port = 1; port < PORTS && !any; port++)
			any = patiently[port] && ret->ports[port] < PORT_CLOSED;
		if (any)
			r = pass(&s, patiently, max_closed, PATIENT_MS);
	}
	close_fd(&s.fd);
	return r < 0 ? err_errno(err, -r, "packets from %s", from->text) : 0;
}
