/* SPDX-License-Identifier: Apache-2.0 */
/* The Linux security modules of the running kernel, in one row. */
#include "base/vec.h"
#include "host/conf.h"
#include "host/table.h"

enum {
	MODULES,
	APPARMOR_ENABLED,
	PROFILES_ENFORCE,
	PROFILES_COMPLAIN,
	SELINUX,
	SELINUX_CONFIG,
	LOCKDOWN,
	YAMA,
};

static const struct column columns[] = {
	[MODULES] = {"modules", TYPE_LIST, "Active modules, in the kernel's order", COLUMN_LABEL},
	[APPARMOR_ENABLED] = {"apparmor_enabled", TYPE_BOOL, "AppArmor is on", COLUMN_SETTABLE},
	[PROFILES_ENFORCE] = {"profiles_enforce", TYPE_INT, "AppArmor profiles in enforce mode", 0},
	[PROFILES_COMPLAIN] = {"profiles_complain", TYPE_INT, "AppArmor profiles in complain mode", 0},
	[SELINUX] = {"selinux", TYPE_STRING, "absent, disabled, permissive or enforcing, now",
				 COLUMN_SETTABLE},
	[SELINUX_CONFIG] = {"selinux_config", TYPE_STRING,
						"SELINUX= of /etc/selinux/config; absent: not set", COLUMN_SETTABLE},
	[LOCKDOWN] = {"lockdown", TYPE_STRING, "none, integrity or confidentiality", COLUMN_SETTABLE},
	[YAMA] = {"yama", TYPE_BOOL, "Yama is active", 0},
	{0},
};

#define SECURITYFS "/sys/kernel/security"

struct reader {
	struct host *host;
	struct rows *rows;
	struct row *row;
};

/* Reads a file into *ret: 1 when it is there, 0 when not, and -errno with the columns marked. */
static int read_for(struct reader *r, const char *path, int column, struct str *ret)
{
	struct err err = {0};
	int result = -EOPNOTSUPP;

	row_from(r->row, column, FROM(path, 0));
	if (!host_is_live(r->host)) {
		row_unknown(r->row, column, "offline");
		return result;
	}
	result = host_read(r->host, path, r->rows->arena, ret, &err);
	if (result == 0) {
		*ret = str_trim(*ret);
		return 1;
	}
	if (result == -ENOENT || result == -ENOTDIR)
		return 0;
	row_unknown(r->row, column, arena_strdup(r->rows->arena, err.msg));
	return result;
}

static void read_modules(struct reader *r)
{
	VEC(struct str) modules = {0};
	struct str text, name;
	int result = read_for(r, SECURITYFS "/lsm", MODULES, &text);

	if (result == 0)
		row_unknown(r->row, MODULES, SECURITYFS " is not mounted");
	if (result <= 0)
		return;
	while (str_cut(&text, ',', &name))
		if (name.n)
			*vec_push(r->rows->arena, &modules) = name;
	row_list(r->row, MODULES, modules.p, modules.n);
}

static void count_profiles(struct reader *r)
{
	int64_t enforce = 0, complain = 0;
	struct str text, line;
	int result = read_for(r, SECURITYFS "/apparmor/profiles", PROFILES_ENFORCE, &text);

	row_from(r->row, PROFILES_COMPLAIN, FROM(SECURITYFS "/apparmor/profiles", 0));
	if (result <= 0) {
		const char *why =
			result == 0 ? SECURITYFS " is not mounted" : r->row->cells[PROFILES_ENFORCE].why;

		row_unknown(r->row, PROFILES_ENFORCE, why);
		row_unknown(r->row, PROFILES_COMPLAIN, why);
		return;
	}
	while (str_line(&text, &line)) {
		enforce += str_ends(line, " (enforce)");
		complain += str_ends(line, " (complain)");
	}
	row_int(r->row, PROFILES_ENFORCE, enforce);
	row_int(r->row, PROFILES_COMPLAIN, complain);
}

