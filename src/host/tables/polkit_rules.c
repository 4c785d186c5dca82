/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The administrator's rules of polkit. They are JavaScript, which nobody can tell in general what it
 * says: the files are looked through for the words that let something be done without a password.
 */
#include "host/table.h"

#include "base/vec.h"
#include "host/conf.h"

enum { PATH, ALLOWS, ACTIONS, GROUPS };

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The file", COLUMN_KEY | COLUMN_LABEL},
	[ALLOWS] = {"allows", TYPE_BOOL,
				"Something in it is let through without a password: polkit.Result.YES, or yes in "
				"a .pkla file",
				0},
	[ACTIONS] = {"actions", TYPE_LIST, "Texts in it that look like names of actions", 0},
	[GROUPS] = {"groups", TYPE_LIST, "Groups that it asks for", 0},
	{0},
};

struct words {
	VEC(struct str) actions, groups;
	bool allows;
};

/* Comments go, but for those within text in quotes, in place of which blanks stand. */
static struct str without_comments(struct arena *a, struct str text)
{
	char *out = str_dup(a, text);
	char quote = 0, comment = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i], next = i + 1 < text.n ? text.p[i + 1] : 0;

		if (comment) {
			bool ends = comment == '*' ? c == '*' && next == '/' : c == '\n';

			out[i] = c == '\n' ? '\n' : ' ';
			if (ends && comment == '*')
				out[++i] = ' ';
			comment = ends ? 0 : comment;
		} else if (quote) {
			i += c == '\\';
			quote = c == quote || c == '\n' ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '/' && (next == '/' || next == '*')) {
			comment = next;
			out[i] = out[i + 1] = ' ';
			i++;
		}
	}
	return (struct str){out, text.n};
}

static bool is_action(struct str s)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ' ' || s.p[i] == '/')
			return false;
		dots += s.p[i] == '.';
	}
	return dots >= 2;
}

/* Each text in quotes: what it is tells the word before it. */
static void read_quotes(struct arena *a, struct words *w, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char quote = text.p[i];
		size_t end = i + 1;
		struct str s;

		if (quote != '"' && quote != '\'')
			continue;
		while (end < text.n && text.p[end] != quote && text.p[end] != '\n')
			end++;
		s = (struct str){text.p + i + 1, end - i - 1};
		if (i >= 10 && str_ends((struct str){text.p, i}, "isInGroup("))
			*vec_push(a, &w->groups) = s;
		else if (is_action(s))
			*vec_push(a, &w->actions) = s;
		i = end;
	}
}

static void add_row(struct rows *rows, const char *path, const struct words *w)
{
	struct row *row = rows_add(rows, FROM(path, 0));

	row_strz(row, PATH, path);
	row_bool(row, ALLOWS, w->allows);
	row_list(row, ACTIONS, w->actions.p, w->actions.n);
	row_list(row, GROUPS, w->groups.p, w->groups.n);
}

static void read_rules(struct host *host, struct rows *rows, const char *path)
{
	struct words w = {0};
	struct str text;
	struct err err = {0};

	if (host_read(host, path, rows->arena, &text, &err) < 0) {
		rows_gap(rows, "%s", err.msg);
		return;
	}
	text = without_comments(rows->arena, text);
	w.allows = str_has(text, "Result.YES") || str_has(text, "\"yes\"") || str_has(text, "'yes'") ||
			   str_has(text, "Result[");
	read_quotes(rows->arena, &w, text);
	add_row(rows, path, &w);
}

/* pkla-compat: Identity=unix-group:ops;unix-user:x, Action=, ResultAny=yes and the like. */
static void read_pkla(struct host *host, struct rows *rows, const char *path)
{
	struct words w = {0};
	struct conf conf = {0};
	struct err err = {0};
	struct str piece;

	if (conf_read(host, rows->arena, path, CONF_INI, &conf, &err) < 0) {
		rows_gap(rows, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < conf.n; i++) {
		struct str value = conf.items[i].value;

		if (str_starts(conf.items[i].key, "Result"))
			w.allows |= str_is(value, "yes");
		else if (str_is(conf.items[i].key, "Action"))
			while (str_cut(&value, ';', &piece))
				*vec_push(rows->arena, &w.actions) = piece;
		else if (str_is(conf.items[i].key, "Identity"))
			while (str_cut(&value, ';', &piece))
				if (str_skip(&piece, "unix-group:"))
					*vec_push(rows->arena, &w.groups) = piece;
	}
	add_row(rows, path, &w);
}

static void read_directory(struct host *host, struct rows *rows, const char *dir,
						   const char *suffix,
						   void (*read)(struct host *, struct rows *, const char *))
{
	struct str *files;
	struct err err = {0};
	size_t n = 0;

	if (host_list_all_files(host, dir, suffix, rows->arena, &files, &n, &err) < 0)
		rows_gap(rows, "%s", err.msg);
	for (size_t i = 0; i < n; i++)
		read(host, rows, str_dup(rows->arena, files[i]));
}

static int read_polkit_rules(struct host *host, struct rows *rows, struct err *err)
{
	static const char local[] = "/etc/polkit-1/localauthority";
	struct host_dir dirs;
	int r = host_list(host, local, rows->arena, &dirs, err);

	read_directory(host, rows, "/etc/polkit-1/rules.d", ".rules", read_rules);
	if (r < 0 && r != -ENOENT)
		rows_gap(rows, "%s", err->msg);
	for (size_t i = 0; r == 0 && i < dirs.n; i++)
		read_directory(host, rows, arena_printf(rows->arena, "%s/%s", local, dirs.entries[i].name),
					   ".pkla", read_pkla);
	return 0;
}

static const struct table polkit_rules = {
	.name = "polkit_rules",
	.doc = "The administrator's rules of polkit, in /etc/polkit-1/rules.d and localauthority",
	.columns = columns,
	.read = read_polkit_rules,
};
TABLE(polkit_rules);
