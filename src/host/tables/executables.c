/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that the network reaches or that are root's daemons, and how they were built. One that a
 * toolchain made whose language checks bounds itself lacks much of this, and needs it less.
 */
#include "host/executables.h"
#include "host/address.h"
#include "host/changers.h"
#include "host/listening.h"
#include "host/owner.h"
#include "host/table.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/vec.h"

#define MAX_DIRECTORIES 64 /* of one library path */

enum {
	PATH,
	NAME,
	PID,
	UNIT,
	PACKAGE,
	LISTENS,
	ROOT,
	DELETED,
	GO,
	PIE,
	RELRO,
	EXECUTABLE_STACK,
	STACK_PROTECTOR,
	FORTIFIED,
	CONTROL_FLOW,
	LIBRARY_PATH,
	LIBRARY_PATH_OPEN,
};

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "Path of the program", COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "Name of the first of its processes", 0},
	[PID] = {"pid", TYPE_INT, "Process id of that", 0},
	[UNIT] = {"unit", TYPE_STRING, "systemd unit that it runs in; absent: none", 0},
	[PACKAGE] = {"package", TYPE_STRING, "Package that owns the path; absent: none", 0},
	[LISTENS] = {"listens", TYPE_BOOL, "It holds a socket that others than this host reach", 0},
	[ROOT] = {"root", TYPE_BOOL, "It runs as root, as a daemon", 0},
	[DELETED] = {"deleted", TYPE_BOOL,
				 "It was deleted or replaced on disk; this is about what runs", 0},
	[GO] = {"go", TYPE_BOOL, "The Go toolchain made it", 0},
	[PIE] = {"pie", TYPE_BOOL, "It can be loaded at any address, and so at a random one", 0},
	[RELRO] =
		{"relro", TYPE_STRING,
		 "What the linker fills in is read-only afterwards: full, partial (but for addresses of "
		 "functions) or none; absent: it is static, and nothing is filled in",
		 0},
	[EXECUTABLE_STACK] = {"executable_stack", TYPE_BOOL,
						  "It asks for stacks that can be executed, or does not decline them", 0},
	[STACK_PROTECTOR] =
		{"stack_protector", TYPE_BOOL,
		 "Some function of it checks that the stack is whole; one without arrays has none "
		 "to check",
		 0},
	[FORTIFIED] = {"fortified", TYPE_BOOL,
				   "It calls functions of the C library that check sizes (_FORTIFY_SOURCE)", 0},
	[CONTROL_FLOW] =
		{"control_flow", TYPE_LIST,
		 "What it is marked for: ibt and shstk (x86), bti and pac (arm64); absent: none", 0},
	[LIBRARY_PATH] =
		{"library_path", TYPE_LIST,
		 "Where its libraries are looked for first, from DT_RUNPATH or DT_RPATH; absent: it says "
		 "nothing about that",
		 0},
	[LIBRARY_PATH_OPEN] =
		{"library_path_open", TYPE_LIST,
		 "Those of them that somebody beside root and its own user can put a library "
		 "into, and relative ones; absent: none",
		 0},
	{0},
};

struct program {
	const struct executable *file;
	const struct proc *first;
	bool listens, root;
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct procs procs;
	struct executables executables;
	VEC(uint64_t) sockets; /* that others reach; sorted */
	VEC(struct program) programs;
	struct passwd_db users;
	struct changers changers;
	const char *no_users; /* why accounts could not be read; NULL: they were */
	struct str *packages; /* of each of programs */
	const char *no_packages;
};

/* --- which ----------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int find_sockets(struct reader *r, struct err *err)
{
	struct listening all;
	int result = listening_read(r->host, r->rows->arena, &all, err);

	if (result < 0)
		return result;
	for (size_t i = 0; i < all.n; i++) {
		const char *scope = address_scope(all.p[i].address);

		if (scope && strcmp(scope, "loopback") == 0)
			continue;
		if (!all.p[i].proc && all.unknown)
			rows_gap(r->rows, "%.*s port %u: %s", STR_ARG(all.p[i].protocol),
					 (unsigned)all.p[i].port, all.unknown);
		*vec_push(r->rows->arena, &r->sockets) = all.p[i].inode;
	}
	if (r->sockets.n)
		qsort(r->sockets.p, r->sockets.n, sizeof(*r->sockets.p), by_number);
	return 0;
}

static bool is_listening(const struct reader *r, const struct proc *p)
{
	for (size_t i = 0; i < p->n_sockets; i++)
		if (r->sockets.n &&
			bsearch(&p->sockets[i], r->sockets.p, r->sockets.n, sizeof(*r->sockets.p), by_number))
			return true;
	return false;
}

/* What somebody works with has a session for a unit. Without systemd nothing has one. */
static bool is_root_daemon(const struct proc *p)
{
	if (p->uid != 0)
		return false;
	if (!p->unit.n)
		return p->ppid == 1;
	return str_ends(p->unit, ".service") && !str_starts(p->unit, "user@");
}

