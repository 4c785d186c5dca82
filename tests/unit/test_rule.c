/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of rules: what the strict loader refuses, with file:line:column, and what sentences
 * and expectations mean. Rules are written to a directory and come in as a user's do; what they
 * mean is said by their own cases, which are run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "rule/cases.h"

static char dir[] = "/tmp/revet-test-rule-XXXXXX";

/* Loads the rule as t/rule.yaml and returns 0, or a negative errno with the message in err. */
static int load(struct catalogue *c, const char *rule, struct err *err)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/t/rule.yaml", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(rule, f);
	fclose(f);
	*err = (struct err){0};
	return catalogue_load(c, dir, err);
}

#define HEAD "title: t\nseverity: low\nwhy: w\n"
#define CASES                                                                                      \
	"cases:\n- pass: {sysctl: {kernel.randomize_va_space: 2}}\n"                                   \
	"- fail: {sysctl: {kernel.randomize_va_space: 0}}\n"
#define WANT "want: {sysctl.kernel.randomize_va_space: 2}\n"

static const struct {
	const char *rule, *error; /* what the message must contain */
} refused[] = {
	{"title: t\n", "t/rule.yaml:1:1: 'why' is missing"},
	{HEAD WANT, "'cases' is missing"},
	{HEAD WANT CASES "colour: red\n", "t/rule.yaml:8:1: "},
	{HEAD WANT "cases:\n- pass: {sysctl: {a.b: 2}}\n", "a case in which it fails"},
	{HEAD WANT "cases:\n- fail: {sysctl: {a.b: 2}}\n", "a case in which it passes"},
	{"title: t\nseverity: dire\nwhy: w\n" WANT CASES, "t/rule.yaml:2:11: 'dire' is not a severity"},
	{HEAD "want: {nothing.x: 1}\n" CASES, "t/rule.yaml:4:8: there is no table 'nothing'"},
	{HEAD "want: {sshd.NoSuchOption: 1}\n" CASES, "sshd has no key 'NoSuchOption'"},
	{HEAD "want: {os.no_such: 1}\n" CASES, "os has no column 'no_such'"},
	{HEAD "want: {os.container: maybe}\n" CASES, "t/rule.yaml:4:22: "},
	{HEAD "want: {for: listeners, where: {port: http}, want: none}\n" CASES, "t/rule.yaml:4:38: "},
	{HEAD "want: {for: listeners, where: {porte: 1}, want: none}\n" CASES, "no column 'porte'"},
	{HEAD "want: {for: listeners}\n" CASES, "'want' is missing"},
	{HEAD "want: {for: listeners, when: 1, want: none}\n" CASES, "t/rule.yaml:4:24: "},
	/* What is read by name only must be named. */
	{HEAD "want: {for: files, where: {type: regular}, want: none}\n" CASES, "name it"},
	{HEAD "want: {for: files, where: {name: {matches: x}}, want: none}\n" CASES, "name it"},
	{HEAD "want: {for: files, where: {name: {not: /etc/x}}, want: none}\n" CASES, "name it"},
	{HEAD "want: {for: files, want: none}\n" CASES, "name it"},
	{HEAD "want: {sysctl.a.b: {mniimum: 2}}\n" CASES, "'mniimum' is not a form of expectation"},
	{HEAD "want: {sysctl.a.b: {one_of: [1], min: 2}}\n" CASES, "only one form at a time"},
	{HEAD "want: {sysctl.a.b: [1, 2]}\n" CASES, "found a list"},
	{HEAD "want: {sysctl.a.b: {matches: '('}}\n" CASES, "regular expression"},
	{HEAD "want: {sysctl.a.b: {not: [1, 2]}}\n" CASES, "'not' takes one expectation"},
	{HEAD "want: {sysctl.a.b: $t.none}\n" CASES, "no rule declares the parameter 't.none'"},
	{HEAD "want: {for: files, where: {name: /x}, want: {mode: {lacks: $t.mode}}}\n"
		  "parameters: {t.mode: rwx}\n" CASES,
	 "the value 'rwx' of $t.mode"},
	{HEAD "want: {sysctl.a.b: {max: $t.max}}\nparameters: {t.max: many}\n" CASES, "t.max"},
	{HEAD "want: {sysctl.a.b: $t.l}\nparameters: {t.l: [1, 2]}\n" CASES, "2 values where one"},
	{HEAD WANT "unless: {workload: dokcer}\n" CASES, "there is no workload 'dokcer'"},
	{HEAD WANT "when: {package: {a: b}}\n" CASES, "expected a name or a list of names"},
	{HEAD WANT "when: {package: []}\n" CASES, "expected a name or a list of names"},
	{HEAD WANT "when: {container: perhaps}\n" CASES, "t/rule.yaml:5:19: "},
	{HEAD WANT "risk: some\n" CASES, "'some' is not a risk"},
	{HEAD WANT "refs: [cis]\n" CASES, "expected {standard: item"},
	{HEAD WANT "refs: {cis: {a: b}}\n" CASES, "t/rule.yaml:5:13: "},
	{HEAD WANT "needs: [luck]\n" CASES, "there is no proof 'luck'"},
	{HEAD WANT "by_hand: Do it.\nfix: {sysctl.a.b: 1}\n" CASES, "not both"},
	{HEAD WANT "fix: {sysctl.a.b: $t.none}\n" CASES, "no rule declares the parameter 't.none'"},
	{HEAD WANT "not_while: {package: a}\n" CASES, "needs a case left_alone"},
	{HEAD WANT "title: again\n" CASES, "t/rule.yaml:5:1: "},
	{HEAD "want: {sysctl.a.b: &x 1}\n" CASES, "t/rule.yaml:4:"},
	{"", "t/rule.yaml:1:1: "},
	{"- a list\n", "t/rule.yaml:1:1: "},
};

