/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "prove/outside.h"
#include "prove/resolve.h"

#define NTP_PORT 123
#define WAIT_S 2
#define MAX_SERVERS 4
#define MOST_S 1.0 /* what one-time codes, certificates and the order of events bear */

/* RFC 5905, section 7.3: the packet, of which a client needs to fill in little. */
struct packet {
	uint8_t mode, stratum, poll, precision;
	uint32_t delay, dispersion, reference;
	uint64_t updated, originated, received, sent; /* in network order */
} __attribute__((packed));

#define CLIENT (4 << 3 | 3) /* version 4, a client */
#define IS_SERVER(mode) (((mode)&7) == 4)
#define UNSYNCHRONISED 3 /* its upper two bits: the server's own clock is not right */

/* Seconds since 1970, of a timestamp and of the clock. */
static double seconds_of(uint64_t stamp)
{
	uint64_t s = be64toh(stamp);

	return (double)(s >> 32) - 2208988800.0 + (double)(uint32_t)s / 4294967296.0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* How far the server's clock and ours are apart. What we send is random, so that nobody else can
 * answer. */
static int ask(int fd, double *ret)
{
	struct packet q = {.mode = CLIENT}, a;
	double sent, received, ahead;

	if (getrandom(&q.sent, sizeof(q.sent), 0) != sizeof(q.sent))
		return -EIO;
	sent = now();
	if (send(fd, &q, sizeof(q), 0) < 0)
		return -errno;
	do
		if (recv(fd, &a, sizeof(a), 0) < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	while (a.originated != q.sent);
	received = now();
	if (!IS_SERVER(a.mode) || a.mode >> 6 == UNSYNCHRONISED || !a.stratum || a.stratum > 15)
		return -EPROTO;
	ahead = (seconds_of(a.received) - sent + seconds_of(a.sent) - received) / 2;
	*ret = ahead < 0 ? -ahead : ahead;
	return 0;
}

/* The first address that the name has. */
static int ask_name(struct trial *t, const char *name, double *ret)
{
	const struct timeval limit = {.tv_sec = WAIT_S};
	struct lookup lookup = {.name = name};
	_cleanup_close_ int fd = -1;
	struct sockaddr_storage to;

	resolve_names(t, &lookup, 1);
	if (!lookup.n)
		return -EADDRNOTAVAIL;
	to = outside_address(&lookup.p[0], NTP_PORT);
	fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
		connect(fd, (struct sockaddr *)&to, outside_length(&to)) < 0)
		return -errno;
	return ask(fd, ret);
}

/* Of the servers that the service has, the first that answers. */
static bool measure(struct trial *t, const struct rows *rows, const struct row *row, double *ret,
					const char **ret_server)
{
	int column = table_column(rows->table, STR("servers"));
	const struct value *v = &row->cells[column];

	for (size_t i = 0; v->state == VALUE_SET && i < v->list.n && i < MAX_SERVERS; i++) {
		const char *name = str_dup(t->arena, v->list.items[i]);
		int r = ask_name(t, name, ret);

		if (r == 0) {
			*ret_server = name;
			return true;
		}
		trial_saw(t, "%s: cannot be asked: %s", name, strerror(-r));
	}
	return false;
}

static void run(struct trial *t)
{
	const struct rows *rows = trial_rows(t, "time_sync");
	const struct row *row = rows && rows->n ? rows->p[0] : NULL;
	const char *server;
	double apart = 0;

	if (!rows)
		return;
	if (!row || str_is(trial_text(rows, row, "service"), "none"))
		trial_not_run(t, "nothing here sets the clock by others' clocks");
	else if (!measure(t, rows, row, &apart, &server))
		trial_not_run(t, "none of the servers that the clock is set by can be asked");
	else if (apart > MOST_S)
		trial_refuted(t, "the clock differs from that of %s by %.3f s", server, apart);
	else if (!trial_number(rows, row, "synchronized", false))
		trial_refuted(
			t,
			"the clock differs from that of %s by %.3f s, but the kernel says that nothing keeps "
			"it right",
			server, apart);
	else
		trial_proven(t, "the clock differs from that of %s by %.3f s, and is kept right", server,
					 apart);
}

static const struct experiment time_synchronised = {
	.name = "time.synchronised",
	.title = "The clock is right",
	.doc = "A time server that the clock is set by is asked for the time",
	.does = "sends a request to the time servers of this host",
	.rows = NAMES("I9"),
	.rules = NAMES("time.synchronised", "time.reached"),
	.seconds = 25,
	.tables = NAMES("time_sync"),
	.run = run,
};
EXPERIMENT(time_synchronised);
