/* SPDX-License-Identifier: Apache-2.0 */
/* Redis and what came of it (Valkey, KeyDB): where each instance listens, and whom it lets in. */
#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/dpkg.h"
#include "host/glob.h"
#include "host/settings.h"

#define MAX_DEPTH 10
#define MAX_FILES 256
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_WORDS 256

enum {
	INSTANCE,
	BIND,
	NETWORK,
	PORT,
	TLS_PORT,
	PROTECTED_MODE,
	PASSWORD,
	SOCKET,
	SOCKET_MODE,
	ALLOWED
};

static const struct column columns[] = {
	[INSTANCE] = {"instance", TYPE_STRING, "Its configuration file", COLUMN_LABEL},
	[BIND] = {"bind", TYPE_LIST, "Addresses that it listens on; absent: all", 0},
	[NETWORK] = {"network", TYPE_BOOL, "It listens on more than loopback", 0},
	[PORT] = {"port", TYPE_INT, "Its port without TLS; 0: none", 0},
	[TLS_PORT] = {"tls_port", TYPE_INT, "Its port with TLS; 0: none", 0},
	[PROTECTED_MODE] =
		{"protected_mode", TYPE_BOOL,
		 "Without a password it answers clients on loopback alone; not so where it is "
		 "told addresses and is older than Redis 7",
		 0},
	[PASSWORD] =
		{"password", TYPE_BOOL,
		 "Clients have to log in: by requirepass, or because the account `default` is off or has a "
		 "password",
		 0},
	[SOCKET] = {"socket", TYPE_STRING, "Path of its Unix socket; absent: none", 0},
	[SOCKET_MODE] = {"socket_mode", TYPE_MODE,
					 "Permission bits of the socket; absent: by the umask", 0},
	[ALLOWED] = {"allowed", TYPE_LIST,
				 "Commands for debugging and loading code that are allowed: debug, module, "
				 "protected-configs",
				 0},
	{0},
};

struct words {
	struct str p[MAX_WORDS];
	size_t n;
};

struct reader {
	struct host *host;
	struct settings s;
	VEC(struct str) included;
	const char *program;
	int account; /* of the account `default`: 1 lets everybody in, 0 does not; -1: nothing is said */
	unsigned files;
	size_t bytes;
};

/* --- lines -------------------------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte behind a backslash in double quotes, "\x41" too. */
static char escaped(struct str *s)
{
	static const char letters[] = "nrtba", means[] = "\n\r\t\b\a";
	const char *at = s->p[0] ? strchr(letters, s->p[0]) : NULL;
	uint64_t code;
	char c = s->p[0];

	if (c == 'x' && s->n > 2 && num_hex((struct str){s->p + 1, 2}, 0xff, &code) == 0) {
		s->p += 3, s->n -= 3;
		return (char)code;
	}
	s->p++, s->n--;
	return at ? means[at - letters] : c;
}

/* A word, "a word" or 'a word', into p. False when its quotes do not end. */
static bool take_word(char *p, struct str *s, struct str *ret)
{
	char quote = s->p[0] == '"' || s->p[0] == '\'' ? s->p[0] : '\0';
	size_t n = 0;

	if (quote)
		s->p++, s->n--;
	while (s->n && (quote ? s->p[0] != quote : !is_space(s->p[0]))) {
		bool escape = quote && s->p[0] == '\\' && s->n > 1 && (quote == '"' || s->p[1] == '\'');

		if (escape)
			s->p++, s->n--;
		if (escape && quote == '"') {
			p[n++] = escaped(s);
		} else {
			p[n++] = s->p[0];
			s->p++, s->n--;
		}
	}
	*ret = (struct str){p, n};
	if (!quote)
		return true;
	if (!s->n)
		return false;
	s->p++, s->n--;
	return true;
}

static bool split(struct arena *a, struct str line, struct words *ret)
{
	char *room = arena_alloc(a, line.n + 1);

	ret->n = 0;
	while (line.n && is_space(line.p[0]))
		line.p++, line.n--;
	while (line.n) {
		struct str *word = ret->p + ret->n;

		if (ret->n == MAX_WORDS || !take_word(room, &line, word))
			return false;
		ret->n++;
		room += word->n;
		while (line.n && is_space(line.p[0]))
			line.p++, line.n--;
	}
	return true;
}

static bool is_yes(struct str s)
{
	return str_is_nocase(s, "yes");
}

/* "user default on nopass ~* +@all": an account begins as off and without a password. */
static void take_account(struct reader *r, const struct words *w)
{
	bool on = false, free = false;

	if (w->n < 2 || !str_is(w->p[1], "default"))
		return;
	for (size_t i = 2; i < w->n; i++) {
		struct str rule = w->p[i];

		if (str_is_nocase(rule, "on") || str_is_nocase(rule, "off"))
			on = rule.n == 2;
		else if (str_is_nocase(rule, "nopass"))
			free = true;
		else if (str_is_nocase(rule, "resetpass") || str_starts(rule, ">") || str_starts(rule, "#"))
			free = false;
		else if (str_is_nocase(rule, "reset"))
			on = free = false;
	}
	r->account = on && free;
}

