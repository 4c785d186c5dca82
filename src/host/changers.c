/* SPDX-License-Identifier: Apache-2.0 */
#include "host/changers.h"

#include "base/vec.h"
#include "host/acl.h"

#define MAX_LINKS 40
#define MAX_PATH 4096

/* What lies at a path whose directories are no links. */
struct node {
	struct path_stat st;
	const char *target; /* of a link */
	int error;          /* negative errno; -ENOENT: nothing does */
	const char *why;
	const struct str
		*acl; /* entries that may write; read when the mode says that there may be some */
	size_t n_acl;
	bool has_acl;
};

/* One question. */
struct question {
	struct changers *c;
	const struct passwd_user *self;
	struct changed_by *ret;
	VEC(struct str) names;
	int links;
	const struct node *dir; /* in which the next component lies */
};

void changers_init(struct changers *c, struct host *host, struct arena *a,
				   const struct passwd_db *users)
{
	*c = (struct changers){.host = host, .arena = a, .users = users};
	map_init(&c->seen, a);
}

static struct node *look(struct changers *c, const char *path)
{
	struct node *node = map_get(&c->seen, str_of(path));
	struct str target;
	struct err err = {0};

	if (node)
		return node;
	node = arena_new(c->arena, struct node, 1);
	map_put(&c->seen, str_of(path), node);
	node->error = host_stat(c->host, path, false, &node->st, &err);
	if (node->error == 0 && S_ISLNK(node->st.mode)) {
		node->error = host_readlink(c->host, path, c->arena, &target, &err);
		node->target = node->error ? NULL : str_dup(c->arena, target);
	}
	if (node->error)
		node->why = arena_strdup(c->arena, err.msg);
	return node;
}

/* --- who ------------------------------------------------------------------------------------- */

static void add(struct question *q, const char *path, bool itself, struct str name)
{
	struct changed_by *ret = q->ret;

	if (!ret->at || (!itself && !ret->others))
		ret->at = path;
	*(itself ? &ret->itself : &ret->others) = true;
	vec_each(&q->names, have) if (str_eq(*have, name)) return;
	if (q->names.n < CHANGERS_MAX)
		*vec_push(q->c->arena, &q->names) = name;
}

static void add_user(struct question *q, const char *path, uint32_t uid)
{
	if (uid)
		add(q, path, q->self && q->self->uid == uid,
			passwd_user_name(q->c->users, uid, q->c->arena));
}

static void add_group(struct question *q, const char *path, uint32_t gid)
{
	const struct passwd_user *root = passwd_by_uid(q->c->users, 0);
	struct str name;

	if (root && passwd_is_private_group(q->c->users, gid, root))
		return;
	name = passwd_group_name(q->c->users, gid, q->c->arena);
	add(q, path, q->self && passwd_is_private_group(q->c->users, gid, q->self),
		str_of(arena_printf(q->c->arena, "group:%.*s", STR_ARG(name))));
}

/* "user:ops:rw-"; what is made in a directory later on is nothing that the path leads to. */
static void add_entry(struct question *q, const char *path, struct str entry)
{
	struct str kind, name;

	if (!str_cut(&entry, ':', &kind) || !str_cut(&entry, ':', &name) || !str_has_char(entry, 'w'))
		return;
	if (str_is(kind, "user") && !str_is(name, "root"))
		add(q, path, q->self && str_eq(name, q->self->name), name);
	else if (str_is(kind, "group"))
		add(q, path, false, str_of(arena_printf(q->c->arena, "group:%.*s", STR_ARG(name))));
}

/* With an access list the group's bits are what it may give at most. */
static int add_acl(struct question *q, const char *path, struct node *node, struct err *err)
{
	struct str *entries;
	int r;

	if (!node->has_acl) {
		r = acl_read(q->c->host, path, false, q->c->users, q->c->arena, &entries, &node->n_acl,
					 err);
		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			return r;
		node->acl = entries;
		node->n_acl = r < 0 ? 0 : node->n_acl;
		node->has_acl = true;
	}
	for (size_t i = 0; i < node->n_acl; i++)
		add_entry(q, path, node->acl[i]);
	return 0;
}

