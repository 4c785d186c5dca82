/* SPDX-License-Identifier: Apache-2.0 */
/* Plans without a host: what is trimmed, how they read, and that their JSON comes back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "change/plan.h"

static const struct place live = {"/", -1, true}, in_tree = {"/tree", -1, false};

static void add_rule(struct plan *p, const char *id, enum risk risk)
{
	*vec_push(p->arena, &p->rules) = (struct plan_rule){.id = id, .title = "It is open", .risk = risk};
}

static struct step *add_step(struct plan *p, const char *type, const char *target, const char *rule,
							 const char *other)
{
	struct step *s = vec_push(p->arena, &p->steps);

	*s = (struct step){.type = step_type_find(str_of(type)), .target = target};
	s->rules = arena_new(p->arena, const char *, 2);
	s->rules[s->n_rules++] = rule;
	if (other)
		s->rules[s->n_rules++] = other;
	assert_non_null(s->type);
	return s;
}

static void set(struct plan *p, struct step *s, const char *field, const char *before, const char *after)
{
	state_set(&s->before, p->arena, field, str_of(before));
	state_set(&s->after, p->arena, field, str_of(after));
}

static struct plan example(struct arena *a)
{
	struct plan p = {.arena = a, .host = STR("web-01"), .root = "/", .time = 1767225600};

	add_rule(&p, "a.one", RISK_ACCESS);
	add_rule(&p, "a.two", RISK_NONE);
	set(&p, add_step(&p, "attributes", "/etc/same", "a.one", NULL), "mode", "0600", "0600");
	set(&p, add_step(&p, "sysctl", "net.x", "a.two", NULL), "value", "1", "0");
	add_step(&p, "reload", "one.service", "a.one", NULL);
	add_step(&p, "reload", "two.service", "a.two", NULL);
	add_step(&p, "reload", "both.service", "a.one", "a.two");
	return p;
}

/* Nothing of a.one changes anything, so nobody has to take anything in for it. */
static void actions_go_with_what_they_are_for(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct plan p = example(&a);

	plan_trim(&p, &live);
	assert_int_equal(p.steps.n, 3);
	assert_string_equal(p.steps.p[0].target, "net.x");
	assert_string_equal(p.steps.p[1].target, "two.service");
	assert_string_equal(p.steps.p[2].target, "both.service");
	p = example(&a);
	plan_trim(&p, &in_tree);
	assert_int_equal(p.steps.n, 0);
}

static void leave(struct plan *p, const char *rule, enum left left, const char *why)
{
	*vec_push(p->arena, &p->left) = (struct left_alone){rule, left, why};
}

static void it_comes_back_the_same(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf once = BUF(65536), twice = BUF(65536);
	struct plan p = example(&a), again;
	struct edits edits = {.arena = &a, .rule = "a.one"};
	struct step *s = add_step(&p, "file", "/etc/f", "a.one", "a.two");
	struct err err = {0};

	set(&p, s, "content", "a\n", "b \"\\ \xc3\xa9\n");
	edit_key(&edits, "/etc/f", EDIT_INI, "S", STR("k"), STR("v"));
	edit_line(&edits, "/etc/f", 4294967295u, STR("a"), STR_ABSENT);
	s->edits = edits;
	for (enum left l = LEFT_NEEDED; l <= LEFT_UNKNOWN; l++)
		leave(&p, left_name(l), l, "because");
	assert_int_equal(plan_write(&p, &once), 0);
	assert_int_equal(plan_parse(&again, buf_get(&once), "p", &a, &err), 0);
	assert_int_equal(plan_write(&again, &twice), 0);
	assert_true(str_eq(buf_get(&once), buf_get(&twice)));
	/* Cut short or changed anywhere, it is none. */
	for (size_t i = 0; i < once.n; i += 7) {
		struct str cut = {once.p, i};

		assert_int_equal(plan_parse(&again, cut, "p", &a, &err), -EINVAL);
		once.p[i] ^= 1;
		assert_int_equal(plan_parse(&again, buf_get(&once), "p", &a, &err), -EINVAL);
		once.p[i] ^= 1;
	}
}

static void assert_prints(const struct plan *p, bool whole, const char *want)
{
	_cleanup_buf_ struct buf out = BUF(65536);

	plan_print_steps(p, &out);
	plan_print_left(p, whole, &out);
	plan_print_sum(p, &out);
	buf_putc(&out, '\0');
	assert_string_equal(out.p, want);
}

/* Whatever else is in it, a plan that may cut access waits for its confirmation. */
static void the_worst_risk(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct plan p = {.arena = &a};

	add_rule(&p, "a.one", RISK_RESTART);
	assert_false(plan_may_cut_access(&p));
	add_rule(&p, "a.two", RISK_ACCESS);
	add_rule(&p, "a.three", RISK_REBOOT);
	assert_true(plan_may_cut_access(&p));
	assert_string_equal(risk_name(RISK_ACCESS), "access");
	assert_string_equal(risk_name(RISK_REBOOT), "reboot");
}

