/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of nftables as text: what is one table alone, and what of it changes at run time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/nft_text.h"

#define HEAD "table inet a {\n"

static void names(void **state _unused_)
{
	static const char *const good[] = {"inet a", "ip a_b-c.9", "netdev x", "inet _a"};
	static const char *const bad[] = {"inet", "inet ", "a b",     " a",       "inet 9a",   "inet a b", "inet a;",
									  "",     "inet a'", "inet a\n", "inet \"a\"", "inet $a", "inet -a"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(nft_text_is_name(str_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(nft_text_is_name(str_of(bad[i])));
}

static void one_table_alone(void **state _unused_)
{
	static const char *const good[] = {
		HEAD "}",
		"\n# } \"\ntable inet a {\n}\n\n# after {\n",
		HEAD "\tcomment \"} ; flush ruleset { # \\ $x\"\n}",
		HEAD "\tset s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 } ; }\n}",
		HEAD "\tchain include_all { # \" } \n\t}\n}\n",
	};
	static const char *const bad[] = {
		"",
		"table inet a",
		HEAD,
		HEAD "} flush ruleset",
		HEAD "}\n}",
		HEAD "}\n;",
		"flush ruleset\n" HEAD "}",
		"table inet b {\n}",
		"table ip a {\n}",
		"add table inet a {\n}",
		HEAD "\tinclude \"/etc/shadow\"\n}",
		HEAD "\tdefine x = 1\n}",
		HEAD "\tredefine x = 1\n}",
		HEAD "\tchain c { ip saddr $x drop\n}\n}",
		HEAD "\tcomment \"open\n}",
		HEAD "\tchain c {\\\n\t}\n}",
		HEAD "\tchain c {\001\n\t}\n}",
		HEAD "} # ok\ninclude \"x\"",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!nft_text_is_table(str_of(good[i]), STR("inet a")))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (nft_text_is_table(str_of(bad[i]), STR("inet a")))
			fail_msg("let through: %s", bad[i]);
	assert_false(nft_text_is_table((struct str){HEAD "\0}", sizeof(HEAD) + 1}, STR("inet a")));
	assert_false(nft_text_is_table(STR_ABSENT, STR("inet a")));
}

static void without_elements(void **state _unused_)
{
	static const char *const texts[][2] = {
		{"", ""},
		{HEAD "\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1 }\n\t}\n}", NULL},
		{HEAD "\tset s {\n\t\tflags timeout\n\t\telements = { 10.0.0.1 timeout 1h,\n\t\t\t 10.0.0.2 }\n\t}\n}",
		 HEAD "\tset s {\n\t\tflags timeout\n\t}\n}"},
		{HEAD "\tmap m {\n\t\tflags interval,dynamic\n\t\ttimeout 1h\n\t\telements = { 1 : { } }\n\t}\n\tset t {\n"
			  "\t\telements = { 1 }\n\t}\n}",
		 HEAD "\tmap m {\n\t\tflags interval,dynamic\n\t\ttimeout 1h\n\t}\n\tset t {\n\t\telements = { 1 }\n\t}\n}"},
		{HEAD "\tset s {\n\t\tcomment \"flags timeout\"\n\t\telements = { 1 }\n\t}\n}", NULL},
		{HEAD "\tset s {\n\t\tcomment \"elements = { 1 }\"\n\t\tflags timeout\n\t}\n}", NULL},
		{HEAD "\tset s { flags timeout; elements = { 1, 2 } ; }\n}", HEAD "\tset s { flags timeout; ; }\n}"},
		{HEAD "\tchain c {\n\t\tmeta mark set ip saddr map { 10.0.0.1 : 1 }\n\t\tadd @s { ip saddr timeout 1h }\n\t}\n}", NULL},
		{HEAD "\tset s { flags timeout; elements = { 1 } elements = { 2 }\n}", HEAD "\tset s { flags timeout;\n}"},
		{HEAD "\tset s {\n\t\tflags timeout\n\t\telements { 1 }\n\t}\n}", NULL},
		{HEAD "\tset s {\n\t\tflags timeout\n\t\telements = { 1", HEAD "\tset s {\n\t\tflags timeout"},
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_buf_ struct buf out = BUF(4096);

		assert_int_equal(nft_text_without_elements(str_of(texts[i][0]), &out), 0);
		assert_string_equal(out.n ? buf_get(&out).p : "", texts[i][1] ? texts[i][1] : texts[i][0]);
	}
}

/* Cut anywhere, or with any byte changed, it neither reads past the end nor makes more of it. */
static void damaged(void **state _unused_)
{
	static const char text[] = HEAD "\tset s {\n\t\tflags timeout\n\t\telements = { \"a\" }\n\t}\n}";

	for (size_t cut = 0; cut < sizeof(text); cut++)
		for (unsigned byte = 0; byte < 256; byte += 5) {
			_cleanup_buf_ struct buf out = BUF(4096);
			char *copy = malloc(cut + 1);

			memcpy(copy, text, cut);
			if (cut)
				copy[cut / 2] = (char)byte;
			assert_int_equal(nft_text_without_elements((struct str){copy, cut}, &out), 0);
			assert_true(out.n <= cut);
			(void)nft_text_is_table((struct str){copy, cut}, STR("inet a"));
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(one_table_alone),
		cmocka_unit_test(without_elements),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
