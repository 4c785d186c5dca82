/* SPDX-License-Identifier: Apache-2.0 */
#include "host/docroot.h"

#include <dirent.h>

#include "base/vec.h"

/* A directory with the file by which it is told from another of its name. */
static const struct {
	const char *name, *file;
} directories[] = {
	{".git", "/.git/HEAD"},   {".svn", "/.svn/wc.db"},       {".hg", "/.hg/requires"},
	{".bzr", "/.bzr/README"}, {".aws", "/.aws/credentials"},
};

static const char *const files[] = {
	".env",      ".env.*", ".htpasswd",  ".netrc",   ".npmrc",    ".git-credentials", ".*_history",
	".*.sw[op]", "*.sql",  "*.sql.gz",   "*.sql.xz", "*.sql.bz2", "*.sql.zip",        "*.php.bak",
	"*.php.old", "*.php~", "*.php.save", "*.key",    "id_rsa",    "id_ed25519",       "*.kdbx",
};

/* Written to be looked at. */
static bool is_sample(const char *name)
{
	static const char *const samples[] = {".env.example", ".env.sample", ".env.dist",
										  ".env.template"};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (strcmp(name, samples[i]) == 0)
			return true;
	return false;
}

static const char *private_file(const char *name, struct arena *arena)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (str_glob(files[i], str_of(name)) && !is_sample(name))
			return arena_printf(arena, "/%s", name);
	return NULL;
}

/* *ret: what in the directory tells that it is private; NULL: it is not. */
static int private_directory(struct host *host, const char *root, const char *name,
							 struct arena *arena, const char **ret, struct err *err)
{
	struct path_stat st;

	*ret = NULL;
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		int r;

		if (strcmp(name, directories[i].name) != 0)
			continue;
		r = host_stat(host, arena_printf(arena, "%s%s", root, directories[i].file), true, &st, err);
		if (r == 0)
			*ret = directories[i].file;
		if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return 0;
}

int docroot_private(struct host *host, const char *root, struct arena *arena, struct str **ret,
					size_t *ret_n, struct err *err)
{
	VEC(struct str) found = {0};
	struct host_dir dir;
	int r = host_list(host, root, arena, &dir, err);

	*ret = NULL;
	*ret_n = 0;
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < dir.n && found.n < DOCROOT_MAX; i++) {
		const char *name = dir.entries[i].name;
		const char *path;

		r = private_directory(host, root, name, arena, &path, err);
		if (r < 0)
			return r;
		if (!path && dir.entries[i].type != DT_DIR)
			path = private_file(name, arena);
		if (path)
			*vec_push(arena, &found) = str_of(path);
	}
	*ret = found.p;
	*ret_n = found.n;
	return dir.more ? err_set(err, E2BIG, "%s: too many files", root) : 0;
}
