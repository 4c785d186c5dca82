/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect to PostgreSQL, and how they prove who they are. */
#include "host/pg_hba.h"

enum {
	CLUSTER,
	TYPE,
	DATABASES,
	USERS,
	ADDRESS,
	MASK,
	METHOD,
	OPTIONS,
	SCOPE,
	ENCRYPTED,
	SUPERUSER,
	SHADOWED
};

static const struct column columns[] = {
	[CLUSTER] = {"cluster", TYPE_STRING, "The cluster, as in the table postgres", COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "local, host, hostssl, hostnossl, hostgssenc or hostnogssenc",
			  COLUMN_LABEL},
	[DATABASES] = {"databases", TYPE_LIST, "Databases that it is about, @files resolved",
				   COLUMN_LABEL},
	[USERS] = {"users", TYPE_LIST, "Users that it is about, @files resolved", COLUMN_LABEL},
	[ADDRESS] = {"address", TYPE_STRING, "Clients that it is about; absent: local", COLUMN_LABEL},
	[MASK] = {"mask", TYPE_STRING, "Netmask, where it has a column of its own", 0},
	[METHOD] = {"method", TYPE_STRING,
				"How they prove who they are: trust, reject, scram-sha-256, ...", COLUMN_LABEL},
	[OPTIONS] = {"options", TYPE_LIST, "Options of the method, name=value", 0},
	[SCOPE] = {"scope", TYPE_STRING,
			   "Where the clients are: socket, loopback, network, or all for any address", 0},
	[ENCRYPTED] = {"encrypted", TYPE_BOOL,
				   "It is about connections with TLS or GSSAPI encryption alone", 0},
	[SUPERUSER] = {"superuser", TYPE_BOOL,
				   "It admits postgres, or all, or a pattern or role that may include a superuser",
				   0},
	[SHADOWED] = {"shadowed", TYPE_BOOL, "An earlier line decides all that it is about", 0},
	{0},
};

static void add_row(struct rows *rows, const struct pg_cluster *c, const struct pg_hba_line *l)
{
	struct row *row = rows_add(rows, l->from);

	row_strz(row, CLUSTER, c->name);
	row_str(row, TYPE, l->type);
	row_list(row, DATABASES, l->databases, l->n_databases);
	row_list(row, USERS, l->users, l->n_users);
	row_str(row, ADDRESS, l->address);
	row_str(row, MASK, l->mask);
	row_str(row, METHOD, l->method);
	row_list(row, OPTIONS, l->options, l->n_options);
	row_strz(row, SCOPE, l->scope);
	row_bool(row, ENCRYPTED, str_is(l->type, "hostssl") || str_is(l->type, "hostgssenc"));
	row_bool(row, SUPERUSER, l->superuser);
	row_bool(row, SHADOWED, l->shadowed);
}

static void add_cluster(struct host *host, struct rows *rows, const struct pg_cluster *c)
{
	struct pg_hba hba;

	pg_hba_read(host, rows->arena, c, &hba);
	if (hba.gap)
		rows_gap(rows, "%s", hba.gap);
	vec_each(&hba.lines, line) add_row(rows, c, line);
}

static int read_pg_hba(struct host *host, struct rows *rows, struct err *err)
{
	struct pg_clusters all;
	int r = postgres_read(host, rows->arena, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		add_cluster(host, rows, &all.p[i]);
	return r;
}

static const struct table pg_hba = {
	.name = "pg_hba",
	.doc =
		"Who may connect to PostgreSQL and how: the lines of pg_hba.conf and what it includes, in "
		"their order, as the next start or reload would take them",
	.columns = columns,
	.read = read_pg_hba,
	.loaded = LOADED_BY(.units = STARTED("postgresql@*.service", "postgresql.service")),
	.started = &postgres_started,
};
TABLE(pg_hba);
