/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's units: every unit file and every loaded unit. What runs is asked of systemd; for what
 * is not loaded, and where systemd does not run, the unit files are read with their drop-ins.
 */
#include "host/edit.h"
#include "host/table.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"
#include "host/fields.h"
#include "host/systemd.h"
#include "host/unit_needs.h"
#include "host/unit_command.h"
#include "host/unitfile.h"
#include "host/unitprop.h"

enum {
	NAME,
	TYPE,
	LOAD_STATE,
	ACTIVE_STATE,
	SUB_STATE,
	ENABLED,
	FRAGMENT,
	DROPINS,
	DESCRIPTION,
	USER,
	MAIN_PID,
	NEED_RELOAD,
	EXEC_START,
	ENVIRONMENT,
	LISTENS,
	FIRST_PROPERTY,
};

#define PROPERTY(index, property, type, doc) [FIRST_PROPERTY + (index)] = {property, type, doc, 0}

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "With its suffix: ssh.service", COLUMN_KEY | COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "service, socket, timer, target, mount, ...", 0},
	[LOAD_STATE] = {"load_state", TYPE_STRING, "loaded, masked, not-found, error", 0},
	[ACTIVE_STATE] = {"active_state", TYPE_STRING,
					  "active, inactive, failed, ...; absent for templates and aliases",
					  COLUMN_VALUE | COLUMN_SETTABLE},
	[SUB_STATE] = {"sub_state", TYPE_STRING, "running, exited, dead, listening, ...", 0},
	[ENABLED] = {"enabled", TYPE_STRING,
				 "enabled, disabled, static, masked, alias, generated, indirect, ...",
				 COLUMN_SETTABLE},
	[FRAGMENT] = {"fragment", TYPE_STRING, "Its unit file", 0},
	[DROPINS] = {"dropins", TYPE_LIST, "Drop-in files in force, as they apply", 0},
	[DESCRIPTION] = {"description", TYPE_STRING, "Description=", 0},
	[USER] = {"user", TYPE_STRING, "Whom a service runs as, root when it does not say", 0},
	[MAIN_PID] = {"main_pid", TYPE_INT, "Absent when it has none", 0},
	[NEED_RELOAD] = {"NeedDaemonReload", TYPE_BOOL,
					 "Its files have changed since systemd read them; absent: it was not asked", 0},
	[EXEC_START] = {"exec_start", TYPE_STRING, "Command lines, with \" ; \" between them", 0},
	[ENVIRONMENT] =
		{"environment", TYPE_LIST,
		 "Names of the variables that its files set for it, with Environment= or in a file of "
		 "EnvironmentFile=",
		 0},
	[LISTENS] = {"listens", TYPE_LIST, "Of sockets: \"[::]:22 (Stream)\"", 0},
	PROPERTY(0, "NoNewPrivileges", TYPE_BOOL, "As systemd.exec(5); services only, as all below"),
	PROPERTY(1, "ProtectSystem", TYPE_STRING, "no, yes, full or strict"),
	PROPERTY(2, "ProtectHome", TYPE_STRING, "no, yes, read-only or tmpfs"),
	PROPERTY(3, "PrivateTmp", TYPE_BOOL, "Has its own /tmp"),
	PROPERTY(4, "PrivateDevices", TYPE_BOOL, "Sees no physical devices"),
	PROPERTY(5, "PrivateNetwork", TYPE_BOOL, "Sees no network but its own loopback"),
	PROPERTY(6, "PrivateUsers", TYPE_BOOL, "Has its own user namespace"),
	PROPERTY(7, "ProtectKernelTunables", TYPE_BOOL, "Kernel variables are read-only"),
	PROPERTY(8, "ProtectKernelModules", TYPE_BOOL, "Cannot load kernel modules"),
	PROPERTY(9, "ProtectKernelLogs", TYPE_BOOL, "Cannot read the kernel's log"),
	PROPERTY(10, "ProtectControlGroups", TYPE_BOOL, "Control groups are read-only"),
	PROPERTY(11, "ProtectClock", TYPE_BOOL, "Cannot set the clock"),
	PROPERTY(12, "ProtectHostname", TYPE_BOOL, "Cannot set the host name"),
	PROPERTY(13, "ProtectProc", TYPE_STRING, "default, noaccess, invisible or ptraceable"),
	PROPERTY(14, "ProcSubset", TYPE_STRING, "all or pid"),
	PROPERTY(15, "RestrictNamespaces", TYPE_STRING,
			 "no, yes, or the kinds of namespaces that may still be created"),
	PROPERTY(16, "RestrictRealtime", TYPE_BOOL, "Cannot schedule in real time"),
	PROPERTY(17, "RestrictSUIDSGID", TYPE_BOOL, "Cannot create SUID and SGID files"),
	PROPERTY(18, "RestrictAddressFamilies", TYPE_LIST,
			 "Allowed ones, forbidden ones with '~', or none; absent: all are allowed"),
	PROPERTY(19, "MemoryDenyWriteExecute", TYPE_BOOL, "No memory both writable and executable"),
	PROPERTY(20, "LockPersonality", TYPE_BOOL, "Cannot change its execution domain"),
	PROPERTY(21, "SystemCallFilter", TYPE_LIST,
			 "Allowed calls (or groups, from a unit file), forbidden ones with '~'; absent: all"),
	PROPERTY(22, "SystemCallArchitectures", TYPE_LIST, "Absent: all that the kernel has"),
	PROPERTY(23, "CapabilityBoundingSet", TYPE_LIST, "Capabilities that it can ever have"),
	PROPERTY(24, "AmbientCapabilities", TYPE_LIST, "Capabilities that it is given"),
	PROPERTY(25, "DynamicUser", TYPE_BOOL, "Runs as a user made for it"),
	PROPERTY(26, "RemoveIPC", TYPE_BOOL, "Its IPC objects go when it stops"),
	PROPERTY(27, "UMask", TYPE_MODE, "Mode bits that its new files do not get"),
	PROPERTY(28, "IPAddressDeny", TYPE_LIST, "Prefixes it may not talk to"),
	PROPERTY(29, "DevicePolicy", TYPE_STRING, "auto, closed or strict"),
	PROPERTY(30, "KeyringMode", TYPE_STRING, "inherit, private or shared"),
	PROPERTY(31, "SupplementaryGroups", TYPE_LIST, "Groups it is in besides its own"),
	PROPERTY(32, "ReadWritePaths", TYPE_LIST, "Paths that stay writable"),
	{0},
};

