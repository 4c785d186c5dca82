/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "change/names.h"
#include "change/nft.h"
#include "host/site_ruleset.h"

enum { REFRESH, SITE, ROOT };

static const struct option_doc options[] = {
	[REFRESH] = {"refresh", 0, NULL,
				 "ask for the addresses of the hosts that the filter in force knows by name"},
	[SITE] = {"site", 0, "FILE", "what this server is for (" SITE_FILE ")"},
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
					"%s is not there, or does not say who is served (`serves`, `admins`: "
					"revet.yaml(5)); revet init writes one",
					w->source.site->path ? w->source.site->path : SITE_FILE);
	buf_str(&out, cell->string);
	buf_putc(&out, '\n');
	return put_stdout(&out);
}

/* What is in force says which names there are, so that it fits, whatever the site file says by now. */
static int refresh(void)
{
	_cleanup_arena_ struct arena a = {0};
	struct place place = {.root = "/", .root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .live = true};
	struct names_result result = {0};
	struct str table = STR_ABSENT, commands = STR_ABSENT;
	struct err err = {0};
	int r = place.root_fd < 0 ? err_errno(&err, errno, "/") : nft_list(-1, SITE_TABLE, &a, &table, &err);

	if (r == 0 && table.p)
		commands = names_ask(&place, table, &a, &result);
	if (r == 0 && commands.p)
		r = nft_feed(commands, &err);
	close_fd(&place.root_fd);
	if (r < 0)
		return fail(geteuid() ? EXIT_PERMISSION : EXIT_CANNOT, "%s", err.msg);
	for (size_t i = 0; i < result.unresolved.n; i++)
		fail(0, "%.*s does not resolve: it keeps the addresses that it had",
			 STR_ARG(result.unresolved.p[i]));
	printf("%zu names, %zu addresses\n", result.names, result.addresses);
	return end_stdout(EXIT_DONE);
}

static int run_firewall(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	const struct table *table = table_find(STR("firewall"));
	struct catalogue catalogue;
	struct site site;
	struct worker w = {
		.source = {.root = given_value(g, ROOT), .site = &site},
		.snapshot = snapshot,
		.use = show,
		.data = (void *)(uintptr_t)table,
	};

	int code;

	if (given_value(g, REFRESH))
		return refresh();
	code = open_catalogue(&catalogue, &site, g, &(struct opening){-1, -1, SITE, w.source.root != NULL});
	snapshot_want_none(snapshot);
	snapshot_want_all(snapshot, table);
	if (code == 0)
		code = worker_run(&w);
	catalogue_done(&catalogue);
	return code;
}

static const struct command firewall_command = {
	"firewall", "",          "print the packet filter that the site file asks for", options, 0,
	0,          run_firewall};
COMMAND(firewall_command);
