/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "prove/experiment.h"

#define PORT 53
#define WAIT_S 3
#define RESOLVED "127.0.0.53"
#define MAX_PACKET 1232
#define MAX_SERVERS 4

/* Zones whose signatures are wrong on purpose, of Comcast and of CZ.NIC. */
static const char *const bogus[] = {"dnssec-failed.org", "rhybar.cz"};

/* RFC 1035, section 4.1.1, and RFC 4035, section 3.2.2. */
#define RECURSION_DESIRED 0x0100
#define CHECKING_DISABLED 0x0010
#define CODE 0x000f
#define NO_ERROR 0
#define SERVER_FAILURE 2

struct answer {
	unsigned code, n; /* n: of records */
};

/* One question for an A record, with EDNS (RFC 6891) that wants signatures; its length. */
static size_t make_question(const char *name, uint16_t id, uint16_t flags, unsigned char p[512])
{
	/* The end of the name, type A, class IN; then OPT with DO. */
	static const unsigned char rest_of[] = {
		0, 0, 1, 0, 1, 0, 0, 41, MAX_PACKET >> 8, MAX_PACKET & 0xff, 0, 0, 0x80, 0, 0, 0};
	const uint16_t head[6] = {id, htons(flags), htons(1), 0, 0, htons(1)};
	struct str rest = str_of(name), label;
	size_t n = sizeof(head);

	memcpy(p, head, sizeof(head));
	while (str_cut(&rest, '.', &label)) {
		p[n++] = (unsigned char)label.n;
		memcpy(p + n, label.p, label.n);
		n += label.n;
	}
	memcpy(p + n, rest_of, sizeof(rest_of));
	return n + sizeof(rest_of);
}

static int connect_to(const char *server)
{
	const struct timeval limit = {.tv_sec = WAIT_S};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	bool is_four = inet_pton(AF_INET, server, &four.sin_addr) == 1;
	_cleanup_close_ int fd = -1;

	if (!is_four && inet_pton(AF_INET6, server, &six.sin6_addr) != 1)
		return -EINVAL;
	fd = socket(is_four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
		(is_four ? connect(fd, (struct sockaddr *)&four, sizeof(four))
				 : connect(fd, (struct sockaddr *)&six, sizeof(six))) < 0)
		return -errno;
	return take_fd(&fd);
}

static int ask(const char *server, const char *name, uint16_t flags, struct answer *ret)
{
	_cleanup_close_ int fd = connect_to(server);
	unsigned char packet[MAX_PACKET];
	uint16_t id, head[6];
	size_t length;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	length = make_question(name, id, (uint16_t)(RECURSION_DESIRED | flags), packet);
	if (send(fd, packet, length, 0) < 0)
		return -errno;
	do {
		n = recv(fd, packet, sizeof(packet), 0);
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if ((size_t)n >= sizeof(head))
			memcpy(head, packet, sizeof(head));
	} while ((size_t)n < sizeof(head) || head[0] != id);
	*ret = (struct answer){ntohs(head[1]) & CODE, ntohs(head[3])};
	return 0;
}

/* True: the name could be looked up, so that it shows something. Unchecked it has an address;
 * whoever checks has to fail. */
static bool try_name(struct trial *t, const char *server, const char *name)
{
	struct answer unchecked, checked;
	int r = ask(server, name, CHECKING_DISABLED, &unchecked);

	if (r == 0)
		r = ask(server, name, 0, &checked);
	if (r < 0 || unchecked.code != NO_ERROR || !unchecked.n) {
		trial_saw(t, "%s: %s cannot be looked up: %s", server, name,
				  r < 0 ? strerror(-r) : "unchecked, it has no address either");
		return false;
	}
	if (checked.code == SERVER_FAILURE)
		trial_proven(t, "%s: refuses %s, whose signature is wrong; unchecked, it has an address",
					 server, name);
	else
		trial_refuted(t, "%s: believes %s, whose signature is wrong", server, name);
	return true;
}

static void try_server(struct trial *t, const char *server)
{
	for (size_t i = 0; i < ARRAY_LEN(bogus); i++)
		if (try_name(t, server, bogus[i]))
			return;
	trial_not_run(t, "%s: no name whose signature is wrong can be looked up there", server);
}

/* A resolver on this host that validates unless it is told not to. */
static bool validates_here(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "processes");

	for (size_t i = 0; rows && i < rows->n; i++)
		if (str_is_one_of(trial_text(rows, rows->p[i], "name"),
						  NAMES("unbound", "named", "kresd", "knot-resolver", "pdns_recursor")))
			return true;
	return false;
}

static size_t own_servers(const struct rows *rows, struct arena *a, const char *ret[MAX_SERVERS])
{
	int column = table_column(rows->table, STR("nameservers"));
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct value *v = &rows->p[i]->cells[column];

		for (size_t k = 0; v->state == VALUE_SET && k < v->list.n && n < MAX_SERVERS; k++)
			if (str_starts(v->list.items[k], "127.") || str_is(v->list.items[k], "::1"))
				ret[n++] = str_dup(a, v->list.items[k]);
	}
	return n;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "resolver");
	const char *servers[MAX_SERVERS];
	size_t n = rows && validates_here(t) ? own_servers(rows, t->arena, servers) : 0;

	for (size_t i = 0; rows && !n && i < rows->n; i++)
		if (str_is(trial_text(rows, rows->p[i], "dnssec"), "yes"))
			servers[n++] = RESOLVED;
	for (size_t i = 0; i < n; i++)
		try_server(t, servers[i]);
	if (rows && !n)
		trial_not_run(t, "nothing on this host is set to check the signatures of DNS");
}

static const struct experiment resolver_bogus = {
	.name = "resolver.bogus-refused",
	.title = "Names with wrong signatures are not resolved",
	.doc = "The resolver of this host is asked for a name whose DNSSEC signature is wrong on "
		   "purpose, which it has to refuse, and again without checking, when there has to be "
		   "an answer",
	.does = "asks the resolver for dnssec-failed.org and rhybar.cz, which asks the DNS",
	.rows = NAMES("G10", "G33"),
	.rules = NAMES("net.dns-unvalidated", "dns.validation-off"),
	.seconds = 30,
	.tables = NAMES("resolver", "processes"),
	.run = run,
};
EXPERIMENT(resolver_bogus);
