/* SPDX-License-Identifier: Apache-2.0 */
#include "host/started.h"

#include "host/unitfile.h"

static bool is_among(const char *const *patterns, struct str path)
{
	while (*patterns)
		if (str_glob(*patterns++, path))
			return true;
	return false;
}

static struct str unquoted(struct str s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		s = (struct str){s.p + 1, s.n - 2};
	return s;
}

/* The value of an option in a word of its own, "-c FILE", in the same, "-cFILE" and "--config=FILE", or
 * without any option. Absent: the word names no configuration. */
static struct str named_by(const struct started *what, struct str word, struct str rest)
{
	struct str value;

	for (const char *const *o = what->options; *o; o++) {
		value = word;
		if (!**o && str_starts(word, "/") && str_ends(word, ".conf"))
			return word;
		if (!**o || !str_skip(&value, *o))
			continue;
		if (!value.n)
			return str_word(&rest, &value) ? unquoted(value) : STR_ABSENT;
		if (str_skip(&value, "=") || str_starts(value, "/"))
			return unquoted(value);
	}
	return STR_ABSENT;
}

static int check_command(const struct started *what, const char *unit, struct str command,
						 struct err *err)
{
	struct str word;

	while (str_word(&command, &word)) {
		struct str path = named_by(what, unquoted(word), command);

		if (path.n && !is_among(what->usual, path))
			return err_set(err, ENOTSUP, "%s is started with %.*s, which is not looked at", unit,
						   STR_ARG(path));
	}
	return 0;
}

int started_as_usual(struct host *host, struct arena *a, const struct started *what,
					 struct err *err)
{
	struct unit_files files;
	int r = 0;

	unitfiles_read(host, a, what->units, &files);
	for (const char *const *name = what->units; *name && r == 0; name++) {
		const struct unit_file *unit = unitfiles_find(&files, str_of(*name));
		struct unit_values commands;

		if (!unit || unit->masked || unit->sysv)
			continue;
		if (unit->unread)
			return err_set(err, ENOTSUP, "what %s is started with is not known: %s", *name,
						   unit->unread);
		commands = unitfile_values(unit, a, "Service", "ExecStart");
		for (size_t i = 0; i < commands.n && r == 0; i++)
			r = check_command(what, *name, commands.items[i]->value, err);
	}
	return r;
}
