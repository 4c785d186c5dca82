/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/ssh.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <stdio.h>

#include "base/num.h"
#include "base/vec.h"
#include "change/login.h"

/* systemd may hold the socket for it. */
static bool is_sshd(const struct rows *rows, const struct row *row)
{
	struct str unit = trial_text(rows, row, "unit");

	return str_is(trial_text(rows, row, "protocol"), "tcp") &&
		   (str_is(trial_text(rows, row, "process"), "sshd") || str_is(unit, "ssh.socket") ||
			str_is(unit, "sshd.socket"));
}

static struct ssh_door door_of(struct trial *t, const struct rows *rows, const struct row *row)
{
	struct str address = trial_text(rows, row, "address");
	bool six = str_is(trial_text(rows, row, "family"), "ipv6");
	bool of_all = str_is(address, "0.0.0.0") || str_is(address, "::");

	return (struct ssh_door){
		.address = !of_all ? str_dup(t->arena, address)
				   : six   ? "::1"
						   : "127.0.0.1",
		.port = arena_printf(t->arena, "%lld", (long long)trial_number(rows, row, "port", 0)),
		.of_all = of_all,
		.family = six ? AF_INET6 : AF_INET,
		.number = (uint16_t)trial_number(rows, row, "port", 0),
	};
}

size_t ssh_find_doors(struct trial *t, const struct ssh_door **ret)
{
	const struct table *table = table_find(STR("listeners"));
	const struct rows *rows = snapshot_rows(t->snapshot, table);
	VEC(struct ssh_door) doors = {0};

	for (size_t i = 0; rows && i < rows->n; i++)
		if (is_sshd(rows, rows->p[i]))
			*vec_push(t->arena, &doors) = door_of(t, rows, rows->p[i]);
	*ret = doors.p;
	return doors.n;
}

size_t ssh_doors(struct trial *t, const struct ssh_door **ret)
{
	const struct rows *rows = trial_rows(t, "listeners");
	size_t n = ssh_find_doors(t, ret);

	if (rows && !n)
		trial_not_run(t, "no sshd listens here");
	return rows ? n : 0;
}

const char *ssh_port_at(struct trial *t, const struct target *target)
{
	const struct ssh_door *doors;
	size_t n = ssh_find_doors(t, &doors);

	for (size_t i = 0; i < n; i++)
		if ((doors[i].of_all && (doors[i].family == target->family || target->family == AF_INET)) ||
			strcmp(doors[i].address, target->text) == 0)
			return doors[i].port;
	return NULL;
}

static int knock(const struct ssh_way *way)
{
	uint64_t port = 0;

	if (!way->port || num_u64(str_of(way->port), 1, 65535, &port) < 0)
		return -ENOENT;
	return outside_begin(way->from, way->to, (uint16_t)port, SOCK_STREAM);
}

size_t ssh_find_ways(struct trial *t, const struct outside *o, unsigned kinds,
					 struct ssh_way ret[SSH_MAX_WAYS])
{
	int fds[SSH_MAX_WAYS];
	size_t n = 0;

	for (size_t i = 0; i < o->origins.n && n < SSH_MAX_WAYS; i++) {
		const struct origin *from = &o->origins.p[i];
		const struct target *to = outside_target(o, from->family);

		if (!(1u << from->kind & kinds) || !outside_has(from) || !to)
			continue;
		ret[n] = (struct ssh_way){.from = from, .to = to, .port = ssh_port_at(t, to)};
		fds[n] = knock(&ret[n]);
		n++;
	}
	outside_await(fds, n);
	for (size_t i = 0; i < n; i++) {
		ret[i].is_open = fds[i] >= 0;
		close_fd(&fds[i]);
	}
	return n;
}

struct ssh_try ssh_by(const struct ssh_way *way, const char *user)
{
	return (struct ssh_try){way->from->ns, way->from->text, way->to->text, way->port, user, NULL};
}

/* --- a login ------------------------------------------------------------------------------------------ */

#define SSH "/usr/bin/ssh"
#define LOGIN_MS 15000 /* a handshake takes seconds on a small or busy machine */

/* What stands between the two in what the client has said; absent: nothing does. */
static struct str between(struct str text, const char *before, char after)
{
	const char *p = memmem(text.p, text.n, before, strlen(before));
	struct str rest, ret = STR_ABSENT;

	if (!p)
		return STR_ABSENT;
	p += strlen(before);
	rest = (struct str){p, text.n - (size_t)(p - text.p)};
	(void)str_cut(&rest, after, &ret);
	return ret;
}

static const char *last_line(struct arena *a, struct str text)
{
	struct str line, last = STR("the client said nothing");

	while (str_line(&text, &line))
		if (line.n && !str_starts(line, "debug"))
			last = line;
	return str_dup(a, last);
}

