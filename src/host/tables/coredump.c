/* SPDX-License-Identifier: Apache-2.0 */
/* coredump.conf and its drop-ins: how systemd keeps core dumps. */
#include "host/conf_rows.h"

static const struct column columns[] = {
	CONF_COLUMNS("coredump.conf(5)", COLUMN_SETTABLE),
	{0},
};

static int read_coredump(struct host *host, struct rows *rows, struct err *err)
{
	return conf_rows(host, rows, "coredump.conf", "Coredump", err);
}

static int set_coredump(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						struct err *err _unused_)
{
	conf_rows_set(wish, edits, "coredump.conf", "Coredump", ",");
	return 0;
}

static const struct table coredump = {
	.name = "coredump",
	.doc = "Settings of coredump.conf and its drop-ins; absent: the default holds",
	.columns = columns,
	.read = read_coredump,
	.set = set_coredump,
	.fix = "set {key} in a drop-in below /etc/systemd/coredump.conf.d",
};
TABLE(coredump);
