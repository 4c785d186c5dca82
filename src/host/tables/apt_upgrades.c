/* SPDX-License-Identifier: Apache-2.0 */
/* What apt would upgrade, from the lists that it fetched last. */
#include "host/table.h"

#include "host/apt_lists.h"
#include "host/fields.h"

enum { PACKAGE, INSTALLED, CANDIDATE, ARCHIVE, SECURITY };

static const struct column columns[] = {
	[PACKAGE] = {"package", TYPE_STRING, "Its name", COLUMN_KEY | COLUMN_LABEL},
	[INSTALLED] = {"installed", TYPE_STRING, "The version that is installed", 0},
	[CANDIDATE] = {"candidate", TYPE_STRING,
				   "The version that it would be upgraded to; pins in /etc/apt/preferences are not "
				   "considered",
				   0},
	[ARCHIVE] = {"archive", TYPE_STRING,
				 "Suites that have it, with commas between: stable-security", 0},
	[SECURITY] = {"security", TYPE_BOOL, "A security archive has a newer version", 0},
	{0},
};

static const struct {
	const char *name;
	int column;
} fields[] = {
	{"name", PACKAGE},
	{"installed", INSTALLED},
	{"candidate", CANDIDATE},
	{"archive", ARCHIVE},
};

static void add_upgrade(struct rows *rows, struct str line)
{
	struct row *row = rows_add(rows, FROM(APT_LISTS, 0));
	struct str name, value;

	row_bool(row, SECURITY, false);
	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "security"))
			row_bool(row, SECURITY, true);
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			if (str_is(name, fields[i].name))
				row_str(row, fields[i].column, fields_plain(rows->arena, value));
	}
}

static int read_apt_upgrades(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, line;
	int r = host_query(host, &apt_upgrades_query, rows->arena, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		struct str reason = line;

		if (str_skip(&reason, "gap=")) {
			reason = fields_plain(rows->arena, reason);
			rows_gap(rows, "%.*s", STR_ARG(reason));
		} else if (!str_is(line, APT_NO_SECURITY)) {
			add_upgrade(rows, line);
		}
	}
	return 0;
}

static const struct table apt_upgrades = {
	.name = "apt_upgrades",
	.doc = "Installed packages of which apt's lists hold a newer version",
	.columns = columns,
	.read = read_apt_upgrades,
	.multi = true,
	.fix = "upgrade {package}",
	.cost = 80,
};
TABLE(apt_upgrades);
