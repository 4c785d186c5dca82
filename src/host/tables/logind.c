/* SPDX-License-Identifier: Apache-2.0 */
/* logind.conf and its drop-ins: sessions, and what becomes of what they leave. */
#include "host/conf_rows.h"

static const struct column columns[] = {
	CONF_COLUMNS("logind.conf(5)", 0),
	{0},
};

static int read_logind(struct host *host, struct rows *rows, struct err *err)
{
	return conf_rows(host, rows, "logind.conf", "Login", err);
}

static const struct table logind = {
	.name = "logind",
	.doc = "Settings of logind.conf and its drop-ins; absent: the default holds",
	.columns = columns,
	.read = read_logind,
	.loaded = LOADED_BY(.units = STARTED("systemd-logind.service")),
};
TABLE(logind);
