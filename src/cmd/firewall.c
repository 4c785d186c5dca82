/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

enum { ROOT };

static const struct option_doc options[] = {
	[ROOT] = {"root", 0, "DIR", "read the recording in DIR"},
	{0},
};

static int show(struct worker *w, void *data)
{
	const struct table *table = data;
	const struct rows *rows = snapshot_rows(w->snapshot, table);
	int column = table_column(table, STR("site_ruleset"));
	_cleanup_buf_ struct buf out = BUF((size_t)16 << 20);
	const struct value *cell = rows && rows->n ? &rows->p[0]->cells[column] : NULL;

	if (!cell || rows->error)
		return fail(EXIT_CANNOT, "the packet filter cannot be read: %s", rows ? rows->why : "");
	if (cell->state == VALUE_UNKNOWN)
		return fail(EXIT_CANNOT, "%s", cell->why);
	if (cell->state == VALUE_ABSENT)
		return fail(EXIT_CONFIG,
					"%s does not say who is served: see revet.yaml(5), `serves` and `admins`",
					SITE_FILE);
	buf_str(&out, cell->string);
	buf_putc(&out, '\n');
	return put_stdout(&out);
}

static int run_firewall(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	const struct table *table = table_find(STR("firewall"));
	struct worker w = {
		.source = {.root = given_value(g, ROOT)},
		.snapshot = snapshot,
		.use = show,
		.data = (void *)(uintptr_t)table,
	};

	snapshot_want_none(snapshot);
	snapshot_want_all(snapshot, table);
	return worker_run(&w);
}

static const struct command firewall_command = {
	"firewall", "",          "print the packet filter that the site file asks for", options, 0,
	0,          run_firewall};
COMMAND(firewall_command);
