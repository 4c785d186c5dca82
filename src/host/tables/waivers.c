/* SPDX-License-Identifier: Apache-2.0 */
/* The findings that the site file accepts, by whose decision and until when. */
#include "host/host.h"
#include "host/site_file.h"
#include "host/table.h"

enum { RULE, OBJECT, REASON, OWNER, UNTIL, EXPIRED };

static const struct column columns[] = {
	[RULE] = {"rule", TYPE_STRING, "Id of the rule", COLUMN_LABEL},
	[OBJECT] = {"object", TYPE_STRING, "The one object that it is about; absent: all", COLUMN_LABEL},
	[REASON] = {"reason", TYPE_STRING, "Why the finding is accepted", 0},
	[OWNER] = {"owner", TYPE_STRING, "Who answers for it", 0},
	[UNTIL] = {"until", TYPE_TIME, "When it runs out; absent: never", 0},
	[EXPIRED] = {"expired", TYPE_BOOL, "Has it run out?", 0},
	{0},
};

static int read_waivers(struct host *host, struct rows *rows, struct err *err)
{
	const struct site_file *site;
	int r = site_file_read(host, rows->arena, &site, err);

	for (size_t i = 0; r == 0 && site && i < site->waivers.n; i++) {
		const struct site_waiver *w = &site->waivers.p[i];
		struct row *row = rows_add(rows, FROM(SITE_FILE, w->at.doc->nodes[w->at.i].line));

		row_str(row, RULE, w->rule);
		row_str(row, OBJECT, w->object);
		row_str(row, REASON, w->reason);
		row_str(row, OWNER, w->owner);
		if (!w->forever)
			row_int(row, UNTIL, w->until);
		row_bool(row, EXPIRED, site_waiver_has_expired(w, host_now(host)));
	}
	return r;
}

static const struct table waivers = {
	.name = "waivers",
	.doc = "Findings that the site file accepts",
	.columns = columns,
	.read = read_waivers,
};
TABLE(waivers);
