/* SPDX-License-Identifier: Apache-2.0 */
/* The PAM stack of each service, with its includes in place. */
#include "host/pam_stack.h"
#include "host/pam_try.h"
#include "host/secret.h"
#include "host/table.h"

enum { SERVICE, TYPE, CONTROL, MODULE, ARGUMENTS, FILE_COLUMN, POSITION, SKIPPABLE };

static const struct column columns[] = {
	[SERVICE] = {"service", TYPE_STRING, "Name of the service's file in /etc/pam.d", COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "auth, account, password or session", COLUMN_LABEL},
	[CONTROL] =
		{"control", TYPE_STRING,
		 "required, sufficient, ... or [value=action ...] as written; include for a file that "
		 "cannot be read",
		 0},
	[MODULE] = {"module", TYPE_STRING,
				"Name of the module; with its path when it is not in PAM's own directory",
				COLUMN_LABEL},
	[ARGUMENTS] = {"arguments", TYPE_LIST, "Its arguments", 0},
	[FILE_COLUMN] = {"file", TYPE_STRING, "File that the line stands in", 0},
	[POSITION] = {"position", TYPE_INT, "Place among the service's lines of that type, from 1", 0},
	[SKIPPABLE] =
		{"skippable", TYPE_BOOL,
		 "It is not asked when a line before it, other than pam_rootok, succeeds; absent: it is",
		 0},
	{0},
};

/* pam_mysql and the like take a password as an argument. */
static void set_arguments(struct arena *a, struct row *row, const struct pam_line *line)
{
	struct str *items = arena_new(a, struct str, line->n_args);

	for (size_t i = 0; i < line->n_args; i++)
		items[i] = secret_masked(a, line->args[i]);
	row_list(row, ARGUMENTS, items, line->n_args);
}

static void add_row(struct rows *rows, const struct pam_line *line, bool skippable)
{
	struct row *row = rows_add(rows, FROM(line->file, line->line));

	row->note = line->note;
	row_str(row, SERVICE, line->service);
	row_str(row, TYPE, line->type);
	row_str(row, CONTROL, line->control);
	row_str(row, MODULE, line->module);
	set_arguments(rows->arena, row, line);
	row_strz(row, FILE_COLUMN, line->file);
	row_int(row, POSITION, line->position);
	if (skippable)
		row_bool(row, SKIPPABLE, true);
}

/* The lines from `begin` on that are of its service, whatever types are between them. */
static size_t service_end(const struct pam_stack *stack, size_t begin)
{
	size_t end = begin;

	while (end < stack->n && str_eq(stack->lines[end].service, stack->lines[begin].service))
		end++;
	return end;
}

/* Each type of a service is a stack of its own. */
static void find_skippable(struct arena *a, const struct pam_stack *stack, size_t begin, size_t end,
						   bool *ret)
{
	static const char *const types[] = {"auth", "account", "password", "session"};
	const struct pam_line **lines = arena_new(a, const struct pam_line *, end - begin);
	bool *skippable = arena_new(a, bool, end - begin);

	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		size_t n = 0;

		for (size_t i = begin; i < end; i++)
			if (str_is(stack->lines[i].type, types[t]))
				lines[n++] = &stack->lines[i];
		pam_find_skippable(lines, n, skippable);
		for (size_t i = 0; i < n; i++)
			ret[lines[i] - stack->lines] = skippable[i];
	}
}

static int read_pam(struct host *host, struct rows *rows, struct err *err)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct pam_stack stack;
	bool *skippable;
	int r = pam_read(host, rows->arena, &stack, err);

	if (r < 0)
		return r;
	skippable = arena_new(&scratch, bool, stack.n + 1);
	for (size_t begin = 0, end; begin < stack.n; begin = end) {
		end = service_end(&stack, begin);
		find_skippable(&scratch, &stack, begin, end, skippable);
	}
	for (size_t i = 0; i < stack.n; i++)
		if (!stack.lines[i].substack)
			add_row(rows, &stack.lines[i], skippable[i]);
	if (stack.gap)
		rows_gap(rows, "%s", stack.gap);
	return 0;
}

static const struct table pam = {
	.name = "pam",
	.doc = "The lines of each PAM service, includes in place: /etc/pam.d, /usr/lib/pam.d",
	.columns = columns,
	.read = read_pam,
};
TABLE(pam);
