/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule of the catalogue, and of $REVET_RULES, loads; each of its cases gets its verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rule/cases.h"

static void every_case_holds(void **state _unused_)
{
	struct catalogue c;
	struct err err = {0};
	size_t cases = 0, failed = 0;

	if (catalogue_load(&c, getenv("REVET_RULES"), &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < c.n; i++) {
		size_t n;

		if (cases_run(&c, &c.p[i], &n, &err) < 0) {
			print_error("%s\n", err.msg);
			failed++;
		}
		cases += n;
	}
	print_message("%zu rules, %zu cases\n", c.n, cases);
	assert_true(c.n > 0);
	assert_true(cases >= 2 * c.n);
	assert_int_equal(failed, 0);
	catalogue_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_holds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
