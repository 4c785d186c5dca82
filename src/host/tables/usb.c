/* SPDX-License-Identifier: Apache-2.0 */
/* USB buses and whether what is plugged in there works without being asked about. */
#include "base/num.h"
#include "host/table.h"

#define DEVICES "/sys/bus/usb/devices"

enum { NAME, AUTHORIZED_DEFAULT };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the bus: usb1", COLUMN_KEY | COLUMN_LABEL},
	[AUTHORIZED_DEFAULT] =
		{"authorized_default", TYPE_INT,
		 "What a new device may do: 0 nothing until somebody says so, 1 all, 2 if it is built in",
		 COLUMN_VALUE},
	{0},
};

static void add_bus(struct host *host, struct rows *rows, const char *name)
{
	const char *path = arena_printf(rows->arena, DEVICES "/%s/authorized_default", name);
	struct row *row = rows_add(rows, FROM(path, 0));
	struct err err = {0};
	struct str text;
	int64_t value;

	row_strz(row, NAME, name);
	if (host_read(host, path, rows->arena, &text, &err) < 0)
		row_unknown(row, AUTHORIZED_DEFAULT, arena_strdup(rows->arena, err.msg));
	else if (num_i64(str_trim(text), -1, 2, &value) < 0)
		row_unknown(row, AUTHORIZED_DEFAULT, "a value that is not known");
	else
		row_int(row, AUTHORIZED_DEFAULT, value);
}

static int read_usb(struct host *host, struct rows *rows, struct err *err)
{
	struct host_dir dir;
	int r = host_list(host, DEVICES, rows->arena, &dir, err);

	if (r == -ENOENT) /* no USB */
		return 0;
	for (size_t i = 0; r == 0 && i < dir.n; i++)
		if (str_glob("usb[0-9]*", str_of(dir.entries[i].name)))
			add_bus(host, rows, dir.entries[i].name);
	return r;
}

static const struct table usb = {
	.name = "usb",
	.doc = "USB buses of the machine, and whether what is plugged in works at once",
	.columns = columns,
	.read = read_usb,
};
TABLE(usb);
