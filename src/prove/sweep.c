/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/sweep.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>

#include "base/num.h"
#include "base/path.h"
#include "change/netns.h"

#define BATCH 256
#define QUIET_MS 100 /* without a packet, after the last was sent: on a wire in memory it is over */
#define PATIENT_MS 400
#define PATIENT_TRIES 4 /* a rate of three in a second lets one of them through */

struct sweeping {
	const struct sweep_job *job;
	int fd;    /* at the origin */
	int watch; /* where answers are seen: of TCP the same, of UDP at the host */
	int leaves; /* where what is passed on is seen; -1: it is not looked for */
	uint16_t from_port, window;
	uint32_t sequence;   /* of the packet to port 0; by it and the window ours are known */
	uint32_t pseudo_sum; /* IPv4: of what the checksum covers besides the header */
	struct sweep *seen;
};

/* --- sending ------------------------------------------------------------------------------------------ */

/* What a datagram holds: whose it is, and where it was sent to. */
struct mark {
	uint32_t sequence;
	uint16_t port;
} __attribute__((packed));

struct datagram {
	struct udphdr head;
	struct mark mark;
} __attribute__((packed));

union packet {
	struct tcphdr tcp;
	struct datagram udp;
};

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

static size_t size_to(const struct sweeping *s, uint16_t port)
{
	if (!s->job->udp)
		return sizeof(struct tcphdr);
	return s->job->quietly && s->job->quietly[port] ? sizeof(struct udphdr)
													: sizeof(struct datagram);
}

/* Of IPv6 the kernel makes it. */
static uint16_t checksum(const struct sweeping *s, const union packet *p, size_t n)
{
	return s->job->from->family == AF_INET ? folded(add_words(s->pseudo_sum + (uint32_t)n, p, n))
										   : 0;
}

/* The first of a connection, or a datagram. */
static union packet packet_to(const struct sweeping *s, uint16_t port, size_t n)
{
	union packet p = {0};

	if (s->job->udp) {
		p.udp.head.source = htons(s->from_port);
		p.udp.head.dest = htons(port);
		p.udp.head.len = htons((uint16_t)n);
		p.udp.mark = (struct mark){htonl(s->sequence), htons(port)};
		p.udp.head.check = checksum(s, &p, n);
		return p;
	}
	p.tcp = (struct tcphdr){.source = htons(s->from_port),
							.dest = htons(port),
							.seq = htonl(s->sequence + port),
							.doff = sizeof(p.tcp) / 4,
							.syn = 1,
							.window = htons(s->window)};
	p.tcp.check = checksum(s, &p, n);
	return p;
}

