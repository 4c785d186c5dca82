/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's timers: what they start, when they last did and when they will. */
#include "host/table.h"

#include "base/num.h"
#include "base/vec.h"
#include "host/edit.h"
#include "host/fields.h"
#include "host/systemd.h"
#include "host/unitfile.h"

enum { NAME, UNIT, ACTIVE_STATE, ENABLED, LAST_TRIGGER, NEXT, COMMAND, RESULT, AGE_DAYS };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "With its suffix: fstrim.timer", COLUMN_KEY | COLUMN_LABEL},
	[UNIT] = {"unit", TYPE_STRING, "What it starts", 0},
	[ACTIVE_STATE] = {"active_state", TYPE_STRING, "active, inactive or failed",
					  COLUMN_VALUE | COLUMN_SETTABLE},
	[ENABLED] = {"enabled", TYPE_STRING, "enabled, disabled, static, masked, ...", COLUMN_SETTABLE},
	[LAST_TRIGGER] = {"last_trigger", TYPE_TIME,
					  "Absent: never, or not since the boot and it is not Persistent=", 0},
	[NEXT] = {"next", TYPE_TIME, "Absent: it waits for nothing", 0},
	[COMMAND] = {"command", TYPE_STRING, "Command lines of the service that it starts", 0},
	[RESULT] =
		{"result", TYPE_STRING,
		 "How that service ended last, as its Result=: success, exit-code, timeout, ...; running",
		 0},
	[AGE_DAYS] =
		{"age_days", TYPE_INT,
		 "Whole days since it ended last, or began when it runs; when it has not run since "
		 "the boot, since it was last triggered or, without a stamp, since the boot",
		 0},
	{0},
};

static const struct {
	const char *name;
	int column;
	bool time;
} fields[] = {
	{"triggers", UNIT, false},   {"active", ACTIVE_STATE, false},
	{"enabled", ENABLED, false}, {"last", LAST_TRIGGER, true},
	{"next", NEXT, true},
};

/* 0: it says none. */
static int64_t seconds_of(struct str value)
{
	int64_t usec = 0;

	(void)num_usec(value, &usec);
	return usec / 1000000;
}

static void set_time(struct row *row, int column, struct str value)
{
	int64_t t = seconds_of(value);

	if (!t)
		return;
	/* A timer may wait for two clocks; the earlier one counts. */
	if (row->cells[column].state == VALUE_SET)
		t = MIN(t, row->cells[column].number);
	row_int(row, column, t);
}

struct live {
	struct map lines; /* name -> the rest of the line; of timers, and of the services they start */
	VEC(struct str) names;
	const char *why; /* systemd could not be asked; NULL: it was */
};

static void read_live(struct host *host, struct rows *rows, struct live *live)
{
	struct str text, line, name, value;
	struct err err = {0};
	int r = host_query(host, &systemd_query, rows->arena, &text, &err);

	map_init(&live->lines, rows->arena);
	if (r < 0) {
		live->why = host_is_live(host) ? arena_strdup(rows->arena, err.msg) : "offline";
		return;
	}
	while (str_line(&text, &line)) {
		struct str *kept;

		if (!fields_next(&line, &name, &value) || !str_is(name, "name") ||
			(!str_ends(value, ".timer") && !str_ends(value, ".service")))
			continue;
		kept = arena_new(rows->arena, struct str, 1);
		*kept = line;
		value = fields_plain(rows->arena, value);
		map_put(&live->lines, value, kept);
		if (str_ends(value, ".timer"))
			*vec_push(rows->arena, &live->names) = value;
	}
}

/* --- the last run ---------------------------------------------------------------------------- */

/* Of what a timer starts. */
struct run {
	struct str active, result;
	int64_t started, ended; /* 0: not since the boot */
	bool known;
};

static struct run run_of(const struct live *live, struct str unit)
{
	const struct str *line = map_get(&live->lines, unit);
	struct run run = {.known = line != NULL};
	struct str rest = line ? *line : STR_ABSENT, name, value;

	while (line && fields_next(&rest, &name, &value)) {
		if (str_is(name, "active"))
			run.active = value;
		else if (str_is(name, "result"))
			run.result = value;
		else if (str_is(name, "started"))
			run.started = seconds_of(value);
		else if (str_is(name, "ended"))
			run.ended = seconds_of(value);
		else if (str_is(name, "failed"))
			run.known = false;
	}
	return run;
}