typedef VEC(struct str) strings;

/* What the running systemd says of a unit. */
struct live {
	struct str load, active, sub, description, fragment, enabled, user, pid, outdated, failed;
	strings dropins, exec, listens;
	strings properties[UNITPROP_MAX];
};

struct unit {
	struct str name;
	const struct unit_file *file;   /* NULL: there is none that we know of */
	const struct unit_file *target; /* of an alias; NULL */
	struct live *live;              /* NULL: systemd was not asked, or has not loaded it */
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct arena *arena;
	struct map by_name;
	VEC(struct unit *) units;
	const char *why; /* systemd could not be asked; NULL: it was */
	int columns[UNITPROP_MAX];
};

static struct unit *unit_of(struct reader *r, struct str name)
{
	struct unit *u = map_get(&r->by_name, name);

	if (u)
		return u;
	u = arena_new(r->arena, struct unit, 1);
	u->name = name;
	map_put(&r->by_name, name, u);
	*vec_push(r->arena, &r->units) = u;
	return u;
}

/* --- the query's lines ----------------------------------------------------------------------- */

#define LIVE(member) offsetof(struct live, member)

struct live_field {
	const char *name;
	size_t offset;
};
static const struct live_field live_strings[] = {
	{"load", LIVE(load)},         {"active", LIVE(active)},   {"sub", LIVE(sub)},
	{"fragment", LIVE(fragment)}, {"enabled", LIVE(enabled)}, {"description", LIVE(description)},
	{"user", LIVE(user)},         {"main_pid", LIVE(pid)},    {"outdated", LIVE(outdated)},
	{"failed", LIVE(failed)},
};
static const struct live_field live_lists[] = {
	{"dropin", LIVE(dropins)},
	{"exec", LIVE(exec)},
	{"listens", LIVE(listens)},
};