/* What could not be opened is a program of its own. */
static void add_program(struct reader *r, const struct executable *file, const struct proc *p,
						bool listens, bool root)
{
	vec_each(&r->programs, have)
	{
		if (have->file != file || !str_eq(have->first->exe, p->exe))
			continue;
		have->listens = have->listens || listens;
		have->root = have->root || root;
		return;
	}
	*vec_push(r->rows->arena, &r->programs) =
		(struct program){.file = file, .first = p, .listens = listens, .root = root};
}

static void find_programs(struct reader *r)
{
	for (size_t i = 0; i < r->procs.n; i++) {
		const struct proc *p = &r->procs.p[i];
		bool listens = is_listening(r, p), root = is_root_daemon(p);

		if (p->inner || (!listens && !root))
			continue;
		if (!p->has_exe)
			rows_gap(r->rows, "the program of process %u could not be read (root may read all)",
					 p->pid);
		else if (r->executables.by_proc[i])
			add_program(r, r->executables.by_proc[i], p, listens, root);
	}
}

static void find_packages(struct reader *r)
{
	struct arena *a = r->rows->arena;
	struct str *paths = arena_new(a, struct str, r->programs.n + 1);
	struct err err = {0};

	r->packages = arena_new(a, struct str, r->programs.n + 1);
	for (size_t i = 0; i < r->programs.n; i++)
		paths[i] = r->programs.p[i].first->exe;
	if (r->programs.n && owner_lookup(r->host, a, paths, r->programs.n, r->packages, &err) < 0)
		r->no_packages = arena_strdup(a, err.msg);
}

/* --- its library path ------------------------------------------------------------------------ */

/* What the loader puts in for $ORIGIN; absent: it knows something that is not known here. */
static struct str expanded(struct arena *a, struct str item, struct str program)
{
	const char *slash = program.n ? memrchr(program.p, '/', program.n) : NULL;
	_cleanup_buf_ struct buf out = BUF((size_t)1 << 20);

	while (item.n) {
		if (slash && (str_skip(&item, "$ORIGIN") || str_skip(&item, "${ORIGIN}"))) {
			buf_add(&out, program.p, (size_t)(slash - program.p));
			continue;
		}
		if (item.p[0] == '$')
			return STR_ABSENT;
		buf_putc(&out, item.p[0]);
		item = (struct str){item.p + 1, item.n - 1};
	}
	return out.full ? STR_ABSENT : (struct str){str_dup(a, buf_get(&out)), out.n};
}

/* 1: others can put a library there; 0: they cannot; negative errno: that is not known. */
static int is_open(struct reader *r, const struct program *p, struct str item, struct err *err)
{
	struct str directory = expanded(r->rows->arena, item, p->first->exe);
	struct changed_by by;
	int result;

	if (!directory.p)
		return err_set(err, ENOTSUP, "%.*s: what the loader makes of it", STR_ARG(item));
	if (!str_starts(directory, "/"))
		return 1;
	if (r->no_users)
		return err_set(err, ENOTSUP, "%s", r->no_users);
	result = changers_of(&r->changers, directory,
						 p->root ? NULL : passwd_by_uid(&r->users, p->first->uid), &by, err);
	return by.others && result == 0 ? 1 : result;
}