/* While it starts, systemd has forgotten how the run before ended. */
static bool is_running(const struct run *run)
{
	return str_is(run->active, "activating") || str_is(run->active, "reloading") ||
		   str_is(run->active, "deactivating") ||
		   (str_is(run->active, "active") && run->started > run->ended);
}

static void set_age(struct host *host, struct row *row, int64_t since)
{
	row_int(row, AGE_DAYS, MAX(host_now(host) - since, 0) / 86400);
}

/* Seconds since 1970; 0: not known. */
static int64_t boot_time(struct host *host, struct arena *a)
{
	struct str text, word = STR_ABSENT, whole = STR_ABSENT;
	struct err ignored = {0};
	uint64_t up;

	if (host_read(host, "/proc/uptime", a, &text, &ignored) < 0 || !str_word(&text, &word) ||
		!str_cut(&word, '.', &whole) || num_u64(whole, 0, UINT32_MAX, &up) < 0)
		return 0;
	return host_now(host) - (int64_t)up;
}

/* It has not run since the boot: how it ended before nobody knows. The least age that it has. */
static void set_earlier(struct host *host, struct row *row, struct arena *a, const char *why)
{
	const struct value *trigger = &row->cells[LAST_TRIGGER];
	int64_t boot = host_is_live(host) ? boot_time(host, a) : 0;

	row_unknown(row, RESULT, why);
	if (trigger->state == VALUE_SET && (!boot || trigger->number < boot))
		set_age(host, row, trigger->number);
	else if (boot)
		set_age(host, row, boot);
	else
		row_unknown(row, AGE_DAYS, why);
}

static void set_since(struct host *host, struct row *row, int64_t since, const char *why)
{
	if (since)
		set_age(host, row, since);
	else
		row_unknown(row, AGE_DAYS, why);
}

static void set_run(struct host *host, struct rows *rows, struct row *row, const struct live *live)
{
	const struct value *unit = &row->cells[UNIT];
	struct run run = run_of(live, unit->state == VALUE_SET ? unit->string : STR_ABSENT);
	const char *why = "systemd does not say how it ended";

	if (unit->state == VALUE_ABSENT)
		return; /* it is masked */
	if (live->why) {
		set_earlier(host, row, rows->arena, live->why);
	} else if (!run.known || !run.active.p || !run.result.p) {
		row_unknown(row, RESULT, why);
		row_unknown(row, AGE_DAYS, why);
	} else if (is_running(&run)) {
		row_strz(row, RESULT, "running");
		set_since(host, row, MAX(run.started, run.ended), "it has not begun yet");
	} else if (run.ended || str_is(run.active, "failed")) {
		row_str(row, RESULT, run.result);
		set_since(host, row, run.ended, "it has failed before it began");
	} else {
		set_earlier(host, row, rows->arena, "it has not run since the boot");
	}
}

/* --- rows ------------------------------------------------------------------------------------ */

static void set_live(struct rows *rows, struct row *row, struct str line)
{
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "failed")) {
			row_unknown(row, LAST_TRIGGER, "systemd did not say");
			row_unknown(row, NEXT, "systemd did not say");
		}
		for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
			if (!str_is(name, fields[i].name))
				continue;
			if (fields[i].time)
				set_time(row, fields[i].column, value);
			else
				row_str(row, fields[i].column, fields_plain(rows->arena, value));
		}
	}
}

/* Persistent= timers keep the time of their last run as the mtime of a file. */
static void set_stamp(struct host *host, struct row *row, const struct unit_file *file,
					  struct arena *a)
{
	char *path = arena_printf(a, "/var/lib/systemd/timers/stamp-%.*s", STR_ARG(file->name));
	struct path_stat st;
	struct err err = {0};

	if (!unitfile_true(unitfile_value(file, "Timer", "Persistent", NULL)))
		row_unknown(row, LAST_TRIGGER, "it keeps no stamp on disk");
	else if (host_stat(host, path, true, &st, &err) == 0)
		row_int(row, LAST_TRIGGER, st.mtime);
	else if (err.errnum != ENOENT)
		row_unknown(row, LAST_TRIGGER, arena_strdup(a, err.msg));
	row_from(row, LAST_TRIGGER, FROM(path, 0));
}

