/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides what systemd's units do: their files, and of services the programs and the environment
 * that these name; and who else can change it.
 */
#include "host/table.h"

#include "base/num.h"
#include "base/vec.h"
#include "host/changers.h"
#include "host/command.h"
#include "host/glob.h"
#include "host/specifier.h"
#include "host/unitfile.h"

#define MAX_PATHS 256 /* of one unit */

enum { UNIT, KIND, PATH, USER, CHANGED_BY, AT, OTHERS, READ_ONLY };

static const struct column columns[] = {
	[UNIT] = {"unit", TYPE_STRING, "Name of the unit", COLUMN_LABEL},
	[KIND] = {"kind", TYPE_STRING,
			  "unit (its file), drop-in, program (or a script that one is given), environment", 0},
	[PATH] = {"path", TYPE_STRING,
			  "Absolute. Of templates those are left out that only an instance has", COLUMN_LABEL},
	[USER] = {"user", TYPE_STRING,
			  "Whom a program runs as or an environment is for; root for units and drop-ins", 0},
	[CHANGED_BY] = {"changed_by", TYPE_LIST,
					"Who beside root can change what is there: users, group:NAME, everyone; by "
					"writing it, or by replacing it, a link or a directory on the way",
					0},
	[AT] = {"at", TYPE_STRING, "The path where they can", 0},
	[OTHERS] = {"others", TYPE_BOOL, "Is one of them neither root nor the user?", 0},
	[READ_ONLY] = {"read_only", TYPE_BOOL,
				   "Of programs: does ProtectSystem=strict keep the service itself from writing there?",
				   0},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct arena *arena;
	struct passwd_db users;
	struct changers changers;
};

/* The unit at hand. */
struct unit {
	const struct unit_file *file;
	struct str user;
	const char *user_why;           /* why the user is not known; NULL: it is */
	const struct passwd_user *self; /* NULL: root, a dynamic one, or one that passwd lacks */
	VEC(const char *) paths;        /* that have a row: as root, and as the user */
};

/* --- a row ----------------------------------------------------------------------------------- */

static void set_changers(struct reader *r, struct row *row, struct str path,
						 const struct passwd_user *self, const char *user_why)
{
	struct changed_by by;
	struct err err = {0};

	if (changers_of(&r->changers, path, self, &by, &err) < 0) {
		const char *why = arena_strdup(r->arena, err.msg);

		row_unknown(row, CHANGED_BY, why);
		row_unknown(row, AT, why);
		row_unknown(row, OTHERS, why);
		return;
	}
	if (by.n)
		row_list(row, CHANGED_BY, by.names, by.n);
	row_strz(row, AT, by.at);
	if (user_why && by.others)
		row_unknown(row, OTHERS, user_why);
	else
		row_bool(row, OTHERS, by.others);
}

static bool is_new(struct reader *r, struct unit *u, const char *key)
{
	vec_each(&u->paths, have) if (strcmp(*have, key) == 0) return false;
	if (u->paths.n == MAX_PATHS) {
		rows_gap(r->rows, "%.*s: over %d paths", STR_ARG(u->file->name), MAX_PATHS);
		return false;
	}
	*vec_push(r->arena, &u->paths) = key;
	return true;
}

static bool is_within(struct str path, struct str dir)
{
	while (dir.n && dir.p[dir.n - 1] == '/')
		dir.n--;
	return path.n > dir.n && path.p[dir.n] == '/' && memcmp(path.p, dir.p, dir.n) == 0;
}

/* A path that may be written nevertheless may be above or below; what is in the directories that
 * systemd makes for services is theirs. */