int ssh_try(struct trial *t, const struct ssh_try *how, struct ssh_seen *ret, struct err *err)
{
	const char *from = how->from;
	const char *key =
		how->key ? arena_printf(t->arena, "-oIdentityFile=%s", how->key) : "-oIdentityFile=none";
	const char *methods =
		how->key ? "-oPreferredAuthentications=publickey" : "-oPreferredAuthentications=none";
	const char *const argv[] = {SSH,
								"-v",
								"-F",
								"none",
								"-E",
								"/dev/stdout",
								"-T",
								"-p",
								how->port,
								"-l",
								how->user,
								"-oBatchMode=yes",
								"-oIdentitiesOnly=yes",
								"-oIdentityAgent=none",
								"-oStrictHostKeyChecking=no",
								"-oUserKnownHostsFile=/dev/null",
								"-oGlobalKnownHostsFile=/dev/null",
								"-oControlPath=none",
								"-oConnectTimeout=3",
								key,
								methods,
								from ? "-b" : how->to,
								from ? from : "true",
								from ? how->to : NULL,
								"true",
								NULL};
	struct exec_result result = {0};
	int r;

	*ret = (struct ssh_seen){0};
	r = trial_run(t, argv, how->ns, LOGIN_MS, &result, err);
	if (r < 0)
		return err_context(err, SSH);
	ret->connected = str_has(result.out, "Remote protocol version");
	ret->takes_key = str_has(result.out, "Server accepts key");
	ret->logged_in =
		str_has(result.out, "Authenticated to ") || str_has(result.out, "Authentication succeeded");
	ret->methods = between(result.out, "Permission denied (", ')');
	ret->why_not = last_line(t->arena, result.out);
	return 0;
}

/* --- admins and their keys ---------------------------------------------------------------------------- */

size_t ssh_admins(struct trial *t, const char *const **ret)
{
	const struct site_file *f = &t->site->file;
	VEC(const char *) users = {0};
	struct passwd_db db = {0};
	struct host *host;
	struct err ignored;

	for (size_t i = 0; i < f->admins.users.n; i++)
		*vec_push(t->arena, &users) = str_dup(t->arena, f->admins.users.p[i]);
	host = !users.n && t->session->uid ? host_open("/", &ignored) : NULL;
	if (host && passwd_read(host, t->arena, &db, &ignored) == 0)
		for (size_t i = 0; i < db.n_users && !users.n; i++)
			if (db.users[i].uid == t->session->uid)
				*vec_push(t->arena, &users) = str_dup(t->arena, db.users[i].name);
	host_free(host);
	*ret = (const char *const *)users.p;
	return users.n;
}

/* "TYPE BLOB" of a line of authorized_keys, behind its options; absent: it has none. */
static struct str public_half(struct arena *a, struct str line)
{
	struct str type = STR_ABSENT, word;

	if (str_starts(str_trim(line), "#"))
		return STR_ABSENT;
	while (str_word(&line, &word)) {
		if (type.p && str_starts(word, "AAAA"))
			return str_of(arena_printf(a, "%.*s %.*s\n", STR_ARG(type), STR_ARG(word)));
		type = word;
	}
	return STR_ABSENT;
}

static const char *write_scratch(struct trial *t, const char *name, struct str text,
								 struct err *err)
{
	const char *path = arena_printf(t->arena, "%s/%s", t->scratch, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_all(fd, text);

	if (r == 0)
		return path;
	err_errno(err, -r, "%s", path);
	return NULL;
}

#define MAX_KEYS 4

size_t ssh_public_keys(struct trial *t, const char *user, const char *peer, const char *const **ret,
					   struct err *err)
{
	const char **files = arena_new(t->arena, const char *, MAX_KEYS), *path = NULL;
	struct login l = {0};
	struct str text, content, line;
	size_t n = 0;

	*ret = (const char *const *)files;
	*err = (struct err){0};
	if (login_open(&l, &t->place, t->arena, err) < 0)
		return 0;
	/* Of a process in a namespace of its own the session is not to be found. */
	l.session = *t->session;
	l.peer = peer;
	for (size_t i = 0; i < l.users.n_users && !path; i++)
		if (str_is(l.users.users[i].name, user) && login_ask_sshd(&l, user, &text, err) == 0)
			(void)login_has_key(&l, &l.users.users[i], text, &path);
	if (path && path_read(t->place.root_fd, path, 1u << 20, t->arena, &content) == 0)
		while (n < MAX_KEYS && str_line(&content, &line)) {
			struct str half = public_half(t->arena, line);

			if (half.p)
				files[n] =
					write_scratch(t, arena_printf(t->arena, "%s-%zu.pub", user, n), half, err);
			n += half.p && files[n];
		}
	if (!n && !err->errnum)
		err_set(err, ENOENT, "%s", l.why ? l.why : "there is no such account");
	login_close(&l);
	return n;
}

void ssh_in_copy(struct trial *t, const char *how,
				 void (*attempt)(struct trial *, const struct outside *))
{
	struct outside o _cleanup_outside_ = {.host_ns = -1};
	const struct ssh_door *doors;
	struct err err;

	if (!ssh_doors(t, &doors))
		return;
	trial_on_shadow(t, "%s", how);
	if (outside_choose(t, &o, &err) < 0 || outside_copy(t, &o, &err) < 0)
		trial_not_run(t, "%s", err.msg);
	else
		attempt(t, &o);
}
