/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/sweep.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
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
	uint16_t from_port;
	uint32_t sequence;
	uint32_t pseudo_sum; /* IPv4: of what the checksum covers besides the header */
	struct sweep *seen;
};

/* --- sending ------------------------------------------------------------------------------------------ */

union header {
	struct tcphdr tcp;
	struct udphdr udp;
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

static size_t header_size(const struct sweeping *s)
{
	return s->job->udp ? sizeof(struct udphdr) : sizeof(struct tcphdr);
}

/* The first of a connection, or an empty datagram. Of IPv6 the kernel adds the checksum. */
static union header packet_to(const struct sweeping *s, uint16_t port)
{
	bool four = s->job->from->family == AF_INET;
	union header h = {0};

	if (s->job->udp) {
		h.udp.source = htons(s->from_port);
		h.udp.dest = htons(port);
		h.udp.len = htons(sizeof(h.udp));
		h.udp.check = four ? folded(add_words(s->pseudo_sum, &h, sizeof(h.udp))) : 0;
		return h;
	}
	h.tcp = (struct tcphdr){.source = htons(s->from_port),
							.dest = htons(port),
							.seq = htonl(s->sequence),
							.doff = sizeof(h.tcp) / 4,
							.syn = 1,
							.window = htons(64240)};
	h.tcp.check = four ? folded(add_words(s->pseudo_sum, &h, sizeof(h.tcp))) : 0;
	return h;
}

/* To those n ports, as many at a time as one call takes. */
static int send_batch(const struct sweeping *s, const uint16_t *ports, unsigned n)
{
	struct sockaddr_storage to = outside_address(&s->job->to->address, 0);
	union header packets[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		packets[i] = packet_to(s, ports[i]);
		parts[i] = (struct iovec){&packets[i], header_size(s)};
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
	size_t before = s->job->from->family == AF_INET && n ? 4 * (size_t)(p[0] & 15) : 0;
	union header h;

	if (n < before + header_size(s))
		return;
	memcpy(&h, p + before, header_size(s));
	if (s->job->udp && ntohs(h.udp.source) == s->from_port)
		mark(s->seen, ntohs(h.udp.dest), PORT_OPEN);
	else if (!s->job->udp && ntohs(h.tcp.dest) == s->from_port && h.tcp.ack &&
			 ntohl(h.tcp.ack_seq) == s->sequence + 1)
		mark(s->seen, ntohs(h.tcp.source),
			 h.tcp.rst   ? PORT_CLOSED
			 : h.tcp.syn ? PORT_OPEN
						 : PORT_SILENT);
}

/* All that is there now, and more as long as there is a pause of less than that. */
static int hear(const struct sweeping *s, int pause_ms)
{
	struct pollfd p = {.fd = s->watch, .events = POLLIN};
	unsigned char packet[256];
	ssize_t n;

	for (;;) {
		while ((n = recv(s->watch, packet, sizeof(packet), MSG_DONTWAIT)) >= 0)
			take_packet(s, packet, (size_t)n);
		if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
			return -errno;
		if (pause_ms == 0 || poll(&p, 1, pause_ms) == 0)
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
	uint32_t noise[2] = {0};

	(void)!getrandom(noise, sizeof(noise), 0);
	s->sequence = noise[0];
	s->from_port = (uint16_t)(33000 + noise[1] % 27000);
	if (job->from->family == AF_INET) {
		s->pseudo_sum = add_words(0, address_bytes(&job->from->address), 4);
		s->pseudo_sum = add_words(s->pseudo_sum, address_bytes(&job->to->address), 4);
		s->pseudo_sum += (job->udp ? IPPROTO_UDP : IPPROTO_TCP) + (uint32_t)header_size(s);
	}
	return open_sockets(s);
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
	struct sweeping s = {.job = job, .fd = -1, .watch = -1, .seen = ret};
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

const char *sweep_summary(struct arena *a, const struct sweep_job *job, const struct sweep *s)
{
	size_t tried = PORTS - 1 - s->counts[PORT_UNTRIED];
	const char *took =
		arena_printf(a, "%zu ports tried in %lld.%02lld s", tried, (long long)(s->took_ms / 1000),
					 (long long)(s->took_ms / 10 % 100));

	if (job->udp)
		return arena_printf(a, "%s, %zu get past the packet filter", took, s->counts[PORT_OPEN]);
	return arena_printf(a, "%s, %zu open, %zu closed, %zu silent", took, s->counts[PORT_OPEN],
						s->counts[PORT_CLOSED], s->counts[PORT_SILENT]);
}
