/* SPDX-License-Identifier: Apache-2.0 */
#include "host/unit_needs.h"

static struct str stem_of(struct str unit)
{
	for (size_t i = unit.n; i-- > 0;)
		if (unit.p[i] == '.')
			return (struct str){unit.p, i};
	return unit;
}

/* By the name, or by another that it has. */
static bool is_named(const struct unit_files *files, struct str word, struct str unit)
{
	const struct unit_file *u = str_eq(word, unit) ? NULL : unitfiles_find(files, word);

	return str_eq(word, unit) || (u && str_eq(u->name, unit));
}

static bool needs(const struct unit_files *files, const struct unit_file *u, struct arena *a,
				  struct str unit)
{
	static const char *const keys[] = {"Requires", "Requisite", "BindsTo"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct unit_values values = unitfile_values(u, a, "Unit", keys[i]);

		for (size_t k = 0; k < values.n; k++) {
			struct str text = values.items[k]->value, word;

			while (str_word(&text, &word))
				if (is_named(files, word, unit))
					return true;
		}
	}
	return false;
}

static bool is_started(const struct unit_files *files, const struct unit_file *u, struct arena *a)
{
	static const char *const kinds[] = {"timer", "socket", "path"};
	struct str stem = stem_of(u->name);

	if (unitfile_starts(u))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *name = arena_printf(a, "%.*s.%s", STR_ARG(stem), kinds[i]);
		const struct unit_file *by = unitfiles_find(files, str_of(name));

		if (by && by != u && unitfile_starts(by))
			return true;
	}
	return false;
}

const struct unit_file *unit_needed_by(struct host *host, struct arena *a, struct str unit,
									   const char **ret_gap)
{
	struct unit_files files;

	unitfiles_read(host, a, NULL, &files);
	*ret_gap = files.gap;
	for (size_t i = 0; i < files.n; i++) {
		const struct unit_file *u = files.p + i;

		if (u->unread && !*ret_gap)
			*ret_gap = u->unread;
		if (!u->masked && !u->alias_of.p && !str_eq(stem_of(u->name), stem_of(unit)) &&
			needs(&files, u, a, unit) && is_started(&files, u, a))
			return u;
	}
	return NULL;
}
