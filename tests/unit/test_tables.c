/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every tests/tables/TABLE/NAME.case: the host that it describes is made into a recording, the
 * table is read from it, and its rows are printed and compared with the section `want`. What the
 * sections are, take_section() says; how rows are written, print_row() does. An argument is a
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

#include "base/num.h"
#include "base/vec.h"
#include "host/recording.h"
#include "host/snapshot.h"

#define MAX_CASE ((size_t)4 << 20)
#define MAX_LINKS 40

enum kind { DENIED, REGULAR, DIRECTORY, SYMLINK };

struct node {
	struct str path; /* without a slash at the end, so that of the root is empty */
	enum kind kind;
	unsigned mode, uid, gid;
	struct str data; /* a file's content, a link's target */
};

/* What a case describes. */
struct scene {
	struct arena arena;
	VEC(struct node *) nodes;
	struct map by_path;
	struct buf answers; /* the entries of the recording */
	VEC(struct str) asked;
	bool live, all;
	int64_t time;
	struct str want;
};

/* --- the files of the case ------------------------------------------------------------- */

static struct node *find_node(const struct scene *s, struct str path)
{
	return map_get(&s->by_path, path);
}

static struct str parent_of(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);

	return (struct str){path.p, (size_t)(slash - path.p)};
}

/* The node at the path, made with its parents when it is not there. */
static struct node *add_node(struct scene *s, struct str path)
{
	struct node *node = find_node(s, path);

	if (node)
		return node;
	if (path.n)
		add_node(s, parent_of(path));
	node = arena_new(&s->arena, struct node, 1);
	*node = (struct node){.path = path, .kind = DIRECTORY, .mode = 0755, .data = STR("")};
	map_put(&s->by_path, path, node);
	*vec_push(&s->arena, &s->nodes) = node;
	return node;
}

/* What the path leads to, every link followed; NULL when that does not exist. */
static struct node *resolve(const struct scene *s, struct arena *a, struct str path, int links)
{
	struct node *node = find_node(s, STR(""));
	struct str name;

	while (node && str_cut(&path, '/', &name)) {
		struct str dir = node->path;

		if (!name.n || str_is(name, "."))
			continue;
		if (str_is(name, "..")) {
			node = dir.n ? find_node(s, parent_of(dir)) : node;
			continue;
		}
		node = find_node(s, str_of(arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name))));
		if (!node || node->kind != SYMLINK)
			continue;
		if (!links)
			return NULL;
		name = node->data;
		if (!str_starts(name, "/"))
			name = str_of(arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name)));
		node = resolve(s, a, name, links - 1);
	}
	return node;
}

static void scene_init(struct scene *s)
{
	*s = (struct scene){.live = true, .all = true, .answers = BUF(MAX_CASE)};
	map_init(&s->by_path, &s->arena);
	add_node(s, STR(""));
	(void)num_time(STR("2026-01-01"), &s->time);
}

static void scene_done(struct scene *s)
{
	buf_done(&s->answers);
	arena_done(&s->arena);
}
#define _cleanup_scene_ _cleanup_(scene_done)

/* --- the recording --------------------------------------------------------------------- */

static void write_stat(struct scene *s, const char *op, const char *path, const struct node *n)
{
	static const unsigned types[] = {
		[REGULAR] = S_IFREG, [DIRECTORY] = S_IFDIR, [SYMLINK] = S_IFLNK};

	recording_write(&s->answers, op, path, 0,
					str_of(arena_printf(&s->arena, "%u %u %u 1 %zu 0 1 1", types[n->kind] | n->mode,
										n->uid, n->gid, n->data.n)));
}

static int by_path(const void *a, const void *b)
{
	return str_cmp((*(struct node *const *)a)->path, (*(struct node *const *)b)->path);
}

static void write_list(struct scene *s, const char *path, const struct node *dir)
{
	static const char types[] = {[DENIED] = 'a' + DT_REG,
								 [REGULAR] = 'a' + DT_REG,
								 [DIRECTORY] = 'a' + DT_DIR,
								 [SYMLINK] = 'a' + DT_LNK};
	_cleanup_buf_ struct buf list = BUF(MAX_CASE);

	vec_each(&s->nodes, each)
	{
		const struct node *n = *each;

		if (!n->path.n || !str_eq(parent_of(n->path), dir->path))
			continue;
		buf_putc(&list, types[n->kind]);
		buf_add(&list, n->path.p + dir->path.n + 1, n->path.n - dir->path.n - 1);
		buf_putc(&list, '\0');
	}
	recording_write(&s->answers, "list", path, 0, buf_get(&list));
}

