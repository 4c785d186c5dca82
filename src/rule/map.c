/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/map.h"

#include <stdlib.h>

#include "base/num.h"

/* --- loading ----------------------------------------------------------------------------------- */

/* "cis-debian12" of maps/cis-debian12.yaml, or nothing of another file. */
static struct str name_of(size_t file)
{
	struct str path = str_of(embedded_rules[file].path);

	return str_skip(&path, "maps/") ? (struct str){path.p, path.n - strlen(".yaml")} : STR_ABSENT;
}

struct str numbering_name(size_t i)
{
	for (size_t file = 0; file < embedded_count; file++)
		if (name_of(file).p && i-- == 0)
			return name_of(file);
	return STR_ABSENT;
}

static int no_such_map(const char *name, struct err *err)
{
	char names[256] = "";
	struct str file;
	size_t n = 0;

	for (size_t i = 0; (file = numbering_name(i)).p; i++) {
		if (n + file.n + 3 >= sizeof(names))
			break;
		if (n)
			n = (size_t)(stpcpy(names + n, ", ") - names);
		memcpy(names + n, file.p, file.n);
		n += file.n;
		names[n] = '\0';
	}
	return err_set(err, ENOENT, "there is no map '%s'; there are: %s", name, names);
}

static bool has_ref(const struct yaml *doc, const char *name)
{
	struct yaml_at ref;

	return yaml_get(YAML_ROOT(doc), "ref", &ref) && str_is(yaml_text(ref), name);
}

static int find_document(const char *name, struct yaml *ret, struct str *ret_name, struct err *err)
{
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *e = &embedded_rules[i];
		const struct yaml doc = {e->path, embedded_nodes + e->first_node, embedded_pool, e->n_nodes, 0};
		struct str file = name_of(i);

		if (file.p && (str_is(file, name) || has_ref(&doc, name))) {
			*ret = doc;
			*ret_name = file;
			return 0;
		}
	}
	return no_such_map(name, err);
}

static int parse_item(struct yaml_at at, struct map_item *item, struct err *err)
{
	static const char *const keys[] = {"level", "why_not", NULL};
	struct yaml_at node;
	uint64_t level;

	if (yaml_is_null(at))
		return 0;
	if (yaml_check_keys(at, keys, err) < 0)
		return -EINVAL;
	if (yaml_get(at, "level", &node)) {
		if (num_u64(yaml_text(node), 1, 9, &level) < 0)
			return yaml_err(node, err, "expected a level from 1 to 9");
		item->level = (int)level;
	}
	return yaml_get(at, "why_not", &node) ? yaml_str(node, &item->why_not, err) : 0;
}

