/* SPDX-License-Identifier: Apache-2.0 */
/* journald.conf and its drop-ins: the journal. */
#include "host/conf_rows.h"

static const struct column columns[] = {
	CONF_COLUMNS("journald.conf(5)", COLUMN_SETTABLE),
	{0},
};

/* Without it no default of its own holds either. */
static int find_journald(struct host *host, struct err *err)
{
	static const char *const paths[] = {"/usr/lib/systemd/systemd-journald",
										"/lib/systemd/systemd-journald"};
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int r = host_stat(host, paths[i], true, &st, err);

		if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return err_set(err, ENOENT, "there is no %s", paths[0]);
}

static int read_journald(struct host *host, struct rows *rows, struct err *err)
{
	int r = find_journald(host, err);

	return r < 0 ? r : conf_rows(host, rows, "journald.conf", "Journal", err);
}

static int set_journald(struct host *host _unused_, const struct wish *wish, struct edits *edits,
						struct err *err _unused_)
{
	conf_rows_set(wish, edits, "journald.conf", "Journal", ",");
	edit_reload(edits, "systemd-journald.service");
	return 0;
}

static const struct table journald = {
	.name = "journald",
	.doc = "Settings of journald.conf and its drop-ins; absent: the default holds",
	.columns = columns,
	.read = read_journald,
	.loaded = LOADED_BY(.units = STARTED("systemd-journald.service")),
	.set = set_journald,
	.fix = "set {key} in a drop-in below /etc/systemd/journald.conf.d",
};
TABLE(journald);