/* A container may have no view of the kernel's modules. */
static bool sees_modules(struct reader *r)
{
	struct path_stat st;
	struct err err;

	return host_stat(r->host, "/sys/module", true, &st, &err) == 0;
}

static void read_apparmor(struct reader *r)
{
	struct str text;
	int result = read_for(r, "/sys/module/apparmor/parameters/enabled", APPARMOR_ENABLED, &text);
	bool enabled = result > 0 && str_starts(text, "Y");

	if (result == 0 && !sees_modules(r)) {
		row_unknown(r->row, APPARMOR_ENABLED, "/sys/module is not there");
		result = -ENODATA;
	}
	if (result >= 0)
		row_bool(r->row, APPARMOR_ENABLED, enabled);
	if (enabled) {
		count_profiles(r);
	} else if (result >= 0) {
		row_int(r->row, PROFILES_ENFORCE, 0);
		row_int(r->row, PROFILES_COMPLAIN, 0);
	} else {
		row_unknown(r->row, PROFILES_ENFORCE, r->row->cells[APPARMOR_ENABLED].why);
		row_unknown(r->row, PROFILES_COMPLAIN, r->row->cells[APPARMOR_ENABLED].why);
	}
}

static void read_selinux(struct reader *r)
{
	const char *path = "/etc/selinux/config";
	struct conf conf = {0};
	struct err err = {0};
	const struct conf_item *item;
	struct str text;
	int config = conf_read(r->host, r->rows->arena, path, CONF_EQUALS, &conf, &err);
	int now = read_for(r, "/sys/fs/selinux/enforce", SELINUX, &text);

	item = conf_last(&conf, NULL, "SELINUX");
	if (item) {
		row_str(r->row, SELINUX_CONFIG, item->value);
		row_from(r->row, SELINUX_CONFIG, FROM(item->file, item->line));
	} else if (config < 0 && config != -ENOENT) {
		row_unknown(r->row, SELINUX_CONFIG, arena_strdup(r->rows->arena, err.msg));
	}
	if (now > 0)
		row_strz(r->row, SELINUX, str_is(text, "1") ? "enforcing" : "permissive");
	else if (now == 0)
		row_strz(r->row, SELINUX, config == -ENOENT ? "absent" : "disabled");
}

/* The file is "[none] integrity confidentiality", the present one in brackets. */
static void read_lockdown(struct reader *r)
{
	struct str text, word;
	int result = read_for(r, SECURITYFS "/lockdown", LOCKDOWN, &text);

	if (result == 0 && r->row->cells[MODULES].state == VALUE_SET)
		row_strz(r->row, LOCKDOWN, "none"); /* a kernel without it */
	else if (result == 0)
		row_unknown(r->row, LOCKDOWN, SECURITYFS " is not mounted");
	if (result <= 0)
		return;
	row_unknown(r->row, LOCKDOWN, SECURITYFS "/lockdown: no mode is in brackets");
	while (str_word(&text, &word))
		if (str_skip(&word, "[") && str_ends(word, "]"))
			row_str(r->row, LOCKDOWN, (struct str){word.p, word.n - 1});
}

static void read_yama(struct reader *r)
{
	struct str text;
	int result = read_for(r, "/proc/sys/kernel/yama/ptrace_scope", YAMA, &text);

	if (result >= 0)
		row_bool(r->row, YAMA, result > 0);
}

static int read_lsm(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct reader r = {host, rows, rows_add(rows, FROM(SECURITYFS, 0))};

	read_modules(&r);
	read_apparmor(&r);
	read_selinux(&r);
	read_lockdown(&r);
	read_yama(&r);
	return 0;
}

static const struct table lsm = {
	.name = "lsm",
	.doc = "Security modules of the running kernel: AppArmor, SELinux, lockdown, Yama",
	.columns = columns,
	.read = read_lsm,
};
TABLE(lsm);