static void for_people(void **state _unused_)
{
	_cleanup_arena_ struct arena a = {0};
	struct plan p = example(&a);

	leave(&p, "b.one", LEFT_NEEDED, "Docker runs containers");
	leave(&p, "b.two", LEFT_NEEDED, "Docker runs containers");
	leave(&p, "b.three", LEFT_CONTRADICTS, "a.one wants x to be 1, and b.three 2");
	for (int i = 0; i < 8; i++)
		leave(&p, arena_printf(&a, "c.%d", i), LEFT_BY_HAND, "Ask somebody.");
	leave(&p, "d.one", LEFT_UNKNOWN, "EACCES");
	plan_trim(&p, &live);
	assert_prints(&p, false,
				  "~ sysctl net.x 1 -> 0 (now)   a.two\n"
				  "~ reload two.service\n"
				  "~ reload both.service   risk: ACCESS may be cut\n"
				  "! left alone, because Docker runs containers: b.one, b.two\n"
				  "! left alone: b.three: a.one wants x to be 1, and b.three 2\n"
				  "! by hand: c.0, c.1, c.2, c.3, c.4, c.5 and 2 more\n"
				  "! not known to fail or pass: d.one\n"
				  "3 steps for 2 of the 11 rules that fail, all reversible.\n"
				  "1 of them may cut access: all of it reverts by itself unless it is confirmed.\n");
	p.left.n = 3;
	leave(&p, "c.0", LEFT_BY_HAND, "Ask somebody.");
	leave(&p, "d.one", LEFT_UNKNOWN, "EACCES");
	p.steps.n = p.rules.n = 0;
	assert_prints(&p, true,
				  "! left alone, because Docker runs containers: b.one, b.two\n"
				  "! left alone: b.three: a.one wants x to be 1, and b.three 2\n"
				  "! by hand: c.0: Ask somebody.\n"
				  "! not known to fail or pass: EACCES: d.one\n"
				  "Nothing can be changed for the 2 rules that fail.\n");
}

static void packages_are_named(void **state _unused_)
{
	static const struct {
		const char *installed, *removed, *want;
	} cases[] = {
		{NULL, "telnet", "- package telnet   a.one\n"},
		{"auditd", NULL, "+ package auditd   a.one\n"},
		{"auditd", "telnet", "~ package auditd, telnet   a.one\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf out = BUF(65536);
		_cleanup_arena_ struct arena a = {0};
		struct plan p = {.arena = &a};
		struct step *s;

		add_rule(&p, "a.one", RISK_NONE);
		s = add_step(&p, "package", "dpkg", "a.one", NULL);
		if (cases[i].installed)
			set(&p, s, cases[i].installed, NULL, "1.0");
		if (cases[i].removed)
			set(&p, s, cases[i].removed, "1.0", NULL);
		plan_print(&p, &out);
		assert_true(str_starts(buf_get(&out), cases[i].want));
	}
}

#define HEAD "# Written by revet; see: revet history\ntable inet revet\ndelete table inet revet\n"
#define RULES(port) "table inet revet {\n\tchain input {\n\t\ttcp dport " port " accept\n\t}\n}"

/* A file, and the table that it has loaded: as it is, and as it should be. */
static struct plan ruleset(struct arena *a, const char *file, const char *loaded)
{
	struct plan p = {.arena = a};
	struct step *s;

	add_rule(&p, "a.one", RISK_NONE);
	s = add_step(&p, "file", "/etc/nftables.d/revet.nft", "a.one", NULL);
	set(&p, s, "type", file ? "regular" : "absent", "regular");
	set(&p, s, "content", file, HEAD RULES("22") "\n");
	set(&p, add_step(&p, "nft", "inet revet", "a.one", NULL), "ruleset", loaded, RULES("22"));
	return p;
}

static void assert_nft_prints(const struct plan *p, const char *want)
{
	_cleanup_buf_ struct buf out = BUF(65536);
	struct str text, at;

	plan_print_steps(p, &out);
	text = buf_get(&out);
	while (str_cut(&text, '~', &at))
		if (str_starts(at, " nft"))
			assert_string_equal(str_dup(p->arena, at), want);
}

/* The table of a file that is new, or that was changed like it, is shown with the file. */
static void a_ruleset_is_shown_once(void **state _unused_)
{
	static const char as_in[] =
		" nft inet revet (now)   a.one\n    as in /etc/nftables.d/revet.nft\n";
	static const char its_own[] = " nft inet revet (now)   a.one\n"
								  "  @@ line 1 @@\n"
								  "   table inet revet {\n"
								  "    chain input {\n"
								  "  -  tcp dport 80 accept\n"
								  "  +  tcp dport 22 accept\n"
								  "    }\n"
								  "   }\n";
	_cleanup_arena_ struct arena a = {0};
	struct plan p = ruleset(&a, NULL, NULL);

	assert_nft_prints(&p, as_in);
	p = ruleset(&a, HEAD RULES("80") "\n", RULES("80"));
	assert_nft_prints(&p, as_in);
	p = ruleset(&a, HEAD RULES("443") "\n", RULES("80"));
	assert_nft_prints(&p, its_own);
	p = ruleset(&a, NULL, RULES("80"));
	assert_nft_prints(&p, its_own);
	p = ruleset(&a, HEAD RULES("80") "\n", NULL);
	p.steps.p[0].target = "/etc/other";
	p.steps.p[0].after = (struct state){0};
	state_set(&p.steps.p[0].after, &a, "content", STR("other"));
	assert_nft_prints(&p, " nft inet revet (now)   a.one\n"
						  "  @@ line 1 @@\n"
						  "  +table inet revet {\n"
						  "  + chain input {\n"
						  "  +  tcp dport 22 accept\n"
						  "  + }\n"
						  "  +}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_go_with_what_they_are_for),
		cmocka_unit_test(it_comes_back_the_same),
		cmocka_unit_test(the_worst_risk),
		cmocka_unit_test(for_people),
		cmocka_unit_test(packages_are_named),
		cmocka_unit_test(a_ruleset_is_shown_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