static void write_denied(struct scene *s, const char *path, bool itself)
{
	recording_write(&s->answers, "read", path, EACCES, STR(""));
	recording_write(&s->answers, "list", path, EACCES, STR(""));
	recording_write(&s->answers, "stat", path, EACCES, STR(""));
	if (!itself)
		return;
	recording_write(&s->answers, "lstat", path, EACCES, STR(""));
	recording_write(&s->answers, "link", path, EACCES, STR(""));
}

/* What follows links, of the node that they lead to. */
static void write_target(struct scene *s, const char *path, const struct node *target)
{
	if (target->kind == DENIED) {
		write_denied(s, path, false);
		return;
	}
	write_stat(s, "stat", path, target);
	if (target->kind == REGULAR) {
		recording_write(&s->answers, "read", path, 0, target->data);
		recording_write(&s->answers, "list", path, ENOTDIR, STR(""));
	} else {
		recording_write(&s->answers, "read", path, EINVAL, STR(""));
		write_list(s, path, target);
	}
}

static void write_node(struct scene *s, const char *path, const struct node *n)
{
	const struct node *target = resolve(s, &s->arena, n->path, MAX_LINKS);

	if (n->kind == DENIED) {
		write_denied(s, path, true);
		return;
	}
	write_stat(s, "lstat", path, n);
	if (n->kind == SYMLINK)
		recording_write(&s->answers, "link", path, 0, n->data);
	else
		recording_write(&s->answers, "link", path, EINVAL, STR(""));
	if (target)
		write_target(s, path, target);
}

/* What is below a directory is there below a link to it too. */
static void write_below(struct scene *s, const struct node *link)
{
	const struct node *dir = resolve(s, &s->arena, link->path, MAX_LINKS);

	if (!dir || dir->kind != DIRECTORY)
		return;
	vec_each(&s->nodes, each)
	{
		struct str rest = (*each)->path;

		if (str_skip(&rest, str_dup(&s->arena, dir->path)) && str_starts(rest, "/"))
			write_node(s, arena_printf(&s->arena, "%.*s%.*s", STR_ARG(link->path), STR_ARG(rest)),
					   *each);
	}
}

static void write_recording(struct scene *s, struct buf *out)
{
	qsort(s->nodes.p, s->nodes.n, sizeof(*s->nodes.p), by_path);
	vec_each(&s->nodes, each)
	{
		const struct node *n = *each;

		write_node(s, n->path.n ? str_dup(&s->arena, n->path) : "/", n);
		if (n->kind == SYMLINK)
			write_below(s, n);
	}
	recording_write_header(out, s->live, true, s->time);
	buf_str(out, buf_get(&s->answers));
	assert_false(s->answers.full || out->full);
}

/* --- the sections of the case ---------------------------------------------------------- */

/* \xNN, \n, \r, \t and \" as the bytes they mean. */
static struct str unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	while (s.n) {
		uint64_t byte;

		if (str_starts(s, "\\x") && s.n >= 4 &&
			num_hex((struct str){s.p + 2, 2}, 255, &byte) == 0) {
			out[n++] = (char)byte;
			s = (struct str){s.p + 4, s.n - 4};
		} else if (str_skip(&s, "\\n")) {
			out[n++] = '\n';
		} else if (str_skip(&s, "\\r")) {
			out[n++] = '\r';
		} else if (str_skip(&s, "\\t")) {
			out[n++] = '\t';
		} else {
			if (str_starts(s, "\\\\") || str_starts(s, "\\\""))
				str_skip(&s, "\\");
			out[n++] = *s.p;
			s = (struct str){s.p + 1, s.n - 1};
		}
	}
	return (struct str){out, n};
}

static void take_attribute(struct scene *s, struct node *n, struct str word)
{
	struct str value = word, name;
	uint64_t id = 0;

	(void)str_cut(&value, '=', &name);
	/* The newline that ends the section is no part of escaped content. */
	if (str_is(word, "escaped"))
		n->data = unescape(&s->arena, (struct str){n->data.p, n->data.n - str_ends(n->data, "\n")});
	else if (str_is(name, "mode") && num_mode(value, &n->mode) == 0)
		;
	else if (str_is(name, "uid") && num_u64(value, 0, UINT32_MAX, &id) == 0)
		n->uid = (unsigned)id;
	else if (str_is(name, "gid") && num_u64(value, 0, UINT32_MAX, &id) == 0)
		n->gid = (unsigned)id;
	else
		fail_msg("'%.*s' is no attribute of a file", STR_ARG(word));
}

