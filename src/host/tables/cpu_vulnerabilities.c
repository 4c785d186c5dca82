/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of each hardware vulnerability that it knows. */
#include "host/table.h"

enum { NAME, STATUS, AFFECTED, MITIGATED };

static const struct column columns[] = {
	[NAME] = {"name", TYPE_STRING, "Name of the vulnerability: spectre_v2, mds",
			  COLUMN_KEY | COLUMN_LABEL},
	[STATUS] = {"status", TYPE_STRING, "What the kernel says", COLUMN_VALUE},
	[AFFECTED] = {"affected", TYPE_BOOL, "The processor has it", 0},
	[MITIGATED] = {"mitigated", TYPE_BOOL,
				   "The processor does not have it, or the kernel wards it off", 0},
	{0},
};

#define DIRECTORY "/sys/devices/system/cpu/vulnerabilities"

static void judge(struct row *row, struct str status)
{
	bool not_affected = str_starts(status, "Not affected");

	row_str(row, STATUS, status);
	/* "Unknown: Dependent on hypervisor status" and the like. */
	if (str_starts(status, "Unknown")) {
		row_unknown(row, AFFECTED, "the kernel itself does not know");
		row_unknown(row, MITIGATED, "the kernel itself does not know");
		return;
	}
	str_skip(&status, "KVM: "); /* itlb_multihit: "KVM: Mitigation: VMX disabled" */
	row_bool(row, AFFECTED, !not_affected);
	row_bool(row, MITIGATED, not_affected || str_starts(status, "Mitigation"));
}

static void add_row(struct host *host, struct rows *rows, const char *name)
{
	const char *path = arena_printf(rows->arena, DIRECTORY "/%s", name);
	struct row *row = rows_add(rows, FROM(path, 0));
	struct err err = {0};
	struct str text;

	row_strz(row, NAME, name);
	if (host_read(host, path, rows->arena, &text, &err) == 0) {
		judge(row, str_trim(text));
		return;
	}
	for (int c = STATUS; c <= MITIGATED; c++)
		row_unknown(row, c, arena_strdup(rows->arena, err.msg));
}

static int read_cpu_vulnerabilities(struct host *host, struct rows *rows, struct err *err)
{
	struct host_dir dir;
	int r = host_list(host, DIRECTORY, rows->arena, &dir, err);

	/* A kernel without the directory (before 4.15) says nothing, which is not "not affected". */
	if (r < 0)
		return r;
	for (size_t i = 0; i < dir.n; i++)
		add_row(host, rows, dir.entries[i].name);
	return 0;
}

static const struct table cpu_vulnerabilities = {
	.name = "cpu_vulnerabilities",
	.doc = "Hardware vulnerabilities of the processor and whether the kernel wards them off",
	.columns = columns,
	.read = read_cpu_vulnerabilities,
};
TABLE(cpu_vulnerabilities);
