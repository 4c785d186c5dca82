/* SPDX-License-Identifier: Apache-2.0 */
/* The AppArmor profiles that are loaded. */
#include "host/table.h"

enum { NAME, MODE };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the profile", COLUMN_KEY | COLUMN_LABEL},
	[MODE] = {"mode", TYPE_STRING, "enforce, complain, kill, unconfined or prompt",
			  COLUMN_VALUE | COLUMN_SETTABLE},
	{0},
};

#define PROFILES "/sys/kernel/security/apparmor/profiles"

/* "NAME (MODE)"; the name may itself hold blanks and parentheses. */
static void read_line(struct rows *rows, struct str line, unsigned number)
{
	const char *open = line.n ? memrchr(line.p, '(', line.n) : NULL;
	struct row *row;

	if (!open || open == line.p || !str_ends(line, ")")) {
		rows_gap(rows, "%s:%u: not a profile", PROFILES, number);
		return;
	}
	row = rows_add(rows, FROM(PROFILES, number));
	row_str(row, NAME, str_trim((struct str){line.p, (size_t)(open - line.p)}));
	row_str(row, MODE, (struct str){open + 1, (size_t)(line.p + line.n - open) - 2});
}

/* A kernel without AppArmor, or with it off, has no profiles; that is known, not unknown. But a
 * container may have no view of /sys/module at all. */
static bool is_off(struct host *host, struct arena *a)
{
	struct path_stat st;
	struct err err = {0};
	struct str text;
	int r = host_read(host, "/sys/module/apparmor/parameters/enabled", a, &text, &err);

	if (r == -ENOENT)
		return host_stat(host, "/sys/module", true, &st, &err) == 0;
	return r == 0 && !str_starts(text, "Y");
}

static int read_apparmor_profiles(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, line;
	int r = host_read(host, PROFILES, rows->arena, &text, err);

	if (r == -ENOENT && is_off(host, rows->arena))
		return 0;
	if (r < 0)
		return r;
	for (unsigned n = 1; str_line(&text, &line); n++)
		read_line(rows, line, n);
	return 0;
}

static const struct table apparmor_profiles = {
	.name = "apparmor_profiles",
	.doc = "AppArmor profiles that are loaded into the kernel",
	.columns = columns,
	.read = read_apparmor_profiles,
	.fix = "put {name} into {mode} with aa-enforce or aa-complain",
};
TABLE(apparmor_profiles);
