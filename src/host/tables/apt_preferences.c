/* SPDX-License-Identifier: Apache-2.0 */
/* What apt is told to prefer, and what to keep away from: apt_preferences(5). */
#include "host/table.h"

#include "base/vec.h"
#include "host/apt_pins.h"

enum { PACKAGES, EVERYTHING, KIND, PIN, EXACT, PRIORITY };

static const struct column columns[] = {
	[PACKAGES] = {"packages", TYPE_LIST, "Names and patterns of the packages that it is about",
				  COLUMN_LABEL},
	[EVERYTHING] = {"everything", TYPE_BOOL, "Is it about all packages?", 0},
	[KIND] = {"kind", TYPE_STRING, "What it pins by: version, release or origin", COLUMN_LABEL},
	[PIN] = {"pin", TYPE_STRING, "The version, release or host, as it is written", COLUMN_LABEL},
	[EXACT] = {"exact", TYPE_BOOL, "Of a version: is it one alone, not a pattern?", 0},
	[PRIORITY] =
		{"priority", TYPE_INT,
		 "Versions have 500 by themselves and the installed one 100; above 1000 an older one is "
		 "installed in its place, below 0 none",
		 0},
	{0},
};

static void add_row(struct rows *rows, const struct apt_pin *pin)
{
	struct row *row = rows_add(rows, FROM(pin->file, pin->line));
	struct str rest = pin->packages, word;
	VEC(struct str) words = {0};

	while (str_word(&rest, &word))
		*vec_push(rows->arena, &words) = word;
	row_list(row, PACKAGES, words.p, words.n);
	row_bool(row, EVERYTHING, apt_pin_is_general(pin));
	row_strz(row, KIND, pin_kind_name(pin->kind));
	row_str(row, PIN, pin->what);
	if (pin->kind == PIN_VERSION)
		row_bool(row, EXACT, !str_is_glob(pin->what) && !str_starts(pin->what, "/"));
	row_int(row, PRIORITY, pin->priority);
}

static int read_apt_preferences(struct host *host, struct rows *rows, struct err *err _unused_)
{
	struct apt_pins pins;

	apt_pins_read(host, rows->arena, &pins);
	for (size_t i = 0; i < pins.n; i++)
		add_row(rows, &pins.p[i]);
	if (pins.gap)
		rows_gap(rows, "%s", pins.gap);
	return 0;
}

static const struct table apt_preferences = {
	.name = "apt_preferences",
	.doc =
		"Which versions of packages apt prefers, from /etc/apt/preferences and preferences.d; what "
		"apt passes over is not here",
	.columns = columns,
	.read = read_apt_preferences,
	.multi = true,
};
TABLE(apt_preferences);
