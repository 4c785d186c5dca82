/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who came to a service before: the addresses that its log has, and nothing else of it. What stands in a
 * log is for the most part what clients have sent, so an address counts only in the place where the
 * service itself puts it.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/address.h"
#include "host/fields.h"
#include "host/table.h"

#define TAIL ((size_t)1 << 20) /* bytes at the end of a log that are looked at */
#define MAX_FILES 64
#define MAX_ADDRESSES 20000

enum { PROGRAM, PORT, ADDRESS, SCOPE, LINES };

static const struct column columns[] = {
	[PROGRAM] = {"program", TYPE_STRING, "Name of the processes whose log it is", COLUMN_LABEL},
	[PORT] = {"port", TYPE_INT, "The port that it came to; absent: the log does not say it",
			  COLUMN_LABEL},
	[ADDRESS] = {"address", TYPE_STRING, "From where", COLUMN_LABEL},
	[SCOPE] = {"scope", TYPE_STRING,
			   "What that address is: loopback, link-local, private or public", 0},
	[LINES] = {"lines", TYPE_INT, "How often, at the end of the log", 0},
	{0},
};

/* --- lines --------------------------------------------------------------------------------------- */

struct visit {
	struct str address;
	uint64_t port; /* 0: not said */
};

/* "ADDRESS - USER [TIME] ...", as both web servers write it unless they are told otherwise. */
static bool parse_web(struct str line, struct visit *ret)
{
	struct str ident, user, time;

	return str_word(&line, &ret->address) && str_word(&line, &ident) && str_is(ident, "-") &&
		   str_word(&line, &user) && str_word(&line, &time) && str_starts(time, "[");
}

/* "NAME:PORT ADDRESS - USER [TIME] ...": Apache's vhost_combined. */
static bool parse_vhost(struct str line, struct visit *ret)
{
	struct str host;
	const char *colon;

	if (!str_word(&line, &host))
		return false;
	colon = memrchr(host.p, ':', host.n);
	return colon &&
		   num_u64((struct str){colon + 1, (size_t)(host.p + host.n - colon) - 1}, 1, 65535,
				   &ret->port) == 0 &&
		   parse_web(line, ret);
}

/* "TIME: New connection from ADDRESS:PORT on port 1883." */
static bool parse_mosquitto(struct str line, struct visit *ret)
{
	struct str time, word;
	const char *colon;

	if (!str_word(&line, &time) || !str_ends(time, ":"))
		return false;
	line = str_trim(line);
	if (!str_skip(&line, "New connection from ") || !str_word(&line, &ret->address))
		return false;
	colon = memrchr(ret->address.p, ':', ret->address.n);
	line = str_trim(line);
	if (!colon || !str_skip(&line, "on port ") || !str_word(&line, &word))
		return false;
	ret->address.n = (size_t)(colon - ret->address.p);
	word.n -= str_ends(word, ".");
	return num_u64(word, 1, 65535, &ret->port) == 0;
}

/* "PREFIX LOG:  connection received: host=ADDRESS port=NUMBER", with log_connections. Names and queries
 * that clients choose stand behind another label, or in a prefix with another behind it. */
static bool parse_postgres(struct str line, struct visit *ret)
{
	const char *at = line.n ? memmem(line.p, line.n, ":  ", 3) : NULL;
	struct str label, rest, port;
	uint64_t number;

	if (!at || line.p[0] == '\t')
		return false;
	label = (struct str){line.p, (size_t)(at - line.p)};
	rest = (struct str){at + 3, line.n - label.n - 3};
	return str_ends(label, " LOG") && str_skip(&rest, "connection received: host=") &&
		   str_word(&rest, &ret->address) && str_word(&rest, &port) && str_skip(&port, "port=") &&
		   num_u64(port, 1, 65535, &number) == 0 && !str_trim(rest).n;
}

static const struct log {
	const char *dir, *pattern, *program;
	bool (*parse)(struct str line, struct visit *ret);
} logs[] = {
	{"/var/log/nginx", "*access.log", "nginx", parse_web},
	{"/var/log/nginx", "*access.log.1", "nginx", parse_web},
	{"/var/log/apache2", "access.log", "apache2", parse_web},
	{"/var/log/apache2", "access.log.1", "apache2", parse_web},
	{"/var/log/apache2", "other_vhosts_access.log", "apache2", parse_vhost},
	{"/var/log/apache2", "other_vhosts_access.log.1", "apache2", parse_vhost},
	{"/var/log/httpd", "access_log", "httpd", parse_web},
	{"/var/log/httpd", "ssl_access_log", "httpd", parse_web},
	{"/var/log/mosquitto", "mosquitto.log", "mosquitto", parse_mosquitto},
	{"/var/log/mosquitto", "mosquitto.log.1", "mosquitto", parse_mosquitto},
	{"/var/log/postgresql", "*.log", "postgres", parse_postgres},
	{"/var/log/postgresql", "*.log.1", "postgres", parse_postgres},
};

/* --- the query ----------------------------------------------------------------------------------- */

struct count {
	const char *key;
	uint64_t lines;
};

struct counting {
	struct arena *arena;
	struct map by_key;
	VEC(struct count *) all;
	bool more;
};

