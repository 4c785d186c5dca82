/* SPDX-License-Identifier: Apache-2.0 */
/* Files as steps write and restore them, in a directory of its own; and the diff that shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "base/exec.h"
#include "change/diff.h"
#include "change/fs.h"

struct scene {
	char path[64];
	struct place place;
	struct saved saved;
	struct arena arena;
};

static const char *in(struct scene *s, const char *name)
{
	return arena_printf(&s->arena, "%s/%s", s->path, name);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	snprintf(s->path, sizeof(s->path), "/tmp/revet-test-fs.XXXXXX");
	if (!s || !mkdtemp(s->path) || mkdir(in(s, "etc"), 0755) < 0 || mkdir(in(s, "before"), 0700) < 0)
		return -1;
	s->place = (struct place){s->path, open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), false};
	s->saved = (struct saved){open(in(s, "before"), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "0"};
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	const char *const argv[] = {"/bin/rm", "-rf", s->path, NULL};
	struct exec e = exec_start(argv, NULL, NULL);
	struct exec_result result = {0};
	struct err err;

	if (exec_finish(&e, 4096, 10000, &s->arena, &result, &err) < 0 || result.status)
		return -1;
	close(s->place.root_fd);
	close(s->saved.dir_fd);
	arena_done(&s->arena);
	free(s);
	return 0;
}

static void write_file(struct scene *s, const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in(s, name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(in(s, name), mode), 0);
}

static struct str read_back(struct scene *s, const char *name)
{
	struct str text = STR_ABSENT;

	(void)path_read(s->place.root_fd, name, 65536, &s->arena, &text);
	return text;
}

static struct state attributes(struct scene *s, const char *path)
{
	struct state state = {0};
	struct err err;

	assert_int_equal(fs_capture(&s->place, path, true, &s->arena, &state, &err), 0);
	return state;
}

static size_t entries(struct scene *s, const char *dir)
{
	struct path_entry *list;
	size_t n = 0;
	bool more;

	(void)path_list(s->place.root_fd, dir, 100, &s->arena, &list, &n, &more);
	return n;
}

/* Saved, changed and undone, it is what it was: content, mode, times, attributes, its directory's
 * times. */
