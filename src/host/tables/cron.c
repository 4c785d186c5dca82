/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cron starts: crontab(5) files of the system and of users, the scripts of cron.hourly and the
 * like, and anacrontab(5).
 */
#include "host/table.h"

#include <ctype.h>

#include "host/changers.h"
#include "host/command.h"
#include "host/secret.h"

/* Users write their crontabs: none may use up what the table may hold, so that the jobs of others
 * stay in sight. */
#define MAX_USER_TAB (256 << 10)
#define MAX_USER_JOBS 1000
#define MAX_JOBS 20000

enum {
	FILE_, USER, SCHEDULE, COMMAND, KIND, PROGRAM, PROGRAM_OWNER, PROGRAM_MODE, PROGRAM_WRITABLE,
	LAST_RESULT,
};

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The crontab, or the script itself", 0},
	[USER] = {"user", TYPE_STRING, "Whom it runs as", COLUMN_LABEL},
	[SCHEDULE] = {"schedule", TYPE_STRING,
				  "Five fields, @reboot and the like, or hourly, daily, ...", 0},
	[COMMAND] = {"command", TYPE_STRING, "As written, without its secrets",
				 COLUMN_KEY | COLUMN_LABEL},
	[KIND] = {"kind", TYPE_STRING,
			  "crontab, cron.d, 15min, hourly, daily, weekly, monthly, user or anacron", 0},
	[PROGRAM] =
		{"program", TYPE_STRING,
		 "Absolute path in the command; of several one that others may write, else the first "
		 "program; absent: none",
		 0},
	[PROGRAM_OWNER] = {"program_owner", TYPE_STRING, "Who owns that file; absent: no such file", 0},
	[PROGRAM_MODE] = {"program_mode", TYPE_MODE, "Its mode", 0},
	[PROGRAM_WRITABLE] =
		{"program_writable", TYPE_BOOL,
		 "Its group or others may write it, or it runs as root and it or a directory "
		 "above it is not root's alone",
		 0},
	[LAST_RESULT] = {"last_result", TYPE_STRING,
					 "How it ended last: never known, for cron tells by mail alone", 0},
	{0},
};

/* A crontab as it is read. */
struct tab {
	struct host *host;
	struct rows *rows;
	const struct passwd_db *users;
	struct changers *changers;
	const char *path, *kind;
	struct str user; /* of a user's crontab; absent: a field of the line says */
	struct str search; /* the crontab's PATH, so far; absent: cron's own */
	bool anacron;
};

/* --- the program ----------------------------------------------------------------------------- */

struct program {
	struct str path;
	struct path_stat st;
	int error;   /* negative errno of the stat; 0 */
	bool is_run; /* by its mode or its name, not a file that is worked on */
	bool writable;
};

static bool is_changed_by_others(struct tab *t, struct program *p)
{
	struct changed_by by;
	struct err err = {0};
	int r = changers_of(t->changers, p->path, NULL, &by, &err);

	if (r < 0)
		p->error = r;
	return by.others;
}

/* Who may put something else in the place of a program is asked for root's jobs only, so nobody else
 * decides how many directories are looked at. */
static struct program look_at(struct tab *t, struct str user, struct str path, bool in_dir)
{
	bool by_root = str_is(user, "root");
	struct program p = {.path = path};
	struct err err = {0};

	p.error = host_stat(t->host, str_dup(t->rows->arena, path), true, &p.st, &err);
	if (p.error == 0 && S_ISREG(p.st.mode)) {
		p.is_run = p.st.mode & 0111 || command_is_script(path);
		p.writable = p.st.mode & 022 || (by_root && is_changed_by_others(t, &p));
	} else if (p.error == 0 && in_dir && by_root && S_ISDIR(p.st.mode)) {
		p.is_run = p.writable = is_changed_by_others(t, &p);
	}
	return p;
}

/* "./b" of "cd /opt/a && ./b"; absent: there is none. */
static struct str below(struct arena *a, struct str command, struct str directory)
{
	struct str word;

	while (str_word(&command, &word))
		if (str_skip(&word, "./") && word.n)
			return str_of(arena_printf(a, "%.*s/%.*s", STR_ARG(directory), STR_ARG(word)));
	return STR_ABSENT;
}

