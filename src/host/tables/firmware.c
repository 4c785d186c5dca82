/* SPDX-License-Identifier: Apache-2.0 */
/* What started the machine, in one row. */
#include "host/table.h"

#define EFI "/sys/firmware/efi"
#define VARIABLES EFI "/efivars"
/* The GUID is that of EFI_GLOBAL_VARIABLE, section 3.3 of the UEFI specification. */
#define SECURE_BOOT VARIABLES "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

enum { INTERFACE, SECURE_BOOT_COLUMN };

static const struct column columns[] = {
	[INTERFACE] = {"interface", TYPE_STRING,
				   "uefi, or bios for what is none: old PCs, and boards with a loader of their own",
				   COLUMN_LABEL},
	[SECURE_BOOT_COLUMN] = {"secure_boot", TYPE_BOOL,
							"UEFI starts only what is signed; absent: it is no UEFI", 0},
	{0},
};

/* Of a file of efivarfs the first four bytes are attributes; the value here has one byte. */
static void read_secure_boot(struct host *host, struct row *row, struct arena *a)
{
	struct host_dir dir = {0};
	struct str text;
	struct err err = {0};
	int r = host_read(host, SECURE_BOOT, a, &text, &err);

	row_from(row, SECURE_BOOT_COLUMN, FROM(SECURE_BOOT, 0));
	if (r == 0 && text.n == 5)
		row_bool(row, SECURE_BOOT_COLUMN, text.p[4] == 1);
	else if (r == 0)
		row_unknown(row, SECURE_BOOT_COLUMN, SECURE_BOOT " is not of five bytes");
	else if (r != -ENOENT)
		row_unknown(row, SECURE_BOOT_COLUMN, arena_strdup(a, err.msg));
	else if (host_list(host, VARIABLES, a, &dir, &err) < 0 || !dir.n)
		row_unknown(row, SECURE_BOOT_COLUMN, VARIABLES " is not mounted");
	else
		row_bool(row, SECURE_BOOT_COLUMN, false); /* firmware that does not know it */
}

static int read_firmware(struct host *host, struct rows *rows, struct err *err)
{
	struct row *row;
	struct path_stat st;
	int r;

	if (!host_is_live(host))
		return err_set(err, EOPNOTSUPP, "offline");
	r = host_stat(host, "/sys/kernel", true, &st, err);
	if (r == 0)
		r = host_stat(host, EFI, true, &st, err);
	else
		return err_set(err, ENODATA, "/sys is not mounted");
	if (r < 0 && r != -ENOENT)
		return r;
	row = rows_add(rows, FROM(EFI, 0));
	row_strz(row, INTERFACE, r == 0 ? "uefi" : "bios");
	if (r == 0)
		read_secure_boot(host, row, rows->arena);
	return 0;
}

static const struct table firmware = {
	.name = "firmware",
	.doc = "What started the machine: /sys/firmware/efi",
	.columns = columns,
	.read = read_firmware,
};
TABLE(firmware);
