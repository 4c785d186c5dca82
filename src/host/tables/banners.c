/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown before and after a login. */
#include <ctype.h>

#include "base/vec.h"
#include "host/passwd.h"
#include "host/edit.h"
#include "host/table.h"

#define MAX_TEXT 4096 /* of a banner, to be shown */

enum { PATH, PRESENT, TEXT, DISCLOSES, MODE, OWNER };

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The file", COLUMN_KEY | COLUMN_LABEL},
	[PRESENT] = {"present", TYPE_BOOL, "It exists", 0},
	[TEXT] = {"text", TYPE_STRING, "Its text, at most 4 KiB; absent: not there", COLUMN_SETTABLE},
	[DISCLOSES] = {"discloses", TYPE_LIST,
				   "What in it tells the system: the escapes \\m \\r \\s \\v \\S of agetty(8), and "
				   "the id or name in /etc/os-release",
				   0},
	[MODE] = {"mode", TYPE_MODE, "Permission bits", COLUMN_SETTABLE},
	[OWNER] = {"owner", TYPE_STRING, "Name of the owner; the uid when it has none",
			   COLUMN_SETTABLE},
	{0},
};

static const char *const always[] = {"/etc/issue", "/etc/issue.net", "/etc/motd"};

static const struct {
	const char *path, *suffix;
} directories[] = {
	{"/etc/issue.d", ".issue"},
	{"/etc/motd.d", ""},
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct passwd_db users;
	bool has_users;
	struct str names[2]; /* of the system */
	size_t n_names;
	const char *no_names; /* why they are not known */
};

