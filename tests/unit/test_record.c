/* SPDX-License-Identifier: Apache-2.0 */
/* A line that is added to a file of accounts is one that its programs find, and taken out again leaves the
 * file as it was, to the byte. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(added_and_removed)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
