/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that wait for somebody: TCP that listens, UDP that is not connected. */
#include "host/address.h"
#include "host/edit.h"
#include "host/listening.h"
#include "host/owner.h"
#include "host/passwd.h"
#include "host/site_file.h"
#include "host/table.h"

/* net.ipv4.ip_local_port_range as it comes. */
#define EPHEMERAL_LOW 32768
#define EPHEMERAL_HIGH 60999

enum { PROTOCOL, FAMILY, ADDRESS, PORT, SCOPE, PROCESS, PID, EXE, USER, UNIT, PACKAGE, LABEL, SERVED };

static const struct column columns[] = {
	[PROTOCOL] = {"protocol", TYPE_STRING, "tcp or udp", COLUMN_LABEL},
	[FAMILY] = {"family", TYPE_STRING,
				"ipv4 or ipv6; a socket of both has one row, ipv6 with the address ::", 0},
	[ADDRESS] = {"address", TYPE_STRING, "Local address", COLUMN_LABEL},
	[PORT] = {"port", TYPE_INT, "Local port", COLUMN_LABEL},
	[SCOPE] = {"scope", TYPE_STRING,
			   "From where the address can be reached: loopback, link-local, private or public; "
			   "all addresses (0.0.0.0, ::) is public",
			   0},
	[PROCESS] = {"process", TYPE_STRING,
				 "Name of the process that holds it, of several their parent; absent: the kernel",
				 COLUMN_LABEL},
	[PID] = {"pid", TYPE_INT, "Its process id", 0},
	[EXE] = {"exe", TYPE_STRING, "Path of its program", 0},
	[USER] = {"user", TYPE_STRING, "Its effective user", 0},
	[UNIT] = {"unit", TYPE_STRING, "systemd unit that it runs in; absent: none", 0},
	[PACKAGE] = {"package", TYPE_STRING, "Package that owns the program; absent: none", 0},
	[LABEL] = {"label", TYPE_STRING,
			   "What AppArmor, SELinux or Smack has it confined by; absent: none of them", 0},
	[SERVED] = {"served", TYPE_BOOL,
				"A line of `serves` in the site file is about it, or it is sshd; absent: the site "
				"file does not say what is served, it is on loopback, or it may be a client's",
				0},
	{0},
};

/* The packages of the programs, each asked for once. */
struct packages {
	struct map by_exe; /* to struct str; a program without an entry has no package */
	const char *unknown;
};

static void find_packages(struct host *host, struct arena *a, const struct socket *sockets,
						  size_t n, struct packages *ret)
{
	struct str *exes = arena_new(a, struct str, n + 1), *names = arena_new(a, struct str, n + 1);
	struct err err = {0};
	size_t distinct = 0;

	map_init(&ret->by_exe, a);
	for (size_t i = 0; i < n; i++) {
		const struct proc *p = sockets[i].proc;

		if (!p || !p->exe.n || map_get(&ret->by_exe, p->exe))
			continue;
		map_put(&ret->by_exe, p->exe, &names[distinct]);
		exes[distinct++] = p->exe;
	}
	if (distinct && owner_lookup(host, a, exes, distinct, names, &err) < 0)
		ret->unknown = arena_strdup(a, err.msg);
}

static void set_package(struct row *row, const struct proc *p, const struct packages *packages)
{
	const struct str *name = p->exe.n ? map_get(&packages->by_exe, p->exe) : NULL;

	if (!p->has_exe)
		row_unknown(row, PACKAGE, "its program could not be read (root may read all)");
	else if (packages->unknown)
		row_unknown(row, PACKAGE, packages->unknown);
	else if (name)
		row_str(row, PACKAGE, *name);
}

static void set_process(struct rows *rows, struct row *row, const struct proc *p,
						const struct passwd_db *users, const struct packages *packages)
{
	row_str(row, PROCESS, p->name);
	row_int(row, PID, p->pid);
	if (p->has_exe)
		row_str(row, EXE, p->exe);
	else
		row_unknown(row, EXE, "its program could not be read (root may read all)");
	if (users)
		row_str(row, USER, passwd_user_name(users, p->uid, rows->arena));
	else
		row_unknown(row, USER, "/etc/passwd could not be read");
	row_str(row, UNIT, p->unit);
	row_str(row, LABEL, p->label);
	set_package(row, p, packages);
}

static void set_no_process(struct row *row, const char *why)
{
	static const int of_process[] = {PROCESS, PID, EXE, USER, UNIT, PACKAGE, LABEL};

	if (!why)
		row->note = "held by the kernel, or by a process that has ended";
	for (size_t i = 0; why && i < ARRAY_LEN(of_process); i++)
		row_unknown(row, of_process[i], why);
}

