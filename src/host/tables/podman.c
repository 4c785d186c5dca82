/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From where Podman, Buildah, Skopeo and CRI-O take images: registries.conf and its drop-ins,
 * containers-registries.conf(5), and policy.json, containers-policy.json(5).
 */
#include "base/map.h"
#include "host/conf.h"
#include "host/json_file.h"
#include "host/passwd.h"
#include "host/table.h"

#define POLICY "/etc/containers/policy.json"
#define REGISTRIES "/etc/containers/registries.conf"

enum { KEY, VALUE };

static const struct column columns[] = {
	[KEY] = {"key", TYPE_STRING,
			 "policy.default and policy.docker; insecure-registries; short-name-mode and "
			 "unqualified-search-registries",
			 COLUMN_KEY | COLUMN_LABEL},
	[VALUE] =
		{"value", TYPE_STRING,
		 "What images of anywhere else, and of any other registry, need: insecureAcceptAnything, "
		 "reject, signedBy, sigstoreSigned; registries, with blanks between, that are asked "
		 "without TLS or "
		 "with any certificate; the setting's value, of a list with blanks between",
		 COLUMN_VALUE},
	{0},
};

struct reader {
	struct host *host;
	struct rows *rows;
	struct map seen;
};

static void put(struct reader *r, const char *key, struct str value, struct from from, bool add)
{
	struct row *row = map_get(&r->seen, str_of(key));

	if (!row) {
		row = rows_add(r->rows, from);
		map_put(&r->seen, str_of(key), row);
		row_strz(row, KEY, key);
	} else if (add && row->cells[VALUE].string.n + value.n < 4096) {
		value = str_of(arena_printf(r->rows->arena, "%.*s %.*s", STR_ARG(row->cells[VALUE].string),
									STR_ARG(value)));
	}
	row->from = from;
	row_str(row, VALUE, value);
}

/* Every requirement has to be met, so one that is not insecureAcceptAnything counts. */
static struct str strictest(struct reader *r, const json_t *requirements)
{
	struct str ret = STR_ABSENT;
	const json_t *item;
	size_t i;

	json_array_foreach(requirements, i, item)
	{
		struct str type = json_file_str(item, "type", r->rows->arena);

		if (!ret.p || str_is(ret, "insecureAcceptAnything"))
			ret = type;
	}
	return ret;
}

static void read_policy(struct reader *r, const char *path)
{
	_cleanup_json_ json_t *json = NULL;
	const json_t *registries;
	struct err err = {0};
	int e = json_file_read(r->host, path, r->rows->arena, &json, &err);

	if (e == -ENOENT || e == -ENOTDIR)
		return;
	if (e < 0)
		rows_gap(r->rows, "%s", err.msg);
	else
		put(r, "policy.default", strictest(r, json_object_get(json, "default")), FROM(path, 0),
			false);
	registries =
		json_object_get(json_object_get(json_object_get(json, "transports"), "docker"), "");
	if (registries)
		put(r, "policy.docker", strictest(r, registries), FROM(path, 0), false);
}

/* "text", or a list of them on one line, as words, a comment behind it taken off. What is written another way is not known. */
static bool plain_value(struct reader *r, struct str value, struct str *ret)
{
	char *p = str_dup(r->rows->arena, value);
	char quote = '\0';

	for (size_t i = 0; i < value.n; i++) {
		if (p[i] == '#' && !quote)
			value.n = i;
		else if (p[i] == quote)
			quote = '\0';
		else if (!quote && (p[i] == '"' || p[i] == '\''))
			quote = p[i];
		if (strchr("[],\"'", p[i]))
			p[i] = ' ';
	}
	value = str_trim(value);
	*ret = str_squeeze(r->rows->arena, (struct str){p, value.n});
	return !str_starts(value, "[") || str_ends(value, "]");
}

/* A registry is named by its prefix, or by where it is. */
struct registry {
	struct str location;
	struct from from;
	bool insecure;
};

static void put_registry(struct reader *r, struct registry *registry)
{
	if (registry->insecure)
		put(r, "insecure-registries", registry->location.n ? registry->location : STR("?"),
			registry->from, true);
	*registry = (struct registry){0};
}

static void read_item(struct reader *r, struct registry *registry, const struct conf_item *item)
{
	struct str value;

	if (!plain_value(r, item->value, &value)) {
		rows_gap(r->rows, "%s:%u: a value of several lines", item->file, item->line);
		return;
	}
	if (str_is(item->key, "location") || (str_is(item->key, "prefix") && !registry->location.n))
		registry->location = value;
	if (str_is(item->key, "insecure")) {
		registry->insecure = str_is(value, "true");
		registry->from = FROM(item->file, item->line);
	}
	if (!item->section.p && (str_is(item->key, "short-name-mode") ||
							 str_is(item->key, "unqualified-search-registries")))
		put(r, str_dup(r->rows->arena, item->key), value, FROM(item->file, item->line), false);
	if (str_is(item->section, "registries.insecure") && str_is(item->key, "registries") && value.n)
		put(r, "insecure-registries", value, FROM(item->file, item->line), true);
}

/* Each [[registry]] is a section, and they are told apart by where their name stands in the text. */
static void read_registries(struct reader *r, const char *path)
{
	struct conf conf = {0};
	struct registry registry = {0};
	struct err err = {0};
	int e = conf_read(r->host, r->rows->arena, path, CONF_INI, &conf, &err);

	if (e < 0 && e != -ENOENT && e != -ENOTDIR)
		rows_gap(r->rows, "%s", err.msg);
	for (size_t i = 0; e == 0 && i < conf.n; i++) {
		if (i && conf.items[i].section.p != conf.items[i - 1].section.p)
			put_registry(r, &registry);
		read_item(r, &registry, &conf.items[i]);
	}
	put_registry(r, &registry);
}

/* What root's home has is asked in place of what /etc has, which is still that of everybody else: both have
 * rows. */
static void read_own(struct reader *r)
{
	const struct passwd_user *root = NULL;
	struct str home = STR("/root");
	struct passwd_db db;
	struct err err = {0};

	if (passwd_read(r->host, r->rows->arena, &db, &err) == 0)
		root = passwd_by_uid(&db, 0);
	if (root && str_starts(root->home, "/"))
		home = root->home;
	map_init(&r->seen, r->rows->arena);
	read_policy(r,
				arena_printf(r->rows->arena, "%.*s/.config/containers/policy.json", STR_ARG(home)));
	read_registries(
		r, arena_printf(r->rows->arena, "%.*s/.config/containers/registries.conf", STR_ARG(home)));
}

static int read_podman(struct host *host, struct rows *rows, struct err *err)
{
	struct reader r = {.host = host, .rows = rows};
	struct str *files;
	size_t n;
	int e;

	map_init(&r.seen, rows->arena);
	read_policy(&r, POLICY);
	read_registries(&r, REGISTRIES);
	e = host_list_all_files(host, REGISTRIES ".d", ".conf", rows->arena, &files, &n, err);
	if (e < 0)
		return e;
	for (size_t i = 0; i < n; i++)
		read_registries(&r, str_dup(rows->arena, files[i]));
	read_own(&r);
	return 0;
}

static const struct table podman = {
	.name = "podman",
	.doc = "From where Podman and its like take images, from registries.conf, its drop-ins and "
		   "policy.json of /etc/containers, and root's own ones, in a row each; absent: the "
		   "default holds",
	.columns = columns,
	.read = read_podman,
	.multi = true,
};
TABLE(podman);
