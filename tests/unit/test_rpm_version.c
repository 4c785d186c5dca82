/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of versions as rpm's own tests have them (rpmvercmp.at), in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/rpm_version.h"

static const struct {
	const char *a, *b;
	int order;
} cases[] = {
	{"1.0", "1.0", 0},       {"1.0", "2.0", -1},       {"2.0.1", "2.0.1a", -1},
	{"5.5p1", "5.5p10", -1}, {"10xyz", "10.1xyz", -1}, {"xyz10", "xyz10.1", -1},
	{"xyz.4", "8", -1},      {"5.5p2", "5.6p1", -1},   {"6.0.rc1", "6.0", 1},
	{"10b2", "10a1", 1},     {"7.4052", "1.0", 1},     {"1.0aa", "1.0a", 1},
	{"10.0001", "10.1", 0},  {"10.0001", "10.0039", -1}, {"4.999.9", "5.0", -1},
	{"20101121", "20101122", -1}, {"2_0", "2_0", 0},   {"2.0", "2_0", 0},
	{"a+", "a_", 0},         {"+a", "_a", 0},          {"1.0~rc1", "1.0~rc1", 0},
	{"1.0~rc1", "1.0", -1},  {"1.0~rc1", "1.0~rc2", -1}, {"1.0~rc1~git123", "1.0~rc1", -1},
	{"1.0^", "1.0", 1},      {"1.0^git1", "1.0^git2", -1}, {"1.0^git1", "1.01", -1},
	{"1.0^20160101", "1.0.1", -1}, {"1.0~rc1^git1", "1.0~rc1", 1}, {"1.0^git1~pre", "1.0^git1", -1},
	{"", "1", -1},           {"1.", "1", 0},           {"9223372036854775808", "92233720368547758070", -1},
};

static void as_rpm_orders_them(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int there = rpm_version_cmp(str_of(cases[i].a), str_of(cases[i].b));
		int back = rpm_version_cmp(str_of(cases[i].b), str_of(cases[i].a));

		if ((there > 0) - (there < 0) != cases[i].order || (back > 0) - (back < 0) != -cases[i].order)
			fail_msg("%s and %s: %d, %d", cases[i].a, cases[i].b, there, back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_rpm_orders_them)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
