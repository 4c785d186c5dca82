/* SPDX-License-Identifier: Apache-2.0 */
/* A line that is added to a file of accounts is one that its programs find, and taken out again leaves the
 * file as it was, to the byte. What is kept of a field is all of it, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "change/record.h"

static const struct record_file passwd = {"/passwd", ".passwd", 3};

static char top[] = "/tmp/revet-record-XXXXXX";
static struct place place;

static int set_up(void **state _unused_)
{
	if (!mkdtemp(top))
		return -1;
	place = (struct place){.root = top, .root_fd = open(top, O_RDONLY | O_DIRECTORY)};
	return place.root_fd < 0;
}

static int tear_down(void **state _unused_)
{
	close(place.root_fd);
	return rmdir(top);
}

static void put(const char *text)
{
	int fd = openat(place.root_fd, "passwd", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(fd_write_all(fd, str_of(text)), 0);
	close(fd);
}

static void has(struct arena *a, const char *text)
{
	struct str now;

	assert_int_equal(path_read(place.root_fd, "/passwd", 65536, a, &now), 0);
	assert_string_equal(now.p, text);
}

static const struct {
	const char *before, *after;
} cases[] = {
	{"a:1:x\n", "a:1:x\nnew:2:y\n"},
	{"a:1:x", "a:1:x\nnew:2:y"},
	{"", "new:2:y\n"},
	{"a:1:x\r\nb\n", "a:1:x\r\nb\nnew:2:y\n"},
	{"a:1:x\n+::\n-b::\n", "a:1:x\nnew:2:y\n+::\n-b::\n"},
	{"+::", "new:2:y\n+::"},
	{"newer:1:x\n\n", "newer:1:x\n\nnew:2:y\n"},
};

static void added_and_removed(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_arena_ struct arena a = {0};
		struct record record = {0};
		struct err err;

		put(cases[i].before);
		assert_int_equal(record_find(&place, &passwd, "new", &a, &record, &err), 0);
		assert_false(record.found);
		assert_int_equal(record_add(&place, &passwd, &record, STR("new:2:y"), &err), 0);
		has(&a, cases[i].after);
		assert_int_equal(record_find(&place, &passwd, "new", &a, &record, &err), 0);
		assert_true(record.found);
		assert_true(str_is(record.fields[2], "y"));
		assert_int_equal(record_remove(&place, &passwd, &record, NULL, &err), 0);
		has(&a, cases[i].before);
	}
	unlinkat(place.root_fd, "passwd", 0);
}

static void fields_are_kept_to_the_byte(void **state _unused_)
{
	static const char odd[] = "a, b:\xff\0c";
	const struct str value = {odd, sizeof(odd) - 1};
	const struct saved saved = {.dir_fd = place.root_fd, .name = "0"};
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf raw = BUF(64);
	struct state kept = {0};
	struct err err;

	record_put_raw(&raw, "group", value);
	record_put_raw(&raw, "empty", STR(""));
	assert_int_equal(record_save_raw(&saved, &raw, "x", &err), 0);
	assert_int_equal(record_read_raw(&saved, &a, &kept, &err), 0);
	assert_int_equal(unlinkat(place.root_fd, "0", 0), 0);
	assert_true(str_eq(state_get(&kept, "group"), value));
	assert_true(state_get(&kept, "empty").p && !state_get(&kept, "empty").n);
	for (int i = 0; i < 64; i++)
		record_put_raw(&raw, "more", value);
	assert_int_equal(record_save_raw(&saved, &raw, "x", &err), -EFBIG);
	assert_int_equal(unlinkat(place.root_fd, "0", 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(added_and_removed),
									   cmocka_unit_test(fields_are_kept_to_the_byte)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
