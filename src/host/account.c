/* SPDX-License-Identifier: Apache-2.0 */
#include "host/account.h"

#include "base/vec.h"

#define MAX_LINKS 8
#define SEARCH 1U

struct account account_named(const struct passwd_db *db, struct str user, struct str group,
							 struct arena *arena)
{
	const struct passwd_user *u = user.p ? passwd_by_name(db, user) : NULL;
	const struct passwd_group *extra = group.p ? passwd_group_by_name(db, group) : NULL;
	VEC(uint32_t) gids = {0};

	if (!u)
		return (struct account){.uid = ACCOUNT_ANYBODY};
	*vec_push(arena, &gids) = u->gid;
	if (extra)
		*vec_push(arena, &gids) = extra->gid;
	for (size_t i = 0; i < db->n_groups; i++)
		for (size_t k = 0; k < db->groups[i].n_members; k++)
			if (str_eq(db->groups[i].members[k], user))
				*vec_push(arena, &gids) = db->groups[i].gid;
	return (struct account){.uid = u->uid, .gids = gids.p, .n_gids = gids.n};
}

static bool is_in(const struct account *a, uint32_t gid)
{
	for (size_t i = 0; i < a->n_gids; i++)
		if (a->gids[i] == gid)
			return true;
	return false;
}

static bool mode_gives(const struct account *a, const struct path_stat *st, unsigned bits)
{
	unsigned shift = a->uid == st->uid ? 6 : is_in(a, st->gid) ? 3 : 0;

	return (st->mode >> shift & bits) == bits;
}

/* Every directory on the way has to let it through. */
static int may_reach(struct host *host, const struct account *a, const char *path, unsigned bits,
					 struct arena *arena, struct err *err)
{
	struct path_stat st;
	int r;

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		r = host_stat(host, str_dup(arena, (struct str){path, (size_t)(slash - path)}), true, &st,
					  err);
		if (r < 0 || !mode_gives(a, &st, SEARCH))
			return r;
	}
	r = host_stat(host, path, true, &st, err);
	return r < 0 ? r : mode_gives(a, &st, bits);
}

/* The steps up at its front are taken here: the way to the target need not go through where the link
 * lies. */
static const char *target_of(struct host *host, const char *path, struct arena *arena)
{
	struct str directory = {path, (size_t)(strrchr(path, '/') - path)}, to;
	struct err ignored;

	if (host_readlink(host, path, arena, &to, &ignored) < 0 || !to.n)
		return NULL;
	if (*to.p == '/')
		return str_dup(arena, to);
	while (str_skip(&to, "../")) {
		const char *slash = directory.n ? memrchr(directory.p, '/', directory.n) : NULL;

		directory.n = slash ? (size_t)(slash - directory.p) : 0;
	}
	return arena_printf(arena, "%.*s/%.*s", STR_ARG(directory), STR_ARG(to));
}

int account_may(struct host *host, const struct account *a, const char *path, unsigned bits,
				struct arena *arena, struct err *err)
{
	int r = 0;

	if (a->uid == 0 || *path != '/')
		return 0;
	for (unsigned n = 0; r == 0 && path && n < MAX_LINKS; n++) {
		r = may_reach(host, a, path, bits, arena, err);
		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
			return 0;
		if (r == 0)
			path = target_of(host, path, arena);
	}
	return r;
}
