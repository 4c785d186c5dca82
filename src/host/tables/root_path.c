/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories that root's PATH may be made of, wherever a login of root takes it from. Scripts
 * are looked through, not run: what stands inside a condition counts, so there may be more
 * directories here than one shell has.
 */
#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "host/conf.h"
#include "host/passwd.h"
#include "host/secret.h"
#include "host/shell_words.h"
#include "host/table.h"

#define MAX_DIRECTORIES 2000
#define MAX_REFERENCE 256 /* bytes of one "${...}" */

enum { DIRECTORY, FILE_COLUMN, ABSOLUTE, EXISTS, OWNER, MODE, WRITABLE };

static const struct column columns[] = {
	[DIRECTORY] = {"directory", TYPE_STRING,
				   "As written, root's home put in; empty: wherever one is", COLUMN_LABEL},
	[FILE_COLUMN] = {"file", TYPE_STRING, "What puts it into PATH", 0},
	[ABSOLUTE] = {"absolute", TYPE_BOOL, "Does it begin with a slash?", 0},
	[EXISTS] = {"exists", TYPE_BOOL, "Is it a directory? Absent for a relative one", 0},
	[OWNER] = {"owner", TYPE_STRING, "Who owns it: name, or number without one", 0},
	[MODE] = {"mode", TYPE_MODE, "Permission bits", COLUMN_SETTABLE},
	[WRITABLE] = {"writable", TYPE_BOOL, "May anyone but root write it? Yes, if it is relative", 0},
	{0},
};

struct job {
	struct host *host;
	struct rows *rows;
	struct passwd_db db;
	struct str home; /* of root */
};

/* --- directories --------------------------------------------------------------------------- */

static void set_unknown(struct row *row, const char *why)
{
	static const int unknown[] = {EXISTS, OWNER, MODE, WRITABLE};

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		row_unknown(row, unknown[i], why);
}

static void set_directory(struct job *job, struct row *row, struct str directory)
{
	struct arena *a = job->rows->arena;
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(job->host, str_dup(a, directory), true, &st, &err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
		set_unknown(row, arena_strdup(a, err.msg));
		return;
	}
	row_bool(row, EXISTS, r == 0 && S_ISDIR(st.mode));
	if (r < 0)
		return;
	row_str(row, OWNER, passwd_user_name(&job->db, st.uid, a));
	row_int(row, MODE, st.mode & 07777);
	row_bool(row, WRITABLE, st.uid != 0 || st.mode & (S_IWGRP | S_IWOTH));
}

#define MARK '\1' /* where PATH itself stood */

static void add_directory(struct job *job, struct from from, struct str directory)
{
	struct row *row;
	bool computed = str_has_char(directory, '$') || str_has_char(directory, '`') ||
					str_has_char(directory, MARK);

	if (job->rows->n + 1 >= MAX_DIRECTORIES)
		rows_gap(job->rows, "%s:%u: too many directories", from.path, from.line);
	if (job->rows->n >= MAX_DIRECTORIES)
		return;
	row = rows_add(job->rows, from);
	row_str(row, DIRECTORY, directory);
	row_strz(row, FILE_COLUMN, from.path);
	row_bool(row, ABSOLUTE, str_starts(directory, "/"));
	if (computed) {
		row_unknown(row, ABSOLUTE, "the shell computes it");
		set_unknown(row, "the shell computes it");
	} else if (str_starts(directory, "/")) {
		set_directory(job, row, directory);
	} else {
		row_bool(row, WRITABLE, true);
	}
}

/* --- the value of PATH ---------------------------------------------------------------------- */

