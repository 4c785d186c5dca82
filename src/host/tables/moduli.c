/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/ssh/moduli: the groups that sshd offers for diffie-hellman-group-exchange. */
#include "base/buf.h"
#include "base/num.h"
#include "host/edit.h"
#include "host/table.h"

#define PATH "/etc/ssh/moduli"

enum { SMALLEST, LARGEST, GROUPS };

static const struct column columns[] = {
	[SMALLEST] =
		{"smallest", TYPE_INT,
		 "Bits of the smallest modulus, one less than its name says: 2047, 3071; absent: no "
		 "group is in the file, and sshd uses its own of 2048 bits and more",
		 COLUMN_SETTABLE | COLUMN_LABEL},
	[LARGEST] = {"largest", TYPE_INT, "Bits of the largest", 0},
	[GROUPS] = {"groups", TYPE_INT, "How many groups the file has", 0},
	{0},
};

/* moduli(5): time, type, tests, trials, size, generator, modulus. */
static bool take_size(struct str line, uint64_t *ret)
{
	struct str field;

	line = str_trim(line);
	if (str_starts(line, "#"))
		return false;
	for (int i = 0; i < 5; i++)
		if (!str_word(&line, &field))
			return false;
	return num_u64(field, 1, 65536, ret) == 0;
}

static int read_moduli(struct host *host, struct rows *rows, struct err *err)
{
	uint64_t smallest = UINT64_MAX, largest = 0, size;
	int64_t groups = 0;
	struct str text, line;
	struct row *row;
	int r = host_read(host, PATH, rows->arena, &text, err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		if (!take_size(line, &size))
			continue;
		smallest = MIN(smallest, size);
		largest = MAX(largest, size);
		groups++;
	}
	row = rows_add(rows, FROM(PATH, 0));
	row_int(row, GROUPS, groups);
	if (groups) {
		row_int(row, SMALLEST, (int64_t)smallest);
		row_int(row, LARGEST, (int64_t)largest);
	}
	return 0;
}

/* Without the smaller groups. Nothing is left out where none would be left: sshd would fall back to
 * groups of its own, small ones for who asks for them. */
static int set_moduli(struct host *host, const struct wish *wish, struct edits *edits,
					  struct err *err)
{
	_cleanup_buf_ struct buf kept = BUF(HOST_MAX_FILE);
	struct str text, line;
	uint64_t size, groups = 0;
	int r = host_read(host, PATH, edits->arena, &text, err);

	if (r < 0)
		return r;
	if (wish->column != SMALLEST || wish->value.state != VALUE_SET)
		return err_set(err, ENOTSUP, "groups are left out, not made");
	while (str_line(&text, &line)) {
		bool is_group = take_size(line, &size);

		if (is_group && (int64_t)size < wish->value.number)
			continue;
		groups += is_group;
		buf_str(&kept, line);
		buf_putc(&kept, '\n');
	}
	if (!groups)
		return err_set(err, ENOTSUP, "%s has no group of that size: make some with ssh-keygen -M",
					   PATH);
	edit_content(edits, PATH, buf_get(&kept));
	return 0;
}

static const struct table moduli = {
	.name = "moduli",
	.doc = "The groups of /etc/ssh/moduli: one row",
	.columns = columns,
	.read = read_moduli,
	.set = set_moduli,
	.fix = "leave smaller groups out of /etc/ssh/moduli",
};
TABLE(moduli);
