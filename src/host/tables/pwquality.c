/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new password must be like: pwquality.conf and its drop-ins, overridden by the arguments of
 * pam_pwquality in the stacks. A key has several rows when stacks differ.
 */
#include "host/edit.h"
#include "host/pam_settings.h"

static const struct column columns[] = {
	{"key", TYPE_STRING, "Name of the setting, as in pwquality.conf(5)", COLUMN_KEY | COLUMN_LABEL},
	{"value", TYPE_STRING, "Its value; true for a flag that is set",
	 COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

/* libpwquality 1.4, as pwquality.conf(5) documents them. */
static const char *const defaults[][2] = {
	{"difok", "1"},       {"minlen", "8"},         {"dcredit", "0"},    {"ucredit", "0"},
	{"lcredit", "0"},     {"ocredit", "0"},        {"minclass", "0"},   {"maxrepeat", "0"},
	{"maxsequence", "0"}, {"maxclassrepeat", "0"}, {"gecoscheck", "0"}, {"dictcheck", "1"},
	{"usercheck", "1"},   {"usersubstr", "0"},     {"enforcing", "1"},  {"retry", "1"},
	{NULL, NULL},
};

static const struct pam_module module = {
	.name = "pam_pwquality.so",
	.type = "password",
	.conf = "pwquality.conf",
	.dropins = true,
	.flags = (const char *const[]){"enforce_for_root", "local_users_only", NULL},
	.not_settings = (const char *const[]){"debug", "type", "authtok_type", "use_authtok",
										  "use_first_pass", "try_first_pass", NULL},
	.defaults = defaults,
};

static int read_pwquality(struct host *host, struct rows *rows, struct err *err)
{
	struct pam_stack stack;
	int r = pam_read(host, rows->arena, &stack, err);

	if (r < 0)
		return r;
	pam_settings(host, rows, &stack, &module);
	return 0;
}

static int set_pwquality(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						 struct err *err)
{
	return pam_settings_set(&module, wish, edits, err);
}

static const struct table pwquality = {
	.name = "pwquality",
	.doc = "Rules for new passwords: pwquality.conf and the arguments of pam_pwquality",
	.columns = columns,
	.read = read_pwquality,
	.multi = true,
	.set = set_pwquality,
	.fix = "set {key} in /etc/security/pwquality.conf",
};
TABLE(pwquality);
