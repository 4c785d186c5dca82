/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be started again after an update: units, and processes outside of any, that run code
 * which was deleted or replaced on disk.
 */
#include "host/table.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "host/mapped.h"
#include "host/procs.h"

enum { UNIT, NAME, PID, PROCESSES, PROGRAM, LIBRARIES };

static const struct column columns[] = {
	[UNIT] = {"unit", TYPE_STRING, "systemd unit that it runs in; absent: none", COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "Name of the first of its processes", COLUMN_LABEL},
	[PID] = {"pid", TYPE_INT, "Process id of that", 0},
	[PROCESSES] = {"processes", TYPE_INT, "How many there are", 0},
	[PROGRAM] = {"program", TYPE_STRING,
				 "Its program, if that was deleted or replaced; absent: it was not", 0},
	[LIBRARIES] = {"libraries", TYPE_LIST,
				   "Shared libraries in use that were deleted or replaced; absent: none", 0},
	{0},
};

/* What one row is made of. */
struct group {
	const struct proc *first;
	int64_t n;
	struct str program; /* absent: it is in place */
	VEC(struct str) libraries;
};

struct reader {
	struct host *host;
	struct arena *arena;
	struct map by_unit; /* of those in a unit */
	VEC(struct group *) groups;
};

static struct group *group_of(struct reader *r, const struct proc *proc)
{
	struct group *g = proc->unit.n ? map_get(&r->by_unit, proc->unit) : NULL;

	if (g)
		return g;
	g = arena_new(r->arena, struct group, 1);
	g->first = proc;
	if (proc->unit.n)
		map_put(&r->by_unit, proc->unit, g);
	*vec_push(r->arena, &r->groups) = g;
	return g;
}

static bool is_below(struct str path, const char *const *dirs)
{
	for (size_t i = 0; dirs[i]; i++)
		if (str_starts(path, dirs[i]))
			return true;
	return false;
}

/* Programs unpack libraries of their own and delete them once they are loaded: to start such a program
 * again changes nothing. They do so in places for data, where only what has been replaced counts. */
static bool is_of_program(struct reader *r, struct str path)
{
	static const char *const temporary[] = {"/tmp/", "/var/tmp/", "/run/", "/var/run/",
											"/dev/", "/memfd:",   NULL};
	static const char *const code[] = {"/usr/", "/lib",  "/bin/",  "/sbin/", "/opt/",
									   "/nix/", "/gnu/", "/snap/", NULL};
	struct path_stat st;
	struct err ignored = {0};

	if (is_below(path, temporary))
		return false;
	return is_below(path, code) ||
		   host_stat(r->host, str_dup(r->arena, path), true, &st, &ignored) == 0;
}

static bool is_among(struct group *g, struct str path)
{
	vec_each(&g->libraries, have) if (str_eq(*have, path)) return true;
	return false;
}

#define MAX_LIBRARIES 256 /* that a row names */

/* The program is among the mappings, too, and may well be called like a library. */
static void add_process(struct reader *r, const struct proc *proc, const struct mapped *mapped)
{
	bool replaced = proc->exe_deleted && is_of_program(r, proc->exe);
	struct group *g = replaced ? group_of(r, proc) : NULL;

	for (size_t i = 0; mapped && i < mapped->n; i++) {
		struct str file = mapped->files[i];

		if (str_eq(file, proc->exe) || !is_of_program(r, file))
			continue;
		if (!g)
			g = group_of(r, proc);
		if (g->libraries.n < MAX_LIBRARIES && !is_among(g, file))
			*vec_push(r->arena, &g->libraries) = file;
	}
	if (!g)
		return;
	g->n++;
	if (replaced && !g->program.p)
		g->program = proc->exe;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void add_row(struct rows *rows, struct group *g)
{
	struct row *row =
		rows_add(rows, FROM(arena_printf(rows->arena, "/proc/%u/maps", g->first->pid), 0));

	row_str(row, UNIT, g->first->unit);
	row_str(row, NAME, g->first->name);
	row_int(row, PID, g->first->pid);
	row_int(row, PROCESSES, g->n);
	row_str(row, PROGRAM, g->program);
	if (!g->libraries.n)
		return;
	qsort(g->libraries.p, g->libraries.n, sizeof(*g->libraries.p), by_text);
	row_list(row, LIBRARIES, g->libraries.p, g->libraries.n);
}

static int read_outdated(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .arena = rows->arena};
	struct mapped_all mapped;
	struct procs procs;
	size_t k = 0;
	int result = procs_read(host, rows->arena, &procs, err);

	if (result == 0)
		result = mapped_read(host, rows->arena, &mapped, err);
	if (result < 0)
		return result;
	map_init(&r.by_unit, r.arena);
	for (size_t i = 0; i < procs.n; i++) {
		while (k < mapped.n && mapped.p[k].pid < procs.p[i].pid)
			k++;
		add_process(&r, &procs.p[i],
					k < mapped.n && mapped.p[k].pid == procs.p[i].pid ? &mapped.p[k] : NULL);
		if (!procs.p[i].has_exe)
			rows_gap(rows, "the program of process %u could not be read (root may read all)",
					 procs.p[i].pid);
	}
	if (procs.gap || mapped.gap)
		rows_gap(rows, "%s", procs.gap ? procs.gap : mapped.gap);
	vec_each(&r.groups, g) add_row(rows, *g);
	return 0;
}

static void ask(struct host *host)
{
	procs_early(host);
	mapped_early(host);
}

static const struct table outdated_processes = {
	.name = "outdated_processes",
	.doc =
		"Units and processes that run a program or libraries which were deleted or replaced since",
	.columns = columns,
	.read = read_outdated,
	.early = ask,
	.cost = 10,
};
TABLE(outdated_processes);
