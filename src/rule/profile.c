/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/profile.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/vec.h"

#define MAX_DEPTH 8 /* profiles that extend each other */

struct profiles {
	struct profile *p;
	size_t n, cap;
};

/* --- finding them ------------------------------------------------------------------------------ */

static int add_profile(struct profiles *all, struct arena *a, const struct yaml *doc, struct str file,
					   struct err *err)
{
	static const char *const keys[] = {"title",    "extends",    "select", "leave_out",
									   "severity", "parameters", NULL};
	struct profile *p = vec_push(a, all);
	struct yaml_at node;

	*p = (struct profile){.at = YAML_ROOT(doc)};
	p->name = arena_copy(a, file.p, file.n - strlen(".yaml"));
	if (yaml_check_keys(p->at, keys, err) < 0)
		return -EINVAL;
	if (!yaml_get(p->at, "title", &node))
		return yaml_err(p->at, err, "'title' is missing");
	if (yaml_str(node, &p->title, err) < 0)
		return -EINVAL;
	return yaml_get(p->at, "extends", &node) ? yaml_str(node, &p->extends, err) : 0;
}

static int add_embedded(struct profiles *all, struct arena *a, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < embedded_count; i++) {
		const struct embedded *e = &embedded_rules[i];
		struct str file = str_of(e->path);
		struct yaml *doc;

		if (!str_skip(&file, "profiles/"))
			continue;
		doc = arena_new(a, struct yaml, 1);
		*doc = (struct yaml){e->path, embedded_nodes + e->first_node, embedded_pool, e->n_nodes, 0};
		r = add_profile(all, a, doc, file, err);
	}
	return r;
}

static int add_file(struct profiles *all, struct arena *a, int dir, const char *root, const char *name,
					struct err *err)
{
	const char *path = arena_printf(a, "%s/%s", root, name);
	struct yaml *doc;
	int r = own_file_parse(dir, name, path, a, &doc, err);

	return r < 0 ? r : add_profile(all, a, doc, str_of(name), err);
}

static int add_directory(struct profiles *all, struct arena *a, const char *root, struct err *err)
{
	_cleanup_close_ int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct path_entry *entries;
	size_t n;
	bool more;
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s", root);
	r = path_list(dir, ".", 1000, a, &entries, &n, &more);
	if (r < 0)
		return err_errno(err, -r, "%s", root);
	r = own_path_check(dir, ".", root, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (entries[i].name[0] != '.' && str_ends(str_of(entries[i].name), ".yaml"))
			r = add_file(all, a, dir, root, entries[i].name, err);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct profile *)a)->name, ((const struct profile *)b)->name);
}

int profile_list(struct arena *a, const char *user_dir, struct profile **ret, size_t *ret_n,
				 struct err *err)
{
	struct profiles all = {0};
	int r = add_embedded(&all, a, err);

	if (r == 0 && user_dir)
		r = add_directory(&all, a, user_dir, err);
	if (r < 0)
		return r;
	if (all.n)
		qsort(all.p, all.n, sizeof(*all.p), by_name);
	for (size_t i = 1; i < all.n; i++)
		if (strcmp(all.p[i - 1].name, all.p[i].name) == 0)
			return err_set(err, EEXIST, "%s: there is a profile of that name already in %s",
						   all.p[i].at.doc->name, all.p[i - 1].at.doc->name);
	*ret = all.p;
	*ret_n = all.n;
	return 0;
}

/* --- applying one ------------------------------------------------------------------------------ */

/* `all`, "family.*", or the id of a rule. */
static bool matches(struct str pattern, const struct rule *rule)
{
	struct str family = pattern;

	if (str_is(pattern, "all") || str_is(pattern, rule->id))
		return true;
	if (!str_ends(pattern, ".*"))
		return false;
	family.n -= 2;
	return str_is(family, rule->family);
}

static int select_pattern(struct catalogue *c, struct yaml_at at, bool selected, struct err *err)
{
	struct str pattern = yaml_text(at);
	bool any = false;

	for (size_t i = 0; i < c->n; i++)
		if (matches(pattern, &c->p[i])) {
			c->p[i].left_out = !selected;
			any = true;
		}
	if (any)
		return 0;
	return yaml_err(at, err, "there is no rule '%.*s'", STR_ARG(pattern));
}

static int select_patterns(struct catalogue *c, struct yaml_at profile, const char *key, bool selected,
						   struct err *err)
{
	struct yaml_at list;
	struct yaml_iter it;
	int r = 0;

	if (!yaml_get(profile, key, &list))
		return 0;
	if (yaml_kind(list) != YAML_LIST)
		return yaml_err(list, err, "expected a list of rules, found %s", yaml_kind_name(list));
	it = yaml_iter(list);
	while (r == 0 && yaml_next(&it))
		r = select_pattern(c, it.value, selected, err);
	return r;
}

static int set_severities(struct catalogue *c, struct yaml_at profile, struct err *err)
{
	struct yaml_at map;
	struct yaml_iter it;

	if (!yaml_get(profile, "severity", &map))
		return 0;
	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, err, "expected {rule: severity, ...}, found %s", yaml_kind_name(map));
	it = yaml_iter(map);
	while (yaml_next(&it)) {
		struct rule *rule = (struct rule *)catalogue_find(c, yaml_text(it.key));

		if (!rule)
			return yaml_err(it.key, err, "there is no rule '%.*s'", STR_ARG(yaml_text(it.key)));
		if (severity_parse(yaml_text(it.value), &rule->severity) < 0)
			return yaml_err(it.value, err, "expected low, medium, high or critical");
		rule->severity_at = it.value;
	}
	return 0;
}

static const struct profile *find(const struct profile *all, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, all[i].name))
			return &all[i];
	return NULL;
}

/* What it extends first, so that the nearer one has the last word. */
static int apply(struct catalogue *c, const struct profile *all, size_t n, const struct profile *p,
				 unsigned depth, struct err *err)
{
	struct yaml_at node = p->at;
	int r = 0;

	if (depth > MAX_DEPTH)
		return yaml_err(p->at, err, "profiles extend each other in a circle");
	if (p->extends.p) {
		const struct profile *other = find(all, n, p->extends);

		(void)yaml_get(p->at, "extends", &node);
		if (!other)
			return yaml_err(node, err, "there is no profile '%.*s'", STR_ARG(p->extends));
		r = apply(c, all, n, other, depth + 1, err);
	}
	if (r == 0)
		r = select_patterns(c, p->at, "select", true, err);
	if (r == 0)
		r = select_patterns(c, p->at, "leave_out", false, err);
	if (r == 0)
		r = set_severities(c, p->at, err);
	return r == 0 && yaml_get(p->at, "parameters", &node) ? catalogue_set_all(c, node, err) : r;
}

int profile_apply(struct catalogue *c, const char *user_dir, const char *name, struct err *err)
{
	struct profile *all;
	struct nearest near = nearest_to(str_of(name));
	size_t n;
	const struct profile *p;
	int r = profile_list(&c->arena, user_dir, &all, &n, err);

	if (r < 0)
		return r;
	p = find(all, n, str_of(name));
	if (!p) {
		for (size_t i = 0; i < n; i++)
			nearest_try(&near, all[i].name);
		return err_set(err, ENOENT, "there is no profile '%s'%s%s; see: revet profiles", name,
					   near.name ? "; did you mean " : "", near.name ? near.name : "");
	}
	c->profile = p->name;
	return apply(c, all, n, p, 0, err);
}
