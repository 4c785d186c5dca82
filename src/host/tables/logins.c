/* SPDX-License-Identifier: Apache-2.0 */
/* Who has logged in, and from where: what wtmp, lastlog, the databases that follow them, the journal and
 * the logs of sshd remember. */
#include <arpa/inet.h>
#include <utmp.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"
#include "host/address.h"
#include "host/fields.h"
#include "host/passwd.h"
#include "host/sqlite.h"
#include "host/table.h"

#define MOST 10000 /* lines of the journal, and rows, as the arguments below say */

enum { USER, ADDRESS, SCOPE, METHOD, LOGINS, FIRST, LAST, FORGEABLE };

static const struct column columns[] = {
	[USER] = {"user", TYPE_STRING, "Who", COLUMN_LABEL},
	[ADDRESS] = {"address", TYPE_STRING,
				 "From where; absent: from this host itself, its console say", COLUMN_LABEL},
	[SCOPE] = {"scope", TYPE_STRING,
			   "What that address is: loopback, link-local, private or public", 0},
	[METHOD] = {"method", TYPE_STRING,
				"How sshd let them in: publickey, password, ...; absent: not said there",
				COLUMN_LABEL},
	[LOGINS] = {"logins", TYPE_INT, "How often, as far as it is remembered there", 0},
	[FIRST] = {"first", TYPE_TIME,
			   "The earliest of them; absent: the log has times without year and zone", 0},
	[LAST] = {"last", TYPE_TIME, "The latest of them", 0},
	[FORGEABLE] = {"forgeable", TYPE_BOOL,
				   "Could any account of the host have written it, as logger(1) does?", 0},
	{0},
};

/* Of the messages of processes of root alone: any account may call itself sshd. In /bin, because not
 * every bullseye has that merged with /usr/bin. */
static const struct helper journal = {
	.argv = (const char *const[]){"/bin/journalctl", "--quiet", "--no-pager", "--output=short-unix",
								  "--since=-30d", "--lines=10000", "--identifier=sshd",
								  "--identifier=sshd-session", "--grep=^Accepted ",
								  "--case-sensitive", "_UID=0", NULL},
};

struct login {
	struct str user, address, method; /* address absent: none */
	int64_t time;                     /* 0: not known */
	bool forgeable, named;            /* named: it is from a host of which only a name is there */
};

struct reading {
	struct rows *rows;
	struct map seen;
};

/* --- rows -------------------------------------------------------------------------------------- */

static void set_time(struct row *row, int64_t time)
{
	struct value *first = &row->cells[FIRST], *last = &row->cells[LAST];

	if (!time)
		return;
	if (first->state == VALUE_ABSENT || first->number > time)
		row_int(row, FIRST, time);
	if (last->state == VALUE_ABSENT || last->number < time)
		row_int(row, LAST, time);
}

static void add_login(struct reading *r, const struct login *l, const char *source)
{
	struct arena *a = r->rows->arena;
	/* No name has a colon in it that is in passwd, and an address has no blank. */
	struct str key = str_of(arena_printf(a, "%s %.*s %.*s %.*s:%d", source, STR_ARG(l->address),
										 STR_ARG(l->method), STR_ARG(l->user), l->named));
	struct row *row = map_get(&r->seen, key);

	if (!row) {
		row = rows_add(r->rows, FROM(source, 0));
		map_put(&r->seen, key, row);
		row_str(row, USER, l->user);
		row_str(row, ADDRESS, l->address);
		row_str(row, METHOD, l->method);
		row_int(row, LOGINS, 0);
		row_bool(row, FORGEABLE, l->forgeable);
		if (l->named)
			row_unknown(row, ADDRESS, "only the name of a host is remembered");
		else if (l->address.p)
			row_strz(row, SCOPE, address_scope(l->address));
	}
	row->cells[LOGINS].number++;
	set_time(row, l->time);
}

/* --- wtmp and lastlog -------------------------------------------------------------------------- */

static struct str field(struct arena *a, const char *p, size_t n)
{
	n = strnlen(p, n);
	return (struct str){arena_copy(a, p, n), n};
}

static struct str address_text(struct arena *a, const int32_t address[4])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool four = !address[1] && !address[2] && !address[3],
		 in_six = memcmp(address, mapped, 12) == 0;
	char text[INET6_ADDRSTRLEN] = "";

	if (four && !address[0])
		return STR_ABSENT;
	inet_ntop(four || in_six ? AF_INET : AF_INET6, in_six ? address + 3 : address, text,
			  sizeof(text));
	return str_of(arena_strdup(a, text));
}

/* What is remembered of a host as text: an address, a name, or a display or terminal of this one. */
static void set_host(struct login *l, struct str host)
{
	if (l->address.p || !host.n || str_has_char(host, '(') || host.p[0] == ':')
		return;
	if (address_scope(host))
		l->address = host;
	else
		l->named = true;
}

