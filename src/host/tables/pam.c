/* SPDX-License-Identifier: Apache-2.0 */
/* The PAM stack of each service, with its includes in place. */
#include "host/pam_stack.h"
#include "host/secret.h"
#include "host/table.h"

enum { SERVICE, TYPE, CONTROL, MODULE, ARGUMENTS, FILE_COLUMN, POSITION };

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

static int read_pam(struct host *host, struct rows *rows, struct err *err)
{
	struct pam_stack stack;
	int r = pam_read(host, rows->arena, &stack, err);

	for (size_t i = 0; r == 0 && i < stack.n; i++) {
		const struct pam_line *line = &stack.lines[i];
		struct row *row;

		if (line->substack)
			continue;
		row = rows_add(rows, FROM(line->file, line->line));
		row->note = line->note;
		row_str(row, SERVICE, line->service);
		row_str(row, TYPE, line->type);
		row_str(row, CONTROL, line->control);
		row_str(row, MODULE, line->module);
		set_arguments(rows->arena, row, line);
		row_strz(row, FILE_COLUMN, line->file);
		row_int(row, POSITION, line->position);
	}
	if (r == 0 && stack.gap)
		rows_gap(rows, "%s", stack.gap);
	return r;
}

static const struct table pam = {
	.name = "pam",
	.doc = "The lines of each PAM service, includes in place: /etc/pam.d, /usr/lib/pam.d",
	.columns = columns,
	.read = read_pam,
};
TABLE(pam);
