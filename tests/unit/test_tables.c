/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every tests/tables/TABLE/NAME.case: the host that it describes is made into a recording, the
 * table is read from it, and its rows are printed and compared with the section `want`. What the
 * sections are, tests/scene.c says; how rows are written, print_row() does. An argument is a
 * pattern of the cases to run: test_tables "sshd/o*".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>

#include "../scene.h"

/* --- the rows as text ------------------------------------------------------------------ */

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("\"[],\\", s.p[i]))
			return false;
	return s.n > 0;
}

static void print_quoted(struct buf *out, struct str s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\t')
			buf_puts(out, "\\t");
		else if (c < ' ' || c >= 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

static void print_string(struct buf *out, struct str s)
{
	if (is_plain(s))
		buf_str(out, s);
	else
		print_quoted(out, s);
}

static void print_time(struct buf *out, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[40];
	struct tm tm;

	assert_non_null(gmtime_r(&t, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_puts(out, text);
}

static void print_list(struct buf *out, const struct value *v)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_putc(out, ',');
		print_string(out, v->list.items[i]);
	}
	buf_putc(out, ']');
}

static void print_unknown(struct buf *out, const char *why)
{
	buf_putc(out, '?');
	print_quoted(out, str_of(why));
}

static void print_value(struct buf *out, enum type type, const struct value *v)
{
	if (v->state == VALUE_UNKNOWN)
		print_unknown(out, v->why);
	else if (type == TYPE_STRING)
		print_string(out, v->string);
	else if (type == TYPE_LIST)
		print_list(out, v);
	else if (type == TYPE_BOOL)
		buf_puts(out, v->number ? "true" : "false");
	else if (type == TYPE_MODE)
		buf_printf(out, "%04llo", (unsigned long long)v->number);
	else if (type == TYPE_TIME)
		print_time(out, v->number);
	else
		buf_printf(out, "%lld", (long long)v->number);
}

static void print_from(struct buf *out, const char *path, unsigned line)
{
	buf_puts(out, path ? path : "(nowhere)");
	if (line)
		buf_printf(out, ":%u", line);
}

static void print_row(struct buf *out, const struct rows *rows, const struct row *row)
{
	const struct column *columns = rows->table->columns;

	for (size_t i = 0; i < rows->n_columns; i++) {
		if (row->cells[i].state == VALUE_ABSENT)
			continue;
		buf_printf(out, "%s=", columns[i].name);
		print_value(out, columns[i].type, &row->cells[i]);
		buf_putc(out, ' ');
	}
	buf_puts(out, "@ ");
	print_from(out, row->from.path, row->from.line);
	for (size_t i = 0; i < rows->n_columns; i++) {
		if (row->cells[i].state == VALUE_ABSENT || !row->cells[i].from)
			continue;
		buf_printf(out, " !%s@", columns[i].name);
		print_from(out, row->cells[i].from, row->cells[i].line);
	}
	buf_putc(out, '\n');
}

static void print_rows(struct buf *out, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		print_row(out, rows, rows->p[i]);
	if (rows->gap)
		buf_printf(out, "gap: %s\n", rows->gap);
	if (rows->error)
		buf_printf(out, "error: %s\n", rows->why);
}

/* Takes the quoted string off that *s begins with. */
static struct str take_quoted(struct arena *a, struct str *s)
{
	size_t n = 1;

	while (n < s->n && s->p[n] != '"')
		n += s->p[n] == '\\' ? 2 : 1;
	if (n >= s->n)
		fail_msg("a quote is not closed: %.*s", STR_ARG(*s));
	*s = (struct str){s->p + n + 1, s->n - n - 1};
	return scene_unescape(a, (struct str){s->p - n, n - 1});
}

/* A wanted row in the one spelling in which rows are printed: a case may quote what need not be,
 * and may write \x09 for \t. Where a row is from is never quoted. */
static void print_wanted_row(struct buf *out, struct arena *a, struct str line)
{
	char last = ' ';

	while (line.n) {
		if (line.p[0] != '"' || !strchr("=[,?", last)) {
			last = line.p[0];
			buf_putc(out, last);
			line = (struct str){line.p + 1, line.n - 1};
		} else if (last == '?') {
			print_quoted(out, take_quoted(a, &line));
		} else {
			print_string(out, take_quoted(a, &line));
		}
	}
	buf_putc(out, '\n');
}

static void print_wanted(struct buf *out, struct arena *a, struct str want)
{
	struct str line;

	while (str_line(&want, &line))
		if (str_starts(line, "gap: ") || str_starts(line, "error: "))
			buf_printf(out, "%.*s\n", STR_ARG(line));
		else if (line.n)
			print_wanted_row(out, a, line);
}

/* --- running --------------------------------------------------------------------------- */

static void assert_rows(const char *path, struct buf *want, struct buf *got)
{
	if (str_eq(buf_get(want), buf_get(got)))
		return;
	fprintf(stderr, "--- %s: want\n%s--- got\n%s---\n", path, want->n ? want->p : "",
			got->n ? got->p : "");
	fail_msg("tests/tables/%s: these are not the rows that are wanted", path);
}

static void read_table(struct scene *s, const struct table *t, struct str recording,
					   struct buf *out)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	_cleanup_host_ struct host *host = NULL;
	struct err err = {0};

	host = host_open_recording(recording, ENOENT, &err);
	if (!host)
		fail_msg("%s", err.msg);
	scene_read(s, host, t, snapshot);
	print_rows(out, snapshot_rows(snapshot, t));
}

static int cases_fd(void)
{
	int fd = open(SOURCE_DIR "/tests/tables", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The state is the path of the case below tests/tables. */
static void reads_as_wanted(void **state)
{
	const char *path = *state;
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf recording = BUF(SCENE_MAX), want = BUF(SCENE_MAX), got = BUF(SCENE_MAX);
	_cleanup_close_ int fd = cases_fd();
	_cleanup_scene_ struct scene scene;
	struct str rest = str_of(path), name = STR(""), text;
	const struct table *table;
	struct err err;

	scene_init(&scene);
	(void)str_cut(&rest, '/', &name);
	table = table_find(name);
	if (!table)
		fail_msg("there is no table '%.*s'", STR_ARG(name));
	assert_int_equal(path_read(fd, path, SCENE_MAX, &a, &text), 0);
	if (scene_parse(&scene, text, &err) < 0 || scene_recording(&scene, &recording, &err) < 0)
		fail_msg("%s", err.msg);
	if (!scene.want.p)
		fail_msg("the case has no section 'want'");
	read_table(&scene, table, buf_get(&recording), &got);
	print_wanted(&want, &a, scene.want);
	assert_rows(path, &want, &got);
}

struct cases {
	struct arena arena;
	VEC(struct CMUnitTest) tests;
};

static void find_cases_of(struct cases *c, int fd, const char *table)
{
	struct path_entry *entries;
	size_t n;
	bool more;

	if (path_list(fd, table, HOST_MAX_DIR, &c->arena, &entries, &n, &more) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		char *path = arena_printf(&c->arena, "%s/%s", table, entries[i].name);

		if (str_ends(str_of(path), ".case"))
			*vec_push(&c->arena, &c->tests) = (struct CMUnitTest){
				.name = path, .test_func = reads_as_wanted, .initial_state = path};
	}
}

int main(int argc, char **argv)
{
	_cleanup_close_ int fd = cases_fd();
	struct cases c = {0};
	struct path_entry *tables;
	size_t n;
	bool more;
	int failed;

	if (path_list(fd, "/", HOST_MAX_DIR, &c.arena, &tables, &n, &more) < 0)
		return 1;
	for (size_t i = 0; i < n; i++)
		find_cases_of(&c, fd, tables[i].name);
	if (!c.tests.n)
		return 1;
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = _cmocka_run_group_tests("tables", c.tests.p, c.tests.n, NULL, NULL);
	arena_done(&c.arena);
	return failed;
}
