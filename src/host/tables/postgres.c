/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of PostgreSQL's clusters. */
#include "host/postgres.h"
#include "host/edit.h"

static const struct column columns[] = {
	SETTINGS_COLUMNS("The cluster: version and name (15/main), or its data directory",
					 COLUMN_SETTABLE),
	{0},
};

static int read_table(struct host *host, struct rows *rows, struct err *err)
{
	struct pg_clusters all;
	int r = postgres_read(host, rows->arena, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		settings_rows(rows, &all.p[i].settings, all.p[i].name, all.p[i].config, all.p[i].network);
	return r;
}

/* Those that a reload puts into force for the sessions that begin, and that no client is cut off by. */
static bool can_reload(struct str key)
{
	return str_is_one_of(key, NAMES("log_connections", "log_disconnections", "log_statement",
									"log_line_prefix", "password_encryption", "log_min_messages"));
}

static const struct pg_cluster *find_cluster(const struct pg_clusters *all, struct str name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_is(name, all->p[i].name))
			return &all->p[i];
	return NULL;
}

/* In its place where a file says it already, else in a drop-in; postgresql.auto.conf is the server's
 * own and comes last. */
static int set_postgres(struct host *host, const struct wish *wish, struct edits *edits,
						struct err *err)
{
	const struct row *row = wish->row;
	struct pg_clusters all;
	const struct pg_cluster *c;
	const struct setting *now;
	const char *path;
	int r;

	if (!row || !can_reload(wish->key) || wish->column != SETTINGS_VALUE)
		return err_set(err, ENOTSUP, "%.*s takes effect by a restart, and is set by hand",
					   STR_ARG(wish->key));
	r = postgres_read(host, edits->arena, &all, err);
	if (r < 0)
		return r;
	c = find_cluster(&all, row->cells[SETTINGS_INSTANCE].string);
	if (!c || c->settings.gap || !str_starts(str_of(c->config), "/etc/postgresql/"))
		return err_set(err, ENOTSUP, "the configuration of %.*s is not of Debian's kind",
					   STR_ARG(row->cells[SETTINGS_INSTANCE].string));
	now = settings_find(&c->settings, str_dup(edits->arena, wish->key));
	path = now && now->from.path ? now->from.path
		   : c->dropins          ? arena_printf(edits->arena, "%s/99-revet.conf", c->dropins)
								 : c->config;
	if (str_ends(str_of(path), "/postgresql.auto.conf"))
		return err_set(err, ENOTSUP, "ALTER SYSTEM has set it: ALTER SYSTEM RESET %.*s",
					   STR_ARG(wish->key));
	edit_key(edits, path, EDIT_EQUALS, NULL, wish->key,
			 str_of(arena_printf(edits->arena, "'%.*s'", STR_ARG(edit_text(edits, wish, ",")))));
	edit_reload(edits, arena_printf(edits->arena, "postgresql@%u-%s.service", c->version,
									strrchr(c->name, '/') + 1));
	return 0;
}

static const struct table postgres = {
	.name = "postgres",
	.doc = "Settings of PostgreSQL's clusters: postgresql.conf, what it includes, and "
		   "postgresql.auto.conf, as the next start or reload would take them. Not those of one "
		   "role or database",
	.columns = columns,
	.read = read_table,
	.loaded = LOADED_BY(.units = STARTED("postgresql@*.service", "postgresql.service")),
	.started = &postgres_started,
	.multi = true,
	.set = set_postgres,
	.fix = "set {key} of cluster {instance} and reload it",
};
TABLE(postgres);
