/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What backup programs have left on this host about their last run, whoever started it: pgBackRest's
 * logs, and what borg remembers of root's repositories. restic leaves nothing that tells: its cache has
 * the time at which a snapshot was heard of, be it another host's.
 */
#include "host/table.h"

#include "base/num.h"

enum { NAME, TOOL, FILE_COLUMN, LAST_RUN, RESULT, AGE_DAYS };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Of pgBackRest the stanza, of borg the repository's id",
			  COLUMN_LABEL},
	[TOOL] = {"tool", TYPE_STRING, "pgbackrest or borg", COLUMN_LABEL},
	[FILE_COLUMN] = {"file", TYPE_STRING, "What tells", 0},
	[LAST_RUN] = {"last_run", TYPE_TIME,
				  "When it last ended; of borg, when it last changed the repository", 0},
	[RESULT] = {"result", TYPE_STRING, "success or failed; absent: it runs, or has never ended", 0},
	[AGE_DAYS] = {"age_days", TYPE_INT, "Whole days since last_run", 0},
	{0},
};

static struct row *add(struct rows *rows, const char *tool, const char *file, struct str name)
{
	struct row *row = rows_add(rows, FROM(file, 0));

	row_str(row, NAME, name);
	row_strz(row, TOOL, tool);
	row_strz(row, FILE_COLUMN, file);
	return row;
}

static void set_time(struct host *host, struct row *row, int64_t when)
{
	row_int(row, LAST_RUN, when);
	row_int(row, AGE_DAYS, MAX(host_now(host) - when, 0) / 86400);
}

static void set_unknown(struct row *row, const char *why)
{
	row_unknown(row, LAST_RUN, why);
	row_unknown(row, RESULT, why);
	row_unknown(row, AGE_DAYS, why);
}

static struct str base_name(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);

	return slash ? (struct str){slash + 1, (size_t)(path.p + path.n - slash - 1)} : path;
}

/* --- pgBackRest ------------------------------------------------------------------------------- */

/* "2026-11-27 02:00:09.123 P00   INFO: backup command end: completed successfully (9012ms)". */
static void look_through(struct row *row, struct str text)
{
	struct str line;

	for (unsigned number = 1; str_line(&text, &line); number++) {
		if (str_has(line, " backup command begin "))
			row->cells[RESULT].state = VALUE_ABSENT;
		if (!str_has(line, " backup command end: "))
			continue;
		row_strz(row, RESULT, str_has(line, "end: completed successfully") ? "success" : "failed");
		row_from(row, RESULT, FROM(row->from.path, number));
	}
}

/* The lines have the host's own time; that of the file is the same without a zone. */
static void add_log(struct host *host, struct rows *rows, struct str path)
{
	struct str text, stanza = base_name(path);
	struct path_stat st;
	struct err err = {0};
	struct row *row;

	stanza.n -= strlen("-backup.log");
	row = add(rows, "pgbackrest", path.p, stanza);
	if (host_stat(host, path.p, true, &st, &err) < 0 ||
		host_read(host, path.p, rows->arena, &text, &err) < 0) {
		set_unknown(row, arena_strdup(rows->arena, err.msg));
		return;
	}
	look_through(row, text);
	set_time(host, row, st.mtime);
}

static void read_pgbackrest(struct host *host, struct rows *rows)
{
	struct str *files;
	size_t n = 0;
	struct err err = {0};

	if (host_list_files(host, "/var/log/pgbackrest", "-backup.log", rows->arena, &files, &n, &err) <
		0)
		rows_gap(rows, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		add_log(host, rows, files[i]);
}

/* --- borg ------------------------------------------------------------------------------------- */

/* "2026-11-27T02:00:09.123456", in UTC. */
static bool parse_time(struct arena *a, struct str text, int64_t *ret)
{
	struct str whole = STR_ABSENT;

	text = str_trim(text);
	(void)str_cut(&text, '.', &whole);
	return whole.n == 19 && num_time(str_of(arena_printf(a, "%.*sZ", STR_ARG(whole))), ret) == 0;
}

/* The time is that of the repository's table of contents, which borg writes at the end of what has
 * changed it. */
static void add_repository(struct host *host, struct rows *rows, const char *dir, struct str id)
{
	const char *file = arena_printf(rows->arena, "%s/%.*s/manifest-timestamp", dir, STR_ARG(id));
	struct row *row;
	struct err err = {0};
	struct str text;
	int64_t when;
	int r = host_read(host, file, rows->arena, &text, &err);

	if (r == -ENOENT || r == -ENOTDIR)
		return;
	row = add(rows, "borg", file, id);
	if (r < 0)
		set_unknown(row, arena_strdup(rows->arena, err.msg));
	else if (!parse_time(rows->arena, text, &when))
		set_unknown(row, "not a time");
	else
		set_time(host, row, when);
	if (row->cells[LAST_RUN].state == VALUE_SET)
		row_strz(row, RESULT, "success");
}

static void read_borg(struct host *host, struct rows *rows)
{
	static const char dir[] = "/root/.config/borg/security";
	struct host_dir found = {0};
	struct err err = {0};
	int r = host_list(host, dir, rows->arena, &found, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rows_gap(rows, "%s", err.msg);
	if (found.more)
		rows_gap(rows, "%s: too many files", dir);
	for (size_t i = 0; r == 0 && i < found.n; i++)
		add_repository(host, rows, dir, str_of(found.entries[i].name));
}

static int read_backup_logs(struct host *host, struct rows *rows, struct err *err _unused_)
{
	read_pgbackrest(host, rows);
	read_borg(host, rows);
	return 0;
}

static const struct table backup_logs = {
	.name = "backup_logs",
	.doc =
		"What backup programs have left here about their last run: pgBackRest's logs, borg's state",
	.columns = columns,
	.read = read_backup_logs,
};
TABLE(backup_logs);
