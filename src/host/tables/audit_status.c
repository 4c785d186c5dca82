/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the kernel's audit subsystem, as auditctl asks for it. */
#include "base/num.h"
#include "host/table.h"

enum { ENABLED, FAILURE, PID, BACKLOG_LIMIT, LOST, RATE_LIMIT };

static const struct column columns[] = {
	[ENABLED] = {"enabled", TYPE_INT, "0 off, 1 on, 2 on and locked until the next boot", 0},
	[FAILURE] = {"failure", TYPE_INT, "When events are lost: 0 nothing, 1 log, 2 panic", 0},
	[PID] = {"pid", TYPE_INT, "Process that receives the events; 0: none", 0},
	[BACKLOG_LIMIT] = {"backlog_limit", TYPE_INT, "Events that may wait", 0},
	[LOST] = {"lost", TYPE_INT, "Events lost since boot", 0},
	[RATE_LIMIT] = {"rate_limit", TYPE_INT, "Events a second; 0: no limit", 0},
	{0},
};

static const struct helper auditctl_s = {
	.argv = (const char *const[]){"/sbin/auditctl", "-s", NULL},
	.max = 64 << 10,
};

static int column_named(struct str name)
{
	for (int i = 0; columns[i].name; i++)
		if (str_is(name, columns[i].name))
			return i;
	return -1;
}

static void read_line(struct row *row, struct str line)
{
	struct str name, value;
	int64_t number;
	int column;

	if (!str_word(&line, &name) || !str_word(&line, &value))
		return;
	column = column_named(name);
	if (column >= 0 && num_i64(value, INT32_MIN, UINT32_MAX, &number) == 0)
		row_int(row, column, number);
}

static int read_audit_status(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, line;
	struct row *row;
	int r = host_run(host, &auditctl_s, rows->arena, &text, err);

	if (r < 0)
		return r;
	row = rows_add(rows, FROM("auditctl -s", 0));
	for (int i = 0; columns[i].name; i++)
		row_unknown(row, i, "auditctl -s does not say");
	while (str_line(&text, &line))
		read_line(row, line);
	return 0;
}

static const struct table audit_status = {
	.name = "audit_status",
	.doc = "State of the kernel's audit subsystem, from `auditctl -s`",
	.columns = columns,
	.read = read_audit_status,
	.helpers = (const struct helper *const[]){&auditctl_s, NULL},
	.cost = 5,
};
TABLE(audit_status);
