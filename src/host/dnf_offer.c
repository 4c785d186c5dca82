/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnf's lists: REPOSITORY-HASH/repodata/HASH-primary.xml of its cache, compressed, tens of megabytes. They
 * are streamed and looked through for the package's name, behind which createrepo writes architecture and
 * version. Of those the newest is what dnf would take, where no module, priority or exclusion has it
 * decide otherwise, in which case the change is refused when dnf is asked.
 */
#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/conf.h"
#include "host/package_offers.h"
#include "host/rpm_version.h"
#include "host/unpack.h"

#define NEAR ((size_t)2048) /* how far behind the name the version stands at most */
#define HASH_LENGTH 17 /* of the directory's name, with its dash */

struct version {
	struct str epoch, version, release;
};

struct search {
	struct arena arena;
	const char *needle; /* "<name>NAME</name>" */
	struct version best;
};

static void search_done(struct search *s)
{
	arena_done(&s->arena);
}

/* What stands between the two, within the text; absent when they are not there. */
static struct str between(struct str text, const char *before, const char *after)
{
	const char *begin = memmem(text.p, text.n, before, strlen(before)), *end;

	if (!begin)
		return STR_ABSENT;
	begin += strlen(before);
	end = memmem(begin, text.n - (size_t)(begin - text.p), after, strlen(after));
	return end ? (struct str){begin, (size_t)(end - begin)} : STR_ABSENT;
}

static int cmp(const struct version *a, const struct version *b)
{
	int r = rpm_version_cmp(a->epoch, b->epoch);

	if (r == 0)
		r = rpm_version_cmp(a->version, b->version);
	return r ? r : rpm_version_cmp(a->release, b->release);
}

/* Packages of modules are taken where their stream is switched on, which is not looked at. */
static void take(struct search *s, struct str behind)
{
	struct str arch = between(behind, "<arch>", "</arch>"),
			   line = between(behind, "<version ", "/>");
	struct version v = {between(line, "epoch=\"", "\""), between(line, "ver=\"", "\""),
						between(line, "rel=\"", "\"")};

	if (!v.version.n || !v.release.n || str_is(arch, "src") || str_has(v.release, ".module"))
		return;
	if (!v.epoch.n)
		v.epoch = STR("0");
	if (s->best.version.p && cmp(&v, &s->best) <= 0)
		return;
	s->best =
		(struct version){str_of(str_dup(&s->arena, v.epoch)), str_of(str_dup(&s->arena, v.version)),
						 str_of(str_dup(&s->arena, v.release))};
}

/* How much of the text needs not be looked at again. */
static size_t look_through(void *data, struct str text, bool is_end)
{
	struct search *s = data;
	size_t n = strlen(s->needle);
	struct str rest = text;
	const char *at;

	while ((at = memmem(rest.p, rest.n, s->needle, n)) != NULL) {
		struct str behind = {at + n, rest.n - (size_t)(at - rest.p) - n};

		if (!is_end && behind.n < NEAR)
			return (size_t)(at - text.p);
		behind.n = MIN(behind.n, NEAR);
		take(s, behind);
		rest = (struct str){at + n, rest.n - (size_t)(at - rest.p) - n};
	}
	return text.n - MIN(rest.n, n - 1);
}

static int search_list(struct search *s, int root_fd, const char *path, struct err *err)
{
	_cleanup_(unpack_freep) struct unpack *u = NULL;
	int r = unpack_open_path(root_fd, path, &u, err);

	if (r < 0)
		return r;
	r = unpack_each(u, look_through, s);
	return r < 0 ? err_errno(err, -r, "%s", path) : 0;
}

/* --- the lists of repositories that are in use ------------------------------------------------- */

struct asked {
	const char *name;
	VEC(struct str) repositories;
};

static bool is_off(const struct conf *conf, const char *section)
{
	const struct conf_item *item = conf_last(conf, section, "enabled");

	return item && (str_is(item->value, "0") || str_is_nocase(item->value, "no") ||
					str_is_nocase(item->value, "false") || str_is_nocase(item->value, "off"));
}