/* The length of $NAME, ${NAME} or ${NAME...} at the beginning of s; 0: it is no such. */
static size_t reference(struct str s, const char *name)
{
	struct str rest = s;
	size_t depth = 0;

	if (!str_skip(&rest, "$"))
		return 0;
	if (!str_starts(rest, "{")) {
		if (!str_skip(&rest, name))
			return 0;
		if (rest.n && (rest.p[0] == '_' || (rest.p[0] >= '0' && rest.p[0] <= '9') ||
					   ((rest.p[0] | 32) >= 'a' && (rest.p[0] | 32) <= 'z')))
			return 0;
		return s.n - rest.n;
	}
	if (!str_starts((struct str){rest.p + 1, rest.n - 1}, name))
		return 0;
	for (size_t i = 1; i < MIN(s.n, (size_t)MAX_REFERENCE); i++) {
		depth += s.p[i] == '{';
		if (s.p[i] == '}' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* With root's home for $HOME and ~, and a mark for what PATH was before. */
static struct str expanded(struct job *job, struct str value)
{
	_cleanup_buf_ struct buf out = BUF(value.n * 2 + 64 * job->home.n + 4096);

	for (size_t i = 0; i < value.n;) {
		struct str rest = {value.p + i, value.n - i};
		size_t n = reference(rest, "PATH");

		if (n) {
			buf_putc(&out, MARK);
		} else if ((n = reference(rest, "HOME"))) {
			buf_str(&out, job->home);
		} else if (rest.p[0] == '~' && (i == 0 || value.p[i - 1] == ':')) {
			buf_str(&out, job->home);
			n = 1;
		} else {
			buf_putc(&out, rest.p[0]);
			n = 1;
		}
		i += n;
	}
	if (out.full)
		return STR("$");
	return (struct str){str_dup(job->rows->arena, buf_get(&out)), out.n};
}

static void add_path(struct job *job, struct from from, struct str value)
{
	struct str rest = expanded(job, value), directory;

	while (str_cut(&rest, ':', &directory)) {
		bool marked = false;

		while (directory.n && directory.p[0] == MARK) {
			directory = (struct str){directory.p + 1, directory.n - 1};
			marked = true;
		}
		while (directory.n && directory.p[directory.n - 1] == MARK) {
			directory.n--;
			marked = true;
		}
		if (directory.n || !marked)
			add_directory(job, from, directory);
	}
}

/* --- where it is set ------------------------------------------------------------------------ */

/* Functions of the profiles of Arch and the RHEL family, with a directory as their first argument. */
static bool is_adder(struct str word)
{
	return str_is(word, "pathmunge") || str_is(word, "append_path") || str_is(word, "prepend_path");
}

static void look_through(struct job *job, const char *path, struct str text)
{
	struct shell_words words = SHELL_WORDS(job->rows->arena);
	bool adds = false;
	struct str word;

	words.in = text;
	while (job->rows->n < MAX_DIRECTORIES && shell_word(&words, &word)) {
		struct from from = FROM(path, words.line);

		if (adds && !words.command_ended && !str_starts(word, "$"))
			add_path(job, from, word);
		adds = is_adder(word);
		if (str_skip(&word, "PATH=") || str_skip(&word, "PATH+="))
			add_path(job, from, word);
	}
}

static void read_script(struct job *job, const char *path)
{
	struct str text;
	struct err err = {0};
	int r = host_read_scrubbed(job->host, path, secret_mask, job->rows->arena, &text, &err);

	if (r == 0)
		look_through(job, path, text);
	else if (r != -ENOENT && r != -ENOTDIR && r != -EINVAL && r != -EISDIR)
		rows_gap(job->rows, "%s", err.msg);
}

/* login and su take it from here, with or without "PATH=" in front. */
static void read_setting(struct job *job, const char *path, enum conf_style style, const char *key)
{
	struct conf conf = {0};
	struct err err = {0};
	const struct conf_item *item;
	struct str value;
	int r = conf_read(job->host, job->rows->arena, path, style, &conf, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(job->rows, "%s", err.msg);
	item = conf_last(&conf, NULL, key);
	if (!item)
		return;
	value = str_unquoted(item->value, "\"'");
	str_skip(&value, "PATH=");
	add_path(job, FROM(item->file, item->line), value);
}

static void read_profile_d(struct job *job)
{
	struct str *files;
	struct err err = {0};
	size_t n = 0;

	if (host_list_files(job->host, "/etc/profile.d", ".sh", job->rows->arena, &files, &n, &err) < 0)
		rows_gap(job->rows, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		read_script(job, files[i].p);
	read_script(job, "/etc/profile.d/sh.local"); /* the RHEL family's */
}

static int read_root_path(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const system[] = {"/etc/profile", "/etc/bash.bashrc", "/etc/bashrc"};
	static const char *const own[] = {".profile", ".bash_profile", ".bash_login", ".bashrc"};
	struct job job = {.host = host, .rows = rows, .home = STR("/root")};
	const struct passwd_user *root;
	int r = passwd_read(host, rows->arena, &job.db, err);

	if (r < 0)
		return r;
	root = passwd_by_uid(&job.db, 0);
	if (root && str_starts(root->home, "/"))
		job.home = root->home;
	read_setting(&job, "/etc/login.defs", CONF_SPACE, "ENV_SUPATH");
	read_setting(&job, "/etc/environment", CONF_EQUALS, "PATH");
	for (size_t i = 0; i < ARRAY_LEN(system); i++)
		read_script(&job, system[i]);
	read_profile_d(&job);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		read_script(&job, arena_printf(rows->arena, "%.*s/%s", STR_ARG(job.home), own[i]));
	return 0;
}

static const struct table root_path = {
	.name = "root_path",
	.doc = "Directories that PATH of a login of root may hold: login.defs, /etc/environment, the "
		   "profiles and root's own",
	.columns = columns,
	.read = read_root_path,
	.multi = true,
	.fix = "take {directory} out of PATH in {file}, or chmod it",
};
TABLE(root_path);
