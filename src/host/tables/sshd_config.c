/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of sshd_config and of what it includes, in the order in which sshd reads them. */
#include "host/sshd_config.h"
#include "host/table.h"

enum { FILE_, LINE, KEYWORD, ARGUMENTS, MATCH };

static const struct column columns[] = {
	[FILE_] = {"file", TYPE_STRING, "The file that the line is in", 0},
	[LINE] = {"line", TYPE_INT, "Its number", 0},
	[KEYWORD] = {"keyword", TYPE_STRING,
				 "Its keyword, spelled as in sshd_config(5); as written when sshd has no such",
				 COLUMN_KEY | COLUMN_LABEL},
	[ARGUMENTS] = {"arguments", TYPE_STRING, "What follows, as written", COLUMN_VALUE},
	[MATCH] = {"match", TYPE_STRING, "Criteria of the Match block it is in; absent: in none", 0},
	{0},
};

static void add_row(struct rows *rows, const struct sshd_directive *d)
{
	struct row *row = rows_add(rows, FROM(d->file, d->number));

	row_strz(row, FILE_, d->file);
	row_int(row, LINE, d->number);
	if (d->line->keyword)
		row_strz(row, KEYWORD, d->line->keyword->name);
	else
		row_str(row, KEYWORD, d->line->name);
	row_str(row, ARGUMENTS, d->line->rest);
	row_str(row, MATCH, d->match);
}

static int read_sshd_config(struct host *host, struct rows *rows, struct err *err)
{
	struct sshd_config config;
	int r = sshd_config_read(host, rows->arena, &config, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < config.n; i++)
		add_row(rows, &config.directives[i]);
	if (config.gap)
		rows_gap(rows, "%s", config.gap);
	return 0;
}

static const struct table sshd_config = {
	.name = "sshd_config",
	.doc = "Directives of /etc/ssh/sshd_config and the files it includes, line by line",
	.columns = columns,
	.read = read_sshd_config,
	.loaded = LOADED_BY(.units = STARTED("ssh.service", "sshd.service"),
						.written = STARTED("/run/sshd.pid")),
	.multi = true,
};
TABLE(sshd_config);
