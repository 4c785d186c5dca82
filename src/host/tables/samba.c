/* SPDX-License-Identifier: Apache-2.0 */
/* Samba's settings for all shares: the global section of smb.conf. */
#include "base/map.h"
#include "host/loadparm.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING,
			 "Name of the setting, as in smb.conf(5), in lower case; of several names one",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "Its value in lower case; the last line of a key wins",
			   COLUMN_VALUE},
	{0},
};

/* Blanks in names are nothing to Samba; these are how rules spell them. */
static const struct {
	const char *plain, *name;
} names[] = {
	{"serverminprotocol", "server min protocol"},
	{"minprotocol", "server min protocol"},
	{"serversigning", "server signing"},
	{"servermaxprotocol", "server max protocol"},
	{"ntlmauth", "ntlm auth"},
	{"lanmanauth", "lanman auth"},
	{"nullpasswords", "null passwords"},
	{"maptoguest", "map to guest"},
	{"restrictanonymous", "restrict anonymous"},
	{"usershareallowguests", "usershare allow guests"},
	{"smbencrypt", "server smb encrypt"},
	{"serversmbencrypt", "server smb encrypt"},
	{"encryptpasswords", "encrypt passwords"},
	{"interfaces", "interfaces"},
	{"bindinterfacesonly", "bind interfaces only"},
};

static struct str name_of(struct str plain)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(plain, names[i].plain))
			return str_of(names[i].name);
	return plain;
}

static void add_item(struct rows *rows, struct map *seen, const struct conf_item *item)
{
	struct str key = name_of(item->key);
	struct row *row = rows_setting(rows, seen, key, FROM(item->file, item->line));

	row_str(row, KEY, key);
	row_str(row, VALUE, str_lower(rows->arena, item->value));
}

static int read_samba(struct host *host, struct rows *rows, struct err *err)
{
	struct loadparm conf = {0};
	struct map seen;
	int r = loadparm_read(host, rows->arena, "/etc/samba/smb.conf", &conf, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	map_init(&seen, rows->arena);
	for (size_t i = 0; i < conf.conf.n; i++)
		if (loadparm_is_global(conf.conf.items[i].section))
			add_item(rows, &seen, &conf.conf.items[i]);
	if (conf.conf.gap)
		rows_unsure(rows, VALUE, conf.conf.gap);
	return 0;
}

static const struct table samba = {
	.name = "samba",
	.doc =
		"Settings of Samba in the global section of /etc/samba/smb.conf; absent: the default holds",
	.columns = columns,
	.read = read_samba,
	.started = &samba_started,
};
TABLE(samba);
