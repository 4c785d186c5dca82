/* SPDX-License-Identifier: Apache-2.0 */
/* Scrubbing of passwd and shadow: no byte of a hash is left, lines stay where they were, and doing
 * it twice changes nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/crypt_id.h"

typedef void scrubber(struct str, struct buf *);

static void assert_scrubs(scrubber *scrub, const char *text, const char *want)
{
	_cleanup_buf_ struct buf out = BUF(4096);

	scrub(str_of(text), &out);
	assert_string_equal(out.p ? out.p : "", want);
}

static void keeps_marks_and_methods(void **state _unused_)
{
	assert_scrubs(crypt_scrub_shadow, "r:$y$j9T$sAlT$hAsH:1:2:3:4:5:6:", "r:$y$:1:2:3:4:5:6:\n");
	assert_scrubs(crypt_scrub_shadow, "r:!$6$sAlT$hAsH:-1::\n", "r:!$6$:-1::\n");
	assert_scrubs(crypt_scrub_shadow, "r:*\nr:!!\nr:\nr:!*$1$x", "r:*\nr:!!\nr:\nr:!*$1$\n");
	assert_scrubs(crypt_scrub_shadow, "r:abJnggxhB/yWI:", "r:$des$:\n");
	assert_scrubs(crypt_scrub_shadow, "r:_J9..K0AyUubDx1Wjm7Y", "r:$des$\n");
	assert_scrubs(crypt_scrub_shadow, "r:$3$$8846f7eaee8f", "r:$unknown$\n");
	assert_scrubs(crypt_scrub_shadow, "r:pl@in text", "r:*\n");
	assert_scrubs(crypt_scrub_passwd, "r:x:0:0:R,$6$:/:/b:$6$\n", "r:x:0:0:R,$6$:/:/b:$6$\n");
	assert_scrubs(crypt_scrub_passwd, "s:##s:0:0\no::1:1", "s:##:0:0\no::1:1\n");
}

static void drops_what_is_out_of_place(void **state _unused_)
{
	assert_scrubs(crypt_scrub_shadow, "$6$sAlT$hAsH:x:1", "?:x:1\n");
	assert_scrubs(crypt_scrub_shadow, "no colon $6$sAlT$hAsH\n\nr:*", "\n\nr:*\n");
	assert_scrubs(crypt_scrub_shadow, "r:*:$6$sAlT:hAsH:3", "r:*:?:?:3\n");
	assert_scrubs(crypt_scrub_shadow, "r:*:1:2:3:4:5:6:7:hAsH", "r:*:1:2:3:4:5:6:7\n");
	assert_scrubs(crypt_scrub_shadow,
				  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:*",
				  "?:*\n");
}

static size_t count(struct str s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

static void scrubs_any_bytes_once_and_for_all(void **state _unused_)
{
	static const char bytes[] = "::\n\n$$$!*x#16y_abAB./0\0\xff\r -";
	scrubber *const scrubbers[] = {crypt_scrub_passwd, crypt_scrub_shadow};
	char text[80];

	srandom(1);
	for (int i = 0; i < 40000; i++) {
		_cleanup_buf_ struct buf once = BUF(4096), twice = BUF(4096);
		size_t n = (size_t)random() % (sizeof(text) - 1);

		for (size_t k = 0; k < n; k++)
			text[k] = bytes[(size_t)random() % (sizeof(bytes) - 1)];
		text[n] = '\n';
		scrubbers[i % 2]((struct str){text, n + 1}, &once);
		scrubbers[i % 2](buf_get(&once), &twice);
		assert_int_equal(count(buf_get(&once), '\n'), count((struct str){text, n + 1}, '\n'));
		assert_true(str_eq(buf_get(&once), buf_get(&twice)));
	}
}

static void reads_a_field_the_same_before_and_after(void **state _unused_)
{
	static const char *const fields[] = {
		"",
		"x",
		"*",
		"!",
		"!!",
		"*LK*",
		"##bob",
		"NP",
		"$6$a$b",
		"!$y$j9T$a$b",
		"abJnggxhB/yWI",
		"$3$$a",
		"*$2b$12$abc",
		"!abJnggxhB/yWI",
		"$gy$x",
		"_J9..K0AyUubDx1Wjm7Y",
		"!x",
		"secret",
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		_cleanup_buf_ struct buf line = BUF(256), out = BUF(256);
		struct crypt_field a = crypt_parse(str_of(fields[i])), b;
		struct str rest, field;

		buf_printf(&line, "u:%s:1", fields[i]);
		crypt_scrub_shadow(buf_get(&line), &out);
		rest = buf_get(&out);
		str_cut(&rest, ':', &field);
		str_cut(&rest, ':', &field);
		b = crypt_parse(field);
		assert_string_equal(a.algorithm, b.algorithm);
		assert_int_equal(a.has_password, b.has_password);
		assert_int_equal(a.locked, b.locked);
		assert_int_equal(a.empty, b.empty);
		assert_int_equal(a.elsewhere, b.elsewhere);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_marks_and_methods),
		cmocka_unit_test(drops_what_is_out_of_place),
		cmocka_unit_test(scrubs_any_bytes_once_and_for_all),
		cmocka_unit_test(reads_a_field_the_same_before_and_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