static void a_wrong_rule_is_an_error_with_its_place(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct catalogue c;
		struct err err;

		if (load(&c, refused[i].rule, &err) == 0)
			fail_msg("accepted:\n%s", refused[i].rule);
		if (!strstr(err.msg, refused[i].error))
			fail_msg("'%s' is not in '%s', of\n%s", refused[i].error, err.msg, refused[i].rule);
		catalogue_done(&c);
	}
}

/* Each stands behind `title`, `severity` and `why`; its cases must get their verdicts. */
static const char *const meant[] = {
	/* Runtime and boot must both be right; one that is not set is not right. */
	"want: {sysctl.a.b: {max: 1}}\n"
	"cases:\n"
	"- pass: {sysctl: [{key: a.b, value: 1}]}\n"
	"- fail: {sysctl: [{key: a.b, value: 2}]}\n"
	"- fail: {sysctl: [{key: a.b, value: 1, persisted: 2}]}\n"
	"- unknown: {sysctl: unknown}\n",
	/* Three values: one false is enough for false, else one unknown for unknown. */
	"want: {os.container: true, os.reboot_required: true}\n"
	"cases:\n"
	"- pass: {os: {container: true, reboot_required: true}}\n"
	"- fail: {os: {container: false, reboot_required: {unknown: x}}}\n"
	"- unknown: {os: {container: true, reboot_required: {unknown: x}}}\n",
	"want: {any: [{os.container: true}, {os.reboot_required: true}]}\n"
	"cases:\n"
	"- pass: {os: {container: true, reboot_required: {unknown: x}}}\n"
	"- fail: {os: {container: false, reboot_required: false}}\n"
	"- unknown: {os: {container: false, reboot_required: {unknown: x}}}\n",
	"want: {not: {os.container: true}}\n"
	"cases:\n"
	"- pass: {os: {container: false}}\n"
	"- fail: {os: {container: true}}\n"
	"- unknown: {os: {container: {unknown: x}}}\n",
	/* A row that may match and may not is neither none nor some. */
	"want: {for: listeners, where: {port: 23}, want: none}\n"
	"cases:\n"
	"- pass: {listeners: [{protocol: tcp, port: 22}]}\n"
	"- fail: {listeners: [{protocol: tcp, port: 23}]}\n"
	"- unknown: {listeners: [{protocol: tcp, port: {unknown: x}}]}\n"
	"- unknown: {listeners: unknown}\n",
	"want: {for: listeners, where: {port: 22}, want: some}\n"
	"cases:\n"
	"- pass: {listeners: [{protocol: tcp, port: 22}]}\n"
	"- fail: {listeners: [{protocol: tcp, port: 23}]}\n"
	"- unknown: {listeners: [{protocol: tcp, port: {unknown: x}}]}\n",
	/* Every such row; none at all is not a pass. */
	"want: {for: listeners, where: {port: 22}, want: {scope: loopback}}\n"
	"cases:\n"
	"- pass: {listeners: [{port: 22, scope: loopback}, {port: 23, scope: public}]}\n"
	"- fail: {listeners: [{port: 22, scope: loopback}, {port: 22, scope: public}]}\n"
	"- not_applicable: {listeners: [{port: 23, scope: public}]}\n"
	"- unknown: {listeners: [{port: {unknown: x}, scope: public}]}\n"
	"- pass: {listeners: [{port: {unknown: x}, scope: loopback}, {port: 22, scope: loopback}]}\n",
	/* A key that is a pattern: every key that matches. */
	"want: {sysctl.net.ipv6.conf.*.accept_ra: 0}\n"
	"cases:\n"
	"- pass: {sysctl: {net.ipv6.conf.eth0.accept_ra: 0, net.ipv6.conf.lo.accept_ra: 0}}\n"
	"- fail: {sysctl: {net.ipv6.conf.eth0.accept_ra: 0, net.ipv6.conf.eth1.accept_ra: 1}}\n"
	"- not_applicable: {sysctl: {net.ipv6.conf.eth0.forwarding: 1}}\n"
	"- unknown: {sysctl: [{key: net.ipv6.conf.eth0.accept_ra, value: {unknown: x}}]}\n",
	/* Names that stand in a parameter are asked for, and one that was not read is not known. */
	"want: {for: files, where: {name: {one_of: $t.files}, type: regular}, want: {mode: {lacks: "
	"0022}}}\n"
	"parameters: {t.files: [/a, /b]}\n"
	"cases:\n"
	"- pass: {files: [{name: /a, type: regular, mode: 0644}]}\n"
	"- fail: {files: [{name: /b, type: regular, mode: 0666}]}\n"
	"- unknown: {files: [{name: /a, type: {unknown: EACCES}, mode: {unknown: EACCES}}]}\n",
	/* Bits of a mode: has, lacks, only. */
	"want: {for: files, where: {name: /a}, want: {mode: {only: 0750}}}\n"
	"cases:\n"
	"- pass: {files: [{name: /a, mode: 0640}]}\n"
	"- fail: {files: [{name: /a, mode: 0641}]}\n"
	"- fail: {files: [{name: /a, mode: 04750}]}\n"
	"- fail: {files: [{name: /a}]}\n",
	/* Absent meets nothing but absent, and `not`. */
	"want: {sshd.Banner: present}\n"
	"cases:\n"
	"- pass: {sshd: {Banner: /etc/issue.net}}\n"
	"- fail: {sshd: {}}\n",
	"want: {sshd.Banner: {any: [absent, none]}}\n"
	"cases:\n"
	"- pass: {sshd: {}}\n"
	"- pass: {sshd: {Banner: none}}\n"
	"- fail: {sshd: {Banner: /etc/issue.net}}\n",
	"want: {sshd.Banner: {matches: '^/etc/'}}\n"
	"cases:\n"
	"- pass: {sshd: {Banner: /etc/issue}}\n"
	"- fail: {sshd: {Banner: /tmp/etc/}}\n"
	"- fail: {sshd: {}}\n",
	/* Lists. */
	"want: {sshd.Ciphers: {only: [a, b]}}\n"
	"cases:\n"
	"- pass: {sshd: {Ciphers: 'b,a'}}\n"
	"- fail: {sshd: {Ciphers: 'a,c'}}\n",
	"want: {sshd.Ciphers: {lacks: [a, '*-cbc']}}\n"
	"cases:\n"
	"- pass: {sshd: {Ciphers: 'b,c'}}\n"
	"- fail: {sshd: {Ciphers: 'b,aes-cbc'}}\n",
	"want: {sshd.Ciphers: {has: [a, b]}}\n"
	"cases:\n"
	"- pass: {sshd: {Ciphers: 'b,c,a'}}\n"
	"- fail: {sshd: {Ciphers: 'a'}}\n",
	/* A range over text that is no number is not met. */
	"want: {sshd.MaxAuthTries: {min: 1, max: 4}}\n"
	"cases:\n"
	"- pass: {sshd: {MaxAuthTries: 4}}\n"
	"- fail: {sshd: {MaxAuthTries: 5}}\n"
	"- fail: {sshd: {MaxAuthTries: many}}\n"
	"- fail: {sshd: {MaxAuthTries: 0}}\n",
	/* What excuses a rule, and what only might. */
	"unless: {package: docker.io}\n"
	"want: {os.container: false}\n"
	"cases:\n"
	"- pass: {os: {container: false}}\n"
	"- fail: {os: {container: true}}\n"
	"- not_applicable: {os: {container: true}, packages: [{name: docker.io, state: installed}]}\n"
	"- unknown: {os: {container: true}, packages: unknown}\n"
	"- pass: {os: {container: false}, packages: unknown}\n",
	/* What is excused need not be known to be meant. */
	"when: {sshd.UsePAM: yes}\n"
	"unless: {os.container: true}\n"
	"want: {sshd.MaxAuthTries: 4}\n"
	"cases:\n"
	"- pass: {sshd: {UsePAM: yes, MaxAuthTries: 4}, os: {container: false}}\n"
	"- fail: {sshd: {UsePAM: yes, MaxAuthTries: 6}, os: {container: false}}\n"
	"- not_applicable: {sshd: unknown, os: {container: true}}\n"
	"- unknown: {sshd: unknown, os: {container: false}}\n"
	"- unknown: {sshd: unknown, os: {container: {unknown: x}}}\n",
	/* What the host uses keeps the fix back, also where it is not known; the rule fails all the same. */
	"not_while: {package: docker.io}\n"
	"want: {os.container: false}\n"
	"cases:\n"
	"- pass: {os: {container: false}, packages: [{name: docker.io, state: installed}]}\n"
	"- fail: {os: {container: true}}\n"
	"- left_alone: {os: {container: true}, packages: [{name: docker.io, state: installed}]}\n"
	"- left_alone: {os: {container: true}, packages: unknown}\n",
	/* A package whose configuration alone is left is not installed. */
	"when: {package: [a, b]}\n"
	"want: {os.container: false}\n"
	"cases:\n"
	"- pass: {os: {container: false}, packages: [{name: b, state: installed}]}\n"
	"- fail: {os: {container: true}, packages: [{name: b, state: installed}]}\n"
	"- not_applicable: {os: {container: true}, packages: [{name: b, state: config-files}]}\n"
	"- unknown: {os: {container: false}, packages: unknown}\n",
};