/* Where the first word is found; absent: nowhere, or it is none that is looked for. */
static struct str in_search_path(struct tab *t, struct str command)
{
	struct str search = t->search.p ? t->search : STR("/usr/bin:/bin"), word = STR(""), dir;

	(void)str_word(&command, &word);
	for (int i = 0;
		 word.n && !str_has_char(word, '/') && i < COMMAND_MAX_PATHS && str_cut(&search, ':', &dir);
		 i++) {
		const char *path = arena_printf(t->rows->arena, "%.*s/%.*s", STR_ARG(dir), STR_ARG(word));
		struct path_stat st;
		struct err err = {0};

		if (str_starts(dir, "/") && host_stat(t->host, path, true, &st, &err) == 0)
			return str_of(path);
	}
	return STR_ABSENT;
}

/* Of several paths the first that could be abused, else the first that is a program, else the
 * first: "test -x /usr/sbin/a && /opt/b" is about both. In "cd /opt/a && ./b" the directory counts, and
 * what is run in it; what is looked for along PATH only where it could be abused. */
static bool choose_program(struct tab *t, struct str user, struct str command, struct program *ret)
{
	struct str whole = command, path, inside;
	bool found = false, in_dir = str_has(command, "./");
	struct program p;

	for (int i = 0; i < COMMAND_MAX_PATHS && (path = command_next_path(&command)).p; i++) {
		p = look_at(t, user, path, in_dir);
		inside = in_dir ? below(t->rows->arena, whole, path) : STR_ABSENT;
		if (!(p.is_run && p.writable) && inside.p)
			p = look_at(t, user, inside, false);
		if (!found || (p.is_run && p.writable) || (p.is_run && !ret->is_run))
			*ret = p;
		found = true;
		if (p.is_run && p.writable)
			return true;
	}
	path = in_search_path(t, whole);
	p = path.p ? look_at(t, user, path, false) : (struct program){0};
	if (p.is_run && p.writable)
		*ret = p;
	return found || (p.is_run && p.writable);
}

static void set_program(struct tab *t, struct row *row, const struct program *p)
{
	const char *why = "it may not be looked at";

	row_str(row, PROGRAM, p->path);
	if (p->error == -ENOENT || p->error == -ENOTDIR)
		return;
	if (p->error < 0) {
		row_unknown(row, PROGRAM_OWNER, why);
		row_unknown(row, PROGRAM_MODE, why);
		row_unknown(row, PROGRAM_WRITABLE, why);
		return;
	}
	if (!S_ISREG(p->st.mode) && !p->writable)
		return; /* a directory is an argument, not a program */
	row_str(row, PROGRAM_OWNER, passwd_user_name(t->users, p->st.uid, t->rows->arena));
	row_int(row, PROGRAM_MODE, p->st.mode & 07777);
	row_bool(row, PROGRAM_WRITABLE, p->writable);
}

static void add_job(struct tab *t, unsigned line, struct str user, struct str schedule,
					struct str command)
{
	struct row *row = rows_add(t->rows, FROM(t->path, line));
	struct program program = {.path = STR_ABSENT};

	row_strz(row, FILE_, t->path);
	row_str(row, USER, user);
	row_str(row, SCHEDULE, schedule);
	row_str(row, COMMAND, command);
	row_strz(row, KIND, t->kind);
	row_unknown(row, LAST_RESULT, "cron tells by mail alone");
	if (choose_program(t, user, command, &program))
		set_program(t, row, &program);
}

/* --- lines ----------------------------------------------------------------------------------- */

/* NAME=value, with blanks allowed around the equals sign, and quotes around the name. */
static bool is_environment(struct str line)
{
	size_t n = 0;

	if (!line.n || line.p[0] == '@' || line.p[0] == '*' || isdigit((unsigned char)line.p[0]))
		return false;
	while (n < line.n && (isalnum((unsigned char)line.p[n]) || strchr("_\"'", line.p[n])))
		n++;
	while (n < line.n && isspace((unsigned char)line.p[n]))
		n++;
	return n && n < line.n && line.p[n] == '=';
}