/* To those n ports, as many at a time as one call takes. */
static int send_batch(const struct sweeping *s, const uint16_t *ports, unsigned n)
{
	struct sockaddr_storage to = outside_address(&s->job->to->address, 0);
	union packet packets[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t size = size_to(s, ports[i]);

		packets[i] = packet_to(s, ports[i], size);
		parts[i] = (struct iovec){&packets[i], size};
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

/* What is passed on may have another port by now; its mark has the one that it was sent to. */
static void take_datagram(const struct sweeping *s, const struct datagram *d, size_t n)
{
	bool marked = n >= sizeof(*d) && ntohl(d->mark.sequence) == s->sequence;

	if (marked || ntohs(d->head.source) == s->from_port)
		mark(s->seen, ntohs(marked ? d->mark.port : d->head.dest), PORT_OPEN);
}

static void take_answer(const struct sweeping *s, const struct tcphdr *h)
{
	uint16_t port = ntohs(h->source);

	if (ntohs(h->dest) == s->from_port && h->ack && ntohl(h->ack_seq) == s->sequence + port + 1)
		mark(s->seen, port, h->rst ? PORT_CLOSED : h->syn ? PORT_OPEN : PORT_SILENT);
}

static void take_packet(const struct sweeping *s, const unsigned char *p, size_t n)
{
	size_t before = s->job->from->family == AF_INET && n ? 4 * (size_t)(p[0] & 15) : 0;
	size_t least = s->job->udp ? sizeof(struct udphdr) : sizeof(struct tcphdr);
	union packet packet = {0};

	if (n < before + least)
		return;
	memcpy(&packet, p + before, MIN(n - before, sizeof(packet)));
	if (s->job->udp)
		take_datagram(s, &packet.udp, n - before);
	else
		take_answer(s, &packet.tcp);
}

/* Of a packet that leaves the host, from its first byte on: the filter of the socket lets only ours through. */
static void take_leaving(const struct sweeping *s, const unsigned char *p, size_t n)
{
	size_t before =
		s->job->from->family == AF_INET && n ? 4 * (size_t)(p[0] & 15) : sizeof(struct ip6_hdr);
	union packet packet = {0};

	if (n < before + (s->job->udp ? sizeof(struct datagram) : sizeof(struct tcphdr)))
		return;
	memcpy(&packet, p + before, MIN(n - before, sizeof(packet)));
	mark(s->seen,
		 s->job->udp ? ntohs(packet.udp.mark.port)
					 : (uint16_t)(ntohl(packet.tcp.seq) - s->sequence),
		 PORT_PASSED);
}

/* All that is there now, and more as long as there is a pause of less than that. */
static int hear(const struct sweeping *s, int pause_ms)
{
	struct pollfd p[] = {{.fd = s->watch, .events = POLLIN}, {.fd = s->leaves, .events = POLLIN}};
	unsigned char packet[256];
	ssize_t n;

	for (;;) {
		while ((n = recv(s->watch, packet, sizeof(packet), MSG_DONTWAIT)) >= 0)
			take_packet(s, packet, (size_t)n);
		if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
			return -errno;
		while (s->leaves >= 0 && (n = recv(s->leaves, packet, sizeof(packet), MSG_DONTWAIT)) >= 0)
			take_leaving(s, packet, (size_t)n);
		if (pause_ms == 0 || poll(p, 2, pause_ms) == 0)
			return 0;
	}
}

/* --- a sweep ------------------------------------------------------------------------------------------- */

static int raw_socket(int ns, const struct sweep_job *job)
{
	int size = 16 << 20, at = job->udp ? 6 : 16; /* where the checksum is */
	_cleanup_close_ int fd =
		netns_socket(ns, job->from->family, SOCK_RAW, job->udp ? IPPROTO_UDP : IPPROTO_TCP);

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (job->from->family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof(at)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* The kernel shows this socket no packet but those of ours that leave the host: of TCP the first of a
 * connection with our window and a sequence number that begins like ours, of UDP what holds our mark. */
static int filter_leaving(const struct sweeping *s, int fd)
{
	bool four = s->job->from->family == AF_INET, udp = s->job->udp;
	/* Where protocol and head are: of IPv4 behind options, of IPv6 in the first 40 bytes. */
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 12),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, four ? 4 : 6, 0, 9),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, four ? 9 : 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp ? IPPROTO_UDP : IPPROTO_TCP, 0, 7),
		four ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
			 : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, sizeof(struct ip6_hdr)),
		BPF_STMT(BPF_LD | (udp ? BPF_W : BPF_H) | BPF_IND, udp ? sizeof(struct udphdr) : 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp ? s->sequence : s->sequence >> 16, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, udp ? sizeof(struct udphdr) : 12),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, udp ? UINT32_MAX : 0x0012ffff), /* SYN, ACK, window */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, udp ? s->sequence : 0x00020000u | s->window, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 256),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {ARRAY_LEN(code), (struct sock_filter *)code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

static int open_leaving(struct sweeping *s)
{
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int size = 16 << 20, r;

	s->leaves = netns_socket(s->job->outside->host_ns, AF_PACKET, SOCK_DGRAM, 0);
	if (s->leaves < 0)
		return s->leaves;
	(void)setsockopt(s->leaves, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	r = filter_leaving(s, s->leaves);
	/* It sees nothing before this. */
	return r == 0 && bind(s->leaves, (struct sockaddr *)&all, sizeof(all)) < 0 ? -errno : r;
}

static int open_sockets(struct sweeping *s)
{
	const struct sweep_job *job = s->job;
	const struct sockaddr_storage *from = &job->from->address, *to = &job->to->address;

	s->fd = raw_socket(job->from->ns, job);
	if (s->fd < 0)
		return s->fd;
	if (bind(s->fd, (const struct sockaddr *)from, outside_length(from)) < 0)
		return -errno;
	s->watch = job->udp ? raw_socket(job->outside->host_ns, job) : s->fd;
	if (s->watch < 0)
		return s->watch;
	/* From nobody else: what others send to this host is none of our business. */
	return job->udp && (bind(s->watch, (const struct sockaddr *)to, outside_length(to)) < 0 ||
						connect(s->watch, (const struct sockaddr *)from, outside_length(from)) < 0)
			   ? -errno
			   : 0;
}

static int begin(struct sweeping *s)
{
	const struct sweep_job *job = s->job;
	uint32_t noise[3] = {0};
	int r;

	(void)!getrandom(noise, sizeof(noise), 0);
	s->sequence = job->udp ? noise[0] : noise[0] & 0xffff0000;
	s->window = (uint16_t)(1024 + noise[2] % 60000);
	s->from_port = (uint16_t)(33000 + noise[1] % 27000);
	if (job->from->family == AF_INET) {
		s->pseudo_sum = add_words(0, address_bytes(&job->from->address), 4);
		s->pseudo_sum = add_words(s->pseudo_sum, address_bytes(&job->to->address), 4);
		s->pseudo_sum += job->udp ? IPPROTO_UDP : IPPROTO_TCP;
	}
	r = job->passed_on ? open_leaving(s) : 0;
	return r == 0 ? open_sockets(s) : r;
}

/* One packet to each wanted port that has not answered. */
static int pass(struct sweeping *s, const bool *wanted, int pause_ms)
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
		if (s->seen->counts[s->job->udp ? PORT_OPEN : PORT_CLOSED] > s->job->room)
			break;
	}
	return r == 0 ? hear(s, pause_ms) : r;
}

