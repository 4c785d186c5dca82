/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apk's lists: of a repository on this disk its own APKINDEX.tar.gz, of others a copy in the cache under a name
 * with a checksum, by apk 2 of the repository's address as it is written, by apk 3 of the list's own. Of
 * tagged repositories nothing is taken unasked.
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/vec.h"
#include "host/apk.h"
#include "host/package_offers.h"
#include "host/tar.h"

#define CACHE "/var/cache/apk"
#define LIST "APKINDEX.tar.gz"
#define MAX_INDEX ((uint64_t)32 << 20)
#define DIGITS 4 /* bytes of the checksum that the name has */

struct asked {
	const char *name;
	VEC(const char *) paths;
};

/* --- where lists are --------------------------------------------------------------------------- */

static const char *cached(struct arena *a, const char *cache, struct str address,
						  const EVP_MD *kind)
{
	unsigned char sum[EVP_MAX_MD_SIZE] = {0};

	if (!EVP_Digest(address.p, address.n, sum, NULL, kind, NULL))
		return NULL;
	_Static_assert(DIGITS == 4, "as many as are printed");
	return arena_printf(a, "%s/APKINDEX.%02x%02x%02x%02x.tar.gz", cache, sum[0], sum[1], sum[2],
						sum[3]);
}

/* The first that is there. */
static void add_list(struct host *host, struct arena *a, struct asked *asked,
					 const char *const *paths)
{
	const char *path;
	struct err ignored;

	if (host_first(host, paths, &path, &ignored) == 0)
		*vec_push(a, &asked->paths) = path;
}

static void add_repository(struct host *host, struct arena *a, struct str written, const char *arch,
						   const char *cache, struct asked *asked)
{
	struct str address = written;
	const char *list;

	while (address.n > 1 && address.p[address.n - 1] == '/')
		address.n--;
	list = arena_printf(a, "%.*s/%s/" LIST, STR_ARG(address), arch);
	if (str_skip(&address, "file://") || str_starts(address, "/"))
		add_list(host, a, asked, NAMES(arena_printf(a, "%.*s/%s/" LIST, STR_ARG(address), arch)));
	else
		add_list(host, a, asked,
				 NAMES(cached(a, cache, str_of(list), EVP_sha256()),
					   cached(a, cache, written, EVP_sha1())));
}

/* A line is "[@TAG] ADDRESS"; what else it may begin with is apk 3's, and is not read. */
static int add_repositories(struct host *host, struct arena *a, const char *path, const char *arch,
							const char *cache, struct asked *asked, struct err *err)
{
	struct str text, line, address;
	int r = host_read(host, path, a, &text, err);

	while (r == 0 && str_line(&text, &line)) {
		if (!str_word(&line, &address) || str_starts(address, "#") || str_starts(address, "@") ||
			str_trim(line).n)
			continue;
		if (str_has(address, "/"))
			add_repository(host, a, address, arch, cache, asked);
	}
	return r == -ENOENT ? 0 : r;
}

static int find_arch(struct host *host, struct arena *a, const char **ret, struct err *err)
{
	struct str text, arch;
	int r = host_read(host, "/etc/apk/arch", a, &text, err);

	if (r == 0 && !str_word(&text, &arch))
		r = err_set(err, ENOTSUP, "/etc/apk/arch is empty");
	if (r == 0)
		*ret = str_dup(a, arch);
	return r;
}

static int find_lists(struct host *host, struct arena *a, struct asked *asked, struct err *err)
{
	static const char *const caches[] = {"/etc/apk/cache", CACHE, NULL};
	const char *arch = NULL, *cache = CACHE;
	struct err ignored;
	struct str *files;
	size_t n = 0;
	int r = find_arch(host, a, &arch, err);

	if (r < 0)
		return r;
	(void)host_first(host, caches, &cache, &ignored);
	r = add_repositories(host, a, "/etc/apk/repositories", arch, cache, asked, err);
	if (r == 0)
		r = host_list_files(host, "/etc/apk/repositories.d", ".list", a, &files, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_repositories(host, a, files[i].p, arch, cache, asked, err);
	return r;
}

/* --- what they offer --------------------------------------------------------------------------- */

/* "VERSION" into out; 1 when it is in there. */
static int search_text(struct str text, const char *name, struct buf *out)
{
	struct str package;

	while (apk_next(&text, &package))
		if (str_is(apk_value(package, 'P'), name)) {
			buf_str(out, apk_value(package, 'V'));
			return 1;
		}
	return 0;
}

static int search_index(struct unpack *u, const char *name, struct buf *out)
{
	struct tar tar = {.from = u};
	struct tar_entry entry;
	char *text;
	int r;

	while ((r = tar_next(&tar, &entry)) > 0)
		if (strcmp(entry.name, "APKINDEX") == 0)
			break;
	if (r <= 0 || !entry.size)
		return r;
	if (entry.size > MAX_INDEX)
		return -EFBIG;
	text = mem_calloc(1, (size_t)entry.size);
	r = tar_read(&tar, text, (size_t)entry.size);
	if (r > 0)
		r = search_text((struct str){text, (size_t)entry.size}, name, out);
	free(text);
	return r;
}

/* Of several versions, a line each, apk has to choose. */
static int ask(struct host *host, const void *data, struct buf *out, struct err *err)
{
	const struct asked *asked = data;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < asked->paths.n; i++) {
		_cleanup_(unpack_freep) struct unpack *u = NULL;

		r = unpack_open_path(host_root_fd(host), asked->paths.p[i], &u, err);
		if (r < 0)
			return r;
		r = search_index(u, asked->name, out);
		if (r > 0)
			buf_putc(out, '\n');
		if (r < 0)
			return err_errno(err, -r, "%s", asked->paths.p[i]);
	}
	return MIN(r, 0);
}

/* A line that forbids it, or holds it to a version, would be lost. */
static int check_world(struct host *host, const char *name, struct arena *a, struct err *err)
{
	struct str list, what;
	bool not ;
	int r = host_read(host, APK_WORLD, a, &list, err);

	while (r == 0 && apk_dependency(&list, &what, NULL, &not ))
		if (str_is(what, name))
			r = err_set(err, ENOTSUP, APK_WORLD " %s the package %s", not ? "forbids" : "has",
						name);
	return r;
}

int apk_offer(struct host *host, const char *name, struct arena *a, struct str *ret_version,
			  struct err *err)
{
	struct asked *asked = arena_new(a, struct asked, 1);
	struct query query = {.name = arena_printf(a, "apk-offer %s", name),
						  .live_with = ask,
						  .data = asked,
						  .tree = true};
	struct str text, line;
	int r;

	*asked = (struct asked){.name = name};
	r = check_world(host, name, a, err);
	if (r == 0)
		r = find_lists(host, a, asked, err);
	if (r == 0)
		r = host_query(host, &query, a, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0 || !str_line(&text, ret_version))
		return err_set(err, ENOENT, "%s: no list of apk's offers it; see: apk update", name);
	while (str_line(&text, &line))
		if (!str_eq(line, *ret_version))
			return err_set(err, ENOTSUP, "%s is offered as %.*s and as %.*s", name,
						   STR_ARG(*ret_version), STR_ARG(line));
	return 0;
}
