/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd's measure of a service's exposure is made of. */
#include "host/table.h"

#include "host/exposure.h"

enum { UNIT, FIELD, SET, WEIGHT, BADNESS, RANGE, EXPOSURE };

static const struct column columns[] = {
	[UNIT] = {"unit", TYPE_STRING, "The service, with its suffix", COLUMN_LABEL},
	[FIELD] = {"field", TYPE_STRING, "What is assessed, by its name in systemd's JSON",
			   COLUMN_LABEL},
	[SET] = {"set", TYPE_BOOL, "It is as good as can be; absent: it does not apply", 0},
	[WEIGHT] = {"weight", TYPE_INT, "How much it counts", 0},
	[BADNESS] = {"badness", TYPE_INT, "0 is good, range is bad; absent: it does not apply", 0},
	[RANGE] = {"range", TYPE_INT, "The most that badness can be", 0},
	[EXPOSURE] = {"exposure", TYPE_INT,
				  "Its part in the exposure, in tenths, rounded up; absent: none", 0},
	{0},
};

static void add_assessment(struct rows *rows, const struct unit_file *u,
						   const struct assessment *one)
{
	struct row *row = rows_add(rows, FROM(u->path, 0));

	row_str(row, UNIT, u->name);
	row_strz(row, FIELD, one->field);
	row_int(row, WEIGHT, one->weight);
	row_int(row, RANGE, one->range);
	if (one->badness == BADNESS_UNKNOWN) {
		row_unknown(row, SET, one->why);
		row_unknown(row, BADNESS, one->why);
		row_unknown(row, EXPOSURE, one->why);
	} else if (one->badness != BADNESS_NOT_APPLICABLE) {
		row_bool(row, SET, !one->badness);
		row_int(row, BADNESS, one->badness);
		if (one->tenths)
			row_int(row, EXPOSURE, one->tenths);
	}
}

static int read_assessments(struct host *host, struct rows *rows, struct err *err)
{
	struct unit_files files;

	unitfiles_read(host, rows->arena, NULL, &files);
	if (!files.n && !files.gap)
		return err_set(err, ENOENT, "there are no unit files, so services are not systemd's");
	if (files.gap)
		rows_gap(rows, "%s", files.gap);
	for (size_t i = 0; i < files.n; i++) {
		struct exposure e;

		if (!exposure_has(&files.p[i]))
			continue;
		exposure_read(&files.p[i], rows->arena, &e);
		for (size_t k = 0; k < e.n; k++)
			add_assessment(rows, &files.p[i], &e.p[k]);
	}
	return 0;
}

static const struct table unit_assessments = {
	.name = "unit_assessments",
	.doc = "What the exposure in unit_exposure is made of: a row for each service and setting",
	.columns = columns,
	.read = read_assessments,
	.cost = 10,
};
TABLE(unit_assessments);
