/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locking after failed logins: faillock.conf, overridden by the arguments of pam_faillock in the
 * auth stacks. A key has several rows when stacks differ.
 */
#include "host/edit.h"
#include "host/pam_settings.h"

static const struct column columns[] = {
	{"key", TYPE_STRING, "Name of the setting, as in faillock.conf(5)", COLUMN_KEY | COLUMN_LABEL},
	{"value", TYPE_STRING, "Its value; true for a flag that is set",
	 COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

static const char *const defaults[][2] = {
	{"deny", "3"},
	{"fail_interval", "900"},
	{"unlock_time", "600"},
	{NULL, NULL},
};

static const struct pam_module module = {
	.name = "pam_faillock.so",
	.type = "auth",
	.conf = "faillock.conf",
	.flags = (const char *const[]){"even_deny_root", "audit", "silent", "no_log_info",
								   "local_users_only", "nodelay", "uid_based_files", NULL},
	.not_settings = (const char *const[]){"preauth", "authfail", "authsucc", NULL},
	.defaults = defaults,
};

static int read_faillock(struct host *host, struct rows *rows, struct err *err)
{
	struct pam_stack stack;
	int r = pam_read(host, rows->arena, &stack, err);

	if (r < 0)
		return r;
	pam_settings(host, rows, &stack, &module);
	return 0;
}

/* Where a stack's argument decides, the file has no say. */
static int set_faillock(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	return pam_settings_set(&module, wish, edits, err);
}

static const struct table faillock = {
	.name = "faillock",
	.doc = "Locking after failed logins: faillock.conf and the arguments of pam_faillock",
	.columns = columns,
	.read = read_faillock,
	.multi = true,
	.set = set_faillock,
	.fix = "set {key} in /etc/security/faillock.conf",
};
TABLE(faillock);
