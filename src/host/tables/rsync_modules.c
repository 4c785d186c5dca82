/* SPDX-License-Identifier: Apache-2.0 */
/* What an rsync daemon gives out: the modules of /etc/rsyncd.conf. */
#include "host/loadparm.h"

enum { NAME, PATH, READ_ONLY, AUTH_USERS, HOSTS_ALLOW, CHROOT };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "The module", COLUMN_KEY | COLUMN_LABEL},
	[PATH] = {"path", TYPE_STRING, "The directory; absent: not said", 0},
	[READ_ONLY] = {"read_only", TYPE_BOOL, "Clients may not write", 0},
	[AUTH_USERS] = {"auth_users", TYPE_LIST, "Who has to give a password; absent: nobody", 0},
	[HOSTS_ALLOW] = {"hosts_allow", TYPE_LIST, "The only hosts that may connect; absent: all", 0},
	[CHROOT] = {"use_chroot", TYPE_BOOL, "The daemon confines itself to the directory", 0},
	{0},
};

static void add_module(struct rows *rows, const struct loadparm *conf, const struct conf_item *item)
{
	struct row *row = rows_add(rows, FROM(item->file, item->line));
	struct str name = item->section;

	row_str(row, NAME, name);
	row_str(row, PATH, loadparm_value(conf, name, "path", NULL));
	row_bool(row, READ_ONLY, loadparm_true(loadparm_value(conf, name, "readonly", "yes")));
	loadparm_list(rows, row, AUTH_USERS, loadparm_value(conf, name, "authusers", NULL));
	loadparm_list(rows, row, HOSTS_ALLOW, loadparm_value(conf, name, "hostsallow", NULL));
	row_bool(row, CHROOT, loadparm_true(loadparm_value(conf, name, "usechroot", "yes")));
}

static int read_rsync_modules(struct host *host, struct rows *rows, struct err *err)
{
	return loadparm_rows(host, rows, "/etc/rsyncd.conf", add_module, READ_ONLY, CHROOT, err);
}

static const struct table rsync_modules = {
	.name = "rsync_modules",
	.doc = "What an rsync daemon gives out: the modules of /etc/rsyncd.conf",
	.columns = columns,
	.read = read_rsync_modules,
	.started =
		&(const struct started){
			.with = "--daemon",
			.programs = STARTED("rsync"),
			.units = STARTED("rsync.service", "rsyncd.service"),
			.usual = STARTED("--daemon", "--no-detach", "--config=/etc/rsyncd.conf", "--address=*",
							 "--port=*", "--bwlimit=*", "--log-file=*"),
		},
};
TABLE(rsync_modules);
