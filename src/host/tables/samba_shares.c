/* SPDX-License-Identifier: Apache-2.0 */
/* What Samba shares, with what the global section says for all shares. */
#include "host/loadparm.h"

enum { NAME, PATH, GUEST, WRITABLE, HOSTS_ALLOW };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "The section of smb.conf", COLUMN_KEY | COLUMN_LABEL},
	[PATH] = {"path", TYPE_STRING, "The directory; absent: not said", 0},
	[GUEST] = {"guest", TYPE_BOOL, "Nobody is asked for a password: guest ok", 0},
	[WRITABLE] = {"writable", TYPE_BOOL, "Files may be written", 0},
	[HOSTS_ALLOW] = {"hosts_allow", TYPE_LIST, "The only hosts that may connect; absent: all", 0},
	{0},
};

/* Whichever of a setting's names comes last, in the section and then in the global one. */
static bool is_set(const struct loadparm *conf, struct str section, const char *key,
				   const char *synonym)
{
	return loadparm_true(loadparm_value(conf, section, key, "no")) ||
		   loadparm_true(loadparm_value(conf, section, synonym, "no"));
}

static bool is_writable(const struct loadparm *conf, struct str section)
{
	static const char *const names[] = {"writable", "writeable", "writeok"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (loadparm_true(loadparm_value(conf, section, names[i], "no")))
			return true;
	return !loadparm_true(loadparm_value(conf, section, "readonly", "yes"));
}

static struct str hosts_allow(const struct loadparm *conf, struct str section)
{
	struct str hosts = loadparm_value(conf, section, "hostsallow", NULL);

	return hosts.p ? hosts : loadparm_value(conf, section, "allowhosts", NULL);
}

static void add_share(struct rows *rows, const struct loadparm *conf, const struct conf_item *item)
{
	struct row *row = rows_add(rows, FROM(item->file, item->line));

	row_str(row, NAME, item->section);
	row_str(row, PATH, loadparm_value(conf, item->section, "path", NULL));
	row_bool(row, GUEST, is_set(conf, item->section, "guestok", "public"));
	row_bool(row, WRITABLE, is_writable(conf, item->section));
	loadparm_list(rows, row, HOSTS_ALLOW, hosts_allow(conf, item->section));
}

static int read_samba_shares(struct host *host, struct rows *rows, struct err *err)
{
	return loadparm_rows(host, rows, "/etc/samba/smb.conf", add_share, GUEST, HOSTS_ALLOW, err);
}

static const struct table samba_shares = {
	.name = "samba_shares",
	.doc = "What Samba shares: the sections of /etc/samba/smb.conf",
	.columns = columns,
	.read = read_samba_shares,
	.started = &samba_started,
};
TABLE(samba_shares);
