/* SPDX-License-Identifier: Apache-2.0 */
/* Where memcached listens: the options in its configuration file. */
#include "base/num.h"
#include "base/vec.h"
#include "host/glob.h"
#include "host/settings.h"

enum { INSTANCE, LISTEN, NETWORK, PORT, UDP_PORT, SASL, TLS, USER };

static const struct column columns[] = {
	[INSTANCE] = {"instance", TYPE_STRING, "Its configuration file, or where its command stands",
				  COLUMN_LABEL},
	[LISTEN] = {"listen", TYPE_LIST, "Addresses that it listens on; absent: all", 0},
	[NETWORK] = {"network", TYPE_BOOL, "It listens on more than loopback", 0},
	[PORT] = {"port", TYPE_INT, "Its TCP port", 0},
	[UDP_PORT] = {"udp_port", TYPE_INT, "Its UDP port; 0, or absent: none, from version 1.5.6", 0},
	[SASL] = {"sasl", TYPE_BOOL, "Clients have to log in", 0},
	[TLS] = {"tls", TYPE_BOOL, "It talks TLS", 0},
	[USER] = {"user", TYPE_STRING, "Whom it becomes when root starts it", 0},
	{0},
};

struct options {
	struct arena *arena;
	VEC(struct str) words;
};

/* One letter, its value behind it or in the next word, or a long name with "=". */
static bool is_option(const struct options *o, size_t i, char letter, const char *name,
					  struct str *ret)
{
	struct str word = o->words.p[i];

	if (str_skip(&word, "--")) {
		struct str key = STR("");

		(void)str_cut(&word, '=', &key);
		*ret = word;
		return str_is(key, name);
	}
	if (word.n < 2 || word.p[0] != '-' || word.p[1] != letter)
		return false;
	*ret = word.n > 2           ? (struct str){word.p + 2, word.n - 2}
		   : i + 1 < o->words.n ? o->words.p[i + 1]
								: STR_ABSENT;
	return true;
}

/* "127.0.0.1", "127.0.0.1:11212", "[::1]:11211" */
static struct str without_port(struct str s)
{
	struct str inner;

	if (str_skip(&s, "["))
		return str_cut(&s, ']', &inner) ? inner : s;
	if (s.n && memchr(s.p, ':', s.n) == memrchr(s.p, ':', s.n) && str_cut(&s, ':', &inner))
		return inner;
	return s;
}

static void set_listen(const struct options *o, struct row *row)
{
	VEC(struct str) addresses = {0};
	struct str value, address;
	bool network = false, on_socket = false;

	for (size_t i = 0; i < o->words.n; i++) {
		on_socket = on_socket || is_option(o, i, 's', "unix-socket", &value);
		if (!is_option(o, i, 'l', "listen", &value))
			continue;
		while (str_cut(&value, ',', &address)) {
			*vec_push(o->arena, &addresses) = str_trim(address);
			network = network || settings_is_network(without_port(str_trim(address)));
		}
	}
	if (addresses.n)
		row_list(row, LISTEN, addresses.p, addresses.n);
	row_bool(row, NETWORK, (network || !addresses.n) && !on_socket);
}

static void add_row(const struct options *o, struct rows *rows, const char *path)
{
	struct row *row = rows_add(rows, FROM(path, 0));
	bool sasl = false, tls = false;
	struct str value;
	int64_t port = 11211;

	row_strz(row, INSTANCE, path);
	set_listen(o, row);
	for (size_t i = 0; i < o->words.n; i++) {
		int64_t udp;

		if (is_option(o, i, 'p', "port", &value))
			(void)num_i64(value, 0, 65535, &port);
		else if (is_option(o, i, 'U', "udp-port", &value) && num_i64(value, 0, 65535, &udp) == 0)
			row_int(row, UDP_PORT, udp);
		else if (is_option(o, i, 'u', "user", &value))
			row_str(row, USER, value);
		sasl = sasl || is_option(o, i, 'S', "enable-sasl", &value) ||
			   is_option(o, i, 'Y', "auth-file", &value);
		tls = tls || is_option(o, i, 'Z', "enable-ssl", &value);
	}
	row_int(row, PORT, port);
	row_bool(row, SASL, sasl);
	row_bool(row, TLS, tls);
}

static void add_words(struct options *o, struct str text)
{
	struct str word;

	while (str_word(&text, &word))
		*vec_push(o->arena, &o->words) = word;
}

/* Debian: a file of options, of which a script makes the command line. */
static int read_options(struct host *host, struct rows *rows, const char *path, struct err *err)
{
	struct options o = {.arena = rows->arena};
	struct str text, line, plain;
	int r = host_read(host, path, rows->arena, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line))
		if (str_cut(&line, '#', &plain))
			add_words(&o, plain);
	add_row(&o, rows, path);
	return 0;
}

static const struct started started = {
	.programs = STARTED("memcached", "systemd-memcached-wrapper", "start-memcached"),
	.units = STARTED("memcached.service", "memcached@*.service"),
	.usual = STARTED("/etc/memcached.conf", "/etc/memcached_*.conf", "-P *", "-s *", "[!/]*"),
	.titles = STARTED("*"),
};

/* Red Hat: the options stand in the unit. So do those of whoever starts it by hand. */
static int read_commands(struct host *host, struct rows *rows, struct err *err)
{
	struct started_commands commands;
	int r = started_commands(host, rows->arena, &started, &commands, err);

	for (size_t i = 0; r == 0 && i < commands.n; i++) {
		struct options o = {.arena = rows->arena};

		if (str_starts(commands.p[i].words, "/"))
			continue;
		add_words(&o, commands.p[i].words);
		add_row(&o, rows, commands.p[i].file);
	}
	return r;
}

static int read_memcached(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const program[] = {"memcached", NULL};
	static const char *const patterns[] = {"/etc/memcached.conf", "/etc/memcached_*.conf"};
	int r = read_commands(host, rows, err);

	if (r < 0 || !settings_has_program(host, program))
		return r;
	for (size_t k = 0; r == 0 && k < ARRAY_LEN(patterns); k++) {
		struct str *paths;
		size_t n;

		r = host_glob(host, rows->arena, str_of(patterns[k]), &paths, &n, err);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = read_options(host, rows, str_dup(rows->arena, paths[i]), err);
	}
	return r;
}

static const struct table memcached = {
	.name = "memcached",
	.doc = "Where memcached listens: the options in /etc/memcached.conf or of the command that "
		   "starts it, as the next start would take them",
	.columns = columns,
	.read = read_memcached,
	.loaded =
		LOADED_BY(.units = STARTED("memcached.service", "memcached@*.service"), .at_start = true),
	.started = &started,
};
TABLE(memcached);