static void set_live(struct reader *r, struct live *live, struct str name, struct str value)
{
	int property = unitprop_find(name);

	if (property >= 0) {
		*vec_push(r->arena, &live->properties[property]) = value;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(live_strings); i++)
		if (str_is(name, live_strings[i].name))
			*(struct str *)(void *)((char *)live + live_strings[i].offset) = value;
	for (size_t i = 0; i < ARRAY_LEN(live_lists); i++)
		if (str_is(name, live_lists[i].name)) {
			strings *list = (void *)((char *)live + live_lists[i].offset);

			*vec_push(r->arena, list) = value;
		}
}

static void read_live_line(struct reader *r, struct str line)
{
	struct str name, value;
	struct unit *u;

	if (!fields_next(&line, &name, &value) || !str_is(name, "name"))
		return;
	u = unit_of(r, fields_plain(r->arena, value));
	if (!u->live)
		u->live = arena_new(r->arena, struct live, 1);
	while (fields_next(&line, &name, &value))
		set_live(r, u->live, name, fields_plain(r->arena, value));
}

static void read_live(struct reader *r, struct host *host)
{
	struct err err = {0};
	struct str text, line;
	int result = host_query(host, &systemd_query, r->arena, &text, &err);

	if (result < 0) {
		r->why = host_is_live(host) ? arena_strdup(r->arena, err.msg) : "offline";
		return;
	}
	while (str_line(&text, &line))
		read_live_line(r, line);
}

/* --- from the unit file ---------------------------------------------------------------------- */

static bool is_template(struct str name)
{
	return str_has(name, "@.");
}

static bool is_service(struct str name)
{
	return str_ends(name, ".service");
}

static bool is_number(struct str s)
{
	uint64_t v;

	return num_u64(s, 0, 65535, &v) == 0;
}

static void set_listens(struct row *row, const struct unit_file *file, struct arena *a)
{
	strings items = {0};

	for (size_t i = 0; i < file->conf.n; i++) {
		const struct conf_item *item = &file->conf.items[i];
		struct str kind = item->key;

		if (!str_is(item->section, "Socket") || !str_skip(&kind, "Listen"))
			continue;
		if (!item->value.n) {
			items.n = 0; /* an empty one takes back those of every kind */
			continue;
		}
		*vec_push(a, &items) =
			str_of(arena_printf(a, "%s%.*s (%.*s)", is_number(item->value) ? "[::]:" : "",
								STR_ARG(item->value), STR_ARG(kind)));
	}
	if (items.n)
		row_list(row, LISTENS, items.p, items.n);
}

