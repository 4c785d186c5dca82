/* SPDX-License-Identifier: Apache-2.0 */
/* What the descriptors of experiments promise, and what is read back of what one says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "prove/prove.h"
#include "prove/ruleset.h"
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
		assert_true(e->seconds > 0 && e->seconds <= 60);
		assert_true(e->company == COMPANY_WIRELESS || !strstr(e->does, "wire of its own"));
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

/* To whom a rule passes packets on, and which ports it may be about. */
static void rules_that_pass_on(void **state _unused_)
{
	static const struct {
		const char *line, *to; /* NULL: it does not; "": it does not say to whom */
		bool tcp, udp;
		unsigned port; /* 0: any */
	} cases[] = {
		{"tcp dport 8080 dnat to 172.17.0.2:80", "172.17.0.2", true, false, 8080},
		{"udp dport { 53, 8000-8010 } dnat ip to 10.0.0.9", "10.0.0.9", false, true, 8005},
		{"meta nfproto ipv6 tcp dport 80 dnat ip6 to [fd00::2]:80", "fd00::2", true, false, 80},
		{"iifname \"eth1\" dnat ip to 10.0.0.1-10.0.0.9", "10.0.0.1", true, true, 0},
		{"tcp dport 80 dnat ip to tcp dport map { 80 : 10.0.0.7 }", "10.0.0.7", true, false, 80},
		{"tcp dport 80 dnat ip prefix to 10.1.0.0/24", "", true, false, 80},
		{"tcp dport 80 dnat to ip saddr map @there", "", true, false, 80},
		{"-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
		 "172.17.0.2", true, false, 8080},
		{"-A P -p udp -m multiport --dports 500,4500:4510 -j DNAT --to-destination [fd00::7]:1",
		 "fd00::7", false, true, 4505},
		{"ct status dnat accept", NULL, false, false, 0},
		{"ct status dnat ip saddr 10.0.0.0/8 accept", NULL, false, false, 0},
		{"tcp dport 22 accept comment \"dnat\"", NULL, false, false, 0},
	};
	_cleanup_arena_ struct arena a = {0};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ruleset *r = arena_new(&a, struct ruleset, 1);
		struct site_network to;

		print_message("%s\n", cases[i].line);
		ruleset_note(r, str_of(cases[i].line), &a);
		assert_int_equal(r->passes_on[0], cases[i].tcp);
		assert_int_equal(r->passes_on[1], cases[i].udp);
		assert_int_equal(r->passes_nowhere_known, cases[i].to && !*cases[i].to);
		assert_int_equal(r->passes_to.n, cases[i].to && *cases[i].to);
		if (r->passes_to.n) {
			assert_true(site_network_parse(str_of(cases[i].to), &to));
			assert_true(site_network_holds(&r->passes_to.p[0], &to));
		}
		for (int udp = 0; udp < 2; udp++) {
			assert_int_equal(r->passed[udp][cases[i].port ? cases[i].port : 4711],
							 udp ? cases[i].udp : cases[i].tcp);
			assert_int_equal(r->passed[udp][4712], !cases[i].port && r->passes_on[udp]);
		}
	}
}

static void rules_that_tell_addresses_apart(void **state _unused_)
{
	static const struct {
		const char *line;
		bool tells; /* 192.0.2.5 */
	} cases[] = {
		{"ip daddr 192.0.2.5 tcp dport 80 accept", true},
		{"ip daddr 192.0.2.0/24 drop", true},
		{"ip daddr != 192.0.2.5 drop", true},
		{"ip daddr { 192.0.2.7, 192.0.2.5 } accept", true},
		{"ip daddr @some accept", true},
		{"-A INPUT -d 192.0.2.5/32 -p tcp -j ACCEPT", true},
		{"-A INPUT ! -d 192.0.2.0/25 -j DROP", true},
		{"ip daddr 192.0.2.6 accept", false},
		{"ip daddr 127.0.0.0/8 counter drop", false},
		{"fib daddr type local accept", false},
		{"ip saddr 192.0.2.5 accept", false},
		{"-A INPUT -s 192.0.2.5/32 -j ACCEPT", false},
	};
	struct site_network address;

	assert_true(site_network_parse(STR("192.0.2.5"), &address));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool legacy = cases[i].line[0] == '-';
		struct ruleset r = {.nft = legacy ? STR("") : str_of(cases[i].line)};

		print_message("%s\n", cases[i].line);
		r.legacy[0] = legacy ? str_of(cases[i].line) : STR("");
		assert_int_equal(ruleset_tells(&r, &address), cases[i].tells);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_hold),
		cmocka_unit_test(the_worst_case_is_the_verdict),
		cmocka_unit_test(rules_that_pass_on),
		cmocka_unit_test(rules_that_tell_addresses_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
