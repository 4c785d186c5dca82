/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/database.h"

#include <endian.h>
#include <sys/socket.h>

#define MAX_ANSWER 4096

static bool say(int fd, const void *p, size_t n)
{
	return send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool hear(int fd, void *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

/* What comes at once, as text; "" when nothing does. */
static struct str hear_some(int fd, char text[MAX_ANSWER])
{
	ssize_t n = recv(fd, text, MAX_ANSWER - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return (struct str){text, n < 0 ? 0 : (size_t)n};
}

/* PostgreSQL's protocol 3.0, "Message Formats": StartupMessage, and Authentication* or
 * ErrorResponse. */
static enum database_answer ask_postgres(int fd)
{
	static const char startup[] = "\0\0\0\x29\0\3\0\0user\0postgres\0database\0postgres\0";
	unsigned char answer[9];

	if (!say(fd, startup, sizeof(startup)) || !hear(fd, answer, 1))
		return DATABASE_SILENT;
	if (answer[0] == 'E')
		return DATABASE_REFUSES;
	if (answer[0] != 'R' || !hear(fd, answer + 1, 8))
		return DATABASE_SILENT;
	/* AuthenticationOk is 0, all others ask for something. */
	return memcmp(answer + 5, "\0\0\0\0", 4) == 0 ? DATABASE_LETS_IN : DATABASE_REFUSES;
}

/* A packet of MySQL's: three bytes of length, a number, and what it holds. */
static bool hear_packet(int fd, unsigned char p[MAX_ANSWER], size_t *ret_n, unsigned *ret_number)
{
	unsigned char head[4];

	if (!hear(fd, head, sizeof(head)))
		return false;
	*ret_n = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
	*ret_number = head[3];
	return *ret_n && *ret_n < MAX_ANSWER && hear(fd, p, *ret_n);
}

#define MYSQL_OK 0x00
#define MYSQL_ERROR 0xff
#define MYSQL_OTHER_METHOD 0xfe

/* HandshakeResponse41 for root with an empty password; asked for another way to log in, the same
 * again. */
static enum database_answer ask_mysql(int fd)
{
	static const char login[] = "\x3c\0\0\1" /* 60 bytes, the second packet */
								"\1\x82\x08\0\0\0\0\1\x21"
								"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
								"root\0\0mysql_native_password";
	unsigned char answer[MAX_ANSWER];
	unsigned number;
	size_t n;

	if (!hear_packet(fd, answer, &n, &number))
		return DATABASE_SILENT;
	/* From this address nobody may come. */
	if (answer[0] == MYSQL_ERROR)
		return DATABASE_REFUSES;
	if (answer[0] != 10 || !say(fd, login, sizeof(login)) || !hear_packet(fd, answer, &n, &number))
		return DATABASE_SILENT;
	if (answer[0] == MYSQL_OTHER_METHOD &&
		(!say(fd, (const unsigned char[]){0, 0, 0, (unsigned char)(number + 1)}, 4) ||
		 !hear_packet(fd, answer, &n, &number)))
		return DATABASE_REFUSES;
	return answer[0] == MYSQL_OK ? DATABASE_LETS_IN : DATABASE_REFUSES;
}

static enum database_answer ask_in_text(int fd, const char *question, const char *let_in)
{
	char text[MAX_ANSWER];
	struct str answer;

	if (!say(fd, question, strlen(question)))
		return DATABASE_SILENT;
	answer = hear_some(fd, text);
	return !answer.n                 ? DATABASE_SILENT
		   : str_has(answer, let_in) ? DATABASE_LETS_IN
									 : DATABASE_REFUSES;
}

static enum database_answer ask_redis(int fd)
{
	return ask_in_text(fd, "PING\r\n", "+PONG");
}

static enum database_answer ask_memcached(int fd)
{
	return ask_in_text(fd, "version\r\n", "VERSION ");
}

static enum database_answer ask_influxdb(int fd)
{
	return ask_in_text(fd, "GET /query?q=SHOW+DATABASES HTTP/1.0\r\n\r\n", " 200 ");
}

/* OP_MSG with {listDatabases: 1, $db: "admin"}; what it asks for without a password is an error,
 * "ok" 0. */
static enum database_answer ask_mongodb(int fd)
{
	static const char question[] = "\x3c\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0" /* 60 bytes, OP_MSG */
								   "\0\0\0\0\0"
								   "\x27\0\0\0\x10listDatabases\0\1\0\0\0\2$db\0\6\0\0\0admin\0";
	static const char ok[] = "\1ok\0\0\0\0\0\0\0\xf0\x3f"; /* the double 1.0 */
	char text[MAX_ANSWER];
	struct str answer;

	if (!say(fd, question, sizeof(question)))
		return DATABASE_SILENT;
	answer = hear_some(fd, text);
	if (answer.n < 16 || memcmp(answer.p + 12, "\xdd\7\0\0", 4) != 0)
		return DATABASE_SILENT;
	return memmem(answer.p, answer.n, ok, sizeof(ok) - 1) ? DATABASE_LETS_IN : DATABASE_REFUSES;
}

static const struct database databases[] = {
	{"PostgreSQL", 5432, NAMES("postgres", "postmaster"), ask_postgres},
	{"MySQL", 3306, NAMES("mysqld", "mariadbd"), ask_mysql},
	{"Redis", 6379, NAMES("redis-server", "valkey-server", "keydb-server"), ask_redis},
	{"memcached", 11211, NAMES("memcached"), ask_memcached},
	{"MongoDB", 27017, NAMES("mongod", "mongos"), ask_mongodb},
	{"InfluxDB", 8086, NAMES("influxd"), ask_influxdb},
};

/* What stands on the host for a server in a container. */
static bool is_proxy(struct str program)
{
	return str_is_one_of(program, NAMES("docker-proxy", "rootlessport", "rootlesskit", "pasta",
										"slirp4netns")) ||
		   !program.n;
}

const struct database *database_of(struct str program, int64_t port)
{
	for (size_t i = 0; i < ARRAY_LEN(databases); i++) {
		if (is_proxy(program) && databases[i].port == port)
			return &databases[i];
		if (str_is_one_of(program, databases[i].programs))
			return &databases[i];
	}
	return NULL;
}