static void take_wtmp(struct reading *r, struct str text, const char *path)
{
	struct arena *a = r->rows->arena;
	struct utmp entry;

	for (; text.n >= sizeof(entry);
		 text = (struct str){text.p + sizeof(entry), text.n - sizeof(entry)}) {
		struct login l = {0};

		memcpy(&entry, text.p, sizeof(entry));
		if (entry.ut_type != USER_PROCESS)
			continue;
		l.user = field(a, entry.ut_user, sizeof(entry.ut_user));
		l.address = address_text(a, entry.ut_addr_v6);
		set_host(&l, field(a, entry.ut_host, sizeof(entry.ut_host)));
		l.time = (uint32_t)entry.ut_tv.tv_sec;
		add_login(r, &l, path);
	}
	if (text.n)
		rows_gap(r->rows, "%s: is not as this machine writes it", path);
}

/* One entry for each uid, the one at its number. */
static void take_lastlog(struct reading *r, struct str text, const char *path,
						 const struct passwd_db *users)
{
	struct arena *a = r->rows->arena;
	struct lastlog entry;

	for (uint32_t uid = 0; text.n >= sizeof(entry);
		 uid++, text = (struct str){text.p + sizeof(entry), text.n - sizeof(entry)}) {
		struct login l = {0};

		memcpy(&entry, text.p, sizeof(entry));
		if (!entry.ll_time)
			continue;
		l.user = passwd_user_name(users, uid, a);
		set_host(&l, field(a, entry.ll_host, sizeof(entry.ll_host)));
		l.time = (uint32_t)entry.ll_time;
		add_login(r, &l, path);
	}
}

/* --- wtmpdb and lastlog2 ------------------------------------------------------------------------ */

/* What systems have in place of wtmp and lastlog, Debian from version 13; a login is a row. */
struct database {
	const char *path, *sql;
	int64_t unit; /* of its times, in a second */
};
static const struct database databases[] = {
	/* 3: a user's process, as in utmp(5) */
	{"/var/lib/wtmpdb/wtmp.db",
	 "SELECT User, RemoteHost, Login FROM wtmp WHERE Type = 3 ORDER BY ID DESC LIMIT 10000",
	 1000000},
	{"/var/lib/lastlog/lastlog2.db", "SELECT Name, RemoteHost, Time FROM Lastlog2 LIMIT 10000", 1},
};

static int put_login(const struct str *cells, void *out)
{
	fields_put(out, "user", cells[0]);
	fields_put(out, "host", cells[1]);
	fields_put(out, "time", cells[2]);
	return buf_putc(out, '\n');
}

static int ask_database(struct host *host, const void *data, struct buf *out, struct err *err)
{
	const struct database *d = data;

	return sqlite_each(host_root_fd(host), d->path, d->sql, 3, put_login, out, err);
}

static void take_database(struct reading *r, struct str text, const struct database *d)
{
	struct str line, name, value;
	unsigned n = 0;

	while (str_line(&text, &line)) {
		struct str host = STR_ABSENT;
		struct login l = {0};
		int64_t time = 0;

		while (fields_next(&line, &name, &value)) {
			value = fields_plain(r->rows->arena, value);
			if (str_is(name, "user"))
				l.user = value;
			else if (str_is(name, "host"))
				host = value;
			else if (str_is(name, "time"))
				(void)num_i64(value, 0, INT64_MAX, &time);
		}
		set_host(&l, host);
		l.time = time / d->unit <= UINT32_MAX ? time / d->unit : 0;
		if (l.user.n && time)
			add_login(r, &l, d->path);
		if (++n == MOST)
			rows_gap(r->rows, "%s: only the last %d logins are looked at", d->path, MOST);
	}
}

/* --- what sshd says ---------------------------------------------------------------------------- */

/* "Accepted METHOD for USER from ADDRESS port PORT ssh2: ..." */
static void take_accepted(struct reading *r, struct str line, int64_t time, const char *source)
{
	struct login l = {.time = time, .forgeable = strcmp(source, "journal") != 0};
	struct str word;

	if (str_skip(&line, "Accepted ") && str_word(&line, &l.method) && str_word(&line, &word) &&
		str_is(word, "for") && str_word(&line, &l.user) && str_word(&line, &word) &&
		str_is(word, "from") && str_word(&line, &l.address) && address_scope(l.address))
		add_login(r, &l, source);
}

/* "1764232629.123456 HOST sshd[123]: MESSAGE" */
static void take_journal(struct reading *r, struct str text)
{
	struct str line, seconds;
	uint64_t time = 0, n = 0;

	while (str_line(&text, &line)) {
		struct str rest = line, skipped;

		n++;
		if (!str_cut(&rest, '.', &seconds) || num_u64(seconds, 1, UINT32_MAX, &time) < 0 ||
			!str_word(&rest, &skipped) || !str_word(&rest, &skipped) || !str_word(&rest, &skipped))
			continue;
		take_accepted(r, str_trim(rest), (int64_t)time, "journal");
	}
	if (n >= MOST)
		rows_gap(r->rows, "journal: only the last %d logins by SSH are looked at", MOST);
}