static void read_file(struct reader *, const char *path, unsigned depth);

static void include(struct reader *r, struct str pattern, struct from from, unsigned depth)
{
	struct arena *a = r->s.arena;
	struct str *paths;
	struct err err = {0};
	size_t n;

	if (!str_starts(pattern, "/")) {
		settings_gap(&r->s, "%s:%u: include of a relative path", from.path, from.line);
		return;
	}
	if (host_glob(r->host, a, pattern, &paths, &n, &err) < 0) {
		settings_gap(&r->s, "%s", err.msg);
		return;
	}
	if (!n && !str_is_glob(pattern))
		settings_gap(&r->s, "%.*s: No such file or directory", STR_ARG(pattern));
	for (size_t i = 0; i < n; i++)
		read_file(r, str_dup(a, paths[i]), depth + 1);
}

static struct str joined(struct arena *a, const struct words *w)
{
	_cleanup_buf_ struct buf all = BUF(1u << 20);

	for (size_t i = 1; i < w->n; i++) {
		if (i > 1)
			buf_putc(&all, ' ');
		buf_str(&all, w->p[i]);
	}
	return (struct str){str_dup(a, buf_get(&all)), all.n};
}

static void take_line(struct reader *r, struct words *w, struct str line, struct from from,
					  unsigned depth)
{
	struct arena *a = r->s.arena;
	struct str key;
	char *p;

	line = str_trim(line);
	if (!line.n || line.p[0] == '#')
		return;
	if (!split(a, line, w)) {
		settings_gap(&r->s, "%s:%u: the server cannot read this line", from.path, from.line);
		return;
	}
	p = str_dup(a, w->p[0]);
	for (size_t i = 0; i < w->p[0].n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] | 0x20);
	key = (struct str){p, w->p[0].n};
	if (str_is(key, "include"))
		include(r, w->n > 1 ? w->p[1] : STR(""), from, depth);
	else if (str_is(key, "user"))
		take_account(r, w);
	else
		settings_put(&r->s, key, joined(a, w), from);
}

static void read_file(struct reader *r, const char *path, unsigned depth)
{
	struct arena *a = r->s.arena;
	struct words *w = arena_new(a, struct words, 1);
	struct str text, line;
	struct err err = {0};
	unsigned number = 0;

	if (depth > MAX_DEPTH || r->files++ >= MAX_FILES || r->bytes > MAX_BYTES) {
		settings_gap(&r->s, "%s: too many includes", path);
		return;
	}
	if (settings_read(r->host, a, path, &text, &err) < 0) {
		settings_gap(&r->s, "%s", err.msg);
		return;
	}
	r->bytes += text.n;
	if (depth)
		*vec_push(a, &r->included) = str_of(path);
	while (str_line(&text, &line))
		take_line(r, w, line, FROM(path, ++number), depth);
}

/* --- what it means -------------------------------------------------------------------------------------- */

static int64_t number_of(const struct reader *r, const char *key, int64_t otherwise)
{
	int64_t n = otherwise;

	(void)num_i64(settings_get(&r->s, key), 0, 65535, &n);
	return n;
}

/* "bind 127.0.0.1 -::1": the sign says that an address may be missing. */
static bool set_bind(const struct reader *r, struct row *row)
{
	struct str text = settings_get(&r->s, "bind"), word;
	VEC(struct str) addresses = {0};
	bool network = !text.p;

	while (str_word(&text, &word)) {
		(void)str_skip(&word, "-");
		*vec_push(r->s.arena, &addresses) = word;
		network = network || settings_is_network(word);
	}
	if (text.p)
		row_list(row, BIND, addresses.p, addresses.n);
	return network;
}

/* Redis 7 was the first whose protected mode holds for addresses that it is told, too; Valkey came later, and
 * KeyDB has stayed before. NULL: it holds. */
static const char *unprotected(const struct reader *r)
{
	const struct dpkg_package *package = NULL;
	struct dpkg_db db;
	struct err err;

	if (strcmp(r->program, "valkey-server") == 0)
		return NULL;
	if (strcmp(r->program, "keydb-server") == 0)
		return "";
	if (dpkg_read(r->host, r->s.arena, &db, &err) == 0)
		package = dpkg_installed(&db, "redis-server");
	if (!package)
		return "it depends on the version, and that is not known";
	return dpkg_version_cmp(package->version, STR("5:7.0~")) < 0 ? "" : NULL;
}

static void set_protected_mode(const struct reader *r, struct row *row, bool network)
{
	const struct setting *mode = settings_find(&r->s, "protected-mode");
	bool on = !mode || is_yes(mode->value);
	const char *why = on && network && settings_find(&r->s, "bind") ? unprotected(r) : NULL;

	if (why && *why)
		row_unknown(row, PROTECTED_MODE, why);
	else
		row_bool(row, PROTECTED_MODE, on && !why);
}

