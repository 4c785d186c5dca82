/* SPDX-License-Identifier: Apache-2.0 */
#include "change/lines.h"

static struct str name_of(struct str line)
{
	struct str name = STR("");

	(void)str_cut(&line, ':', &name);
	return name;
}

static bool has_line(struct str text, struct str wanted)
{
	struct str line;

	while (str_line(&text, &line))
		if (str_eq(line, wanted))
			return true;
	return false;
}

void lines_record(struct buf *record, const char *path, struct str before, struct str after)
{
	struct str line, old;

	while (str_line(&after, &line)) {
		struct str rest = before;

		if (!line.n || has_line(before, line))
			continue;
		buf_printf(record, "+%s %.*s\n", path, STR_ARG(line));
		while (str_line(&rest, &old))
			if (str_eq(name_of(old), name_of(line)))
				buf_printf(record, "=%s %.*s\n", path, STR_ARG(old));
	}
}

/* Is the line one that was added? Then *ret_old is what was in its place, or absent. */
static bool find_added(struct str record, const char *path, struct str line, struct str *ret_old)
{
	struct str entry, where;

	while (str_line(&record, &entry)) {
		if (!str_skip(&entry, "+") || !str_cut(&entry, ' ', &where) || !str_is(where, path) ||
			!str_eq(entry, line))
			continue;
		*ret_old = STR_ABSENT;
		if (str_line(&record, &entry) && str_skip(&entry, "=") && str_cut(&entry, ' ', &where))
			*ret_old = entry;
		return true;
	}
	return false;
}

bool lines_undo(struct str record, const char *path, struct str now, struct buf *out)
{
	struct str rest = record, line, old, where;
	bool known = false;

	while (!known && str_line(&rest, &line))
		known = str_skip(&line, "+") && str_cut(&line, ' ', &where) && str_is(where, path);
	while (known && str_line(&now, &line)) {
		if (find_added(record, path, line, &old))
			line = old;
		if (!line.p)
			continue;
		buf_str(out, line);
		buf_putc(out, '\n');
	}
	return known;
}