static struct node *take_node(struct scene *s, struct str *args, enum kind kind, unsigned mode)
{
	struct str path;
	struct node *n;

	if (!str_word(args, &path) || !str_starts(path, "/"))
		fail_msg("a path is missing");
	n = add_node(s, path.n == 1 ? STR("") : path);
	n->kind = kind;
	n->mode = mode;
	return n;
}

static void take_attributes(struct scene *s, struct node *n, struct str args)
{
	struct str word;

	while (str_word(&args, &word))
		take_attribute(s, n, word);
}

static void take_file(struct scene *s, struct str args, struct str body)
{
	struct node *n = take_node(s, &args, REGULAR, 0644);

	n->data = body;
	take_attributes(s, n, args);
}

static void take_dir(struct scene *s, struct str args, struct str body _unused_)
{
	take_attributes(s, take_node(s, &args, DIRECTORY, 0755), args);
}

static void take_link(struct scene *s, struct str args, struct str body _unused_)
{
	struct node *n = take_node(s, &args, SYMLINK, 0777);

	if (!str_word(&args, &n->data))
		fail_msg("the target of a link is missing");
	take_attributes(s, n, args);
}

static void take_denied(struct scene *s, struct str args, struct str body _unused_)
{
	take_attributes(s, take_node(s, &args, DENIED, 0), args);
}

static void take_run(struct scene *s, struct str args, struct str body)
{
	recording_write(&s->answers, "run", str_dup(&s->arena, args), 0, body);
}

static void take_query(struct scene *s, struct str args, struct str body)
{
	recording_write(&s->answers, "query", str_dup(&s->arena, args), 0, body);
}

static void take_asked(struct scene *s, struct str args _unused_, struct str body)
{
	struct str line;

	s->all = false;
	while (str_line(&body, &line))
		*vec_push(&s->arena, &s->asked) = line;
}

static void take_offline(struct scene *s, struct str args _unused_, struct str body _unused_)
{
	s->live = false;
}

static void take_time(struct scene *s, struct str args, struct str body _unused_)
{
	assert_int_equal(num_time(args, &s->time), 0);
}

static void take_want(struct scene *s, struct str args _unused_, struct str body)
{
	s->want = body;
}

static void take_section(struct scene *s, struct str head, struct str body)
{
	static const struct {
		const char *name;
		void (*take)(struct scene *, struct str args, struct str body);
	} sections[] = {
		{"file", take_file},     {"dir", take_dir},         {"link", take_link},
		{"denied", take_denied}, {"run", take_run},         {"query", take_query},
		{"asked", take_asked},   {"offline", take_offline}, {"time", take_time},
		{"want", take_want},
	};
	struct str name = STR("");

	(void)str_word(&head, &name);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (str_is(name, sections[i].name)) {
			sections[i].take(s, str_trim(head), body);
			return;
		}
	fail_msg("'== %.*s' is no section of a case", STR_ARG(name));
}

static void parse_case(struct scene *s, struct str text)
{
	struct str head = STR_ABSENT, body = STR(""), line;

	while (str_line(&text, &line)) {
		if (str_skip(&line, "== ")) {
			if (head.p)
				take_section(s, head, body);
			head = line;
			body = (struct str){text.p ? text.p : "", 0};
		} else if (head.p) {
			body.n = (size_t)((text.p ? text.p : line.p + line.n) - body.p);
		}
	}
	if (head.p)
		take_section(s, head, body);
	if (!s->want.p)
		fail_msg("the case has no section 'want'");
}

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
	return unescape(a, (struct str){s->p - n, n - 1});
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
	if (s->all)
		snapshot_want_all(snapshot, t);
	else
		snapshot_want(snapshot, t);
	vec_each(&s->asked, key) snapshot_want_key(snapshot, t, *key);
	snapshot_read(snapshot, host, NULL, NULL);
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
	_cleanup_buf_ struct buf recording = BUF(MAX_CASE), want = BUF(MAX_CASE), got = BUF(MAX_CASE);
	_cleanup_close_ int fd = cases_fd();
	_cleanup_scene_ struct scene scene;
	struct str rest = str_of(path), name = STR(""), text;
	const struct table *table;

	scene_init(&scene);
	(void)str_cut(&rest, '/', &name);
	table = table_find(name);
	if (!table)
		fail_msg("there is no table '%.*s'", STR_ARG(name));
	assert_int_equal(path_read(fd, path, MAX_CASE, &a, &text), 0);
	parse_case(&scene, text);
	write_recording(&scene, &recording);
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
