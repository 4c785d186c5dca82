/* SPDX-License-Identifier: Apache-2.0 */
/* What AIDE watches: the lines of aide.conf that select files. */
#include "host/table.h"

#include <ctype.h>

#include "base/map.h"
#include "base/vec.h"

#define MAX_FILES 1024
#define MAX_DEPTH 8
#define MAX_ATTRIBUTES 64

enum { SELECTS, PATTERN, ATTRIBUTES };

static const struct column columns[] = {
	[SELECTS] = {"selects", TYPE_STRING,
				 "all: what matches; this: what matches, and nothing below; "
				 "none: what matches is left out",
				 0},
	[PATTERN] = {"pattern", TYPE_STRING, "A regular expression, from the start of the path",
				 COLUMN_KEY | COLUMN_LABEL},
	[ATTRIBUTES] = {"attributes", TYPE_LIST, "What is compared; names of groups are written out",
					0},
	{0},
};

struct group {
	VEC(struct str) names;
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct map groups;
	unsigned files, depth;
};

/* Groups that AIDE brings along (aide.conf(5)), as far as they hold checksums. */
static const struct {
	const char *name, *attributes;
} defaults[] = {
	{"H", "md5+sha1+rmd160+tiger+crc32+haval+gost+whirlpool+sha256+sha512"},
	{"R", "p+ftype+i+l+n+u+g+s+m+c+md5"},
	{"L", "p+ftype+i+l+n+u+g"},
	{">", "p+ftype+l+u+g+i+n+s+growing"},
	{"E", ""},
};

static void read_file(struct reader *, const char *path);

static void add(struct reader *r, struct group *g, struct str name)
{
	if (g->names.n < MAX_ATTRIBUTES)
		*vec_push(r->rows->arena, &g->names) = name;
}

static void take_out(struct group *g, struct str name)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->names.n; i++)
		if (!str_eq(g->names.p[i], name))
			g->names.p[kept++] = g->names.p[i];
	g->names.n = kept;
}

/* "a+b-c", from left to right; a name may be that of a group. */
static struct group *expression(struct reader *r, struct str text)
{
	struct group *g = arena_new(r->rows->arena, struct group, 1);
	char sign = '+';

	*g = (struct group){0};
	while (text.n) {
		const struct group *other;
		struct str name;
		size_t n = 0;

		while (n < text.n && text.p[n] != '+' && text.p[n] != '-')
			n++;
		name = str_trim((struct str){text.p, n});
		other = map_get(&r->groups, name);
		for (size_t i = 0; other && i < other->names.n; i++) {
			if (sign == '+')
				add(r, g, other->names.p[i]);
			else
				take_out(g, other->names.p[i]);
		}
		if (!other && name.n && sign == '+')
			add(r, g, name);
		else if (!other)
			take_out(g, name);
		sign = n < text.n ? text.p[n] : '+';
		n += n < text.n;
		text = (struct str){text.p + n, text.n - n};
	}
	return g;
}

static void read_selection(struct reader *r, struct from from, struct str line)
{
	const char *selects = line.p[0] == '!' || line.p[0] == '-' ? "none"
						  : line.p[0] == '='                   ? "this"
															   : "all";
	struct str pattern;
	struct row *row = rows_add(r->rows, from);

	if (line.p[0] != '/')
		line.p++, line.n--;
	if (!str_word(&line, &pattern))
		pattern = STR("");
	row_strz(row, SELECTS, selects);
	row_str(row, PATTERN, pattern);
	if (strcmp(selects, "none") != 0) {
		const struct group *g = expression(r, str_trim(line));

		row_list(row, ATTRIBUTES, g->names.p, g->names.n);
	}
}

/* @@include FILE, or DIRECTORY REGEX; @@x_include runs what is executable, which is not done here. */
static void read_include(struct reader *r, struct from from, struct str line)
{
	struct arena *a = r->rows->arena;
	struct str path, *files;
	struct path_stat st;
	struct err err = {0};
	size_t n = 0;
	int e;

	if (!str_word(&line, &path))
		return;
	e = host_stat(r->host, str_dup(a, path), true, &st, &err);
	if (e == 0 && (st.mode & 0170000) == 0100000) {
		read_file(r, str_dup(a, path));
		return;
	}
	if (e < 0 || host_list_files(r->host, str_dup(a, path), "", a, &files, &n, &err) < 0) {
		rows_gap(r->rows, "%s:%u: %s", from.path, from.line, err.msg);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *file = str_dup(a, files[i]);

		if (host_stat(r->host, file, true, &st, &err) == 0 && (st.mode & 0111) != 0)
			rows_gap(r->rows, "%s: is a program, and what it prints is not known", file);
		else
			read_file(r, file);
	}
}

static void read_line(struct reader *r, struct from from, struct str line)
{
	struct str word, name;

	if (!line.n || line.p[0] == '#')
		return;
	if (strchr("/=!-", line.p[0])) {
		read_selection(r, from, line);
		return;
	}
	if (str_starts(line, "@@")) {
		str_word(&line, &word);
		if (str_is(word, "@@include") || str_is(word, "@@x_include"))
			read_include(r, from, line);
		else if (str_starts(word, "@@if"))
			rows_gap(r->rows, "%s:%u: whether %.*s holds is not known", from.path, from.line,
					 STR_ARG(word));
		return;
	}
	if (!str_has_char(line, '=') || !str_cut(&line, '=', &name))
		return;
	map_put(&r->groups, str_trim(name), expression(r, str_trim(line)));
}

static void read_file(struct reader *r, const char *path)
{
	struct str text, line;
	struct err err = {0};
	unsigned number = 0;
	int e;

	if (r->depth == MAX_DEPTH || r->files == MAX_FILES) {
		rows_gap(r->rows, "%s: too many includes", path);
		return;
	}
	e = host_read(r->host, path, r->rows->arena, &text, &err);
	if (e < 0) {
		rows_gap(r->rows, "%s", err.msg);
		return;
	}
	r->files++;
	r->depth++;
	while (str_line(&text, &line))
		read_line(r, FROM(path, ++number), str_trim(line));
	r->depth--;
}

static int read_aide_rules(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const paths[] = {"/etc/aide/aide.conf", "/etc/aide.conf", NULL};
	struct reader r = {.host = host, .rows = rows};
	const char *path;
	int e;

	map_init(&r.groups, rows->arena);
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		map_put(&r.groups, str_of(defaults[i].name),
				expression(&r, str_of(defaults[i].attributes)));
	e = host_first(host, paths, &path, err);
	if (e == 0)
		read_file(&r, path);
	return e == -ENOENT ? 0 : e;
}

static const struct table aide_rules = {
	.name = "aide_rules",
	.doc = "What AIDE watches: the lines of aide.conf that select files",
	.columns = columns,
	.read = read_aide_rules,
};
TABLE(aide_rules);
