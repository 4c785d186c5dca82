/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Defaults lines of sudoers. Of several lines for the same setting and scope the last one
 * counts; those that add to or remove from a list all do, behind the last that sets it.
 */
#include "host/edit.h"
#include "host/sudoers_parse.h"
#include "host/table.h"

#define MAIN "/etc/sudoers"
#define DIRECTORY "/etc/sudoers.d/"
#define LOGROTATE "/etc/logrotate.d"
#define OWN "zz-revet" /* the last line counts, and the directory is read in the order of names */

enum { KEY, VALUE, SCOPE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in sudoers(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] =
		{"value", TYPE_STRING,
		 "true, false or the text; += or -= in front of what is added to or taken from a list",
		 COLUMN_VALUE | COLUMN_SETTABLE},
	[SCOPE] = {"scope", TYPE_STRING,
			   "Empty: always; else @hosts, :users, !commands or >target users", 0},
	{0},
};

static struct str value_text(struct arena *arena, const struct sudoers_default *d)
{
	switch (d->op) {
	case 't':
		return STR("true");
	case 'f':
		return STR("false");
	case '=':
		return d->value;
	default:
		return str_of(arena_printf(arena, "%c=%s", d->op, str_dup(arena, d->value)));
	}
}

/* Marks what a later line of the same setting and scope replaces: walking backwards, everything
 * behind which a line was seen that sets rather than adds. */
static bool *find_replaced(struct arena *arena, const struct sudoers *s)
{
	bool *replaced = arena_new(arena, bool, s->n_defaults);
	struct map set;

	map_init(&set, arena);
	for (size_t i = s->n_defaults; i-- > 0;) {
		const struct sudoers_default *d = &s->defaults[i];
		const char *id;

		if (d->file->honoured == 0) {
			replaced[i] = true;
			continue;
		}
		id = arena_printf(arena, "%s %s", str_dup(arena, d->key), str_dup(arena, d->scope));
		replaced[i] = map_get(&set, str_of(id)) != NULL;
		if (d->op != '+' && d->op != '-')
			map_put(&set, str_of(id), s->defaults);
	}
	return replaced;
}

static int read_sudoers_defaults(struct host *host, struct rows *rows, struct err *err)
{
	struct sudoers s;
	bool *replaced;
	int r = sudoers_read(host, rows->arena, &s, err);

	if (r < 0)
		return r;
	replaced = find_replaced(rows->arena, &s);
	for (size_t i = 0; i < s.n_defaults; i++) {
		const struct sudoers_default *d = &s.defaults[i];
		struct row *row;

		if (replaced[i])
			continue;
		row = rows_add(rows, FROM(d->file->path, d->line));
		row_str(row, KEY, d->key);
		row_str(row, VALUE, value_text(rows->arena, d));
		row_str(row, SCOPE, d->scope);
	}
	if (s.gap)
		rows_gap(rows, "%s", s.gap);
	return 0;
}

/* --- changing -------------------------------------------------------------------------------- */

/* The last line of /etc/sudoers that has the directory read; 0: there is none. */
static int find_include(struct host *host, struct arena *a, unsigned *ret, struct err *err)
{
	struct str text, line, word, path;
	int r = host_read(host, MAIN, a, &text, err);

	*ret = 0;
	for (unsigned n = 1; r == 0 && str_line(&text, &line); n++)
		if (str_word(&line, &word) &&
			(str_is(word, "@includedir") || str_is(word, "#includedir")) &&
			str_word(&line, &path) && (str_is(path, "/etc/sudoers.d") || str_is(path, DIRECTORY)))
			*ret = n;
	return r;
}

/* Does sudo read the own file behind the line? Of other files that are included it is not known. */
static bool comes_before(const struct sudoers_default *d, unsigned include)
{
	struct str path = str_of(d->file->path);

	if (str_skip(&path, DIRECTORY))
		return str_cmp(path, STR(OWN)) <= 0;
	return str_is(path, MAIN) && d->line < include;
}

static int check_wins(struct host *host, struct arena *a, struct str key, struct err *err)
{
	struct sudoers s;
	unsigned include;
	int r = find_include(host, a, &include, err);

	if (r == 0 && !include)
		return err_set(err, ENOTSUP, MAIN " does not include " DIRECTORY ": set %.*s with visudo",
					   STR_ARG(key));
	if (r == 0)
		r = sudoers_read(host, a, &s, err);
	for (size_t i = 0; r == 0 && i < s.n_defaults; i++)
		if (str_eq(s.defaults[i].key, key) && !s.defaults[i].scope.n &&
			!comes_before(&s.defaults[i], include))
			return err_set(err, ENOTSUP, "%s:%u has the last word on %.*s: change it with visudo",
						   s.defaults[i].file->path, s.defaults[i].line, STR_ARG(key));
	return r;
}

/* Does a file of logrotate's speak of the log, or of all in its directory? A second one would be an
 * error. */
static bool is_rotated(struct host *host, struct arena *a, struct str log)
{
	const char *slash = memrchr(log.p, '/', log.n);
	const char *all = arena_printf(a, "%.*s*", (int)(slash ? slash + 1 - log.p : 0), log.p);
	struct str *files, text;
	struct err ignored;
	size_t n = 0;

	if (host_list_files(host, LOGROTATE, "", a, &files, &n, &ignored) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (host_read(host, files[i].p, a, &text, &ignored) < 0 || str_has(text, str_dup(a, log)) ||
			str_has(text, all))
			return true;
	return false;
}

/* A log that is begun is also rotated. */
static void rotate(struct host *host, struct edits *edits, struct str log)
{
	struct path_stat st;
	struct err ignored;

	if (host_stat(host, LOGROTATE, true, &st, &ignored) < 0 || is_rotated(host, edits->arena, log))
		return;
	edit_content(edits, LOGROTATE "/revet-sudo",
				 str_of(arena_printf(edits->arena,
									 "%.*s {\n\tmonthly\n\trotate 12\n\tcompress\n"
									 "\tmissingok\n\tnotifempty\n}\n",
									 STR_ARG(log))));
}

static int set_sudoers_defaults(struct host *host, const struct wish *wish, struct edits *edits,
								struct err *err)
{
	struct str value = wish->column < 0 ? STR_ABSENT : edit_text(edits, wish, "");
	const struct row *row = wish->row;
	int r;

	if (row && (!value.p || row->cells[SCOPE].string.n))
		return err_set(err, ENOTSUP, "%s:%u, about %.*s, is changed with visudo", row->from.path,
					   row->from.line, STR_ARG(row->cells[KEY].string));
	r = check_wins(host, edits->arena, wish->key, err);
	if (r < 0)
		return r;
	edits->mode = "0440";
	edit_key(edits, DIRECTORY OWN, EDIT_DEFAULTS, NULL, wish->key, value);
	edits->mode = NULL;
	if (str_is(wish->key, "logfile"))
		rotate(host, edits, value);
	return 0;
}

static const struct table sudoers_defaults = {
	.name = "sudoers_defaults",
	.doc = "Settings of sudo: the Defaults lines of /etc/sudoers and its includes",
	.columns = columns,
	.read = read_sudoers_defaults,
	.multi = true,
	.set = set_sudoers_defaults,
	.can_add = true,
	.fix = "set {key} in " DIRECTORY OWN,
};
TABLE(sudoers_defaults);
