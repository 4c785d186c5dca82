/* SPDX-License-Identifier: Apache-2.0 */
/* The shells that count as those of people: chsh lets them be chosen, FTP servers let their users in. */
#include "host/conf.h"
#include "host/edit.h"
#include "host/table.h"

#define FILE_NAME "/etc/shells"

enum { PATH, EXISTS };

static const struct column columns[] = {
	[PATH] = {"path", TYPE_STRING, "The shell", COLUMN_KEY | COLUMN_LABEL},
	[EXISTS] = {"exists", TYPE_BOOL, "Is there a file of that name?", 0},
	{0},
};

static void add_shell(struct host *host, struct rows *rows, const struct conf_item *item)
{
	struct row *row = rows_add(rows, FROM(item->file, item->line));
	struct path_stat st;
	struct err err = {0};
	int r = host_stat(host, str_dup(rows->arena, item->key), true, &st, &err);

	row_str(row, PATH, item->key);
	if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		row_bool(row, EXISTS, r == 0 && !S_ISDIR(st.mode));
	else
		row_unknown(row, EXISTS, arena_strdup(rows->arena, err.msg));
}

static int read_shells(struct host *host, struct rows *rows, struct err *err)
{
	struct conf conf = {0};
	int r = conf_read(host, rows->arena, FILE_NAME, CONF_SPACE, &conf, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < conf.n; i++)
		if (str_starts(conf.items[i].key, "/"))
			add_shell(host, rows, &conf.items[i]);
	if (conf.gap)
		rows_gap(rows, "%s", conf.gap);
	return 0;
}

static int set_shells(struct host *host _unused_, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	if (!wish->row || wish->column >= 0)
		return err_set(err, ENOTSUP, "a shell can only be taken out");
	edit_key(edits, FILE_NAME, EDIT_LINES, NULL, wish->row->cells[PATH].string, STR_ABSENT);
	return 0;
}

static const struct table shells = {
	.name = "shells",
	.doc = "The lines of /etc/shells",
	.columns = columns,
	.read = read_shells,
	.set = set_shells,
	.fix = "take {path} out of " FILE_NAME,
};
TABLE(shells);
