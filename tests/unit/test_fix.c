/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rule says of its fix is true: where it is not by hand, a case of its own in which it fails
 * leads to edits. The host is a running one that has nothing but what the case says of its packages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "host/recording.h"
#include "rule/cases.h"
#include "rule/wish.h"

struct trying {
	const struct params *params;
	size_t cases, edits; /* of the rule: those that lead to edits; the edits of them all */
	struct err why;      /* of a case that does not */
};

/* Files that edits start from. */
static const char *const files[][2] = {
	{"/etc/login.defs", "UMASK 022\n"},
	{"/etc/audit/auditd.conf", "log_file = /var/log/audit/audit.log\n"},
	{"/etc/apt/apt.conf", "Unattended-Upgrade::Origins-Pattern { \"label=Debian-Security\"; };\n"},
	{"/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"},
	{"/etc/ssh/ssh_config", "Include /etc/ssh/ssh_config.d/*.conf\n"},
	{"/etc/ssh/moduli", "20230101 2 6 100 2047 5 CAFE\n20230101 2 6 100 3071 5 CAFE\n"},
	{"/etc/audit/rules.d/audit.rules", "-D\n"},
	{"/etc/sudoers", "%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"},
	{"/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet nokaslr intel_iommu=off\"\n"
						  "GRUB_CMDLINE_LINUX=\"gather_data_sampling=off nopti apparmor=0\"\n"},
	{"/etc/fstab", "none /tmp tmpfs defaults 0 0\n"},
	{"/etc/exim4/update-exim4.conf.conf", "dc_local_interfaces=''\n"},
	{"/etc/nftables.conf", "flush ruleset\n"},
	{"/etc/revet/site.yaml", "serves: [{port: 443/tcp, to: world}]\n"},
	{"/etc/apache2/apache2.conf", "IncludeOptional conf-enabled/*.conf\n"},
	{"/etc/nginx/nginx.conf", "http { include /etc/nginx/conf.d/*.conf; }\n"},
	{"/usr/lib/systemd/system/nftables.service", "[Install]\nWantedBy=sysinit.target\n"},
	{"/etc/passwd", "root:x:0:0::/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/bash\n"},
	{"/etc/group", "root:x:0:\ndisk:x:6:backup2\nsudo:x:27:ops\n"},
	{"/etc/postgresql/15/main/postgresql.conf", "log_connections = off\n"},
	{"/etc/pam.d/su", "auth sufficient pam_rootok.so\n@include common-auth\n"},
};

/* Of those that pam-auth-update keeps, with nothing in them. */
static const char *const stacks[] = {"auth", "account", "password", "session",
									 "session-noninteractive"};
static const char stack[] = "# here are the per-package modules (the \"Primary\" block)\n"
							"# here's the fallback if no module succeeds\n"
							"# and here are more per-package modules (the \"Additional\" block)\n"
							"# end of pam-auth-update config\n";

/* Of units: the type of each entry ('a' and DT_REG) and its name. */
static const struct str unit_dir = {"inftables.service", sizeof("inftables.service")};
static const struct str interfaces = {"klo", sizeof("klo")};
static const struct str version_dir = {"e15", sizeof("e15")}, cluster_dir = {"emain", sizeof("emain")};

static const char *const there[] = {"/etc/revet/site.yaml", "/usr/bin/apt-get", "/usr/sbin/update-grub", "/boot/grub/grub.cfg",
									"/etc/cron.daily/apt-compat", "/etc/audit/rules.d",
									"/etc/shadow", "/home", "/etc/sudoers",
									"/lib64/ld-linux-x86-64.so.2",
									"/etc/exim4/update-exim4.conf.conf",
									"/etc/postgresql/15/main/postgresql.conf",
									"/usr/lib/postgresql/15/bin/postgres",
									"/usr/sbin/pam-auth-update",
									"/usr/share/pam-configs/pwquality",
									"/usr/lib/security/pam_faillock.so",
									"/usr/lib/security/pam_pwhistory.so",
									"/usr/lib/security/pam_pwquality.so",
									"/usr/lib/security/pam_wheel.so"};
static const char *const installed[] = {"cron"};
static const char *const offered[] = {"unattended-upgrades", "sudo"};

static struct str cell(const struct rows *rows, const struct row *row, const char *column)
{
	const struct value *v = &row->cells[table_column(rows->table, str_of(column))];

	return v->state == VALUE_SET ? v->string : STR_ABSENT;
}

static void put_package(struct buf *out, struct str name)
{
	buf_printf(out, "Package: %.*s\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n",
			   STR_ARG(name));
}

static void put_packages(const struct snapshot *s, struct buf *out)
{
	const struct rows *rows = snapshot_rows(s, table_find(STR("packages")));

	for (size_t i = 0; rows && i < rows->n; i++)
		if (str_is(cell(rows, rows->p[i], "state"), "installed"))
			put_package(out, cell(rows, rows->p[i], "name"));
	for (size_t i = 0; i < ARRAY_LEN(installed); i++)
		put_package(out, str_of(installed[i]));
}

static void put_file(struct buf *out, const char *path, const char *text)
{
	recording_write(out, "read", path, 0, str_of(text));
	recording_write(out, "lstat", path, 0, STR("33188 0 0 1 1 1 1 1"));
}

