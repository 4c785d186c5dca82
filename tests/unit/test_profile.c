/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of a site's own, in a directory as /etc/revet/profiles is: what they take over of those that
 * they extend, and what is refused with file:line:column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "rule/profile.h"

static char dir[] = "/tmp/revet-test-profile-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.yaml", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void take(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.yaml", dir, name);
	unlink(path);
}

static int apply(struct catalogue *c, const char *name, struct err *err)
{
	*err = (struct err){0};
	assert_int_equal(catalogue_load(c, NULL, err), 0);
	return profile_apply(c, dir, name, err);
}

static void load(struct catalogue *c, const char *name)
{
	struct err err;

	if (apply(c, name, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
}

static const struct rule *rule(const struct catalogue *c, const char *id)
{
	const struct rule *found = catalogue_find(c, str_of(id));

	assert_non_null(found);
	return found;
}

static const char *parameter(const struct catalogue *c, const char *name)
{
	const struct param *p = map_get(&c->language.params.by_name, str_of(name));

	assert_non_null(p);
	return p->items[0].p;
}

/* The example of revet.yaml(5). */
static void test_one_that_extends(void **state)
{
	struct catalogue vendor, own;

	(void)state;
	put("gateway", "title: Our gateways\nextends: bastion\nleave_out: [cron.*, banners.warning]\n"
				   "severity: {ssh.no-root-login: critical}\n");
	load(&vendor, "bastion");
	load(&own, "gateway");
	assert_int_equal(vendor.n, own.n);
	for (size_t i = 0; i < own.n; i++) {
		const struct rule *r = &own.p[i], *was = &vendor.p[i];
		bool taken_out = strcmp(r->family, "cron") == 0 || strcmp(r->id, "banners.warning") == 0;

		assert_int_equal(r->left_out, was->left_out || taken_out);
		assert_int_equal(r->severity, strcmp(r->id, "ssh.no-root-login") == 0 ? SEVERITY_CRITICAL : was->severity);
	}
	assert_false(rule(&vendor, "cron.files-private")->left_out);
	assert_true(rule(&own, "ssh.no-tcp-forwarding")->left_out); /* as bastion has it */
	catalogue_done(&vendor);
	catalogue_done(&own);
}

/* Of three the nearest has the last word, of rules, severities and parameters. */
static void test_the_nearer_decides(void **state)
{
	struct catalogue c;

	(void)state;
	put("far", "title: f\nextends: server\nleave_out: [cron.*, time.*]\nseverity: {ssh.no-root-login: low, "
			   "ssh.max-auth-tries: low}\nparameters: {ssh.max-auth-tries: 5, ssh.max-sessions: 7}\n");
	put("near", "title: n\nextends: far\nselect: [cron.files-private]\nseverity: {ssh.no-root-login: medium}\n"
				"parameters: {ssh.max-auth-tries: 3}\n");
	load(&c, "near");
	assert_string_equal(c.profile, "near");
	assert_false(rule(&c, "cron.files-private")->left_out);
	assert_true(rule(&c, "time.synchronised")->left_out);
	assert_int_equal(rule(&c, "ssh.no-root-login")->severity, SEVERITY_MEDIUM);
	assert_int_equal(rule(&c, "ssh.max-auth-tries")->severity, SEVERITY_LOW);
	assert_string_equal(parameter(&c, "ssh.max-auth-tries"), "3");
	assert_string_equal(parameter(&c, "ssh.max-sessions"), "7");
	catalogue_done(&c);
}

static const struct {
	const char *text, *error; /* what the message must contain */
} refused[] = {
	{"extends: server\n", "own.yaml:1:1: 'title' is missing"},
	{"title: o\nextend: server\n", "own.yaml:2:1: "},
	{"title: o\nextends: sever\n", "own.yaml:2:10: there is no profile 'sever'"},
	{"title: o\nextends: own\n", "own.yaml:1:1: profiles extend each other in a circle"},
	{"title: o\nselect: ssh.no-root-login\n", "own.yaml:2:9: expected a list of rules"},
	{"title: o\nleave_out: [ssh.no-root-logn]\n", "own.yaml:2:13: there is no rule 'ssh.no-root-logn'"},
	{"title: o\nselect: [shs.*]\n", "own.yaml:2:10: there is no rule 'shs.*'"},
	{"title: o\nseverity: [low]\n", "own.yaml:2:11: expected {rule: severity, ...}"},
	{"title: o\nseverity: {ssh.no-root-login: dire}\n", "own.yaml:2:31: expected low, medium, high or critical"},
	{"title: o\nseverity: {ssh.none: low}\n", "own.yaml:2:12: there is no rule 'ssh.none'"},
	{"title: o\nparameters: {ssh.none: 1}\n", "own.yaml:2:14: "},
	{"title: o\nparameters: {ssh.max-auth-tries: many}\n", "own.yaml:2:"},
	{"title: [o\n", "own.yaml:"},
	{"", "own.yaml"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct catalogue c;
		struct err err;

		put("own", refused[i].text);
		if (apply(&c, "own", &err) == 0)
			fail_msg("taken: %s", refused[i].text);
		if (!strstr(err.msg, refused[i].error))
			fail_msg("%s: %s", refused[i].text, err.msg);
		catalogue_done(&c);
	}
	take("own");
}

static void test_names(void **state)
{
	struct catalogue c;
	struct err err;

	(void)state;
	put("server", "title: another\n");
	assert_int_equal(apply(&c, "server", &err), -EEXIST);
	assert_non_null(strstr(err.msg, "server.yaml: there is a profile of that name already"));
	catalogue_done(&c);
	take("server");
	assert_int_equal(apply(&c, "gatewy", &err), -ENOENT);
	assert_non_null(strstr(err.msg, "did you mean gateway"));
	catalogue_done(&c);
}

static void test_one_that_others_can_change(void **state)
{
	const char *paths[] = {"gateway.yaml", "."};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct catalogue c;
		struct err err;
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", dir, paths[i]);
		assert_int_equal(chmod(path, 0777), 0);
		assert_int_equal(apply(&c, "bastion", &err), -EPERM);
		assert_non_null(strstr(err.msg, "others can change it"));
		assert_int_equal(chmod(path, 0755), 0);
		catalogue_done(&c);
	}
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	take("far");
	take("near");
	take("gateway");
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_extends),
		cmocka_unit_test(test_the_nearer_decides),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_one_that_others_can_change),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
