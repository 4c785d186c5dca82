/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that run, and whether their configuration has changed since they read it: the files are those
 * that the tables of these services read.
 */
#include "host/table.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/fields.h"
#include "host/procs.h"
#include "host/systemd.h"

#define USEC INT64_C(1000000) /* a second */

enum { UNIT, PID, LOADED_AT, FILE_, CHANGED, FILES, STALE };

static const struct column columns[] = {
	[UNIT] = {"unit", TYPE_STRING, "The systemd unit", COLUMN_KEY | COLUMN_LABEL},
	[PID] = {"pid", TYPE_INT, "Its main process", 0},
	[LOADED_AT] = {"loaded", TYPE_TIME,
				   "When it read its configuration last: when it was started, or reloaded by "
				   "systemctl; of sshd, nginx, Apache and Postfix by any other way, too",
				   0},
	[FILE_] = {"file", TYPE_STRING,
			   "Of the files of its configuration that there are, the one that changed last", 0},
	[CHANGED] = {"changed", TYPE_TIME, "When that was: its content, name, owner or mode", 0},
	[FILES] = {"files", TYPE_INT, "How many files there are", 0},
	[STALE] = {"stale", TYPE_BOOL, "That was after the service had read them", COLUMN_VALUE},
	{0},
};

/* One service that runs. Times are microseconds: a file may be written in the second in which the service
 * was started, before that or after it. */
struct service {
	struct str name;
	int64_t pid, started, changed; /* 0: not known */
	bool reload_failed;
	struct str failed; /* why systemd does not say more; absent: it did */

	const struct loaded_by *loaded; /* the last that is about it; NULL: none */
	int64_t read;                   /* when it read its configuration */
	struct map seen;                /* paths that were looked at, whether there or not */
	const char *file;               /* of these the one that changed last; NULL: none is there */
	int64_t file_changed;
	int64_t files;
	const char *why; /* there may be more; NULL: these are all */
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct arena *arena;
	struct procs procs;
	VEC(struct service) services;
};

static bool matches(const char *const *patterns, struct str name)
{
	for (; patterns && *patterns; patterns++)
		if (str_glob(*patterns, name))
			return true;
	return false;
}

/* --- what systemd says ------------------------------------------------------------------------ */

static void set_field(struct service *s, struct arena *a, struct str name, struct str value)
{
	if (str_is(name, "main_pid"))
		(void)num_i64(value, 0, INT64_MAX, &s->pid);
	else if (str_is(name, "started"))
		(void)num_usec(value, &s->started);
	else if (str_is(name, "changed"))
		(void)num_usec(value, &s->changed);
	else if (str_is(name, "reload"))
		s->reload_failed = !str_is(value, "success");
	else if (str_is(name, "failed"))
		s->failed = fields_plain(a, value);
}

static bool is_loaded_by(const struct table *t, struct str unit)
{
	for (const struct loaded_by *l = t->loaded; l && l->units; l++)
		if (matches(l->units, unit))
			return true;
	return false;
}

static bool is_known(struct str unit)
{
	const struct table *const *all;
	size_t n = table_all(&all);

	for (size_t i = 0; i < n; i++)
		if (is_loaded_by(all[i], unit))
			return true;
	return false;
}

/* A service without a process of its own, as postgresql.service, stands for others. */
static void read_unit(struct reader *r, struct str line)
{
	struct service s = {0};
	struct str name, value;
	bool active = false;

	if (!fields_next(&line, &name, &value) || !str_is(name, "name"))
		return;
	s.name = fields_plain(r->arena, value);
	if (!is_known(s.name))
		return;
	while (fields_next(&line, &name, &value)) {
		set_field(&s, r->arena, name, value);
		active = active || (str_is(name, "active") &&
							(str_is(value, "active") || str_is(value, "reloading")));
	}
	if (!active || (!s.pid && !s.failed.n))
		return;
	map_init(&s.seen, r->arena);
	*vec_push(r->arena, &r->services) = s;
}