/* The end of the file, from the first whole line on. */
static int read_tail(int root_fd, const char *path, struct arena *a, struct str *ret)
{
	_cleanup_close_ int fd = path_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char *p = arena_alloc(a, TAIL);
	struct str skipped;
	struct stat st;
	off_t from;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	from = MAX(st.st_size - (off_t)TAIL, (off_t)0);
	n = pread(fd, p, TAIL, from);
	if (n < 0)
		return -errno;
	*ret = (struct str){p, (size_t)n};
	if (from > 0)
		(void)str_line(ret, &skipped);
	return 0;
}

static void count_line(struct counting *c, const struct log *log, struct str line)
{
	struct visit visit = {.address = STR_ABSENT};
	struct count *count;
	char key[128];

	if (!log->parse(line, &visit) || visit.address.n > 45 || !address_scope(visit.address) ||
		str_has_char(visit.address, '/'))
		return;
	snprintf(key, sizeof(key), "program=%s port=%u address=%.*s", log->program,
			 (unsigned)visit.port, STR_ARG(visit.address));
	count = map_get(&c->by_key, str_of(key));
	if (!count && c->all.n == MAX_ADDRESSES) {
		c->more = true;
		return;
	}
	if (!count) {
		count = arena_new(c->arena, struct count, 1);
		count->key = arena_strdup(c->arena, key);
		map_put(&c->by_key, str_of(count->key), count);
		*vec_push(c->arena, &c->all) = count;
	}
	count->lines++;
}

static void put_unread(struct buf *out, const char *path, int error)
{
	buf_puts(out, "unread");
	fields_put(out, "path", str_of(path));
	fields_put(out, "why", str_of(strerror(-error)));
	buf_putc(out, '\n');
}

static void read_log(struct host *host, struct counting *c, const struct log *log, const char *path,
					 struct buf *out)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text, line;
	int r = read_tail(host_root_fd(host), path, &a, &text);

	if (r < 0 && r != -ENOENT)
		put_unread(out, path, r);
	while (r == 0 && str_line(&text, &line))
		count_line(c, log, line);
}

static void read_logs(struct host *host, struct counting *c, const struct log *log, struct buf *out)
{
	struct path_entry *entries;
	unsigned files = 0;
	bool more;
	size_t n;
	int r = path_list(host_root_fd(host), log->dir, HOST_MAX_DIR, c->arena, &entries, &n, &more);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		put_unread(out, log->dir, r);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!str_glob(log->pattern, str_of(entries[i].name)))
			continue;
		if (files++ == MAX_FILES) {
			put_unread(out, log->dir, -E2BIG);
			return;
		}
		read_log(host, c, log, arena_printf(c->arena, "%s/%s", log->dir, entries[i].name), out);
	}
}

static int ask_logs(struct host *host, struct buf *out, struct err *err _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct counting c = {.arena = &a};

	map_init(&c.by_key, &a);
	for (size_t i = 0; i < ARRAY_LEN(logs); i++)
		read_logs(host, &c, &logs[i], out);
	vec_each(&c.all, count)
		buf_printf(out, "%s lines=%llu\n", (*count)->key, (unsigned long long)(*count)->lines);
	if (c.more)
		buf_puts(out, "more\n");
	return 0;
}

static const struct query logs_query = {.name = "service-logs", .live = ask_logs, .tree = true};

/* --- rows ---------------------------------------------------------------------------------------- */

static void note_unread(struct rows *rows, struct str line)
{
	struct str name, value, path = STR(""), why = STR("");

	while (fields_next(&line, &name, &value))
		*(str_is(name, "path") ? &path : &why) = fields_plain(rows->arena, value);
	rows_gap(rows, "%.*s: %.*s", STR_ARG(path), STR_ARG(why));
}

static void add_row(struct rows *rows, struct str line)
{
	struct row *row = rows_add(rows, FROM("/var/log", 0));
	struct str name, value;
	uint64_t n;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "program"))
			row_str(row, PROGRAM, value);
		else if (str_is(name, "port") && num_u64(value, 1, 65535, &n) == 0)
			row_int(row, PORT, (int64_t)n);
		else if (str_is(name, "lines") && num_u64(value, 0, INT64_MAX, &n) == 0)
			row_int(row, LINES, (int64_t)n);
		else if (str_is(name, "address")) {
			row_str(row, ADDRESS, value);
			row_strz(row, SCOPE, address_scope(value));
		}
	}
}

static int read_log_peers(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, line, rest;
	int r = host_query(host, &logs_query, rows->arena, &text, err);

	while (r == 0 && str_line(&text, &line)) {
		rest = line;
		if (str_is(line, "more"))
			rows_gap(rows, "only the first %d addresses are looked at", MAX_ADDRESSES);
		else if (str_skip(&rest, "unread "))
			note_unread(rows, rest);
		else
			add_row(rows, line);
	}
	return r;
}

static const struct table log_peers = {
	.name = "log_peers",
	.doc =
		"Who came to nginx, Apache, mosquitto and PostgreSQL before, one row for each address: the "
		"addresses at the end of their logs, of which nothing else is kept",
	.columns = columns,
	.read = read_log_peers,
	.cost = 10,
};
TABLE(log_peers);
