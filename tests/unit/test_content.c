/* SPDX-License-Identifier: Apache-2.0 */
/* What a file becomes by the edits of several rules, and which of them contradict each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "change/content.h"
#include "change/settle.h"

static struct edits edits_of(struct arena *a, const char *rule)
{
	return (struct edits){.arena = a, .rule = rule};
}

static void assert_becomes(const char *before, const struct edits *e, const char *but, const char *after)
{
	_cleanup_arena_ struct arena a = {0};
	struct str text;
	struct err err = {0};

	assert_int_equal(content_edit(str_of(before), e, but, &a, &text, &err), 0);
	assert_int_equal(text.n, strlen(after));
	assert_memory_equal(text.p, after, text.n);
}

/* Each edit names the line as it is in the file, whatever the others do to it. */
static void lines_do_not_move(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct edits e = edits_of(&a, "a.one");

	edit_line(&e, "/f", 1, STR("one"), STR_ABSENT);
	edit_line(&e, "/f", 3, STR("three"), STR("3a\n3b"));
	e.rule = "a.two";
	edit_line(&e, "/f", 4, STR("four"), STR("4"));
	edit_line(&e, "/f", 1, STR("one"), STR_ABSENT);
	assert_becomes("one\ntwo\nthree\nfour\n", &e, NULL, "two\n3a\n3b\n4\n");
	assert_becomes("one\ntwo\nthree\nfour\n", &e, "a.one", "two\nthree\n4\n");
	assert_becomes("one\ntwo\nthree\nfour\n", &e, "a.two", "two\n3a\n3b\nfour\n");
}

static void lines_before_keys(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct edits e = edits_of(&a, "a.one");
	struct err err = {0};
	struct str text;

	edit_key(&e, "/f", EDIT_SPACE, NULL, STR("Added"), STR("yes"));
	edit_line(&e, "/f", 2, STR("two"), STR_ABSENT);
	assert_becomes("one\ntwo\n", &e, NULL, "one\nAdded yes\n");
	assert_int_equal(content_edit(STR("two\none\n"), &e, NULL, &a, &text, &err), -ESTALE);
	assert_int_equal(content_edit(STR_ABSENT, &e, NULL, &a, &text, &err), -ENOTSUP);
}

/* The last of the edits is taken after the others; is it against one of them? */
static bool contradicts(const struct edits *e)
{
	_cleanup_arena_ struct arena a = {0};
	struct settled s;

	settled_begin(&s, &a);
	for (size_t i = 0; i + 1 < e->n; i++)
		settled_add(&s, &e->p[i]);
	return settled_against(&s, &e->p[e->n - 1]) != NULL;
}

static void contradictions(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct edits e = edits_of(&a, "a.one");

#define SECOND(expected, call) \
	do { \
		e.rule = "a.two"; \
		call; \
		assert_int_equal(contradicts(&e), expected); \
		e.n--; \
		e.rule = "a.one"; \
	} while (0)
	edit_key(&e, "/f", EDIT_INI, "S", STR("K"), STR("1"));
	SECOND(false, edit_key(&e, "/f", EDIT_INI, "S", STR("K"), STR("1")));
	SECOND(true, edit_key(&e, "/f", EDIT_INI, "S", STR("K"), STR("2")));
	SECOND(true, edit_key(&e, "/f", EDIT_INI, "S", STR("K"), STR_ABSENT));
	SECOND(false, edit_key(&e, "/f", EDIT_INI, "T", STR("K"), STR("2")));
	SECOND(false, edit_key(&e, "/g", EDIT_INI, "S", STR("K"), STR("2")));
	SECOND(true, edit_content(&e, "/f", STR_ABSENT));
	edit_line(&e, "/f", 3, STR("x"), STR("y"));
	SECOND(false, edit_line(&e, "/f", 3, STR("x"), STR("y")));
	SECOND(true, edit_line(&e, "/f", 3, STR("x"), STR("z")));
	SECOND(false, edit_line(&e, "/f", 4, STR("x"), STR("z")));
	edit_content(&e, "/gone", STR_ABSENT);
	SECOND(true, edit_key(&e, "/gone", EDIT_SPACE, NULL, STR("K"), STR("1")));
	SECOND(true, edit_attribute(&e, "/gone", "mode", STR("0600")));
	SECOND(false, edit_content(&e, "/gone", STR_ABSENT));
	edit_attribute(&e, "/m", "mode", STR("0640"));
	edit_attribute(&e, "/m", "owner", STR("root"));
	SECOND(false, edit_attribute(&e, "/m", "mode", STR("0600")));
	SECOND(true, edit_attribute(&e, "/m", "owner", STR("ops")));
	edit_state(&e, "sysctl", "k", "value", STR("0"), STR("1"));
	SECOND(true, edit_state(&e, "sysctl", "k", "value", STR("0"), STR("2")));
	SECOND(false, edit_state(&e, "module", "k", "value", STR("0"), STR("2")));
	edit_reload(&e, "s");
	SECOND(false, edit_reload(&e, "s"));
#undef SECOND
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_do_not_move),
		cmocka_unit_test(lines_before_keys),
		cmocka_unit_test(contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
