/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations in words: what a pattern is said to stand for it does match, and nothing is said of one
 * that takes more than a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "rule/expect.h"

static void says(const char *expectation, enum type type, enum wording wording, const char *want)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF(4096);
	struct params params = {.arena = &a};
	const struct expect *e;
	struct yaml doc;
	struct err err;

	if (yaml_parse(str_of(expectation), "t.yaml", &a, &doc, &err) < 0 ||
		expect_parse(YAML_ROOT(&doc), type, &a, &e, &err) < 0)
		fail_msg("%s: %s", expectation, err.msg);
	expect_print(&out, e, type, &params, wording);
	buf_putc(&out, '\0');
	assert_string_equal(out.p, want);
}

static void patterns_are_lists(void **state _unused_)
{
	static const char *const said[][2] = {
		{"{matches: '^(a|b)$'}", "one of a, b"},
		{"{matches: '^a$|^b$'}", "one of a, b"},
		{"{matches: '^sha(256|512)$'}", "one of sha256, sha512"},
		{"{matches: '^a?b$'}", "one of ab, b"},
		{"{matches: '^(|a)$'}", "one of empty, a"},
		{"{matches: '^/dev/'}", "starting with /dev/"},
		{"{matches: '/(nologin|false)$'}", "ending with one of /nologin, /false"},
		{"{matches: '(?i)aide'}", "containing aide (any case)"},
		{"{matches: '^(?i:no|off)$'}", "one of no, off (any case)"},
		{"{matches: 'authori[sz]ed'}", "containing one of authorised, authorized"},
		{"{matches: '^snap\\.'}", "starting with snap."},
		{"{matches: '^exec '}", "starting with \"exec \""},
		{"{matches: .}", "not empty"},
		{"{not: {matches: '^a'}}", "not starting with a"},
		{"{not: {any: [a, {matches: '^b'}]}}", "neither a nor starting with b"},
		/* These are more than a list. */
		{"{matches: '^a|b'}", "matching ^a|b"},
		{"{matches: '(^|/)a$'}", "matching (^|/)a$"},
		{"{matches: '^a*$'}", "matching ^a*$"},
		{"{matches: '^a{2}$'}", "matching ^a{2}$"},
		{"{matches: '^(a|b)+$'}", "matching ^(a|b)+$"},
		{"{matches: '^[a-c]$'}", "matching ^[a-c]$"},
		{"{matches: '^[^a]$'}", "matching ^[^a]$"},
		{"{matches: '^\\w$'}", "matching ^\\w$"},
		{"{matches: '^(?!a)b$'}", "matching ^(?!a)b$"},
		{"{matches: 'a(?i)b'}", "matching a(?i)b"},
		{"{matches: 'a(?i:b)'}", "matching a(?i:b)"},
		{"{matches: 'a|'}", "matching a|"},
		{"{matches: 'a^b'}", "matching a^b"},
		{"{matches: 'ab?+'}", "matching ab?+"},
	};

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		says(said[i][0], TYPE_STRING, WHOLE, said[i][1]);
}

static void brief_is_short(void **state _unused_)
{
	says("{one_of: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, c, d]}",
		 TYPE_STRING, BRIEF,
		 "one of aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb and 2 more");
	says("{any: [300, {min: 1, max: 300}]}", TYPE_INT, BRIEF, "1 to 300");
	says("{any: [300, {min: 1, max: 300}]}", TYPE_INT, WHOLE, "300 or 1 to 300");
	says("{any: [/a, {matches: ^/}]}", TYPE_STRING, BRIEF, "starting with /");
	says("{any: ['10', {matches: '^[1-9]+0$'}, absent]}", TYPE_STRING, BRIEF,
		 "such as 10 or not set");
	says("{any: ['11', {matches: '^[1-9]+0$'}]}", TYPE_STRING, BRIEF, "11 or matching ^[1-9]+0$");
	says("{matches: '^[a-z]+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa$'}", TYPE_STRING, BRIEF,
		 "matching ^[a-z]+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...");
}

static void modes_are_bits(void **state _unused_)
{
	says("{lacks: ['0022']}", TYPE_MODE, BRIEF, "no bit of 0022");
	says("{has: ['01000']}", TYPE_MODE, BRIEF, "all bits of 01000");
	says("{only: ['0640']}", TYPE_MODE, BRIEF, "at most 0640");
	says("{not: absent}", TYPE_MODE, BRIEF, "set");
	says("{only: []}", TYPE_LIST, BRIEF, "nothing");
}

/* Each text, put where it is said to stand, is matched, and without its last byte it is not the whole. */
static void words_match(void **state _unused_)
{
	static const char *const patterns[] = {"^(a|bc)$", "(?i)^x(y|)z?$", "ab|cd", "/(p|q)[rs]$",
										   "^\\.(a\\|b)"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		_cleanup_arena_ struct arena a = {0};
		struct regex_words w;
		struct regex *regex;
		struct err err;

		assert_int_equal(regex_compile(&a, str_of(patterns[i]), &regex, &err), 0);
		assert_true(regex_words(&a, str_of(patterns[i]), &w));
		for (size_t k = 0; k < w.n; k++) {
			const char *s = str_dup(&a, w.p[k]);

			assert_int_equal(regex_match(regex, str_of(s)), 1);
			assert_int_equal(regex_match(regex, str_of(arena_printf(&a, "#%s", s))), !w.starts);
			assert_int_equal(regex_match(regex, str_of(arena_printf(&a, "%s#", s))), !w.ends);
		}
	}
}

/* However many texts a pattern stands for, and however deep its groups are. */
static void it_ends(void **state _unused_)
{
	static const char *const patterns[] = {"(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)", /* 64 texts */
										   "((((((((((((((((((((a))))))))))))))))))))",
										   "(a",
										   "[a",
										   "a)",
										   "\\",
										   "",
										   "(",
										   "?",
										   "a?b?c?d?e?f?g?h?"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		_cleanup_arena_ struct arena a = {0};
		struct regex_words w;

		assert_false(regex_words(&a, str_of(patterns[i]), &w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_are_lists),
		cmocka_unit_test(brief_is_short),
		cmocka_unit_test(modes_are_bits),
		cmocka_unit_test(words_match),
		cmocka_unit_test(it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
