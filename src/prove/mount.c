/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/mount.h"

bool mount_has(const struct rows *rows, const struct row *row, const char *option)
{
	static const char *const columns[] = {"options", "fstab_options"};

	for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
		int i = table_column(rows->table, str_of(columns[c]));
		const struct value *v = i < 0 ? NULL : &row->cells[i];

		for (size_t k = 0; v && v->state == VALUE_SET && k < v->list.n; k++)
			if (str_is(v->list.items[k], option))
				return true;
	}
	return false;
}

/* File systems of the kernel's own hold no programs, and what another one covers cannot be come
 * by. */
static bool is_of_files(struct str type)
{
	return str_is_one_of(type,
						 NAMES("ext4", "ext3", "ext2", "xfs", "btrfs", "tmpfs", "f2fs", "overlay"));
}

bool mount_holds_files(const struct rows *rows, const struct row *row)
{
	struct str target = trial_text(rows, row, "target");

	return trial_number(rows, row, "mounted", false) &&
		   is_of_files(trial_text(rows, row, "fstype")) && !str_starts(target, "/sys") &&
		   !str_starts(target, "/proc");
}