static void all_of_it_comes_back(void **state)
{
	struct scene *s = *state;
	const struct timespec old[2] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 123456789}};
	bool has_xattrs;
	struct state before;
	struct stat st;
	struct err err = {0};
	char value[8];

	write_file(s, "etc/file", "one\n", 0640);
	has_xattrs = setxattr(in(s, "etc/file"), "user.mark", "kept", 4, 0) == 0;
	assert_int_equal(utimensat(AT_FDCWD, in(s, "etc/file"), old, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, in(s, "etc"), old, 0), 0);
	before = attributes(s, "/etc/file");
	assert_int_equal(fs_save(&s->place, "/etc/file", true, &s->saved, &err), 0);
	assert_int_equal(fs_write(&s->place, "/etc/file", STR("two\n"), &before, NULL, &err), 0);
	assert_true(str_is(read_back(s, "/etc/file"), "two\n"));
	assert_int_equal(stat(in(s, "etc/file"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_not_equal(st.st_mtim.tv_sec, 2000);
	if (has_xattrs)
		assert_int_equal(getxattr(in(s, "etc/file"), "user.mark", value, 8), 4);
	if (has_xattrs) /* one that came meanwhile goes again */
		assert_int_equal(setxattr(in(s, "etc/file"), "user.new", "x", 1, 0), 0);

	assert_int_equal(fs_write(&s->place, "/etc/file", state_get(&before, "content"), &before, &s->saved, &err), 0);
	fs_restore_parent_times(&s->place, "/etc/file", &s->saved);
	assert_true(str_is(read_back(s, "/etc/file"), "one\n"));
	assert_int_equal(stat(in(s, "etc/file"), &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	if (has_xattrs)
		assert_int_equal(getxattr(in(s, "etc/file"), "user.mark", value, 8), 4);
	if (has_xattrs)
		assert_int_equal(getxattr(in(s, "etc/file"), "user.new", value, 8), -1);
	assert_int_equal(stat(in(s, "etc"), &st), 0);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(entries(s, "/etc"), 1);
}

static void links_are_neither_followed_nor_replaced(void **state)
{
	struct scene *s = *state;
	struct state made = {0}, seen;
	struct err err = {0};

	write_file(s, "etc/target", "one\n", 0600);
	assert_int_equal(symlink("target", in(s, "etc/link")), 0);
	state_set(&made, &s->arena, "mode", STR("0644"));
	seen = attributes(s, "/etc/link");
	assert_true(state_is(&seen, "type", "symlink"));
	assert_false(state_has(&seen, "content"));
	assert_int_equal(fs_write(&s->place, "/etc/link", STR("two\n"), &made, NULL, &err), -ELOOP);
	assert_non_null(strstr(err.msg, "/etc/link"));
	assert_int_equal(fs_set_attributes(&s->place, "/etc/link", &made, NULL, &err), -ELOOP);
	assert_true(str_is(read_back(s, "/etc/target"), "one\n"));
	assert_int_equal(entries(s, "/etc"), 2);
	/* Links above stay inside the root. */
	assert_int_equal(symlink("/etc", in(s, "abs")), 0);
	assert_int_equal(fs_write(&s->place, "/abs/new", STR("x"), &made, NULL, &err), 0);
	assert_true(str_is(read_back(s, "/etc/new"), "x"));
	assert_int_equal(symlink("../../../../../../etc", in(s, "up")), 0);
	assert_int_equal(fs_write(&s->place, "/up/new", STR("y"), &made, NULL, &err), 0);
	assert_true(str_is(read_back(s, "/etc/new"), "y"));
}

static void what_is_no_place_for_a_file(void **state)
{
	struct scene *s = *state;
	struct state made = {0}, seen = {0};
	struct err err = {0};

	assert_int_equal(fs_write(&s->place, "/none/file", STR("x"), &made, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/none/file"));
	assert_int_equal(fs_write(&s->place, "/etc/..", STR("x"), &made, NULL, &err), -EINVAL);
	assert_int_equal(fs_write(&s->place, "file", STR("x"), &made, NULL, &err), -EINVAL);
	assert_int_equal(fs_write(&s->place, "/etc/", STR("x"), &made, NULL, &err), -EINVAL);
	state_set(&made, &s->arena, "mode", STR("99"));
	assert_int_equal(fs_write(&s->place, "/etc/bad", STR("x"), &made, NULL, &err), -EINVAL);
	assert_int_equal(entries(s, "/etc"), 0);
	assert_int_equal(fs_capture(&s->place, "/none/file", true, &s->arena, &seen, &err), 0);
	assert_true(state_is(&seen, "type", "absent"));
	assert_int_equal(fs_save(&s->place, "/none/file", true, &s->saved, &err), 0);
	/* What is no text has no content that a plan could show. */
	write_file(s, "etc/binary", "\xff\xfe", 0600);
	seen = attributes(s, "/etc/binary");
	assert_false(state_has(&seen, "content"));
	assert_int_equal(mkfifo(in(s, "etc/fifo"), 0600), 0);
	seen = attributes(s, "/etc/fifo");
	assert_true(state_is(&seen, "type", "other"));
}

/* What a user has put between planning and doing leads nowhere. Takes root. */
static void links_of_others(void **state)
{
	struct scene *s = *state;
	struct state made = {0}, seen;
	struct err err = {0};

	if (geteuid() != 0)
		skip();
	write_file(s, "etc/shadow", "secret\n", 0600);
	assert_int_equal(chmod(s->path, 0755), 0);
	assert_int_equal(mkdir(in(s, "home"), 0755), 0);
	assert_int_equal(mkdir(in(s, "home/.ssh"), 0700), 0);
	assert_int_equal(chown(in(s, "home"), 1234, 1234), 0);
	assert_int_equal(symlink("/etc", in(s, "home/evil")), 0);
	assert_int_equal(symlink("/home", in(s, "link")), 0);
	state_set(&made, &s->arena, "mode", STR("0666"));
	assert_int_equal(fs_set_attributes(&s->place, "/home/evil/shadow", &made, NULL, &err), -ELOOP);
	assert_int_equal(fs_set_attributes(&s->place, "/link/evil/shadow", &made, NULL, &err), -ELOOP);
	assert_int_equal(fs_set_attributes(&s->place, "/home/../etc/shadow", &made, NULL, &err), -ELOOP);
	assert_int_equal(fs_write(&s->place, "/home/evil/new", STR("x"), &made, NULL, &err), -ELOOP);
	assert_int_equal(link(in(s, "etc/shadow"), in(s, "home/hard")), 0);
	assert_int_equal(fs_set_attributes(&s->place, "/home/hard", &made, NULL, &err), -EPERM);
	seen = attributes(s, "/etc/shadow");
	assert_true(state_is(&seen, "mode", "0600"));
	/* Theirs are changed, through root's link as well. */
	write_file(s, "home/own", "x\n", 0600);
	assert_int_equal(chown(in(s, "home/own"), 1234, 1234), 0);
	assert_int_equal(fs_set_attributes(&s->place, "/link/own", &made, NULL, &err), 0);
	seen = attributes(s, "/home/own");
	assert_true(state_is(&seen, "mode", "0666"));
}

/* Where the file system knows the flag and the test may set it. */
static void immutable(void **state)
{
	struct scene *s = *state;
	int flags = FS_IMMUTABLE_FL, none = 0, fd;
	struct state made = {0};
	struct err err = {0};

	write_file(s, "etc/file", "one\n", 0600);
	fd = open(in(s, "etc/file"), O_RDONLY | O_CLOEXEC);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
		close(fd);
		skip();
	}
	state_set(&made, &s->arena, "mode", STR("0644"));
	assert_int_equal(fs_write(&s->place, "/etc/file", STR("two\n"), &made, NULL, &err), -EPERM);
	assert_non_null(strstr(err.msg, "/etc/file"));
	assert_int_equal(fs_set_attributes(&s->place, "/etc/file", &made, NULL, &err), -EPERM);
	assert_true(str_is(read_back(s, "/etc/file"), "one\n"));
	assert_int_equal(entries(s, "/etc"), 1);
	(void)ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
}

static void what_a_kill_left(void **state)
{
	struct scene *s = *state;
	struct state made = {0};
	struct err err = {0};

	write_file(s, "etc/.file.revet", "half", 0600);
	state_set(&made, &s->arena, "mode", STR("0644"));
	assert_int_equal(fs_write(&s->place, "/etc/file", STR("two\n"), &made, NULL, &err), 0);
	assert_int_equal(entries(s, "/etc"), 1);
	write_file(s, "etc/.file.revet", "half", 0600);
	fs_remove_temp(&s->place, "/etc/file");
	assert_int_equal(entries(s, "/etc"), 1);
}

static void diffs(void **state _unused_)
{
	static const struct {
		const char *before, *after, *want;
	} cases[] = {
		{"", "", ""},
		{"a\nb\n", "a\nb\n", ""},
		{"", "a\n", "  @@ line 1 @@\n  +a\n"},
		{"a\n", "", "  @@ line 1 @@\n  -a\n"},
		{"a\nb\nc\n", "a\nB\nc\n", "  @@ line 1 @@\n   a\n  -b\n  +B\n   c\n"},
		{"PASS_MIN_DAYS 0\nKey 1\ndb_password=hunter2\n", "PASS_MIN_DAYS 0\nKey 2\ndb_password=hunter2\n",
		 "  @@ line 1 @@\n   PASS_MIN_DAYS 0\n  -Key 1\n  +Key 2\n   db_password=***\n"},
		{"a\033[31m\n", "b\n", "  @@ line 1 @@\n  -a\\x1b[31m\n  +b\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf out = BUF(65536);

		diff_print(&out, str_of(cases[i].before), str_of(cases[i].after));
		assert_string_equal(out.n ? out.p : "", cases[i].want);
	}
}

/* The whole of a long file is not shown for one line, and what differs everywhere is. */
static void long_diffs(void **state _unused_)
{
	_cleanup_buf_ struct buf a = BUF(1u << 20), b = BUF(1u << 20), out = BUF(4u << 20);

	for (int i = 0; i < 5000; i++) {
		buf_printf(&a, "line %d\n", i);
		buf_printf(&b, i == 2500 ? "changed %d\n" : "line %d\n", i);
	}
	diff_print(&out, buf_get(&a), buf_get(&b));
	assert_non_null(strstr(out.p, "-line 2500\n"));
	assert_non_null(strstr(out.p, "+changed 2500\n"));
	assert_true(out.n < 300);
	buf_clear(&out);
	buf_clear(&b);
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "other %d\n", i);
	diff_print(&out, buf_get(&a), buf_get(&b));
	assert_non_null(strstr(out.p, "-line 4999\n"));
	assert_non_null(strstr(out.p, "+other 4999\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_of_it_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_are_neither_followed_nor_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_place_for_a_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(immutable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_kill_left, set_up, tear_down),
		cmocka_unit_test(diffs),
		cmocka_unit_test(long_diffs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
