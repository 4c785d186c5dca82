/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the FTP server vsftpd. */
#include "base/map.h"
#include "host/table.h"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the setting, as in vsftpd.conf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value, of yes and no always these words; the last line of a key wins",
			   COLUMN_VALUE},
	{0},
};

/* As vsftpd's parseconf.c reads switches. */
static struct str plain(struct str value)
{
	if (str_is_nocase(value, "yes") || str_is_nocase(value, "true") || str_is(value, "1"))
		return STR("yes");
	if (str_is_nocase(value, "no") || str_is_nocase(value, "false") || str_is(value, "0"))
		return STR("no");
	return value;
}

static void read_line(struct rows *rows, struct map *seen, struct from from, struct str line)
{
	struct str key;
	struct row *row;

	if (!line.n || line.p[0] == '#' || !str_has_char(line, '=') || !str_cut(&line, '=', &key))
		return;
	row = rows_setting(rows, seen, key, from);
	row_str(row, KEY, key);
	row_str(row, VALUE, plain(line));
}

static int read_vsftpd(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const paths[] = {"/etc/vsftpd.conf", "/etc/vsftpd/vsftpd.conf"};
	struct str text, line;
	struct map seen;
	unsigned number = 0;
	size_t i = 0;
	int r = host_read(host, paths[i], rows->arena, &text, err);

	if (r == -ENOENT)
		r = host_read(host, paths[++i], rows->arena, &text, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	map_init(&seen, rows->arena);
	while (str_line(&text, &line))
		read_line(rows, &seen, FROM(paths[i], ++number), str_trim(line));
	return 0;
}

static const struct table vsftpd = {
	.name = "vsftpd",
	.doc = "Settings of vsftpd, from /etc/vsftpd.conf; absent: the default holds",
	.columns = columns,
	.read = read_vsftpd,
	.loaded = LOADED_BY(.units = STARTED("vsftpd.service")),
	.started =
		&(const struct started){
			.programs = STARTED("vsftpd"),
			.units = STARTED("vsftpd.service"),
			.usual = STARTED("/etc/vsftpd.conf", "/etc/vsftpd/vsftpd.conf"),
		},
};
TABLE(vsftpd);