/* What sshd says in a log of syslog, behind the time and the name of the host. */
static bool find_message(struct str line, struct str *ret)
{
	const char *tag = line.n ? memmem(line.p, line.n, " sshd", 5) : NULL, *end;

	if (!tag)
		return false;
	*ret = (struct str){tag, line.n - (size_t)(tag - line.p)};
	end = memmem(ret->p, ret->n, "]: ", 3);
	if (!end)
		return false;
	*ret = (struct str){end + 3, ret->n - (size_t)(end + 3 - ret->p)};
	return str_starts(*ret, "Accepted ");
}

/* People type their password for a name at times: of such a log only what succeeded is kept. */
static void only_accepted(struct str text, struct buf *out)
{
	struct str line, message;

	while (str_line(&text, &line))
		if (find_message(line, &message)) {
			buf_str(out, line);
			buf_putc(out, '\n');
		}
}

/* "2026-11-27T08:37:09.123456+01:00"; 0 for what has neither year nor zone. */
static int64_t parse_time(struct arena *a, struct str s)
{
	uint64_t hours, minutes;
	struct str zone;
	int64_t time;

	if (s.n < 25 || num_time(str_of(arena_printf(a, "%.19sZ", str_dup(a, s))), &time) < 0)
		return 0;
	zone = (struct str){s.p + s.n - 6, 6};
	if ((zone.p[0] != '+' && zone.p[0] != '-') || zone.p[3] != ':' ||
		num_u64((struct str){zone.p + 1, 2}, 0, 14, &hours) < 0 ||
		num_u64((struct str){zone.p + 4, 2}, 0, 59, &minutes) < 0)
		return 0;
	return time + (zone.p[0] == '+' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
}

static void take_log(struct reading *r, struct str text, const char *path)
{
	struct str line, message, word;

	while (str_line(&text, &line)) {
		struct str rest = line;

		if (find_message(line, &message) && str_word(&rest, &word))
			take_accepted(r, message, parse_time(r->rows->arena, word), path);
	}
}

/* --- reading ----------------------------------------------------------------------------------- */

/* Each is where some systems have it and others do not. */
static bool may_be_missing(struct reading *r, int code, const struct err *err)
{
	if (code < 0 && code != -ENOENT && code != -ENOTDIR && code != -EOPNOTSUPP)
		rows_gap(r->rows, "%s", err->msg);
	return code == 0;
}

static void read_binary(struct host *host, struct reading *r)
{
	static const char *const wtmp[] = {"/var/log/wtmp", "/var/log/wtmp.1"};
	struct passwd_db users;
	struct err err = {0};
	struct str text;

	for (size_t i = 0; i < ARRAY_LEN(wtmp); i++)
		if (may_be_missing(r, host_read(host, wtmp[i], r->rows->arena, &text, &err), &err))
			take_wtmp(r, text, wtmp[i]);
	if (may_be_missing(r, host_read(host, "/var/log/lastlog", r->rows->arena, &text, &err), &err) &&
		may_be_missing(r, passwd_read(host, r->rows->arena, &users, &err), &err))
		take_lastlog(r, text, "/var/log/lastlog", &users);
}

/* The link to one that nothing has been written to leads nowhere. */
static void read_databases(struct host *host, struct reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(databases); i++) {
		struct query query = {.name = databases[i].path,
							  .live_with = ask_database,
							  .data = &databases[i],
							  .tree = true};
		struct path_stat st;
		struct err err = {0};
		struct str text = STR_ABSENT;
		int code = host_stat(host, databases[i].path, true, &st, &err);

		if (code == 0)
			code = host_query(host, &query, r->rows->arena, &text, &err);
		if (may_be_missing(r, code, &err))
			take_database(r, text, &databases[i]);
	}
}

/* It exits with 1 and says nothing when there is no such message. */
static void read_journal(struct host *host, struct reading *r)
{
	struct err err = {0};
	struct str text;
	int code = host_run(host, &journal, r->rows->arena, &text, &err);

	if (code == -EIO && str_ends(str_trim(str_of(err.msg)), ": exit 1:"))
		return;
	if (may_be_missing(r, code, &err))
		take_journal(r, text);
}

static int read_logins(struct host *host, struct rows *rows, struct err *unused _unused_)
{
	static const char *const logs[] = {"/var/log/auth.log", "/var/log/auth.log.1",
									   "/var/log/secure"};
	struct reading r = {.rows = rows};
	struct err err = {0};
	struct str text;

	map_init(&r.seen, rows->arena);
	read_binary(host, &r);
	read_databases(host, &r);
	read_journal(host, &r);
	for (size_t i = 0; i < ARRAY_LEN(logs); i++)
		if (may_be_missing(
				&r, host_read_scrubbed(host, logs[i], only_accepted, rows->arena, &text, &err),
				&err))
			take_log(&r, text, logs[i]);
	return 0;
}

static const struct table logins = {
	.name = "logins",
	.doc =
		"Who has logged in and from where, one row for each account, address, way and source: wtmp "
		"and lastlog, or the databases of wtmpdb and lastlog2, what sshd said to the journal in "
		"the last 30 days, and its lines in "
		"/var/log/auth.log and /var/log/secure",
	.columns = columns,
	.read = read_logins,
	.helpers = (const struct helper *const[]){&journal, NULL},
	.cost = 50,
};
TABLE(logins);