/* --- the files of its configuration ------------------------------------------------------------- */

/* What tables read besides: of others, of the start alone, or what only the packages change, whose
 * scripts start the services again. */
static bool is_configuration(struct str path)
{
	static const char *const others[] = {"/proc/*",
										 "/sys/*",
										 "/dev/*",
										 "/run/*",
										 "/usr/*",
										 "/lib/*",
										 "/var/run/*",
										 "/var/lib/dpkg/*",
										 "/etc/systemd/system/*",
										 "/etc/default/*",
										 "/etc/sysconfig/*",
										 "/etc/conf.d/*",
										 "/etc/init.d/*",
										 "/etc/passwd",
										 "/etc/group",
										 "/etc/nsswitch.conf",
										 "/etc/os-release",
										 "/etc/hosts",
										 "/etc/resolv.conf",
										 NULL};

	return !matches(others, path);
}

/* Old recordings have only the other. */
static int64_t changed_usec(const struct path_stat *st)
{
	return st->ctime_usec ? st->ctime_usec : st->mtime * USEC;
}

/* When it was put there or changed. Times of content can be set at will, and cp -p, tar, dpkg and rsync
 * do. */
static int changed_at(struct host *host, const char *path, int64_t *ret, struct err *err)
{
	struct path_stat st, link;
	int e = host_stat(host, path, true, &st, err);

	if (e == 0)
		e = host_stat(host, path, false, &link, err);
	if (e < 0)
		return e;
	*ret = MAX(changed_usec(&st), changed_usec(&link));
	return 0;
}

static void add_file(struct reader *r, struct service *s, const char *path)
{
	struct err err = {0};
	int64_t at;
	int e;

	if (map_put(&s->seen, str_of(path), s))
		return;
	e = changed_at(r->host, path, &at, &err);
	if (e < 0 && e != -ENOENT && e != -ENOTDIR && !s->why)
		s->why = arena_strdup(r->arena, err.msg);
	if (e < 0)
		return;
	s->files++;
	if (s->file && s->file_changed >= at)
		return;
	s->file = path;
	s->file_changed = at;
}

/* Of postgresql@15-main.service: "15/main", which the paths of its files have in them. Absent: no
 * instance. */
static struct str instance_path(struct arena *a, struct str unit)
{
	struct str prefix, rest = unit;
	char *path;

	if (!str_cut(&rest, '@', &prefix) || !rest.p || !str_ends(rest, ".service"))
		return STR_ABSENT;
	rest.n -= strlen(".service");
	path = arena_copy(a, rest.p, rest.n);
	for (size_t i = 0; i < rest.n; i++)
		if (path[i] == '-')
			path[i] = '/';
	return (struct str){path, rest.n};
}

static bool is_read_by(const struct loaded_by *l, struct str path)
{
	return is_configuration(path) && (!l->files || matches(l->files, path)) &&
		   !matches(l->own, path);
}

/* Where some files are those of this instance, the others are not. */
static void add_files(struct reader *r, struct service *s, const struct loaded_by *l,
					  const struct host_reads *reads)
{
	struct str instance = instance_path(r->arena, s->name);
	bool own = false;

	for (size_t i = 0; instance.n && i < reads->n; i++)
		own = own || str_has(str_of(reads->p[i]), instance.p);
	for (size_t i = 0; i < reads->n; i++)
		if (is_read_by(l, str_of(reads->p[i])) &&
			(!own || str_has(str_of(reads->p[i]), instance.p)))
			add_file(r, s, reads->p[i]);
}

/* The table reads, and what it asks for is noted; its rows are of no interest. */
static const char *read_files(struct reader *r, const struct table *t, struct host_reads *reads)
{
	struct demand demand = {.all = true};
	struct rows rows = {
		.table = t,
		.arena = r->arena,
		.demand = &demand,
		.n_columns = table_columns(t),
	};
	struct err err = {0};
	int e = t->started ? started_as_usual(r->host, r->arena, t->started, &err) : 0;

	if (e == 0) {
		host_watch(reads);
		e = t->read(r->host, &rows, &err);
		host_watch(NULL);
	}
	return e < 0 && e != -ENOENT ? arena_strdup(r->arena, err.msg) : rows.gap;
}

