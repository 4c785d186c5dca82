/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/mqtt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include "base/vec.h"

#define PATIENCE_S 3
#define ALERT_MS 500 /* for a server to object to a certificate */

/* --- talking ---------------------------------------------------------------------------------- */

/* CONNECT: protocol MQTT, level 4, a clean session, 60 s, and an empty name for the client. */
static const unsigned char connect_packet[] = {0x10, 12, 0, 4, 'M', 'Q', 'T',
											   'T',  4,  2, 0, 60,  0,   0};

#define CONNACK 0x20

static int set_patience(int fd, int ms)
{
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
				   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0
			   ? -errno
			   : 0;
}

static int open_connection(const struct mqtt_broker *b, struct err *err)
{
	_cleanup_close_ int fd = socket(b->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || set_patience(fd, PATIENCE_S * 1000) < 0 ||
		connect(fd, (const struct sockaddr *)&b->address, b->length) < 0)
		return err_errno(err, errno, "%s", b->name);
	return take_fd(&fd);
}

static enum mqtt_answer read_answer(struct trial *t, const unsigned char *p, size_t n,
									const char **ret_why)
{
	if (n < 4 || p[0] != CONNACK || p[1] != 2) {
		*ret_why = n ? "what it says is not MQTT" : "closed without a word";
		return MQTT_SILENT;
	}
	*ret_why = arena_printf(t->arena, "CONNACK %u", p[3]);
	return p[3] == 0 ? MQTT_ACCEPTED : MQTT_REFUSED;
}

static int ask_plainly(struct trial *t, int fd, enum mqtt_answer *ret, const char **ret_why)
{
	unsigned char answer[4];
	ssize_t n;

	if (send(fd, connect_packet, sizeof(connect_packet), MSG_NOSIGNAL) < 0)
		return -errno;
	n = recv(fd, answer, sizeof(answer), MSG_WAITALL);
	if (n < 0 && errno != ECONNRESET)
		return -errno;
	*ret = read_answer(t, answer, n < 0 ? 0 : (size_t)n, ret_why);
	return 0;
}

static int ask_in_tls(struct trial *t, int fd, const struct tls_identity *identity,
					  enum mqtt_answer *ret, const char **ret_why, struct err *err)
{
	const struct str packet = {(const char *)connect_packet, sizeof(connect_packet)};
	struct tls *tls = tls_connect(fd, identity, err);
	unsigned char answer[4];
	size_t n = 0;
	int r = !tls ? -err->errnum : set_patience(fd, ALERT_MS);

	if (r == 0)
		r = tls_read(tls, answer, sizeof(answer), &n, err);
	if (r == -EAGAIN)
		r = set_patience(fd, PATIENCE_S * 1000);
	if (r == 0 && !n)
		r = tls_write(tls, packet, err);
	if (r == 0 && !n)
		r = tls_read(tls, answer, sizeof(answer), &n, err);
	tls_free(tls);
	if (r == 0) {
		*ret = read_answer(t, answer, n, ret_why);
	} else if (r == -EACCES || r == -EPROTO) {
		*ret = r == -EACCES ? MQTT_CERTIFICATE : MQTT_SILENT;
		*ret_why = arena_strdup(t->arena, err->msg);
		r = 0;
	}
	return r;
}

/* One that hangs up on plain text may be listening for TLS. */
static void ask_again(struct trial *t, const struct mqtt_broker *b,
					  const struct tls_identity *identity, enum mqtt_answer *answer,
					  const char **why)
{
	struct err ignored;
	_cleanup_close_ int fd = open_connection(b, &ignored);
	enum mqtt_answer again = MQTT_SILENT;
	const char *other;

	if (fd < 0 || ask_in_tls(t, fd, identity, &again, &other, &ignored) < 0 || again == MQTT_SILENT)
		return;
	*answer = again;
	*why = other;
}

int mqtt_ask(struct trial *t, const struct mqtt_broker *b, const struct tls_identity *identity,
			 enum mqtt_answer *ret, const char **ret_why, struct err *err)
{
	_cleanup_close_ int fd = open_connection(b, err);
	int r;

	if (fd < 0)
		return fd;
	if (b->tls)
		return ask_in_tls(t, fd, identity, ret, ret_why, err);
	r = ask_plainly(t, fd, ret, ret_why);
	if (r == 0 && *ret == MQTT_SILENT)
		ask_again(t, b, identity, ret, ret_why);
	return r < 0 ? err_errno(err, -r, "%s", b->name) : 0;
}

/* --- brokers ---------------------------------------------------------------------------------- */

#define PORT_PLAIN 1883
#define PORT_TLS 8883

static bool is_broker(struct str process, int64_t port)
{
	return str_is_one_of(process, NAMES("mosquitto", "emqx", "vernemq", "nanomq", "rmqttd")) ||
		   port == PORT_PLAIN || port == PORT_TLS;
}

/* An address to connect to from this host, for one that is listened on. */
static bool address_for(struct str text, uint16_t port, struct mqtt_broker *b, struct arena *a)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&b->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&b->address;
	const char *address = str_dup(a, text);

	*four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	b->length = sizeof(*four);
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		if (four->sin_addr.s_addr == INADDR_ANY)
			four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return true;
	}
	*six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	b->length = sizeof(*six);
	if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
		return false;
	if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
		six->sin6_addr = in6addr_loopback;
	return true;
}

/* What mosquitto's configuration wants of the port. False: it is no port for MQTT proper. */
static bool ask_configuration(const struct rows *rows, int64_t port, struct mqtt_broker *b)
{
	for (size_t i = 0; rows && i < rows->n; i++)
		if (trial_number(rows, rows->p[i], "port", 0) == port) {
			if (str_is(trial_text(rows, rows->p[i], "protocol"), "websockets"))
				return false;
			b->tls |= trial_number(rows, rows->p[i], "tls", false) != 0;
			b->mutual |= trial_number(rows, rows->p[i], "client_certificates", false) != 0;
		}
	return true;
}

static void ask_site(const struct trial *t, int64_t port, struct mqtt_broker *b)
{
	const struct site_file *site = &t->site->file;

	for (size_t i = 0; t->site->path && i < site->serves.n; i++) {
		const struct site_service *s = &site->serves.p[i];

		if (s->ports.udp || port < s->ports.low || port > s->ports.high)
			continue;
		b->mutual |= s->tls == SITE_TLS_MUTUAL;
		b->tls |= s->tls == SITE_TLS_MUTUAL || s->tls == SITE_TLS_SERVER;
	}
}

size_t mqtt_brokers(struct trial *t, const struct mqtt_broker **ret)
{
	const struct rows *listeners = trial_rows(t, "listeners"), *rows = trial_rows(t, "mosquitto");
	VEC(struct mqtt_broker) all = {0};

	for (size_t i = 0; listeners && i < listeners->n; i++) {
		const struct row *row = listeners->p[i];
		int64_t port = trial_number(listeners, row, "port", 0);
		struct str address = trial_text(listeners, row, "address");
		struct mqtt_broker b = {.tls = port == PORT_TLS};

		if (!str_is(trial_text(listeners, row, "protocol"), "tcp") ||
			!is_broker(trial_text(listeners, row, "process"), port) ||
			!ask_configuration(rows, port, &b) ||
			!address_for(address, (uint16_t)port, &b, t->arena))
			continue;
		ask_site(t, port, &b);
		b.name = arena_printf(t->arena, "%.*s port %lld", STR_ARG(address), (long long)port);
		*vec_push(t->arena, &all) = b;
	}
	*ret = all.p;
	return all.n;
}