static bool has_password(const struct reader *r)
{
	return r->account >= 0 ? r->account == 0 : settings_get(&r->s, "requirepass").n > 0;
}

static void set_allowed(const struct reader *r, struct row *row)
{
	static const char *const names[] = {"debug", "module", "protected-configs"};
	static const char *const keys[] = {"enable-debug-command", "enable-module-command",
									   "enable-protected-configs"};
	struct str *items = arena_new(r->s.arena, struct str, ARRAY_LEN(names));
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (is_yes(settings_get(&r->s, keys[i])))
			items[n++] = str_of(names[i]);
	row_list(row, ALLOWED, items, n);
}

static void set_socket(const struct reader *r, struct row *row)
{
	struct str socket = settings_get(&r->s, "unixsocket");
	unsigned mode = 0;

	if (!socket.n)
		return;
	row_str(row, SOCKET, socket);
	if (num_mode(settings_get(&r->s, "unixsocketperm"), &mode) == 0 && mode)
		row_int(row, SOCKET_MODE, mode);
}

static void add_row(struct reader *r, struct rows *rows, const char *path)
{
	struct row *row = rows_add(rows, FROM(path, 0));
	bool network = set_bind(r, row);
	int64_t port = number_of(r, "port", 6379), tls_port = number_of(r, "tls-port", 0);

	row_strz(row, INSTANCE, path);
	row_bool(row, NETWORK, network && (port || tls_port));
	row_int(row, PORT, port);
	row_int(row, TLS_PORT, tls_port);
	set_protected_mode(r, row, network);
	row_bool(row, PASSWORD, has_password(r));
	set_socket(r, row);
	set_allowed(r, row);
	for (int i = BIND; r->s.gap && columns[i].name; i++)
		row_unknown(row, i, r->s.gap);
}

/* Accounts may stand in a file of their own. */
static void read_accounts(struct reader *r, struct words *w)
{
	struct str path = settings_get(&r->s, "aclfile"), text, line;
	struct err err = {0};

	if (!path.n)
		return;
	if (settings_read(r->host, r->s.arena, str_dup(r->s.arena, path), &text, &err) < 0) {
		settings_gap(&r->s, "%s", err.msg);
		return;
	}
	/* Without a line for it the account is as it is made: for everybody. */
	r->account = 1;
	while (str_line(&text, &line))
		if (split(r->s.arena, line, w) && w->n && str_is(w->p[0], "user"))
			take_account(r, w);
}

static void read_instance(struct host *host, struct rows *rows, const char *path,
						  const char *program)
{
	struct reader r = {.host = host, .program = program, .account = -1};

	settings_init(&r.s, rows->arena);
	read_file(&r, path, 0);
	read_accounts(&r, arena_new(rows->arena, struct words, 1));
	add_row(&r, rows, path);
}

static int read_redis(struct host *host, struct rows *rows, struct err *err)
{
	static const struct {
		const char *programs[2];
		const char *patterns[3];
	} kinds[] = {
		{{"redis-server"}, {"/etc/redis.conf", "/etc/redis/redis.conf", "/etc/redis/redis-*.conf"}},
		{{"valkey-server"},
		 {"/etc/valkey.conf", "/etc/valkey/valkey.conf", "/etc/valkey/valkey-*.conf"}},
		{{"keydb-server"}, {"/etc/keydb.conf", "/etc/keydb/keydb.conf", "/etc/keydb/keydb-*.conf"}},
	};
	int r = 0;

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(kinds); k++) {
		if (!settings_has_program(host, (const char *const[]){kinds[k].programs[0], NULL}))
			continue;
		for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds[k].patterns); i++) {
			struct str *paths;
			size_t n;

			r = host_glob(host, rows->arena, str_of(kinds[k].patterns[i]), &paths, &n, err);
			for (size_t j = 0; r == 0 && j < n; j++)
				read_instance(host, rows, str_dup(rows->arena, paths[j]), kinds[k].programs[0]);
		}
	}
	return r;
}

static const struct table redis = {
	.name = "redis",
	.doc = "Instances of Redis, Valkey and KeyDB, from their configuration files with includes and "
		   "accounts, as the next start would take them",
	.columns = columns,
	.read = read_redis,
	.started =
		&(const struct started){
			.programs = STARTED("redis-server", "valkey-server", "keydb-server"),
			.units = STARTED("redis-server.service", "redis.service", "valkey-server.service",
							 "valkey.service", "keydb-server.service"),
			.needed =
				STARTED("/etc/redis.conf", "/etc/redis/redis.conf", "/etc/redis/redis-*.conf",
						"/etc/valkey.conf", "/etc/valkey/valkey.conf", "/etc/valkey/valkey-*.conf",
						"/etc/keydb.conf", "/etc/keydb/keydb.conf", "/etc/keydb/keydb-*.conf"),
			.usual = STARTED("--supervised *", "--daemonize *", "--pidfile *"),
			.titles = STARTED("*-server *:[0-9]*"),
		},
};
TABLE(redis);