static bool is_read_only(struct reader *r, const struct unit *u, struct str path)
{
	static const char *const own[] = {"/var/", "/run/", "/tmp/", "/etc/", "/dev/"};
	struct unit_values open = unitfile_values(u->file, r->arena, "Service", "ReadWritePaths");
	struct str word;

	if (!str_is(unitfile_value(u->file, "Service", "ProtectSystem", NULL), "strict"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_starts(path, own[i]))
			return false;
	for (size_t i = 0; i < open.n; i++)
		for (struct str rest = open.items[i]->value; str_word(&rest, &word);) {
			while (word.n && strchr("+-", word.p[0]))
				word = (struct str){word.p + 1, word.n - 1};
			if (is_within(path, word) || is_within(word, path) || str_eq(word, path) ||
				str_has_char(word, '%') || str_has_char(word, '"'))
				return false;
		}
	return true;
}

static void add_path(struct reader *r, struct unit *u, const char *kind, struct str path,
					 bool as_root, struct from from)
{
	const char *key = arena_printf(r->arena, "%c%s %.*s", as_root ? '+' : ' ', kind, STR_ARG(path));
	struct row *row;

	if (!is_new(r, u, key))
		return;
	row = rows_add(r->rows, from);
	row_str(row, UNIT, u->file->name);
	row_strz(row, KIND, kind);
	row_str(row, PATH, path);
	if (as_root)
		row_strz(row, USER, "root");
	else if (u->user_why && !u->user.p)
		row_unknown(row, USER, u->user_why);
	else
		row_str(row, USER, u->user);
	if (strcmp(kind, "program") == 0)
		row_bool(row, READ_ONLY, is_read_only(r, u, path));
	set_changers(r, row, path, as_root ? NULL : u->self, as_root ? NULL : u->user_why);
}

/* What is known to be there without it being known where. */
static void add_unknown(struct reader *r, const struct unit *u, const char *kind, const char *why,
						struct from from)
{
	struct row *row = rows_add(r->rows, from);

	row_str(row, UNIT, u->file->name);
	row_strz(row, KIND, kind);
	for (int column = PATH; column <= OTHERS; column++)
		row_unknown(row, column, why);
}

static bool is_template(const struct unit *u)
{
	return str_has(u->file->name, "@.");
}

/* --- commands -------------------------------------------------------------------------------- */

/* With specifiers replaced. False: that cannot be done, or only for an instance. */
static bool expand(struct reader *r, const struct unit *u, struct str value, struct str *ret)
{
	if (is_template(u) && str_has_char(value, '%'))
		return false;
	return specifier_expand(r->arena, u->file->name, value, ret);
}

static bool is_regular(struct reader *r, struct str path, struct path_stat *st)
{
	struct err ignored = {0};

	return host_stat(r->host, str_dup(r->arena, path), true, st, &ignored) == 0 &&
		   S_ISREG(st->mode);
}

/* systemd.service(5), "Command lines": a name without a slash is looked for in fixed places. */
static struct str in_search_path(struct reader *r, struct str name)
{
	static const char *const dirs[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
									   "/usr/bin",        "/sbin",          "/bin"};
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		struct str path = str_of(arena_printf(r->arena, "%s/%.*s", dirs[i], STR_ARG(name)));

		if (is_regular(r, path, &st))
			return path;
	}
	return STR_ABSENT;
}

/* The first word, which may be quoted; *line is what follows. */
static struct str first_word(struct str *line)
{
	struct str word = STR_ABSENT;

	*line = str_trim(*line);
	if (line->n && (line->p[0] == '"' || line->p[0] == '\'')) {
		char quote = line->p[0];

		*line = (struct str){line->p + 1, line->n - 1};
		(void)str_cut(line, quote, &word);
	} else {
		(void)str_word(line, &word);
	}
	return word;
}

/* The scripts that a program is given, by their paths or relative to where it works. */
static void add_arguments(struct reader *r, struct unit *u, struct str line, bool as_root,
						  struct from from)
{
	struct str dir = unitfile_value(u->file, "Service", "WorkingDirectory", NULL), rest = line,
			   word;
	struct path_stat st;

	for (int i = 0; i < COMMAND_MAX_PATHS && (word = command_next_path(&rest)).p; i++)
		if (expand(r, u, word, &word) && is_regular(r, word, &st) &&
			(st.mode & 0111 || command_is_script(word)))
			add_path(r, u, "program", word, as_root, from);
	(void)str_skip(&dir, "-");
	if (!str_starts(dir, "/") || !expand(r, u, dir, &dir))
		return;
	for (int i = 0; i < COMMAND_MAX_PATHS && str_word(&line, &word); i++)
		if (word.p[0] != '/' && word.p[0] != '-' && command_is_script(word))
			add_path(r, u, "program",
					 str_of(arena_printf(r->arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(word))),
					 as_root, from);
}

static void add_command(struct reader *r, struct unit *u, const struct conf_item *item)
{
	struct from from = FROM(item->file, item->line);
	struct str line = item->value, program;
	bool as_root = false;

	for (; line.n && strchr("@-:+!|", line.p[0]); line.p++, line.n--)
		as_root = as_root || line.p[0] == '+' || line.p[0] == '!';
	program = first_word(&line);
	if (!program.n)
		return;
	if (str_has_char(program, '\\')) {
		add_unknown(r, u, "program", "its path is written with a backslash", from);
		return;
	}
	if (!expand(r, u, program, &program)) {
		if (!is_template(u))
			add_unknown(r, u, "program", "its path has a specifier in it, which systemd replaces",
						from);
		return;
	}
	if (!str_has_char(program, '/'))
		program = in_search_path(r, program);
	if (str_starts(program, "/"))
		add_path(r, u, "program", program, as_root, from);
	add_arguments(r, u, line, as_root, from);
}