/* Takes n words off *line, with single blanks between them in *ret. */
static bool take_words(struct arena *a, struct str *line, int n, struct str *ret)
{
	const char *text = "";
	struct str word;

	for (int i = 0; i < n; i++) {
		if (!str_word(line, &word) || word.n > 4096)
			return false;
		text = arena_printf(a, "%s%s%.*s", text, i ? " " : "", STR_ARG(word));
	}
	*ret = str_of(text);
	return true;
}

/* A user field may carry a login class or SELinux options behind a colon in other crons; Debian's
 * takes the whole word. In front of the command, '-' keeps cronie from logging it. */
static void read_line(struct tab *t, unsigned number, struct str line)
{
	struct str schedule, user = t->user;
	int fields;

	(void)str_skip(&line, "-");
	fields = t->anacron ? 2 : str_starts(line, "@") ? 1 : 5;
	if (t->anacron)
		user = STR("root");
	if (!take_words(t->rows->arena, &line, fields, &schedule) ||
		(!user.p && !str_word(&line, &user)) ||
		(t->anacron && !str_word(&line, &(struct str){0}))) {
		rows_gap(t->rows, "%s:%u: not a line that cron understands", t->path, number);
		return;
	}
	line = str_trim(line);
	if (line.n)
		add_job(t, number, user, schedule, line);
	else
		rows_gap(t->rows, "%s:%u: not a line that cron understands", t->path, number);
}

/* What PATH is for the lines that follow. */
static void take_search(struct tab *t, struct str line)
{
	struct str name;

	(void)str_cut(&line, '=', &name);
	line = str_trim(line);
	if (!str_is(str_trim(name), "PATH"))
		return;
	if (line.n > 1 && strchr("\"'", line.p[0]) && line.p[line.n - 1] == line.p[0])
		line = (struct str){line.p + 1, line.n - 2};
	t->search = line;
}

static bool is_too_many(struct tab *t, size_t before)
{
	if (t->rows->n < MAX_JOBS && (!t->user.p || t->rows->n - before < MAX_USER_JOBS))
		return false;
	rows_gap(t->rows, "%s: too many jobs", t->path);
	return true;
}

static void read_tab(struct tab *t)
{
	size_t before = t->rows->n;
	struct str text, line;
	struct err err = {0};
	int r = host_read_scrubbed(t->host, t->path, secret_mask, t->rows->arena, &text, &err);

	t->search = STR_ABSENT;
	if (r < 0 && r != -ENOENT)
		rows_gap(t->rows, "%s", err.msg);
	for (unsigned number = 1; r == 0 && str_line(&text, &line) && !is_too_many(t, before);
		 number++) {
		line = str_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;
		if (is_environment(line))
			take_search(t, line);
		else
			read_line(t, number, line);
	}
}

/* --- directories ----------------------------------------------------------------------------- */

/* run-parts(8), and Debian's cron for cron.d: letters, digits, '_' and '-' only. cronie also takes
 * names with a dot, but not those that editors and packages leave; so the wider rule is used for
 * it. */
static bool is_part(struct str name, bool dots)
{
	static const char *const left[] = {"~",    ".rpmsave", ".rpmorig", ".rpmnew",
									   ".swp", ",v",       ".cfsaved"};

	for (size_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && !strchr("_-", name.p[i]) &&
			!(dots && i && strchr(".,~", name.p[i])))
			return false;
	for (size_t i = 0; dots && i < ARRAY_LEN(left); i++)
		if (str_ends(name, left[i]))
			return false;
	return true;
}

/* Only Debian and its like have dpkg, and with it vixie-cron's rule. */
static bool allows_dots(struct host *host)
{
	struct path_stat st;
	struct err err = {0};

	return host_stat(host, "/var/lib/dpkg/status", true, &st, &err) < 0;
}

