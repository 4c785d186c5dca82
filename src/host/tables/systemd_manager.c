/* SPDX-License-Identifier: Apache-2.0 */
/* system.conf and its drop-ins: systemd itself, and what it gives to all services. */
#include "host/conf_rows.h"

static const struct column columns[] = {
	CONF_COLUMNS("systemd-system.conf(5)", COLUMN_SETTABLE),
	{0},
};

static int read_manager(struct host *host, struct rows *rows, struct err *err)
{
	return conf_rows(host, rows, "system.conf", "Manager", err);
}

/* systemd takes it in with its next reload, or at the next boot. */
static int set_manager(struct host *host _unused_, const struct wish *wish, struct edits *edits,
					   struct err *err _unused_)
{
	conf_rows_set(wish, edits, "system.conf", "Manager", " ");
	return 0;
}

static const struct table systemd_manager = {
	.name = "systemd_manager",
	.doc = "Settings of systemd's system.conf and its drop-ins; absent: the default holds",
	.columns = columns,
	.read = read_manager,
	.set = set_manager,
	.fix = "set {key} in a drop-in below /etc/systemd/system.conf.d",
};
TABLE(systemd_manager);