static void set_from_file(struct host *host, struct rows *rows, struct row *row,
						  const struct unit_file *file)
{
	struct str unit = unitfile_value(file, "Timer", "Unit", NULL), stem = file->name;

	if (file->unread) {
		row_unknown(row, UNIT, file->unread);
		row_unknown(row, LAST_TRIGGER, file->unread);
		return;
	}
	if (file->masked)
		return;
	stem.n -= sizeof(".timer") - 1;
	row_str(row, UNIT,
			unit.p ? unit : str_of(arena_printf(rows->arena, "%.*s.service", STR_ARG(stem))));
	set_stamp(host, row, file, rows->arena);
}

static void set_command(struct rows *rows, struct row *row, const struct unit_files *files)
{
	const struct value *unit = &row->cells[UNIT];
	const struct unit_file *file =
		unit->state == VALUE_SET ? unitfiles_find(files, unit->string) : NULL;

	if (unit->state == VALUE_UNKNOWN)
		row_unknown(row, COMMAND, unit->why);
	else if (file && file->unread)
		row_unknown(row, COMMAND, file->unread);
	else if (file && str_ends(file->name, ".service"))
		row_str(row, COMMAND, unitfile_exec_start(file, rows->arena));
}

static void add_file(struct host *host, struct rows *rows, const struct live *live,
					 const struct unit_files *files, const struct unit_file *file)
{
	const struct str *line = map_get(&live->lines, file->name);
	struct row *row = rows_add(rows, FROM(file->path, 0));

	row_str(row, NAME, file->name);
	if (file->enabled)
		row_strz(row, ENABLED, file->enabled);
	else
		row_unknown(row, ENABLED, file->unread);
	if (!live->why && !line)
		row_strz(row, ACTIVE_STATE, "inactive");
	if (line)
		set_live(rows, row, *line);
	else
		set_from_file(host, rows, row, file);
	if (live->why) {
		row_unknown(row, ACTIVE_STATE, live->why);
		row_unknown(row, NEXT, live->why);
	}
	set_command(rows, row, files);
	set_run(host, rows, row, live);
}

/* Instances that were started without being enabled have no file of their own. */
static void add_loaded(struct host *host, struct rows *rows, const struct live *live,
					   const struct unit_files *files)
{
	for (size_t i = 0; i < live->names.n; i++) {
		struct row *row;

		if (unitfiles_find(files, live->names.p[i]))
			continue;
		row = rows_add(rows, FROM("systemd", 0));
		row_str(row, NAME, live->names.p[i]);
		set_live(rows, row, *(const struct str *)map_get(&live->lines, live->names.p[i]));
		set_command(rows, row, files);
		set_run(host, rows, row, live);
	}
}

static int read_timers(struct host *host, struct rows *rows, struct err *err)
{
	struct unit_files files;
	struct live live = {0};

	read_live(host, rows, &live);
	unitfiles_read(host, rows->arena, NULL, &files);
	if (!files.n && !files.gap && live.why)
		return err_set(err, ENOENT, "there are no unit files, so timers are not systemd's (%s)",
					   live.why);
	if (files.gap)
		rows_gap(rows, "%s", files.gap);
	for (size_t i = 0; i < files.n; i++)
		if (str_ends(files.p[i].name, ".timer") && !files.p[i].alias_of.p &&
			!str_has(files.p[i].name, "@."))
			add_file(host, rows, &live, &files, &files.p[i]);
	add_loaded(host, rows, &live, &files);
	return 0;
}

static int set_timers(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	const struct row *row = wish->row;
	struct str wanted = wish->column < 0 ? STR("inactive") : edit_text(edits, wish, "");
	bool on = str_is(wanted, "active") || str_is(wanted, "enabled");
	const char *name;

	if (!row || (!on && !str_is(wanted, "inactive") && !str_is(wanted, "disabled")))
		return err_set(err, ENOTSUP, "timers are started and stopped, no more");
	name = str_dup(edits->arena, row->cells[NAME].string);
	edit_state(edits, "unit", name, "enabled", row->cells[ENABLED].string,
			   on ? STR("enabled") : STR("disabled"));
	if (host_is_live(host))
		edit_state(edits, "unit", name, "active",
				   str_is(row->cells[ACTIVE_STATE].string, "active") ? STR("yes") : STR("no"),
				   on ? STR("yes") : STR("no"));
	return 0;
}

static const struct table timers = {
	.name = "timers",
	.doc = "systemd's timers, loaded or only on disk",
	.columns = columns,
	.read = read_timers,
	.early = systemd_early,
	.set = set_timers,
	.fix = "enable or disable {name}",
	.cost = 45,
};
TABLE(timers);