static void read_table(struct reader *r, const struct table *t)
{
	struct host_reads reads = {.arena = r->arena};
	const char *why = NULL;
	bool is_read = false;

	vec_each(&r->services, s) for (const struct loaded_by *l = t->loaded; l->units; l++)
	{
		if (!matches(l->units, s->name))
			continue;
		if (!is_read)
			why = read_files(r, t, &reads);
		is_read = true;
		s->loaded = l;
		s->why = s->why ? s->why : why;
		add_files(r, s, l, &reads);
	}
}

/* --- when it read them ---------------------------------------------------------------------------- */

/* Of those that a reload starts anew the oldest: one that ended before its time was started again by
 * what the service had read before. */
static int64_t workers_began(const struct reader *r, const struct service *s)
{
	int64_t oldest = 0;

	for (size_t i = 0; i < r->procs.n; i++) {
		const struct proc *p = &r->procs.p[i];

		if (str_eq(p->unit, s->name) && p->began && matches(s->loaded->workers, p->cmdline) &&
			(!oldest || p->began < oldest))
			oldest = p->began;
	}
	/* The kernel tells it to the second. */
	return oldest ? oldest * USEC + USEC - 1 : 0;
}

/* A reload that failed has changed the unit's state, and no more. */
static int64_t read_at(struct reader *r, const struct service *s)
{
	int64_t at = s->loaded->at_start || s->reload_failed || !s->changed ? s->started : s->changed;

	if (s->loaded->workers)
		at = MAX(at, workers_began(r, s));
	for (const char *const *p = s->loaded->written; p && *p; p++) {
		struct err ignored;
		int64_t written;

		if (changed_at(r->host, *p, &written, &ignored) == 0)
			at = MAX(at, written);
	}
	return at;
}

static void add_row(struct reader *r, struct service *s)
{
	struct row *row = rows_add(r->rows, FROM(s->file ? s->file : "systemd", 0));
	int64_t at = read_at(r, s);
	const char *why = s->failed.n           ? str_dup(r->arena, s->failed)
					  : !at                 ? "systemd does not say when it was started"
					  : s->why || s->seen.n ? s->why
											: "which files it reads is not known";

	row_str(row, UNIT, s->name);
	if (s->pid)
		row_int(row, PID, s->pid);
	row_int(row, FILES, s->files);
	if (at)
		row_int(row, LOADED_AT, at / USEC);
	if (s->file) {
		row_strz(row, FILE_, s->file);
		row_int(row, CHANGED, s->file_changed / USEC);
	}
	if (at && s->file_changed > at)
		row_bool(row, STALE, true);
	else if (why)
		row_unknown(row, STALE, why);
	else
		row_bool(row, STALE, false);
}

static int read_loaded_config(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows, .arena = rows->arena};
	const struct table *const *all;
	size_t n = table_all(&all);
	struct str text, line;
	int e = host_query(host, &systemd_query, r.arena, &text, err);

	if (e == 0)
		e = procs_read(host, r.arena, &r.procs, err);
	if (e < 0)
		return e;
	while (str_line(&text, &line))
		read_unit(&r, line);
	for (size_t i = 0; i < n; i++)
		if (all[i]->loaded)
			read_table(&r, all[i]);
	vec_each(&r.services, s) add_row(&r, s);
	return 0;
}

static void ask(struct host *host)
{
	systemd_early(host);
	procs_early(host);
}

static const struct table loaded_config = {
	.name = "loaded_config",
	.doc = "Services that run and whose configuration other tables read, and whether that has "
		   "changed since they read it; on the running host only",
	.columns = columns,
	.read = read_loaded_config,
	.early = ask,
	.cost = 15,
};
TABLE(loaded_config);