/* What it fetches for a change it moves to where it is told, out of a directory that is a repository, too. */
static int refuse_directory(const struct conf *conf, struct str section, struct err *err)
{
	for (size_t i = 0; i < conf->n; i++) {
		const struct conf_item *item = &conf->items[i];

		if (str_eq(item->section, section) &&
			(str_has(item->key, "file:") ||
			 (str_is(item->key, "baseurl") && str_has(item->value, "file:"))))
			return err_set(
				err, ENOTSUP,
				"%s:%u: dnf would move packages out of the directory that is the repository "
				"%.*s: it is installed by hand",
				item->file, item->line, STR_ARG(section));
	}
	return 0;
}

static int find_repositories(struct host *host, struct arena *a, struct asked *asked,
							 struct err *err)
{
	struct conf conf = {0};
	struct str *files, last = STR_ABSENT;
	size_t n = 0;
	int r = host_list_files(host, "/etc/yum.repos.d", ".repo", a, &files, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = conf_read(host, a, str_dup(a, files[i]), CONF_INI, &conf, err);
	for (size_t i = 0; r == 0 && i < conf.n; i++) {
		struct str section = conf.items[i].section;

		if (section.p && !str_eq(section, last) && !is_off(&conf, str_dup(a, section))) {
			*vec_push(a, &asked->repositories) = section;
			r = refuse_directory(&conf, section, err);
		}
		last = section;
	}
	return r;
}

static bool is_asked(const struct asked *asked, struct str dir)
{
	if (dir.n <= HASH_LENGTH || dir.p[dir.n - HASH_LENGTH] != '-')
		return false;
	dir.n -= HASH_LENGTH;
	for (size_t i = 0; i < asked->repositories.n; i++)
		if (str_eq(asked->repositories.p[i], dir))
			return true;
	return false;
}

static int search_repository(struct search *s, int root_fd, const char *dir, struct err *err)
{
	struct path_entry *entries = NULL;
	bool more = false;
	size_t n = 0;
	int r = path_list(root_fd, dir, 1024, &s->arena, &entries, &n, &more);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_has(str_of(entries[i].name), "primary.xml"))
			r = search_list(s, root_fd, arena_printf(&s->arena, "%s/%s", dir, entries[i].name),
							err);
	return r == -ENOENT ? 0 : r;
}

static int search_cache(struct search *s, int root_fd, const char *cache, const struct asked *asked,
						struct err *err)
{
	struct path_entry *entries = NULL;
	bool more = false;
	size_t n = 0;
	int r = path_list(root_fd, cache, 1024, &s->arena, &entries, &n, &more);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (is_asked(asked, str_of(entries[i].name)))
			r = search_repository(
				s, root_fd, arena_printf(&s->arena, "%s/%s/repodata", cache, entries[i].name), err);
	return r == -ENOENT ? 0 : r;
}

/* dnf's own, and that of dnf 5. */
static int ask(struct host *host, const void *data, struct buf *out, struct err *err)
{
	static const char *const caches[] = {"/var/cache/dnf", "/var/cache/libdnf5"};
	const struct asked *asked = data;
	_cleanup_(search_done) struct search s = {0};
	int r = 0;

	s.needle = arena_printf(&s.arena, "<name>%s</name>", asked->name);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(caches); i++)
		r = search_cache(&s, host_root_fd(host), caches[i], asked, err);
	if (r < 0 || !s.best.version.p)
		return r;
	if (!str_is(s.best.epoch, "0"))
		buf_printf(out, "%.*s:", STR_ARG(s.best.epoch));
	buf_printf(out, "%.*s-%.*s", STR_ARG(s.best.version), STR_ARG(s.best.release));
	return 0;
}

int dnf_offer(struct host *host, const char *name, struct arena *a, struct str *ret_version,
			  struct err *err)
{
	struct asked *asked = arena_new(a, struct asked, 1);
	struct query query = {.name = arena_printf(a, "dnf-offer %s", name),
						  .live_with = ask,
						  .data = asked,
						  .tree = true};
	int r;

	asked->name = name;
	r = find_repositories(host, a, asked, err);
	if (r == 0)
		r = host_query(host, &query, a, ret_version, err);
	return r == 0 && !ret_version->n
			   ? err_set(err, ENOENT, "%s: no list of dnf's offers it; see: dnf makecache", name)
			   : r;
}
