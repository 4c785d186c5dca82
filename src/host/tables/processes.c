/* SPDX-License-Identifier: Apache-2.0 */
/* Running processes, without the kernel's own threads. */
#include "host/capability.h"
#include "host/passwd.h"
#include "host/procs.h"
#include "host/table.h"

enum {
	PID,
	PPID,
	NAME,
	EXE,
	CMDLINE,
	USER,
	UID,
	UNIT,
	ROOT,
	NO_NEW_PRIVS,
	SECCOMP,
	CAPABILITIES,
	EXE_DELETED,
	LABEL,
	KERNEL_THREAD,
};

static const struct column columns[] = {
	[PID] = {"pid", TYPE_INT, "Process id", COLUMN_KEY | COLUMN_LABEL},
	[PPID] = {"ppid", TYPE_INT, "Process id of the parent", 0},
	[NAME] = {"name", TYPE_STRING, "Name of the program, as ps -o comm prints it", COLUMN_LABEL},
	[EXE] = {"exe", TYPE_STRING, "Path of the program; absent: a zombie", 0},
	[CMDLINE] = {"cmdline", TYPE_STRING, "Arguments, joined by blanks, at most 4 KiB", 0},
	[USER] = {"user", TYPE_STRING, "Name of the effective user; the uid when it has none", 0},
	[UID] = {"uid", TYPE_INT, "Effective user", 0},
	[UNIT] = {"unit", TYPE_STRING, "systemd unit that it runs in; absent: none", 0},
	[ROOT] = {"root", TYPE_BOOL, "Its effective uid is 0", 0},
	[NO_NEW_PRIVS] = {"no_new_privs", TYPE_BOOL, "It cannot gain privilege by execve(2)", 0},
	[SECCOMP] = {"seccomp", TYPE_STRING, "disabled, strict or filter", 0},
	[CAPABILITIES] = {"capabilities", TYPE_STRING,
					  "Effective capabilities, joined by commas; \"all\" when none is missing, "
					  "\"\" when it has none", 0},
	[EXE_DELETED] = {"exe_deleted", TYPE_BOOL, "Its program was deleted or replaced on disk", 0},
	[LABEL] = {"label", TYPE_STRING, "Label of AppArmor, SELinux or Smack; absent: none", 0},
	[KERNEL_THREAD] = {"kernel_thread", TYPE_BOOL, "Always false: kernel threads are left out", 0},
	{0},
};

static const char *seccomp_name(int mode)
{
	static const char *const names[] = {"disabled", "strict", "filter"};

	return mode >= 0 && (size_t)mode < ARRAY_LEN(names) ? names[mode] : NULL;
}

static void set_exe(struct row *row, const struct proc *p)
{
	static const char why[] = "could not be read (root may read all)";

	if (p->has_exe) {
		row_str(row, EXE, p->exe);
		row_bool(row, EXE_DELETED, p->exe_deleted);
	} else {
		row_unknown(row, EXE, why);
		row_unknown(row, EXE_DELETED, why);
	}
}

static void add_process(struct rows *rows, const struct proc *p, const struct passwd_db *users)
{
	const char *path = arena_printf(rows->arena, "/proc/%u", p->pid);
	struct row *row = rows_add(rows, FROM(path, 0));

	row_int(row, PID, p->pid);
	row_int(row, PPID, p->ppid);
	row_str(row, NAME, p->name);
	set_exe(row, p);
	row_str(row, CMDLINE, p->cmdline);
	if (users)
		row_str(row, USER, passwd_user_name(users, p->uid, rows->arena));
	else
		row_unknown(row, USER, "/etc/passwd could not be read");
	row_int(row, UID, p->uid);
	row_str(row, UNIT, p->unit);
	row_bool(row, ROOT, p->uid == 0);
	row_bool(row, NO_NEW_PRIVS, p->no_new_privs);
	row_strz(row, SECCOMP, seccomp_name(p->seccomp));
	row_str(row, CAPABILITIES, capability_set(rows->arena, p->cap_effective));
	row_str(row, LABEL, p->label);
	row_bool(row, KERNEL_THREAD, false);
}

static int read_processes(struct host *host, struct rows *rows, struct err *err)
{
	struct procs procs;
	struct passwd_db db;
	struct err ignored = {0};
	bool has_users;
	int r = procs_read(host, rows->arena, &procs, err);

	if (r < 0)
		return r;
	has_users = passwd_read(host, rows->arena, &db, &ignored) == 0;
	for (size_t i = 0; i < procs.n; i++)
		add_process(rows, &procs.p[i], has_users ? &db : NULL);
	if (procs.gap)
		rows_gap(rows, "%s", procs.gap);
	return 0;
}

static const struct table processes = {
	.name = "processes",
	.doc = "Processes that run now, from /proc; kernel threads are left out",
	.columns = columns,
	.read = read_processes,
	.early = procs_early,
	.cost = 5,
};
TABLE(processes);
