/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many old passwords are remembered: pwhistory.conf, overridden by the arguments of
 * pam_pwhistory, and pam_unix's own remember=. A key has several rows when stacks differ.
 */
#include "host/dpkg.h"
#include "host/edit.h"
#include "host/pam_profiles.h"
#include "host/pam_settings.h"

static const struct column columns[] = {
	{"key", TYPE_STRING, "Name of the setting, as in pwhistory.conf(5)", COLUMN_KEY | COLUMN_LABEL},
	{"value", TYPE_STRING, "Its value; true for a flag that is set",
	 COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

static const char *const defaults[][2] = {{"remember", "10"}, {"retry", "1"}, {NULL, NULL}};

static const struct pam_module module = {
	.name = "pam_pwhistory.so",
	.type = "password",
	.conf = "pwhistory.conf",
	.first_wins = true, /* pam_modutil_search_key() */
	.flags = (const char *const[]){"enforce_for_root", "debug", NULL},
	.not_settings = (const char *const[]){"type", "authtok_type", NULL},
	.defaults = defaults,
};

static const struct pam_module pam_unix = {
	.name = "pam_unix.so",
	.type = "password",
	.arguments_only = true,
	.only = "remember",
};

/* Does the module read its file? It does from Linux-PAM 1.5.3 on, and where Red Hat has taken that into
 * an older one. */
static bool has_file(struct host *host, struct arena *a)
{
	const struct dpkg_package *package;
	struct dpkg_db db = {0};
	struct err ignored;

	if (dpkg_read(host, a, &db, &ignored) < 0)
		return true;
	package = dpkg_installed(&db, "libpam-modules");
	return !package || dpkg_version_cmp(package->version, STR("1.5.3")) >= 0;
}

static int read_pwhistory(struct host *host, struct rows *rows, struct err *err)
{
	struct pam_module this = module;
	struct pam_stack stack;
	int r = pam_read(host, rows->arena, &stack, err);

	if (r < 0)
		return r;
	this.arguments_only = !has_file(host, rows->arena);
	pam_settings(host, rows, &stack, &this);
	pam_settings(host, rows, &stack, &pam_unix);
	return 0;
}

/* Where the module has no file, its line is made with the argument. One that is there already is not
 * made again by the tool. */
static int set_pwhistory(struct host *host, const struct wish *wish, struct edits *edits,
						 struct err *err)
{
	const struct pam_feature *feature = pam_feature_find(STR("pwhistory"));
	struct str value = edit_text(edits, wish, " ");

	if (wish->row || has_file(host, edits->arena) || !str_is(wish->key, "remember") || !value.p)
		return pam_settings_set(&module, wish, edits, err);
	pam_feature_write(edits, feature, arena_printf(edits->arena, " remember=%.*s", STR_ARG(value)));
	return 0;
}

static const struct table pwhistory = {
	.name = "pwhistory",
	.doc = "Remembered passwords: pwhistory.conf, pam_pwhistory, and remember= of pam_unix",
	.columns = columns,
	.read = read_pwhistory,
	.multi = true,
	.set = set_pwhistory,
	.fix = "set {key} in /etc/security/pwhistory.conf",
};
TABLE(pwhistory);