static void put_stacks(struct buf *out)
{
	char path[100];

	for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
		snprintf(path, sizeof(path), "/etc/pam.d/common-%s", stacks[i]);
		put_file(out, path, stack);
		snprintf(path, sizeof(path), "/usr/share/pam/common-%s", stacks[i]);
		put_file(out, path, stack);
		snprintf(path, sizeof(path), "/var/lib/pam/%s", stacks[i]);
		put_file(out, path, "Module: null\n");
	}
	recording_write(out, "list", "/etc/pam.d", 0, (struct str){"isu", 4});
}

static struct host *make_host(const struct snapshot *s, struct buf *text, struct err *err)
{
	_cleanup_buf_ struct buf status = BUF(1u << 20);

	recording_write_header(text, true, true, 1767225600);
	put_packages(s, &status);
	recording_write(text, "read", "/var/lib/dpkg/status", 0, status.n ? buf_get(&status) : STR(""));
	recording_write(text, "query", "acls /etc/shadow", 0,
					STR("user::rw-,user:1000:r--,group::r--,mask::r--,other::---\n"));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_file(text, files[i][0], files[i][1]);
	put_stacks(text);
	recording_write(text, "list", "/usr/lib/systemd/system", 0, unit_dir);
	recording_write(text, "list", "/sys/class/net", 0, interfaces);
	recording_write(text, "run", "/usr/sbin/nft -s list table inet revet", 0, STR(""));
	recording_write(text, "query", "sock_diag", 0, STR(""));
	recording_write(text, "list", "/etc/postgresql", 0, version_dir);
	recording_write(text, "list", "/etc/postgresql/15", 0, cluster_dir);
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		recording_write(text, "stat", there[i], 0, STR("33188 0 0 1 1 1 1 1"));
	for (size_t i = 0; i < ARRAY_LEN(offered); i++) {
		char name[64];

		snprintf(name, sizeof(name), "apt-offer %s", offered[i]);
		recording_write(text, "query", name, 0, STR("name=x candidate=1.0\n"));
	}
	return host_open_recording(buf_get(text), ENOENT, err);
}

/* Rows of cases come from no file; those of accounts have to. */
static void give_sources(const struct snapshot *s)
{
	const struct rows *rows = snapshot_rows(s, table_find(STR("shadow")));

	for (size_t i = 0; rows && i < rows->n; i++)
		rows->p[i]->from.path = "/etc/shadow";
}

/* A rule for packages wants others, and other managers', too: one of its cases has to do. */
static void give_managers(const struct snapshot *s)
{
	const struct rows *rows = snapshot_rows(s, table_find(STR("packages")));

	for (size_t i = 0; rows && i < rows->n; i++)
		row_strz(rows->p[i], table_column(rows->table, STR("manager")), "dpkg");
}

/* Durations are written as numbers: no program reads the unit that people are shown. */
static void has_no_unit(const struct rule *rule, const struct edit *edit)
{
	if (str_ends(edit->value, " s") || str_ends(edit->value, " s;") || str_ends(edit->name, " s;"))
		fail_msg("%s writes a unit: %.*s %.*s", rule->id, STR_ARG(edit->name),
				 STR_ARG(edit->value));
}

static int see_case(void *data, const struct rule *rule, const struct snapshot *s, struct err *err)
{
	struct trying *t = data;
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_buf_ struct buf text = BUF(4u << 20);
	struct edits edits = {.arena = &arena, .rule = rule->id};
	struct host *host = make_host(s, &text, err);
	struct wishes wishes;
	int r;

	if (!host)
		return -err->errnum;
	give_sources(s);
	give_managers(s);
	r = rule_wishes(rule, s, t->params, &arena, &wishes, &t->why);
	if (r == 0 && !wishes.n)
		r = err_set(&t->why, ENODATA, "it fails, and nothing is wished for");
	for (size_t i = 0; r == 0 && i < wishes.n; i++)
		r = wishes.p[i].table->set(host, &wishes.p[i], &edits, &t->why);
	for (size_t i = 0; r == 0 && i < edits.n; i++)
		has_no_unit(rule, &edits.p[i]);
	t->cases += r == 0 && edits.n;
	t->edits += r == 0 ? edits.n : 0;
	host_free(host);
	return 0;
}

static void fixes_are_what_they_say(void **state _unused_)
{
	struct catalogue c;
	struct err err = {0};
	size_t wrong = 0, told = 0;

	if (catalogue_load(&c, getenv("REVET_RULES"), &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < c.n; i++) {
		struct trying t = {.params = &c.language.params};

		if (c.p[i].fix == FIX_BY_HAND && !c.p[i].by_hand.n) {
			print_error("%s: is fixed by hand, and does not say how\n", c.p[i].id);
			wrong++;
		}
		if (c.p[i].fix == FIX_BY_HAND)
			continue;
		told++;
		if (cases_each_failing(&c, &c.p[i], see_case, &t, &err) < 0)
			fail_msg("%s", err.msg);
		if (t.cases)
			continue;
		print_error("%s: says that it can be fixed: %s\n", c.p[i].id, t.why.msg);
		wrong++;
	}
	print_message("%zu rules can be fixed\n", told);
	assert_true(told > 100);
	assert_int_equal(wrong, 0);
	catalogue_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fixes_are_what_they_say)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