static void set_user(struct row *row, const struct unit *u)
{
	struct str user = unitfile_user(u->file);

	if (str_has(user, "%"))
		row_unknown(row, USER, "it has a specifier in it, which systemd replaces");
	else
		row_str(row, USER, user);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void set_property(struct reader *r, struct row *row, size_t i,
						 const struct unitprop_value *value)
{
	int column = r->columns[i];
	unsigned mode;

	if (column < 0)
		return;
	if (value->why) {
		row_unknown(row, column, value->why);
		return;
	}
	if (!value->n && !unitprop_is_set(i))
		return;
	switch (columns[column].type) {
	case TYPE_BOOL:
		row_bool(row, column, str_is(value->items[0], "yes"));
		break;
	case TYPE_LIST:
		row_list(row, column, value->items, value->n);
		break;
	case TYPE_MODE:
		if (num_mode(value->items[0], &mode) == 0)
			row_int(row, column, mode);
		else
			row_unknown(row, column, "not an octal mode");
		break;
	default:
		row_str(row, column, value->items[0]);
	}
	if (value->from)
		row_from(row, column, FROM(value->from->file, value->from->line));
}

static void set_file_properties(struct reader *r, struct row *row, const struct unit_file *file)
{
	struct unitprop_value values[UNITPROP_MAX] = {0};

	unitprop_read(file, r->arena, values);
	for (size_t i = 0; i < unitprop_count(); i++)
		if (file->unread && r->columns[i] >= 0)
			row_unknown(row, r->columns[i], file->unread);
		else
			set_property(r, row, i, &values[i]);
}

/* The value is what systemd has in force; the place is the unit file's line, when it has one. */
static void set_live_properties(struct reader *r, struct row *row, const struct unit *u)
{
	for (size_t i = 0; i < unitprop_count(); i++) {
		const strings *items = &u->live->properties[i];
		struct unitprop_value value = unitprop_live(i, items->p, items->n, r->arena);

		if (u->file)
			value.from = conf_last(&u->file->conf, "Service", unitprop_name(i));
		if (r->columns[i] < 0)
			continue;
		if (u->live->failed.p)
			row_unknown(row, r->columns[i], str_dup(r->arena, u->live->failed));
		else if (!items->n && unitprop_is_mask(i))
			row_unknown(row, r->columns[i], "systemd did not say");
		else
			set_property(r, row, i, &value);
	}
}

/* "+" and "!" in front of a program leave it root, whatever User= says; "!!" does so only where the
 * kernel is too old for ambient capabilities. */
static const struct conf_item *stays_root(const struct unit_values *commands)
{
	for (size_t i = 0; i < commands->n; i++) {
		struct str command = commands->items[i]->value;

		while (command.n && strchr("@-:", command.p[0]))
			command = (struct str){command.p + 1, command.n - 1};
		if (str_starts(command, "+") || (str_starts(command, "!") && !str_starts(command, "!!")))
			return commands->items[i];
	}
	return NULL;
}

/* The lines of the unit file, or of a drop-in, that say what it runs and as whom. */
static void set_places(struct row *row, const struct unit_file *file, struct arena *a)
{
	struct unit_values commands = unitfile_values(file, a, "Service", "ExecStart");
	const struct conf_item *user = NULL, *root = stays_root(&commands);

	if (commands.n)
		row_from(row, EXEC_START, FROM(commands.items[0]->file, commands.items[0]->line));
	if (unitfile_value(file, "Service", "User", &user).p && user)
		row_from(row, USER, FROM(user->file, user->line));
	if (root) {
		row_strz(row, USER, "root");
		row_from(row, USER, FROM(root->file, root->line));
	}
}

/* The names alone: values are secrets now and then. */
static void set_environment(struct reader *r, struct row *row, const struct unit_file *file)
{
	struct unit_paths paths = {0};
	VEC(struct str) names = {0};
	struct env env = {0};
	struct err err = {0};
	int e;

	unit_environment(r->arena, file, &env);
	e = unit_environment_files(r->host, r->arena, file, &paths, &err);
	for (size_t i = 0; e == 0 && i < paths.all.n; i++)
		e = envfile_read(r->host, r->arena, str_dup(r->arena, paths.all.p[i]), &env, &err);
	for (size_t i = 0; i < env.n; i++)
		*vec_push(r->arena, &names) = env.p[i].name;
	if (file->unread || e < 0)
		row_unknown(row, ENVIRONMENT,
					file->unread ? file->unread : arena_strdup(r->arena, err.msg));
	else if (names.n)
		row_list(row, ENVIRONMENT, names.p, names.n);
	if (env.n)
		row_from(row, ENVIRONMENT, FROM(env.p[0].file, env.p[0].line));
}

static void set_service_from_file(struct reader *r, struct row *row, const struct unit *u)
{
	if (u->file->unread) {
		row_unknown(row, EXEC_START, u->file->unread);
		row_unknown(row, USER, u->file->unread);
	} else {
		row_str(row, EXEC_START, unitfile_exec_start(u->file, r->arena));
		set_user(row, u);
		set_places(row, u->file, r->arena);
	}
	set_environment(r, row, u->file);
	set_file_properties(r, row, u->file);
}

static void set_content_from_file(struct reader *r, struct row *row, const struct unit *u)
{
	row_str(row, DESCRIPTION, unitfile_value(u->file, "Unit", "Description", NULL));
	if (u->file->n_dropins)
		row_list(row, DROPINS, u->file->dropins, u->file->n_dropins);
	set_listens(row, u->file, r->arena);
	if (is_service(u->name) && !u->file->masked)
		set_service_from_file(r, row, u);
}

/* Where /usr is merged the one says /usr/lib, the other /lib. */
static struct str unmerged(struct str path)
{
	struct str rest = path;

	return str_skip(&rest, "/usr") && str_starts(rest, "/lib/") ? rest : path;
}

/* systemd remembers which directories there were: one that is new it does not see. */
static bool has_new_dropin(const struct unit *u)
{
	for (size_t i = 0; u->file && i < u->file->n_dropins; i++) {
		bool loaded = false;

		vec_each(&u->live->dropins, d)
			loaded |= str_eq(unmerged(*d), unmerged(u->file->dropins[i]));
		if (!loaded)
			return true;
	}
	return false;
}

static void set_service_from_live(struct reader *r, struct row *row, const struct unit *u)
{
	const struct live *live = u->live;
	int64_t pid;

	if (num_i64(live->pid, 1, INT32_MAX, &pid) == 0)
		row_int(row, MAIN_PID, pid);
	if (live->failed.p)
		row_unknown(row, NEED_RELOAD, str_dup(r->arena, live->failed));
	else if (live->outdated.n)
		row_bool(row, NEED_RELOAD, str_is(live->outdated, "yes") || has_new_dropin(u));
	row_str(row, EXEC_START, str_join(r->arena, live->exec.p, live->exec.n, " ; "));
	if (!str_is(live->load, "loaded"))
		return; /* it has no settings of its own */
	row_str(row, USER, live->user.n ? live->user : STR("root"));
	if (u->file) {
		set_places(row, u->file, r->arena);
		set_environment(r, row, u->file);
	}
	set_live_properties(r, row, u);
}

static void set_content_from_live(struct reader *r, struct row *row, const struct unit *u)
{
	const struct live *live = u->live;

	row->note = "as systemd has it loaded";
	row_str(row, DESCRIPTION, live->description);
	if (live->dropins.n)
		row_list(row, DROPINS, live->dropins.p, live->dropins.n);
	else if (u->file && u->file->n_dropins)
		row_list(row, DROPINS, u->file->dropins, u->file->n_dropins);
	if (live->listens.n)
		row_list(row, LISTENS, live->listens.p, live->listens.n);
	if (is_service(u->name))
		set_service_from_live(r, row, u);
}

/* Of a unit that is not loaded: systemd would load it when asked, and find it inactive. */
static void set_states(struct reader *r, struct row *row, const struct unit *u)
{
	bool alias = u->file && u->file->alias_of.p;

	if (u->live) {
		row_str(row, LOAD_STATE, u->live->load);
		row_str(row, ACTIVE_STATE, u->live->active);
		row_str(row, SUB_STATE, u->live->sub);
		return;
	}
	if (alias || is_template(u->name))
		return;
	row_strz(row, LOAD_STATE, u->file && u->file->masked ? "masked" : "loaded");
	if (!r->why) {
		row_strz(row, ACTIVE_STATE, "inactive");
		row_strz(row, SUB_STATE, "dead");
		return;
	}
	row_unknown(row, ACTIVE_STATE, r->why);
	row_unknown(row, SUB_STATE, r->why);
	if (is_service(u->name))
		row_unknown(row, MAIN_PID, r->why);
}

static void set_enabled(struct row *row, const struct unit *u)
{
	if (u->live && u->live->enabled.n)
		row_str(row, ENABLED, u->live->enabled);
	else if (u->file && u->file->enabled)
		row_strz(row, ENABLED, u->file->enabled);
	else if (u->file)
		row_unknown(row, ENABLED, u->file->unread);
}

static const char *path_of(const struct unit *u, struct arena *a)
{
	if (u->live && u->live->fragment.n)
		return str_dup(a, u->live->fragment);
	return u->file ? u->file->path : NULL;
}

static void add_unit(struct reader *r, const struct unit *u)
{
	const char *path = path_of(u, r->arena);
	struct row *row = rows_add(r->rows, FROM(path ? path : "systemd", 0));
	const char *dot = memrchr(u->name.p, '.', u->name.n);

	row_str(row, NAME, u->name);
	if (dot)
		row_str(row, TYPE, (struct str){dot + 1, u->name.n - (size_t)(dot + 1 - u->name.p)});
	set_states(r, row, u);
	set_enabled(row, u);
	row_strz(row, FRAGMENT, u->target ? u->target->path : path);
	if (u->live)
		set_content_from_live(r, row, u);
	else if (u->file && !u->file->alias_of.p)
		set_content_from_file(r, row, u);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp((*(struct unit *const *)a)->name, (*(struct unit *const *)b)->name);
}

static int read_units(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows, .arena = rows->arena};
	struct unit_files files;

	map_init(&r.by_name, r.arena);
	for (size_t i = 0; i < unitprop_count(); i++)
		r.columns[i] = table_column(rows->table, str_of(unitprop_name(i)));
	unitfiles_read(host, r.arena, NULL, &files);
	for (size_t i = 0; i < files.n; i++) {
		struct unit *u = unit_of(&r, files.p[i].name);

		u->file = &files.p[i];
		if (u->file->alias_of.p)
			u->target = unitfiles_find(&files, u->file->alias_of);
	}
	read_live(&r, host);
	if (!files.n && !files.gap && r.why)
		return err_set(err, ENOENT, "there are no unit files, so services are not systemd's (%s)",
					   r.why);
	if (files.gap)
		rows_gap(rows, "%s", files.gap);
	if (r.units.n)
		qsort(r.units.p, r.units.n, sizeof(*r.units.p), by_name);
	for (size_t i = 0; i < r.units.n; i++)
		add_unit(&r, r.units.p[i]);
	return 0;
}