static bool is_any_silent(const struct sweep *seen, const bool *ports)
{
	for (unsigned port = 1; port < PORTS; port++)
		if (ports[port] && seen->ports[port] < PORT_CLOSED)
			return true;
	return false;
}

/* How many packets all interfaces of this machine have lost, because nobody was there to take them: the
 * second number of each line, one for each processor. */
static uint64_t count_lost(void)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_arena_ struct arena a = {0};
	struct str text, line, word;
	uint64_t n, sum = 0;

	if (path_read(root, "/proc/self/net/softnet_stat", 1u << 20, &a, &text) < 0)
		return 0;
	while (str_line(&text, &line))
		if (str_word(&line, &word) && str_word(&line, &word) && num_hex(word, UINT32_MAX, &n) == 0)
			sum += n;
	return sum;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int sweep_run(const struct sweep_job *job, struct sweep *ret, struct err *err)
{
	int64_t started = now_ms();
	struct sweeping s = {.job = job, .fd = -1, .watch = -1, .leaves = -1, .seen = ret};
	uint64_t lost = count_lost();
	int r = begin(&s);

	memset(ret, 0, sizeof(*ret));
	ret->counts[PORT_UNTRIED] = PORTS - 1;
	if (r == 0)
		r = pass(&s, job->wanted, QUIET_MS);
	for (int i = 0; r == 0 && i < 3 && count_lost() != lost; i++) {
		lost = count_lost();
		r = pass(&s, job->wanted, QUIET_MS);
	}
	for (int i = 0; r == 0 && job->patiently && i < PATIENT_TRIES; i++)
		if (is_any_silent(ret, job->patiently))
			r = pass(&s, job->patiently, PATIENT_MS);
	if (s.watch != s.fd)
		close_fd(&s.watch);
	close_fd(&s.leaves);
	close_fd(&s.fd);
	ret->took_ms = now_ms() - started;
	return r < 0 ? err_errno(err, -r, "packets from %s", job->from->text) : 0;
}

/* Half of what is free in the table of connections; where nothing is tracked there is no limit. */
size_t sweep_room(struct trial *t)
{
	static const char *const paths[] = {"/proc/sys/net/netfilter/nf_conntrack_max",
										"/proc/sys/net/netfilter/nf_conntrack_count"};
	uint64_t n[2];
	struct str text;

	for (size_t i = 0; i < 2; i++)
		if (path_read(t->place.root_fd, paths[i], 64, t->arena, &text) < 0 ||
			num_u64(str_trim(text), 0, UINT32_MAX, &n[i]) < 0)
			return PORTS;
	return n[0] > n[1] ? (size_t)(n[0] - n[1]) / 2 : 0;
}

bool sweep_reaches(const struct sweep *s, unsigned port)
{
	return s->ports[port] >= PORT_OPEN;
}

const char *sweep_summary(struct arena *a, const struct sweep_job *job, const struct sweep *s)
{
	size_t tried = PORTS - 1 - s->counts[PORT_UNTRIED];
	const char *took =
		arena_printf(a, "%zu ports tried in %lld.%02lld s", tried, (long long)(s->took_ms / 1000),
					 (long long)(s->took_ms / 10 % 100));

	if (s->counts[PORT_PASSED])
		took = arena_printf(a, "%s, %zu passed on", took, s->counts[PORT_PASSED]);
	if (job->udp)
		return arena_printf(a, "%s, %zu get past the packet filter", took, s->counts[PORT_OPEN]);
	return arena_printf(a, "%s, %zu open, %zu closed, %zu silent", took, s->counts[PORT_OPEN],
						s->counts[PORT_CLOSED], s->counts[PORT_SILENT]);
}
