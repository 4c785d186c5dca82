/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be opened for want of descriptors makes a whole table an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/path.h"
#include "base/shortage.h"

static void only_a_shortage_is_kept(void **state _unused_)
{
	struct err err = {0};

	assert_int_equal(shortage_note(-ENOENT, "a"), -ENOENT);
	assert_int_equal(shortage_note(EMFILE, "a descriptor with the number of EMFILE"), EMFILE);
	assert_int_equal(shortage_take(&err), 0);
	assert_int_equal(shortage_note(-EMFILE, "/b"), -EMFILE);
	assert_int_equal(shortage_note(-EIO, "/c"), -EIO);
	assert_int_equal(shortage_take(&err), -EMFILE);
	assert_int_equal(strncmp(err.msg, "/b: ", 4), 0);
	assert_int_equal(shortage_take(&err), 0);
}

static void what_was_taken_can_be_put_back(void **state _unused_)
{
	struct err before = {0}, err = {0};

	shortage_keep(&before);
	assert_int_equal(shortage_take(&err), 0);
	shortage_note(-ENOMEM, "/b");
	shortage_take(&before);
	shortage_keep(&before);
	shortage_note(-EIO, "/c");
	assert_int_equal(shortage_take(&err), -ENOMEM);
}

static void no_descriptor_is_left(void **state _unused_)
{
	struct rlimit before, none;
	struct path_stat st;
	struct err err = {0};
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(path_stat(root, "/nonexistent", true, &st), -ENOENT);
	assert_int_equal(shortage_take(&err), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(path_stat(root, "/etc", true, &st), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(shortage_take(&err), -EMFILE);
	assert_string_equal(err.msg, "/etc: Too many open files");
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_shortage_is_kept),
		cmocka_unit_test(what_was_taken_can_be_put_back),
		cmocka_unit_test(no_descriptor_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