/* What should not run is masked: a dependency, or the next upgrade, does not bring it back. */
/* systemd starts nothing that requires what is masked. */
static int check_not_needed(struct host *host, struct edits *edits, struct str unit, struct err *err)
{
	const char *gap = NULL;
	const struct unit_file *by = unit_needed_by(host, edits->arena, unit, &gap);

	if (by)
		return err_set(err, ENOTSUP, "%.*s requires %.*s, and would not start any more",
					   STR_ARG(by->name), STR_ARG(unit));
	return gap ? err_set(err, ENOTSUP, "it is not known what needs %.*s: %s", STR_ARG(unit), gap) : 0;
}

static int set_units(struct host *host, const struct wish *wish, struct edits *edits,
					 struct err *err)
{
	const struct row *row = wish->row;
	const char *unit = row ? str_dup(edits->arena, row->cells[NAME].string) : NULL;
	struct str active = row ? row->cells[ACTIVE_STATE].string : STR_ABSENT, wanted;
	bool off = wish->column < 0, own;

	if (!row)
		return err_set(err, ENOTSUP, "the unit is not there");
	if (wish->column >= 0) {
		wanted = edit_text(edits, wish, ",");
		off = str_is(wanted, "inactive") || str_is(wanted, "masked") || str_is(wanted, "disabled");
		if (!off && !str_is(wanted, "active") && !str_is(wanted, "enabled"))
			return err_set(err, ENOTSUP, "%s is not a state that units are put into",
						   wanted.p ? wanted.p : "unset");
	}
	if (!off && str_starts(row->cells[ENABLED].string, "masked"))
		return err_set(err, ENOTSUP, "%s is masked: find out who did not want it", unit);
	/* A unit file in /etc stands where the mask would. */
	own = row->cells[FRAGMENT].state == VALUE_SET &&
		  str_starts(row->cells[FRAGMENT].string, "/etc/systemd/system/");
	if (off && !own && check_not_needed(host, edits, row->cells[NAME].string, err) < 0)
		return -ENOTSUP;
	edit_state(edits, "unit", unit, "enabled", row->cells[ENABLED].string,
			   !off  ? STR("enabled")
			   : own ? STR("disabled")
					 : STR("masked"));
	if (host_is_live(host))
		edit_state(edits, "unit", unit, "active",
				   str_is(active, "active") ? STR("yes") : STR("no"), off ? STR("no") : STR("yes"));
	return 0;
}

static const struct table units = {
	.name = "units",
	.doc = "Units of systemd, loaded or only on disk, with what their settings allow them",
	.columns = columns,
	.read = read_units,
	.set = set_units,
	.early = systemd_early,
	.fix = "enable, disable, mask, or add a drop-in to {name}",
	.cost = 45,
};
TABLE(units);