static void set_library_path(struct reader *r, struct row *row, const struct program *p)
{
	struct arena *a = r->rows->arena;
	struct str rest = p->file->elf.library_path, item;
	VEC(struct str) all = {0}, open = {0};
	struct err err = {0};
	bool known = true;

	if (!rest.n) /* the loader takes an empty one for none */
		return;
	while (str_cut(&rest, ':', &item) && all.n < MAX_DIRECTORIES) {
		int result = is_open(r, p, item, &err);

		*vec_push(a, &all) = item;
		known = known && result >= 0;
		if (result > 0)
			*vec_push(a, &open) = item;
	}
	if (rest.n && all.n == MAX_DIRECTORIES) {
		err_set(&err, E2BIG, "it has more directories than an audit looks at");
		known = false;
	}
	row_list(row, LIBRARY_PATH, all.p, all.n);
	if (open.n)
		row_list(row, LIBRARY_PATH_OPEN, open.p, open.n);
	else if (!known)
		row_unknown(row, LIBRARY_PATH_OPEN, arena_strdup(a, err.msg));
}

/* --- rows ------------------------------------------------------------------------------------ */

static const char *relro_name(enum elf_relro relro)
{
	static const char *const names[] = {
		[ELF_RELRO_NONE] = "none", [ELF_RELRO_PARTIAL] = "partial", [ELF_RELRO_FULL] = "full"};

	return names[relro];
}

static void set_control_flow(struct rows *rows, struct row *row, unsigned marks)
{
	static const char *const names[] = {"ibt", "shstk", "bti", "pac"};
	VEC(struct str) items = {0};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (marks & 1u << i)
			*vec_push(rows->arena, &items) = str_of(names[i]);
	if (items.n)
		row_list(row, CONTROL_FLOW, items.p, items.n);
}

static void set_elf(struct reader *r, struct row *row, const struct program *p)
{
	const struct elf *e = &p->file->elf;

	row_bool(row, GO, e->go);
	row_bool(row, PIE, e->pie);
	row_strz(row, RELRO, relro_name(e->relro));
	row_bool(row, EXECUTABLE_STACK, e->executable_stack);
	if (e->no_names) {
		row_unknown(row, STACK_PROTECTOR, e->no_names);
		row_unknown(row, FORTIFIED, e->no_names);
	} else {
		row_bool(row, STACK_PROTECTOR, e->canary);
		row_bool(row, FORTIFIED, e->fortified);
	}
	set_control_flow(r->rows, row, e->control_flow);
	set_library_path(r, row, p);
}

static void add_row(struct reader *r, size_t i)
{
	const struct program *p = &r->programs.p[i];
	struct row *row =
		rows_add(r->rows, FROM(arena_printf(r->rows->arena, "/proc/%u/exe", p->first->pid), 0));

	row_str(row, PATH, p->first->exe);
	row_str(row, NAME, p->first->name);
	row_int(row, PID, p->first->pid);
	row_str(row, UNIT, p->first->unit);
	if (r->no_packages)
		row_unknown(row, PACKAGE, r->no_packages);
	else
		row_str(row, PACKAGE, r->packages[i]);
	row_bool(row, LISTENS, p->listens);
	row_bool(row, ROOT, p->root);
	row_bool(row, DELETED, p->first->exe_deleted);
	if (!p->file->unknown) {
		set_elf(r, row, p);
		return;
	}
	for (int column = GO; column <= LIBRARY_PATH_OPEN; column++)
		row_unknown(row, column, p->file->unknown);
}

static int read_executables(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows};
	struct err ignored = {0};
	int result = procs_read(host, rows->arena, &r.procs, err);

	if (result == 0)
		result = executables_read(host, rows->arena, &r.procs, &r.executables, err);
	if (result == 0)
		result = find_sockets(&r, err);
	if (result < 0)
		return result;
	if (r.procs.gap)
		rows_gap(rows, "%s", r.procs.gap);
	find_programs(&r);
	find_packages(&r);
	if (passwd_read(host, rows->arena, &r.users, &ignored) < 0)
		r.no_users = arena_strdup(rows->arena, ignored.msg);
	changers_init(&r.changers, host, rows->arena, &r.users);
	for (size_t i = 0; i < r.programs.n; i++)
		add_row(&r, i);
	return 0;
}

static const struct table executables = {
	.name = "executables",
	.doc =
		"Programs of daemons of root and of processes that others than this host reach, with what "
		"the compiler and the linker did to protect them; those of containers are left out",
	.columns = columns,
	.read = read_executables,
	.early = executables_early,
	.cost = 10,
};
TABLE(executables);