static void add_commands(struct reader *r, struct unit *u)
{
	static const char *const keys[] = {"ExecCondition", "ExecStartPre", "ExecStart",
									   "ExecStartPost", "ExecReload",   "ExecStop",
									   "ExecStopPost"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct unit_values values = unitfile_values(u->file, r->arena, "Service", keys[i]);

		for (size_t k = 0; k < values.n; k++)
			add_command(r, u, values.items[k]);
	}
}

/* --- the environment ------------------------------------------------------------------------- */

static void add_environment(struct reader *r, struct unit *u, const struct conf_item *item)
{
	struct from from = FROM(item->file, item->line);
	struct str path = item->value, *found;
	struct err err = {0};
	size_t n = 0;

	(void)str_skip(&path, "-");
	if (!expand(r, u, path, &path)) {
		if (!is_template(u))
			add_unknown(r, u, "environment",
						"its path has a specifier in it, which systemd replaces", from);
		return;
	}
	if (!str_starts(path, "/"))
		return;
	if (!str_is_glob(path)) {
		add_path(r, u, "environment", path, false, from);
		return;
	}
	if (host_glob(r->host, r->arena, path, &found, &n, &err) < 0)
		add_unknown(r, u, "environment", arena_strdup(r->arena, err.msg), from);
	for (size_t i = 0; i < n; i++)
		add_path(r, u, "environment", found[i], false, from);
}

/* --- units ----------------------------------------------------------------------------------- */

static void find_user(struct reader *r, struct unit *u)
{
	struct str user = unitfile_user(u->file);
	uint64_t uid;

	if (!expand(r, u, user, &u->user)) {
		u->user = STR_ABSENT;
		u->user_why = "it has a specifier in it, which systemd replaces";
		return;
	}
	if (num_u64(u->user, 0, UINT32_MAX, &uid) == 0)
		u->self = passwd_by_uid(&r->users, (uint32_t)uid);
	else
		u->self = passwd_by_name(&r->users, u->user);
	if (u->self && u->self->uid == 0) {
		u->self = NULL;
		u->user = STR("root");
	} else if (!u->self && !str_is(u->user, "root") &&
			   !unitfile_true(unitfile_value(u->file, "Service", "DynamicUser", NULL))) {
		u->user_why = "the user is not in /etc/passwd";
	}
}

static void add_unit(struct reader *r, const struct unit_file *file)
{
	struct unit u = {.file = file};
	struct unit_values files;

	add_path(r, &u, "unit", str_of(file->path), true, FROM(file->path, 0));
	for (size_t i = 0; i < file->n_dropins; i++)
		add_path(r, &u, "drop-in", file->dropins[i], true, FROM(file->dropins[i].p, 0));
	if (file->sysv || !str_ends(file->name, ".service"))
		return;
	if (file->unread) {
		add_unknown(r, &u, "program", file->unread, FROM(file->path, 0));
		return;
	}
	find_user(r, &u);
	add_commands(r, &u);
	files = unitfile_values(file, r->arena, "Service", "EnvironmentFile");
	for (size_t i = 0; i < files.n; i++)
		add_environment(r, &u, files.items[i]);
}

static int read_unit_files(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows, .arena = rows->arena};
	struct unit_files files;
	int result = passwd_read(host, rows->arena, &r.users, err);

	if (result < 0)
		return result;
	changers_init(&r.changers, host, r.arena, &r.users);
	unitfiles_read(host, r.arena, NULL, &files);
	if (!files.n && !files.gap)
		return err_set(err, ENOENT, "there are no unit files");
	if (files.gap)
		rows_gap(rows, "%s", files.gap);
	for (size_t i = 0; i < files.n; i++)
		if (!files.p[i].alias_of.p && !files.p[i].masked)
			add_unit(&r, &files.p[i]);
	return 0;
}

static const struct table unit_files = {
	.name = "unit_files",
	.doc = "Files of systemd's units, and the programs and environments of services, with who can "
		   "change them",
	.columns = columns,
	.read = read_unit_files,
	.cost = 20,
};
TABLE(unit_files);
