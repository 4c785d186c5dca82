/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/hosts: names that are not asked of DNS. */
#include "base/vec.h"
#include "host/table.h"

#define PATH "/etc/hosts"

enum { ADDRESS, NAMES, LOOPBACK };

static const struct column columns[] = {
	[ADDRESS] = {"address", TYPE_STRING, "As written", COLUMN_KEY | COLUMN_LABEL},
	[NAMES] = {"names", TYPE_LIST, "The names that lead there", COLUMN_LABEL},
	[LOOPBACK] = {"loopback", TYPE_BOOL, "Is it an address of this host alone (127.0.0.0/8, ::1)?",
				  0},
	{0},
};

static int read_hosts(struct host *host, struct rows *rows, struct err *err)
{
	struct str text, line;
	unsigned number = 0;
	int r = host_read(host, PATH, rows->arena, &text, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		VEC(struct str) names = {0};
		struct str plain, address, name;
		struct row *row;

		number++;
		if (!str_cut(&line, '#', &plain) || !str_word(&plain, &address))
			continue;
		while (str_word(&plain, &name))
			*vec_push(rows->arena, &names) = name;
		row = rows_add(rows, FROM(PATH, number));
		row_str(row, ADDRESS, address);
		row_list(row, NAMES, names.p, names.n);
		row_bool(row, LOOPBACK, str_starts(address, "127.") || str_is(address, "::1"));
	}
	return 0;
}

static const struct table hosts = {
	.name = "hosts",
	.doc = "Lines of /etc/hosts",
	.columns = columns,
	.read = read_hosts,
	.multi = true,
};
TABLE(hosts);
