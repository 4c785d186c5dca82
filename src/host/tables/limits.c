/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pam_limits allows: /etc/security/limits.conf, then limits.d/ sorted by name. Every line is a
 * row; which one counts for a user depends on the user and the groups.
 */
#include "host/table.h"

enum { DOMAIN, TYPE, ITEM, VALUE };

static const struct column columns[] = {
	[DOMAIN] = {"domain", TYPE_STRING, "User, @group, %group, uid or gid range, or *",
				COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "soft, hard or - for both", 0},
	[ITEM] = {"item", TYPE_STRING, "core, nproc, maxlogins, ...; absent: the domain has no limits",
			  COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING, "The limit as written; -1, unlimited and infinity are none",
			   0},
	{0},
};

/* pam_limits compares type, item and value in lower case. */
static struct str lower(struct arena *arena, struct str s)
{
	char *p = str_dup(arena, s);

	for (size_t i = 0; i < s.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] | 0x20);
	return (struct str){p, s.n};
}

/* Four words, or "domain -", which lifts all limits; PAM passes over anything else. */
static void add_line(struct rows *rows, struct str line, const char *file, unsigned number)
{
	struct str word[4];
	struct row *row;
	int n = 0;

	if (!str_cut(&(struct str){line.p, line.n}, '#', &line))
		return;
	while (n < 4 && str_word(&line, &word[n]))
		n++;
	if (n != 4 && !(n == 2 && str_starts(word[1], "-")))
		return;
	row = rows_add(rows, FROM(file, number));
	row_str(row, DOMAIN, word[0]);
	row_str(row, TYPE, lower(rows->arena, word[1]));
	if (n == 4) {
		row_str(row, ITEM, lower(rows->arena, word[2]));
		row_str(row, VALUE, lower(rows->arena, word[3]));
	}
}

/* False when the file is not there. */
static bool read_file(struct host *host, struct rows *rows, const char *file)
{
	struct err err = {0};
	struct str text, line;
	unsigned number = 0;
	int r = host_read(host, file, rows->arena, &text, &err);

	if (r < 0 && r != -ENOENT)
		rows_gap(rows, "%s", err.msg);
	while (r == 0 && str_line(&text, &line))
		add_line(rows, line, file, ++number);
	return r != -ENOENT;
}

/* On SUSE the vendor's files are in /usr/etc, behind the administrator's. */
static int read_limits(struct host *host, struct rows *rows, struct err *err)
{
	static const char *const dirs[] = {"/etc/security/limits.d", "/usr/etc/security/limits.d",
									   NULL};
	struct str *files;
	size_t n;
	int r;

	if (!read_file(host, rows, "/etc/security/limits.conf"))
		read_file(host, rows, "/usr/etc/security/limits.conf");
	r = host_list_conf(host, dirs, ".conf", rows->arena, &files, &n, err);
	if (r < 0)
		rows_gap(rows, "%s", err->msg);
	for (size_t i = 0; r == 0 && i < n; i++)
		read_file(host, rows, str_dup(rows->arena, files[i]));
	return 0;
}

static const struct table limits = {
	.name = "limits",
	.doc = "Resource limits of login sessions: /etc/security/limits.conf and limits.d",
	.columns = columns,
	.read = read_limits,
	.fix = "a file of its own in /etc/security/limits.d",
};
TABLE(limits);