static void read_os_names(struct reader *r)
{
	static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
	struct arena *a = r->rows->arena;
	struct str text = STR(""), line;
	struct err err = {0};
	int e = -ENOENT;

	for (size_t i = 0; e == -ENOENT && i < ARRAY_LEN(files); i++)
		e = host_read(r->host, files[i], a, &text, &err);
	if (e < 0 && e != -ENOENT)
		r->no_names = arena_strdup(a, err.msg);
	while (str_line(&text, &line) && r->n_names < ARRAY_LEN(r->names)) {
		if (!str_skip(&line, "ID=") && !str_skip(&line, "NAME="))
			continue;
		line = str_unquoted(str_trim(line), "\"'");
		if (line.n)
			r->names[r->n_names++] = line;
	}
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The word or words, as they stand in the text, whatever their case; "arch" is not in "search".
 * Linear enough: names are short, and only a matching first letter is looked at further. */
static struct str find_word(struct str text, struct str word)
{
	for (size_t i = 0; text.n >= word.n && i <= text.n - word.n; i++) {
		size_t n = 0;

		if (i > 0 && is_word_char(text.p[i - 1]))
			continue;
		while (n < word.n && lower(text.p[i + n]) == lower(word.p[n]))
			n++;
		if (n == word.n && (i + n == text.n || !is_word_char(text.p[i + n])))
			return (struct str){text.p + i, n};
	}
	return STR_ABSENT;
}

/* agetty knows \\ as a backslash. */
static bool has_escape(struct str text, char c)
{
	for (size_t i = 0; i + 1 < text.n; i++) {
		if (text.p[i] != '\\')
			continue;
		if (text.p[i + 1] == c)
			return true;
		i++;
	}
	return false;
}

static void set_discloses(struct reader *r, struct row *row, struct str text)
{
	static const char escapes[][3] = {"\\m", "\\r", "\\s", "\\v", "\\S"};
	VEC(struct str) items = {0};

	for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
		if (has_escape(text, escapes[i][1]))
			*vec_push(r->rows->arena, &items) = str_of(escapes[i]);
	for (size_t i = 0; i < r->n_names; i++) {
		struct str found = find_word(text, r->names[i]);

		if (found.p)
			*vec_push(r->rows->arena, &items) = found;
	}
	if (!items.n && r->no_names)
		row_unknown(row, DISCLOSES, r->no_names);
	else
		row_list(row, DISCLOSES, items.p, items.n);
}

static void set_text(struct reader *r, struct row *row, const char *path)
{
	struct str text;
	struct err err = {0};

	if (host_read(r->host, path, r->rows->arena, &text, &err) < 0) {
		const char *why = arena_strdup(r->rows->arena, err.msg);

		row_unknown(row, TEXT, why);
		row_unknown(row, DISCLOSES, why);
		return;
	}
	set_discloses(r, row, text);
	row_str(row, TEXT, (struct str){text.p, MIN(text.n, (size_t)MAX_TEXT)});
}

static void add_banner(struct reader *r, const char *path)
{
	struct row *row = rows_add(r->rows, FROM(path, 0));
	struct path_stat st;
	struct err err = {0};
	int e = host_stat(r->host, path, true, &st, &err);

	row_strz(row, PATH, path);
	if (e < 0 && e != -ENOENT) {
		const char *why = arena_strdup(r->rows->arena, err.msg);

		for (int column = PRESENT; column <= OWNER; column++)
			row_unknown(row, column, why);
		return;
	}
	row_bool(row, PRESENT, e == 0);
	if (e < 0)
		return;
	set_text(r, row, path);
	row_int(row, MODE, st.mode & 07777);
	if (r->has_users)
		row_str(row, OWNER, passwd_user_name(&r->users, st.uid, r->rows->arena));
	else
		row_unknown(row, OWNER, "/etc/passwd could not be read");
}

static void add_directory(struct reader *r, const char *path, const char *suffix)
{
	struct str *files;
	size_t n = 0;
	struct err err = {0};

	if (host_list_files(r->host, path, suffix, r->rows->arena, &files, &n, &err) < 0)
		rows_gap(r->rows, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		add_banner(r, files[i].p);
}

static int read_banners(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {.host = host, .rows = rows};
	struct err ignored = {0};

	r.has_users = passwd_read(host, rows->arena, &r.users, &ignored) == 0;
	read_os_names(&r);
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		add_banner(&r, always[i]);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		add_directory(&r, directories[i].path, directories[i].suffix);
	return 0;
}

/* What is in a directory, or behind a link, somebody else makes. */
static int set_text_of(struct host *host, const char *path, struct str text, struct edits *edits,
					   struct err *err)
{
	struct str target;
	struct err ignored;
	bool own = false;

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		own = own || strcmp(path, always[i]) == 0;
	if (!own || host_readlink(host, path, edits->arena, &target, &ignored) == 0)
		return err_set(err, ENOTSUP,
					   "%s: see which package or program makes it, and change it there", path);
	edit_content(edits, path,
				 str_of(arena_printf(edits->arena, "%.*s\n", STR_ARG(str_trim(text)))));
	return 0;
}

static int set_banners(struct host *host, const struct wish *wish, struct edits *edits,
					   struct err *err)
{
	const char *path = wish->row ? str_dup(edits->arena, wish->row->cells[PATH].string) : NULL;
	struct str value;

	if (!path || wish->column < 0)
		return err_set(err, ENOTSUP, "banners are not deleted");
	value = edit_text(edits, wish, ",");
	if (wish->column == TEXT && value.n)
		return set_text_of(host, path, value, edits, err);
	if (wish->column != MODE && wish->column != OWNER)
		return err_set(err, ENOTSUP, "%s: what it should say does not follow from the rule", path);
	edit_attribute(edits, path, wish->table->columns[wish->column].name, value);
	return 0;
}

static const struct table banners = {
	.name = "banners",
	.doc = "/etc/issue, /etc/issue.net and /etc/motd, there or not, and what is in /etc/issue.d "
		   "and /etc/motd.d",
	.columns = columns,
	.read = read_banners,
	.set = set_banners,
	.fix = "write {path}",
};
TABLE(banners);
