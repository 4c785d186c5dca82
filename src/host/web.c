/* SPDX-License-Identifier: Apache-2.0 */
#include "host/web.h"

#include "base/vec.h"
#include "host/address.h"
#include "host/docroot.h"

#define MAX_LOOKED 2000

void web_init(struct web *web, struct host *host, struct arena *arena)
{
	*web = (struct web){.host = host, .arena = arena, .worker.uid = ACCOUNT_ANYBODY};
	map_init(&web->keys, arena);
	map_init(&web->roots, arena);
}

int web_is_installed(struct host *host, const char *const *programs, size_t n, struct err *err)
{
	struct path_stat st;

	for (size_t i = 0; i < n; i++) {
		int r = host_stat(host, programs[i], true, &st, err);

		if (r != -ENOENT && r != -ENOTDIR)
			return r < 0 ? r : 1;
	}
	return 0;
}

/* --- what the workers may -------------------------------------------------------------------- */

void web_find_worker(struct web *web, struct str user, struct str group)
{
	struct passwd_db db;
	struct err ignored = {0};

	web->has_accounts = passwd_read(web->host, web->arena, &db, &ignored) == 0;
	if (web->has_accounts)
		web->worker = account_named(&db, user, group, web->arena);
}

static int may(struct web *web, struct str path, unsigned bits, struct web_list *list)
{
	struct err err = {0};
	int r = account_may(web->host, &web->worker, str_dup(web->arena, path), bits, web->arena, &err);

	if (r < 0)
		list->why = arena_strdup(web->arena, err.msg);
	return r;
}

void web_writable(struct web *web, const struct str *files, size_t n, struct web_list *ret)
{
	struct map seen;

	if (!web->has_accounts) {
		ret->why = "/etc/passwd could not be read";
		return;
	}
	map_init(&seen, web->arena);
	for (size_t i = 0; i < n; i++) {
		const char *slash = memrchr(files[i].p, '/', files[i].n);
		struct str both[] = {files[i], {files[i].p, (size_t)(slash - files[i].p)}};

		for (size_t k = 0; k < ARRAY_LEN(both); k++)
			if (both[k].n && !map_put(&seen, both[k], web) &&
				may(web, both[k], ACCOUNT_WRITE, ret) > 0)
				*vec_push(web->arena, ret) = both[k];
	}
}

void web_open_key(struct web *web, struct str path, struct web_list *list)
{
	const char *known = map_get(&web->keys, path);

	if (!known) {
		int r = may(web, path, ACCOUNT_READ, list);

		if (r < 0)
			return;
		known = r > 0 ? str_dup(web->arena, path) : "";
		map_put(&web->keys, path, (void *)known);
	}
	if (*known)
		*vec_push(web->arena, list) = str_of(known);
}

/* --- what lies about ------------------------------------------------------------------------- */

const struct web_list *web_private(struct web *web, struct str root)
{
	struct web_list *list = map_get(&web->roots, root);
	struct err err = {0};

	if (list)
		return list;
	list = arena_new(web->arena, struct web_list, 1);
	map_put(&web->roots, root, list);
	if (docroot_private(web->host, str_dup(web->arena, root), web->arena, &list->p, &list->n,
						&err) < 0)
		list->why = arena_strdup(web->arena, err.msg);
	return list;
}

bool web_may_look(struct web *web)
{
	return ++web->looked <= MAX_LOOKED;
}

/* --- addresses ------------------------------------------------------------------------------- */

const char *web_reach_name(enum web_reach reach)
{
	static const char *const names[] = {"loopback", "private", "public"};

	return names[reach];
}

enum web_reach web_reach(struct str address)
{
	struct str host = STR("");
	const char *scope;

	if (str_skip(&address, "["))
		str_cut(&address, ']', &host);
	else
		str_cut(&address, ':', &host);
	scope = str_is_nocase(host, "localhost") ? "loopback" : address_scope(host);
	if (!scope || strcmp(scope, "public") == 0)
		return WEB_PUBLIC;
	return strcmp(scope, "loopback") == 0 ? WEB_LOOPBACK : WEB_PRIVATE;
}

/* --- lists and rows -------------------------------------------------------------------------- */

void web_split(struct arena *arena, struct str text, char separator, struct web_list *list)
{
	struct str item;

	while (str_cut(&text, separator, &item))
		if (item.n)
			*vec_push(arena, list) = item;
}

void web_row_list(struct row *row, int column, const struct web_list *list)
{
	if (list->why && !list->n)
		row_unknown(row, column, list->why);
	else
		row_list(row, column, list->p, list->n);
}

void web_row_from(struct row *row, int column, const struct directive *d)
{
	if (d)
		row_from(row, column, FROM(d->file, d->line));
}