/* Who may write, whatever the sticky bit of a directory takes back. */
static int add_writers(struct question *q, const char *path, struct node *node, struct err *err)
{
	if (node->st.mode & S_IWOTH)
		add(q, path, false, STR("everyone"));
	if (!(node->st.mode & S_IWGRP))
		return 0;
	add_group(q, path, node->st.gid);
	return add_acl(q, path, node, err);
}

/* --- the way --------------------------------------------------------------------------------- */

static bool is_sticky(const struct node *dir)
{
	return dir && dir->st.mode & S_ISVTX;
}

/* A link is replaced by who may write the directory; in a sticky one by its owner alone. */
static int judge(struct question *q, const char *path, struct node *node, struct err *err)
{
	if (S_ISLNK(node->st.mode)) {
		if (is_sticky(q->dir))
			add_user(q, path, node->st.uid);
		return 0;
	}
	add_user(q, path, node->st.uid);
	return S_ISDIR(node->st.mode) && is_sticky(node) ? 0 : add_writers(q, path, node, err);
}

static struct str parent(struct str dir)
{
	const char *slash = dir.n ? memrchr(dir.p, '/', dir.n) : NULL;

	return slash ? (struct str){dir.p, (size_t)(slash - dir.p)} : STR("");
}

/* Nothing is there: whoever may write the directory can put something there, sticky or not. */
static int judge_missing(struct question *q, struct str dir, struct err *err)
{
	const char *path = dir.n ? str_dup(q->c->arena, dir) : "/";

	return is_sticky(q->dir) ? add_writers(q, path, look(q->c, path), err) : 0;
}

static int walk(struct question *q, struct str dir, struct str rest, struct err *err)
{
	struct arena *a = q->c->arena;
	struct str name;
	int r = 0;

	while (r == 0 && str_cut(&rest, '/', &name)) {
		struct node *node;
		const char *path;

		if (!name.n || str_is(name, "."))
			continue;
		if (str_is(name, "..")) {
			dir = parent(dir);
			q->dir = look(q->c, dir.n ? str_dup(a, dir) : "/");
			continue;
		}
		if (dir.n + name.n >= MAX_PATH)
			return err_set(err, ENAMETOOLONG, "%.*s: too long", STR_ARG(dir));
		path = arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name));
		node = look(q->c, path);
		if (node->error == -ENOENT || node->error == -ENOTDIR)
			return judge_missing(q, dir, err);
		if (node->error)
			return err_set(err, -node->error, "%s", node->why);
		r = judge(q, path, node, err);
		if (r == 0 && node->target) {
			if (q->links++ == MAX_LINKS)
				return err_set(err, ELOOP, "%s: too many links", path);
			rest = str_of(arena_printf(a, "%s/%.*s", node->target, STR_ARG(rest)));
			if (node->target[0] == '/') {
				dir = STR("");
				q->dir = look(q->c, "/");
			}
			continue;
		}
		q->dir = node;
		dir = str_of(path);
	}
	return r;
}

int changers_of(struct changers *c, struct str path, const struct passwd_user *self,
				struct changed_by *ret, struct err *err)
{
	struct question q = {.c = c, .self = self, .ret = ret};
	struct node *root = look(c, "/");
	int r;

	*ret = (struct changed_by){0};
	if (!str_starts(path, "/"))
		return err_set(err, EINVAL, "%.*s: not an absolute path", STR_ARG(path));
	if (root->error)
		return err_set(err, -root->error, "%s", root->why);
	q.dir = root;
	r = judge(&q, "/", root, err);
	if (r == 0)
		r = walk(&q, STR(""), path, err);
	ret->names = q.names.p;
	ret->n = q.names.n;
	return r;
}
