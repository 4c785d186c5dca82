/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of the resolver Unbound. */
#include "base/map.h"
#include "host/table.h"
#include "host/unbound_conf.h"

enum { KEY, VALUE, CLAUSE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING, "Name of the option, as in unbound.conf(5)",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] = {"value", TYPE_STRING,
			   "Its value; of an option that has one value, the last; several with blanks between",
			   COLUMN_VALUE},
	[CLAUSE] = {"clause", TYPE_STRING, "The clause that it stands in: server, remote-control, ...",
				COLUMN_LABEL},
	{0},
};

/* Each line of these adds a value, and each clause but these is one of several. */
static bool adds_up(const struct unbound_option *o)
{
	static const char *const keys[] = {"interface",
									   "ip-address",
									   "outgoing-interface",
									   "control-interface",
									   "private-address",
									   "private-domain",
									   "trust-anchor",
									   "trust-anchor-file",
									   "auto-trust-anchor-file",
									   "trusted-keys-file",
									   "domain-insecure",
									   "do-not-query-address",
									   "root-hints",
									   "local-data",
									   "local-data-ptr",
									   "outgoing-port-permit",
									   "outgoing-port-avoid",
									   "define-tag",
									   NULL};

	if (o->n_values > 1 || (!str_is(o->clause, "server") && !str_is(o->clause, "remote-control")))
		return true;
	return str_is_one_of(o->key, keys);
}

static struct row *row_of(struct rows *rows, struct map *single, const struct unbound_option *o)
{
	struct from from = FROM(o->file, o->line);

	return adds_up(o) ? rows_add(rows, from) : rows_setting(rows, single, o->key, from);
}

static int read_unbound(struct host *host, struct rows *rows, struct err *err)
{
	struct unbound_conf conf;
	struct map single;
	int r = unbound_conf_read(host, rows->arena, &conf, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	map_init(&single, rows->arena);
	vec_each(&conf.options, o)
	{
		struct row *row = row_of(rows, &single, o);

		row_str(row, KEY, o->key);
		row_str(row, VALUE, str_join(rows->arena, o->values, o->n_values, " "));
		row_str(row, CLAUSE, o->clause);
	}
	if (conf.gap)
		rows_unsure(rows, VALUE, conf.gap);
	return 0;
}

static const struct table unbound = {
	.name = "unbound",
	.doc = "Settings of Unbound, from /etc/unbound/unbound.conf and what it includes; absent: the "
		   "default holds",
	.columns = columns,
	.read = read_unbound,
	.loaded = LOADED_BY(.units = STARTED("unbound.service")),
	.started = &unbound_started,
	.multi = true,
};
TABLE(unbound);
