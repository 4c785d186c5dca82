/* SPDX-License-Identifier: Apache-2.0 */
#include "host/glob.h"

#include <stdlib.h>

#include "base/vec.h"

struct glob {
	struct host *host;
	struct arena *arena;
	VEC(struct str) paths; /* what the components so far have matched */
	size_t listed;
	bool loose;
	struct err *err;
};

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool leads_nowhere(const struct glob *g, int r)
{
	return r == -ENOENT || r == -ENOTDIR || (g->loose && (r == -ELOOP || r == -ENAMETOOLONG));
}

static struct str join(struct glob *g, struct str directory, struct str name)
{
	return str_of(
		arena_printf(g->arena, "%.*s/%.*s", (int)directory.n, directory.p, (int)name.n, name.p));
}

static int too_many(struct glob *g, struct str directory)
{
	return err_set(g->err, E2BIG, "%.*s/: more than %d matches", STR_ARG(directory), HOST_GLOB_MAX);
}

static bool is_match(const char *pattern, const char *name)
{
	return (name[0] != '.' || pattern[0] == '.') && str_glob(pattern, str_of(name));
}

/* Replaces the directories in g->paths by those of their entries that match. */
static int expand(struct glob *g, struct str pattern)
{
	__typeof__(g->paths) next = {0};
	const char *wanted = str_dup(g->arena, pattern);

	vec_each(&g->paths, directory) {
		struct host_dir dir;
		int r;

		if (++g->listed > HOST_GLOB_MAX)
			return too_many(g, *directory);
		r = host_list(g->host, directory->n ? directory->p : "/", g->arena, &dir, g->err);
		if (leads_nowhere(g, r))
			continue;
		if (r < 0)
			return r;
		if (dir.more)
			return too_many(g, *directory);
		for (size_t i = 0; i < dir.n; i++) {
			if (!is_match(wanted, dir.entries[i].name))
				continue;
			if (next.n >= HOST_GLOB_MAX)
				return too_many(g, *directory);
			*vec_push(g->arena, &next) = join(g, *directory, str_of(dir.entries[i].name));
		}
	}
	g->paths = next;
	return 0;
}

static void append(struct glob *g, struct str name)
{
	vec_each(&g->paths, path)
		*path = join(g, *path, name);
}

/* Components behind the last wildcard were only appended: do they exist? */
static int keep_existing(struct glob *g)
{
	size_t kept = 0;

	vec_each(&g->paths, path) {
		struct path_stat st;
		int r = host_stat(g->host, path->p, true, &st, g->err);

		if (leads_nowhere(g, r))
			continue;
		if (r < 0)
			return r;
		g->paths.p[kept++] = *path;
	}
	g->paths.n = kept;
	return 0;
}

static int run(struct glob *g, struct str pattern, struct str **ret, size_t *ret_n)
{
	struct str part;
	bool appended = false;

	*vec_push(g->arena, &g->paths) = STR("");
	while (str_cut(&pattern, '/', &part)) {
		int r = 0;

		if (!part.n)
			continue;
		appended = !str_is_glob(part);
		if (appended)
			append(g, part);
		else
			r = expand(g, part);
		if (r < 0)
			return r;
	}
	if (appended) {
		int r = keep_existing(g);

		if (r < 0)
			return r;
	}
	if (g->paths.n)
		qsort(g->paths.p, g->paths.n, sizeof(*g->paths.p), compare);
	*ret = g->paths.p;
	*ret_n = g->paths.n;
	return 0;
}

int host_glob(struct host *host, struct arena *arena, struct str pattern, struct str **ret,
			  size_t *ret_n, struct err *err)
{
	return run(&(struct glob){.host = host, .arena = arena, .err = err}, pattern, ret, ret_n);
}

int host_glob_loose(struct host *host, struct arena *arena, struct str pattern, struct str **ret,
					size_t *ret_n, struct err *err)
{
	return run(&(struct glob){.host = host, .arena = arena, .err = err, .loose = true}, pattern, ret,
			   ret_n);
}