static int parse_items(struct numbering *m, struct yaml_at items, struct arena *a, struct err *err)
{
	struct yaml_iter it = yaml_iter(items);

	while (yaml_next(&it)) {
		struct map_item *item = vec_push(a, &m->items);

		*item = (struct map_item){.id = yaml_text(it.key)};
		if (parse_item(it.value, item, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int parse_groups(struct numbering *m, struct yaml_at groups, struct arena *a,
						struct err *err)
{
	struct yaml_iter group = yaml_iter(groups);

	while (yaml_next(&group)) {
		struct yaml_iter it;

		if (yaml_kind(group.value) != YAML_LIST)
			return yaml_err(group.value, err, "expected a list of items");
		it = yaml_iter(group.value);
		while (yaml_next(&it))
			*vec_push(a, &m->items) =
				(struct map_item){.id = yaml_text(it.value), .section = yaml_text(group.key)};
	}
	return 0;
}

/* One reason for the items of a list. */
static int parse_reason(struct yaml_at at, const struct map *by_id, struct err *err)
{
	static const char *const keys[] = {"reason", "items", NULL};
	struct yaml_at reason, items;
	struct str text;
	struct yaml_iter it;

	if (yaml_check_keys(at, keys, err) < 0)
		return -EINVAL;
	if (!yaml_get(at, "reason", &reason) || !yaml_get(at, "items", &items) ||
		yaml_kind(items) != YAML_LIST)
		return yaml_err(at, err, "expected a reason and a list of items");
	if (yaml_str(reason, &text, err) < 0)
		return -EINVAL;
	it = yaml_iter(items);
	while (yaml_next(&it)) {
		struct map_item *item = map_get(by_id, yaml_text(it.value));

		if (!item)
			return yaml_err(it.value, err, "no item has this id");
		item->why_not = text;
	}
	return 0;
}

static int parse_reasons(struct numbering *m, struct yaml_at at, struct arena *a, struct err *err)
{
	struct yaml_iter it = yaml_iter(at);
	struct map by_id;

	map_init(&by_id, a);
	for (size_t i = 0; i < m->items.n; i++)
		map_put(&by_id, m->items.p[i].id, &m->items.p[i]);
	while (yaml_next(&it))
		if (parse_reason(it.value, &by_id, err) < 0)
			return -EINVAL;
	return 0;
}

static int parse(struct numbering *m, struct yaml_at at, struct arena *a, struct err *err)
{
	static const char *const keys[] = {"title",  "ref",     "sections", "items",
									   "groups", "why_not", NULL};
	struct yaml_at title, ref, node;
	struct yaml_iter it;

	if (yaml_check_keys(at, keys, err) < 0)
		return -EINVAL;
	if (!yaml_get(at, "title", &title) || !yaml_get(at, "ref", &ref))
		return yaml_err(at, err, "a map has a title and a ref");
	if (yaml_str(title, &m->title, err) < 0 || yaml_str(ref, &m->ref, err) < 0)
		return -EINVAL;
	if (yaml_get(at, "sections", &node)) {
		it = yaml_iter(node);
		while (yaml_next(&it))
			*vec_push(a, &m->sections) =
				(struct map_section){yaml_text(it.key), yaml_text(it.value)};
	}
	if (yaml_get(at, "items", &node) && parse_items(m, node, a, err) < 0)
		return -EINVAL;
	if (yaml_get(at, "groups", &node) && parse_groups(m, node, a, err) < 0)
		return -EINVAL;
	return yaml_get(at, "why_not", &node) ? parse_reasons(m, node, a, err) : 0;
}

/* --- which rules ------------------------------------------------------------------------------- */

static void add_rule(struct map *by_id, struct str id, const struct rule *rule, struct arena *a)
{
	struct map_item *item = map_get(by_id, id);

	if (item)
		*vec_push(a, &item->rules) = rule;
}

static void add_rules(struct numbering *m, const struct catalogue *c, struct arena *a)
{
	const char *ref = str_dup(a, m->ref);
	struct map by_id;

	map_init(&by_id, a);
	for (size_t i = 0; i < m->items.n; i++)
		map_put(&by_id, m->items.p[i].id, &m->items.p[i]);
	for (size_t i = 0; i < c->n; i++) {
		struct yaml_at node;
		struct yaml_iter it;

		if (!c->p[i].refs.doc || !yaml_get(c->p[i].refs, ref, &node))
			continue;
		if (yaml_kind(node) != YAML_LIST) {
			add_rule(&by_id, yaml_text(node), &c->p[i], a);
			continue;
		}
		it = yaml_iter(node);
		while (yaml_next(&it))
			add_rule(&by_id, yaml_text(it.value), &c->p[i], a);
	}
}

int numbering_load(struct numbering *m, const struct catalogue *c, const char *name, struct arena *a,
				   struct err *err)
{
	struct yaml *doc = arena_new(a, struct yaml, 1);
	int r;

	*m = (struct numbering){0};
	r = find_document(name, doc, &m->name, err);
	if (r == 0)
		r = parse(m, YAML_ROOT(doc), a, err);
	if (r == 0)
		add_rules(m, c, a);
	return r;
}

/* --- judging ----------------------------------------------------------------------------------- */

bool numbering_is_within(const struct map_item *item, struct str section)
{
	struct str id = item->section.p ? item->section : item->id;

	return str_eq(id, section) ||
		   (id.n > section.n && id.p[section.n] == '.' && memcmp(id.p, section.p, section.n) == 0);
}

const struct map_section *numbering_section(const struct numbering *m, const struct map_item *item)
{
	const struct map_section *inner = NULL;

	for (size_t i = 0; i < m->sections.n; i++) {
		const struct map_section *s = &m->sections.p[i];

		if (numbering_is_within(item, s->id) && (!inner || s->id.n > inner->id.n))
			inner = s;
	}
	return inner;
}

static int by_rule(const void *id, const void *judgement)
{
	return strcmp(id, ((const struct judgement *)judgement)->rule->id);
}

/* The higher one decides. */
static int rank(enum verdict v)
{
	static const int ranks[] = {
		[VERDICT_NOT_APPLICABLE] = 0, [VERDICT_PASS] = 1,  [VERDICT_MANUAL] = 2,
		[VERDICT_UNKNOWN] = 3,        [VERDICT_FAIL] = 4,
	};

	return ranks[v];
}

enum verdict numbering_verdict(const struct map_item *item, const struct judgement *all, size_t n,
							   bool *ret_judged)
{
	enum verdict verdict = VERDICT_NOT_APPLICABLE;
	bool missing = false;

	*ret_judged = false;
	for (size_t i = 0; i < item->rules.n; i++) {
		const struct judgement *g = bsearch(item->rules.p[i]->id, all, n, sizeof(*all), by_rule);
		enum verdict one;

		if (!g) {
			missing = true;
			continue;
		}
		*ret_judged = true;
		/* Accepted by whoever is responsible: their numbering knows no such thing, it is an exception. */
		one = g->waiver ? VERDICT_NOT_APPLICABLE : g->verdict;
		if (rank(one) > rank(verdict))
			verdict = one;
	}
	/* What a rule that was left out would have found is not known. */
	return missing && rank(verdict) < rank(VERDICT_UNKNOWN) ? VERDICT_UNKNOWN : verdict;
}

bool numbering_has_failed(const struct map_item *item, const struct judgement *all, size_t n)
{
	bool judged;

	return numbering_verdict(item, all, n, &judged) == VERDICT_FAIL && judged;
}

struct map_score numbering_score(const struct numbering *m, struct str section,
								 const struct judgement *all, size_t n)
{
	struct map_score score = {0};

	for (size_t i = 0; i < m->items.n; i++) {
		bool judged;
		enum verdict v = numbering_verdict(&m->items.p[i], all, n, &judged);

		if ((section.p && !numbering_is_within(&m->items.p[i], section)) || !judged)
			continue;
		score.pass += v == VERDICT_PASS;
		score.fail += v == VERDICT_FAIL;
		score.unknown += v == VERDICT_UNKNOWN;
		score.other += v == VERDICT_NOT_APPLICABLE || v == VERDICT_MANUAL;
	}
	return score;
}

bool numbering_scored(const struct numbering *m, size_t i, const struct judgement *all, size_t n,
					  struct map_section *ret, struct map_score *ret_score)
{
	if (i > m->sections.n)
		return false;
	*ret = i < m->sections.n ? m->sections.p[i] : (struct map_section){STR(""), STR("all")};
	*ret_score = numbering_score(m, i < m->sections.n ? ret->id : STR_ABSENT, all, n);
	return true;
}

int map_score_percent(struct map_score s)
{
	size_t judged = s.pass + s.fail + s.unknown;

	return judged ? (int)(100 * s.pass / judged) : -1;
}