/* A client waits on it for answers, rather than for strangers: of DHCP, or on a port of its kernel's
 * choice. What the kernel itself holds is nobody's client. */
static bool may_be_client(const struct socket *s)
{
	static const uint64_t of_dhcp[] = {68, 546};

	if (!str_is(s->protocol, "udp"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(of_dhcp); i++)
		if (s->port == of_dhcp[i])
			return true;
	return s->proc && s->port >= EPHEMERAL_LOW && s->port <= EPHEMERAL_HIGH;
}

/* systemd holds the port for sshd where that is started by a connection. */
static bool is_sshd(const struct socket *s)
{
	return s->proc && str_is(s->protocol, "tcp") &&
		   (str_is(s->proc->name, "sshd") || (s->proc->pid == 1 && s->port == 22));
}

struct serving {
	const struct site_file *site; /* NULL: there is none */
	const char *why;              /* it could not be read; NULL: it was */
};

static void find_site(struct host *host, struct arena *a, struct serving *ret)
{
	struct err err = {0};

	*ret = (struct serving){0};
	if (site_file_read(host, a, &ret->site, &err) < 0)
		ret->why = arena_strdup(a, err.msg);
}

static void set_served(struct row *row, const struct socket *s, const struct serving *serving)
{
	const struct value *scope = &row->cells[SCOPE];
	bool served;

	if (scope->state == VALUE_SET && str_is(scope->string, "loopback"))
		return;
	if (serving->why) {
		row_unknown(row, SERVED, serving->why);
		return;
	}
	if (!serving->site || !serving->site->has_serves)
		return;
	served = site_serves(serving->site, str_is(s->protocol, "udp"), s->port) || is_sshd(s);
	if (served || !may_be_client(s))
		row_bool(row, SERVED, served);
}

static struct row *add_socket(struct rows *rows, const struct socket *s)
{
	struct row *row = rows_add(rows, FROM("sock_diag", 0));

	row_str(row, PROTOCOL, s->protocol);
	row_str(row, FAMILY, s->family);
	row_str(row, ADDRESS, s->address);
	row_int(row, PORT, (int64_t)s->port);
	row_strz(row, SCOPE, address_scope(s->address));
	return row;
}

static int read_listeners(struct host *host, struct rows *rows, struct err *err)
{
	struct listening sockets;
	struct packages packages = {0};
	struct serving serving;
	struct passwd_db db;
	struct err ignored = {0};
	bool has_users;
	int r = listening_read(host, rows->arena, &sockets, err);

	if (r < 0)
		return r;
	find_packages(host, rows->arena, sockets.p, sockets.n, &packages);
	find_site(host, rows->arena, &serving);
	has_users = passwd_read(host, rows->arena, &db, &ignored) == 0;
	for (size_t i = 0; i < sockets.n; i++) {
		const struct socket *s = &sockets.p[i];
		struct row *row = add_socket(rows, s);

		set_served(row, s, &serving);
		if (s->proc)
			set_process(rows, row, s->proc, has_users ? &db : NULL, &packages);
		else
			set_no_process(row, sockets.unknown);
	}
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

#define EXIM "/etc/exim4/update-exim4.conf.conf"

static bool is_there(struct host *host, const char *path)
{
	struct path_stat st;
	struct err ignored;

	return host_stat(host, path, true, &st, &ignored) == 0;
}

/* Debian's exim, whose configuration is made from answers; another one is somebody's own. */
static int set_listeners(struct host *host, const struct wish *wish, struct edits *edits,
						 struct err *err)
{
	const struct value *process = wish->row ? &wish->row->cells[PROCESS] : NULL;

	if (wish->column >= 0 || !process || process->state != VALUE_SET ||
		!str_starts(process->string, "exim4"))
		return err_set(err, ENOTSUP, "where %.*s listens is said in its own configuration",
					   STR_ARG(process && process->state == VALUE_SET ? process->string : STR("it")));
	if (is_there(host, "/etc/exim4/exim4.conf") || !is_there(host, EXIM))
		return err_set(err, ENOTSUP, "exim's configuration is not the one that Debian makes: set "
									 "local_interfaces in it");
	edit_key(edits, EXIM, EDIT_INI, NULL, STR("dc_local_interfaces"), STR("'127.0.0.1 ; ::1'"));
	edit_reload(edits, "exim4.service");
	return 0;
}

static const struct table listeners = {
	.name = "listeners",
	.doc = "Sockets that anyone who reaches them may talk to: TCP that listens and UDP that is not "
		   "connected, in this network namespace, from sock_diag(7)",
	.columns = columns,
	.read = read_listeners,
	.set = set_listeners,
	.fix = "have exim4 listen on loopback alone, where {process} is Debian's",
	.early = procs_early,
	.cost = 5,
};
TABLE(listeners);