static void sentences_mean_what_they_say(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_LEN(meant); i++) {
		char text[4096];
		struct catalogue c;
		struct err err;
		size_t n = 0;

		snprintf(text, sizeof(text), HEAD "%s", meant[i]);
		if (load(&c, text, &err) < 0)
			fail_msg("%s, in\n%s", err.msg, text);
		if (cases_run(&c, catalogue_find(&c, STR("t.rule")), &n, &err) < 0)
			fail_msg("%s, in\n%s", err.msg, text);
		assert_true(n >= 2);
		catalogue_done(&c);
	}
}

static void a_parameter_is_checked_when_it_is_set(void **state _unused_)
{
	static const char rule[] = HEAD
		"want: {for: files, where: {name: /a}, want: {mode: {lacks: $t.mode}}}\n"
		"parameters: {t.mode: 0022}\n"
		"cases:\n- pass: {files: [{name: /a, mode: 0644}]}\n- fail: {files: [{name: /a, mode: 0666}]}\n";
	struct catalogue c;
	struct err err;

	assert_int_equal(load(&c, rule, &err), 0);
	assert_int_equal(catalogue_set(&c, "t.mode=0002", &err), 0);
	assert_true(catalogue_set(&c, "t.mode=none", &err) < 0);
	assert_non_null(strstr(err.msg, "--set t.mode=none"));
	assert_true(catalogue_set(&c, "t.mode", &err) < 0);
	assert_true(catalogue_set(&c, "t.other=1", &err) < 0);
	catalogue_done(&c);
}

static int make_dir(void **state _unused_)
{
	char path[128];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t", dir);
	return mkdir(path, 0700);
}

static int remove_dir(void **state _unused_)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/t/rule.yaml", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/t", dir);
	rmdir(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_rule_is_an_error_with_its_place),
		cmocka_unit_test(sentences_mean_what_they_say),
		cmocka_unit_test(a_parameter_is_checked_when_it_is_set),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
