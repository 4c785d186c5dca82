/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists between the kernel's form, setfacl's text and the mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/acl.h"

static void there_and_back(void **state _unused_)
{
	static const char *const texts[] = {
		"user::rw-,group::r--,other::---",
		"user::rwx,user:0:---,user:4294967294:rwx,group::r-x,group:27:-w-,mask::rwx,other::--x",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_buf_ struct buf out = BUF(4096);
		unsigned char value[ACL_MAX];
		size_t n;

		assert_int_equal(acl_parse(str_of(texts[i]), value, &n), 0);
		assert_int_equal(acl_print(value, n, &out), 0);
		assert_string_equal(buf_get(&out).p, texts[i]);
	}
}

/* As the kernel gave it for: setfacl -m u:1000:r FILE, of mode 0640. */
static void as_the_kernel_has_it(void **state _unused_)
{
	static const unsigned char value[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 232, 3, 0, 0, 4, 0, 4, 0,
		255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255};
	static const char text[] = "user::rw-,user:1000:r--,group::r--,mask::r--,other::---";
	_cleanup_buf_ struct buf out = BUF(4096);
	unsigned char parsed[ACL_MAX];
	size_t n;

	assert_int_equal(acl_print(value, sizeof(value), &out), 0);
	assert_string_equal(buf_get(&out).p, text);
	assert_int_equal(acl_parse(str_of(text), parsed, &n), 0);
	assert_int_equal(n, sizeof(value));
	assert_memory_equal(parsed, value, n);
	for (size_t cut = 0; cut < sizeof(value); cut++) {
		_cleanup_buf_ struct buf ignored = BUF(4096);

		if (cut < 4 || cut % 8 != 4)
			assert_int_equal(acl_print(value, cut, &ignored), -EINVAL);
	}
}

static void no_list(void **state _unused_)
{
	static const char *const texts[] = {
		"", "user", "user::", "user::rwz", "user::rw", "users::rw-", "user:x:rw-", "user:-1:rw-",
		"user:4294967295:rw-", "mask:1:r--", "other:1:r--", "user::rw-,", ",user::rw-", "user::rw-:", "default:user::rw-"};
	unsigned char value[ACL_MAX];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (acl_parse(str_of(texts[i]), value, &n) != -EINVAL)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(acl_parse(STR_ABSENT, value, &n), -EINVAL);
}

static void modes(void **state _unused_)
{
	static const struct {
		const char *text;
		unsigned mode;
		const char *plain;
	} rows[] = {
		{"user::rw-,group::r--,other::---", 0640, "user::rw-,group::r--,other::---"},
		/* The mask shows as the group's bits, and never gives the group more than it had. */
		{"user::rw-,user:7:rw-,group::r--,mask::rw-,other::---", 0660, "user::rw-,group::r--,other::---"},
		{"user::rw-,user:7:rw-,group::rw-,mask::r--,other::r--", 0644, "user::rw-,group::r--,other::r--"},
		{"user::rwx,group::r-x,group:9:rwx,mask::rwx,other::r-x", 0775, "user::rwx,group::r-x,other::r-x"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_arena_ struct arena a = {0};
		_cleanup_buf_ struct buf of_mode = BUF(64);
		struct str plain = acl_without_names(&a, str_of(rows[i].text));

		assert_int_equal(acl_mode(str_of(rows[i].text)), rows[i].mode);
		assert_true(str_is(plain, rows[i].plain));
		acl_of_mode(acl_mode(plain), &of_mode);
		assert_true(str_eq(plain, buf_get(&of_mode)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(as_the_kernel_has_it),
		cmocka_unit_test(no_list),
		cmocka_unit_test(modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