static void list_dir(struct tab *t, const char *dir, struct host_dir *ret)
{
	struct err err = {0};
	int r = host_list(t->host, dir, t->rows->arena, ret, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(t->rows, "%s", err.msg);
	if (ret->more)
		rows_gap(t->rows, "%s: too many files", dir);
}

static void read_cron_d(struct tab t, bool dots)
{
	struct host_dir dir = {0};

	list_dir(&t, "/etc/cron.d", &dir);
	t.kind = "cron.d";
	for (size_t i = 0; i < dir.n; i++) {
		if (!is_part(str_of(dir.entries[i].name), dots))
			continue;
		t.path = arena_printf(t.rows->arena, "/etc/cron.d/%s", dir.entries[i].name);
		read_tab(&t);
	}
}

/* The scripts of a directory, which run as root. */
static void read_scripts(struct tab t, const char *path, const char *period, bool dots)
{
	struct host_dir dir = {0};

	list_dir(&t, path, &dir);
	t.kind = period;
	for (size_t i = 0; i < dir.n; i++) {
		struct path_stat st;
		struct err err = {0};

		if (!is_part(str_of(dir.entries[i].name), dots))
			continue;
		t.path = arena_printf(t.rows->arena, "%s/%s", path, dir.entries[i].name);
		/* run-parts passes over what is not executable, and so does not run it. */
		if (host_stat(t.host, t.path, true, &st, &err) == 0 &&
			(!S_ISREG(st.mode) || !(st.mode & 0111)))
			continue;
		add_job(&t, 0, STR("root"), str_of(period), str_of(t.path));
	}
}

static bool is_there(struct tab *t, const char *path)
{
	struct path_stat st;
	struct err err = {0};

	return host_stat(t->host, path, true, &st, &err) == 0;
}

static void read_user_tab(struct tab *t)
{
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(t->host, t->path, true, &st, &err);

	if (r == 0 && !S_ISREG(st.mode))
		return;
	if (r == 0 && st.size > MAX_USER_TAB)
		rows_gap(t->rows, "%s: over %d bytes", t->path, MAX_USER_TAB);
	else
		read_tab(t);
}

static void read_periods(struct tab *t, bool dots)
{
	static const char *const periods[] = {"hourly", "daily", "weekly", "monthly"};

	for (size_t i = 0; i < ARRAY_LEN(periods); i++)
		read_scripts(*t, arena_printf(t->rows->arena, "/etc/cron.%s", periods[i]), periods[i],
					 dots);
	/* Alpine's, which a crontab of root's starts with busybox's run-parts. */
	read_scripts(*t, "/etc/periodic/15min", "15min", false);
	for (size_t i = 0; i < ARRAY_LEN(periods); i++)
		read_scripts(*t, arena_printf(t->rows->arena, "/etc/periodic/%s", periods[i]), periods[i],
					 false);
}

/* Debian keeps users' crontabs one directory further down than the others; there may be other
 * things in the upper one. */
static void read_users(struct tab t)
{
	/* The last is busybox's, where the first is not a link to it. */
	static const char *const spools[] = {"/var/spool/cron/crontabs", "/var/spool/cron",
										 "/etc/crontabs"};
	bool has_first = is_there(&t, spools[0]);

	t.kind = "user";
	for (size_t i = 0; i < ARRAY_LEN(spools) - has_first; i++) {
		struct host_dir dir = {0};

		list_dir(&t, spools[i], &dir);
		for (size_t k = 0; k < dir.n; k++) {
			t.user = str_of(dir.entries[k].name);
			if (strchr(t.user.p, '.') == t.user.p || str_starts(t.user, "tmp."))
				continue; /* one that is being edited */
			t.path = arena_printf(t.rows->arena, "%s/%s", spools[i], dir.entries[k].name);
			read_user_tab(&t);
		}
	}
}

static int read_cron(struct host *host, struct rows *rows, struct err *err)
{
	struct passwd_db users;
	struct changers changers;
	struct tab t = {.host = host,
					.rows = rows,
					.users = &users,
					.changers = &changers,
					.user = STR_ABSENT};
	bool dots = allows_dots(host);
	int r = passwd_read(host, rows->arena, &users, err);

	if (r < 0)
		return r;
	changers_init(&changers, host, rows->arena, &users);
	t.path = "/etc/crontab";
	t.kind = "crontab";
	read_tab(&t);
	read_cron_d(t, dots);
	read_periods(&t, dots);
	read_users(t);
	t.path = "/etc/anacrontab";
	t.kind = "anacron";
	t.anacron = true;
	read_tab(&t);
	return 0;
}

static const struct table cron = {
	.name = "cron",
	.doc = "Jobs of cron and anacron: crontabs, cron.d, cron.daily and the like, users' crontabs",
	.columns = columns,
	.read = read_cron,
	.multi = true,
};
TABLE(cron);
