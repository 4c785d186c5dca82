/* SPDX-License-Identifier: Apache-2.0 */
/* What the descriptors of experiments promise, and what is read back of what one says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "prove/prove.h"
#include "rule/rule.h"

static bool is_row(const char *name)
{
	size_t digits = strspn(name + 1, "0123456789");

	return strchr("IGLX", name[0]) && digits && !name[1 + digits];
}

static void descriptors_hold(void **state _unused_)
{
	const struct experiment *const *all;
	size_t n = experiments_all(&all);
	struct catalogue c;
	struct err err;

	assert_int_equal(catalogue_load(&c, NULL, &err), 0);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		const struct experiment *e = all[i];

		print_message("%s\n", e->name);
		assert_non_null(strchr(e->name, '.'));
		assert_true(i == 0 || strcmp(all[i - 1]->name, e->name) < 0);
		assert_true(*e->title && *e->doc && *e->does && e->rows[0]);
		assert_true(e->seconds > 0 && e->seconds <= 30);
		for (const char *const *row = e->rows; *row; row++)
			assert_true(is_row(*row));
		for (const char *const *rule = e->rules; *rule; rule++)
			assert_non_null(catalogue_find(&c, str_of(*rule)));
		for (const char *const *table = e->tables; *table; table++)
			assert_non_null(table_find(str_of(*table)));
	}
	catalogue_done(&c);
}

static void the_worst_case_is_the_verdict(void **state _unused_)
{
	static const struct {
		const char *text;
		enum proof_kind verdict;
		const char *reason;
	} cases[] = {
		{"", PROOF_SAW, NULL},
		{"s seen\n", PROOF_SAW, NULL},
		{"p a\np b\n", PROOF_PROVEN, "a"},
		{"p a\nn b\\x20c\np d\n", PROOF_NOT_RUN, "b c"},
		{"r a\nn b\np c\nr d\n", PROOF_REFUTED, "a"},
		{"w copied\np a\n", PROOF_PROVEN, "a"},
		{"x a\n\np\n", PROOF_SAW, NULL},
	};
	_cleanup_arena_ struct arena a = {0};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proof p = {0};

		proof_parse(str_of(cases[i].text), &a, &p);
		assert_int_equal(p.verdict, cases[i].verdict);
		assert_true(cases[i].reason ? str_is(p.reason, cases[i].reason) : !p.reason.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_hold),
		cmocka_unit_test(the_worst_case_is_the_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
