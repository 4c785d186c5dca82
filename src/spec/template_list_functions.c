/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and mappings. */
#include <stdlib.h>

#include "spec/template_private.h"

/* --- of both --------------------------------------------------------------------------------- */

static int run_len(struct call *c, struct datum *ret)
{
	const struct datum *d = &c->args[0];

	if (d->kind != DATUM_TEXT && d->kind != DATUM_LIST && d->kind != DATUM_MAP)
		return call_fail(c, "%s has no length", datum_kind_name(d->kind));
	*ret = DATUM_NUMBER((int64_t)(d->kind == DATUM_TEXT   ? d->text.n
								  : d->kind == DATUM_LIST ? d->list.n
														  : d->map->n));
	return 0;
}

/* A key that a mapping does not have gives nothing. */
static int run_index(struct call *c, struct datum *ret)
{
	struct datum d = c->args[0];

	for (size_t i = 1; i < c->n; i++) {
		const struct datum *value;
		struct str key;
		int64_t n;

		if (d.kind == DATUM_MAP) {
			if (call_text(c, i, &key) < 0)
				return -EINVAL;
			value = datum_get(&d, key);
			d = value ? *value : DATUM_NOTHING;
		} else if (d.kind == DATUM_LIST) {
			if (call_number(c, i, &n) < 0)
				return -EINVAL;
			if (n < 0 || n >= (int64_t)d.list.n)
				return call_fail(c, "there is no item %lld", (long long)n);
			d = d.list.p[n];
		} else {
			return call_fail(c, "%s has no items", datum_kind_name(d.kind));
		}
	}
	*ret = d;
	return 0;
}

/* --- lists ----------------------------------------------------------------------------------- */

static int run_list(struct call *c, struct datum *ret)
{
	*ret = datum_list(c->args, c->n);
	return 0;
}

static int run_end(struct call *c, struct datum *ret)
{
	bool first = c->function->name[0] == 'f';
	const struct datum *items;
	size_t n;

	if (call_list(c, 0, &items, &n) < 0)
		return -EINVAL;
	if (n)
		*ret = items[first ? 0 : n - 1];
	return 0;
}

static int run_without_end(struct call *c, struct datum *ret)
{
	bool first = c->function->name[0] == 'r';
	const struct datum *items;
	size_t n;

	if (call_list(c, 0, &items, &n) < 0)
		return -EINVAL;
	*ret = n ? datum_list(items + first, n - 1) : datum_list(NULL, 0);
	return 0;
}

static int run_append(struct call *c, struct datum *ret)
{
	bool front = c->function->name[0] == 'p';
	const struct datum *items;
	struct datum *all;
	size_t n;

	if (call_list(c, 0, &items, &n) < 0)
		return -EINVAL;
	all = arena_new(c->arena, struct datum, n + 1);
	if (n)
		memcpy(all + front, items, n * sizeof(*all));
	all[front ? 0 : n] = c->args[1];
	*ret = datum_list(all, n + 1);
	return 0;
}

static int run_concat(struct call *c, struct datum *ret)
{
	VEC(struct datum) all = {0};

	for (size_t i = 0; i < c->n; i++) {
		const struct datum *items;
		size_t n;

		if (call_list(c, i, &items, &n) < 0)
			return -EINVAL;
		for (size_t k = 0; k < n; k++)
			*vec_push(c->arena, &all) = items[k];
	}
	*ret = datum_list(all.p, all.n);
	return 0;
}

static int run_reverse(struct call *c, struct datum *ret)
{
	const struct datum *items;
	struct datum *all;
	size_t n;

	if (call_list(c, 0, &items, &n) < 0)
		return -EINVAL;
	all = arena_new(c->arena, struct datum, n + 1);
	for (size_t i = 0; i < n; i++)
		all[i] = items[n - 1 - i];
	*ret = datum_list(all, n);
	return 0;
}

static bool is_among(const struct datum *d, const struct datum *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (datum_equal(d, &items[i]))
			return true;
	return false;
}

/* uniq, compact, without: what stays of a list. */
static int run_filter(struct call *c, struct datum *ret)
{
	char how = c->function->name[0];
	VEC(struct datum) kept = {0};
	const struct datum *items;
	size_t n;

	if (call_list(c, 0, &items, &n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		bool drop = how == 'u'   ? is_among(&items[i], kept.p, kept.n)
					: how == 'c' ? !template_truth(&items[i])
								 : is_among(&items[i], c->args + 1, c->n - 1);

		if (call_spend(c, how == 'u' ? 1 + kept.n / 8 : c->n) < 0)
			return -EINVAL;
		if (!drop)
			*vec_push(c->arena, &kept) = items[i];
	}
	*ret = datum_list(kept.p, kept.n);
	return 0;
}

static int run_has(struct call *c, struct datum *ret)
{
	const struct datum *items;
	size_t n;

	if (call_list(c, 1, &items, &n) < 0)
		return -EINVAL;
	*ret = DATUM_YES(is_among(&c->args[0], items, n));
	return 0;
}

/* Of a list from the first number to before the second; of text by bytes. */
static int run_slice(struct call *c, struct datum *ret)
{
	const struct datum *d = &c->args[0];
	int64_t from = 0, to, n;

	if (d->kind != DATUM_LIST && d->kind != DATUM_TEXT)
		return call_fail(c, "%s has no parts", datum_kind_name(d->kind));
	n = to = (int64_t)(d->kind == DATUM_LIST ? d->list.n : d->text.n);
	if ((c->n > 1 && call_number(c, 1, &from) < 0) || (c->n > 2 && call_number(c, 2, &to) < 0))
		return -EINVAL;
	if (from < 0 || from > to || to > n)
		return call_fail(c, "there is no part from %lld to %lld", (long long)from, (long long)to);
	if (d->kind == DATUM_LIST)
		*ret = datum_list(d->list.p + from, (size_t)(to - from));
	else
		*ret = DATUM_STR(((struct str){d->text.p + from, (size_t)(to - from)}));
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(((const struct datum *)a)->text, ((const struct datum *)b)->text);
}

static int run_sort(struct call *c, struct datum *ret)
{
	const struct datum *items;
	struct datum *all;
	size_t n;

	if (call_list(c, 0, &items, &n) < 0)
		return -EINVAL;
	all = arena_new(c->arena, struct datum, n + 1);
	for (size_t i = 0; i < n; i++)
		all[i] = DATUM_STR(datum_text(c->arena, &items[i]));
	if (n && strcmp(c->function->name, "sortAlpha") == 0)
		qsort(all, n, sizeof(*all), by_text);
	*ret = datum_list(all, n);
	return 0;
}

/* From, step, to behind the last; a step of the wrong sign gives none. */
static int count(struct call *c, int64_t from, int64_t to, int64_t by, struct datum *ret)
{
	VEC(struct datum) all = {0};

	if (!by)
		return call_fail(c, "the step is 0");
	for (int64_t i = from; by > 0 ? i < to : i > to; i += by) {
		if (call_spend(c, 1) < 0)
			return -EINVAL;
		*vec_push(c->arena, &all) = DATUM_NUMBER(i);
		if ((by > 0 && i > INT64_MAX - by) || (by < 0 && i < INT64_MIN - by))
			break;
	}
	*ret = datum_list(all.p, all.n);
	return 0;
}

static int run_until(struct call *c, struct datum *ret)
{
	int64_t from = 0, to, by;

	if (call_number(c, c->n > 1, &to) < 0)
		return -EINVAL;
	by = to < 0 ? -1 : 1;
	if (c->n > 1 && (call_number(c, 0, &from) < 0 || call_number(c, 2, &by) < 0))
		return -EINVAL;
	return count(c, from, to, by, ret);
}

/* As the program does: the last one is included, and it is text. */
static int run_seq(struct call *c, struct datum *ret)
{
	int64_t from = 1, to, by;
	struct buf out = CALL_BUF;

	if (call_number(c, c->n - 1, &to) < 0 || (c->n > 1 && call_number(c, 0, &from) < 0))
		return -EINVAL;
	by = to < from ? -1 : 1;
	if (c->n == 3 && call_number(c, 1, &by) < 0)
		return -EINVAL;
	if (to > INT32_MAX || to < INT32_MIN)
		return call_fail(c, "the number is too large");
	if (count(c, from, by > 0 ? to + 1 : to - 1, by, ret) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ret->list.n; i++)
		buf_printf(&out, "%s%lld", i ? " " : "", (long long)ret->list.p[i].number);
	return call_return(c, &out, ret);
}

/* --- mappings -------------------------------------------------------------------------------- */

static int run_dict(struct call *c, struct datum *ret)
{
	*ret = datum_map(c->arena);
	for (size_t i = 0; i < c->n; i += 2) {
		struct str key;

		if (call_text(c, i, &key) < 0)
			return -EINVAL;
		datum_put(c->arena, ret, key, i + 1 < c->n ? c->args[i + 1] : DATUM_STR(STR("")));
	}
	return call_spend(c, c->n);
}

static int run_get(struct call *c, struct datum *ret)
{
	const struct datum *value;
	struct datum *map;
	struct str key;

	if (call_map(c, 0, &map) < 0 || call_text(c, 1, &key) < 0)
		return -EINVAL;
	value = datum_get(map, key);
	*ret = c->function->name[0] == 'h' ? DATUM_YES(value != NULL)
		   : value                     ? *value
									   : DATUM_STR(STR(""));
	return 0;
}

/* A copy, so that no mapping comes to hold itself. */
static int copy(struct call *c, const struct datum *d, unsigned depth, struct datum *ret)
{
	struct datum *items;

	*ret = *d;
	if (depth > 100)
		return call_fail(c, "it goes too deep");
	if (d->kind == DATUM_LIST) {
		items = arena_new(c->arena, struct datum, d->list.n + 1);
		for (size_t i = 0; i < d->list.n; i++)
			if (copy(c, &d->list.p[i], depth + 1, &items[i]) < 0)
				return -EINVAL;
		*ret = datum_list(items, d->list.n);
		return call_spend(c, d->list.n);
	}
	if (d->kind != DATUM_MAP)
		return 0;
	*ret = datum_map(c->arena);
	for (size_t i = 0; i < d->map->n; i++) {
		struct member *m = vec_push(c->arena, ret->map);

		m->key = d->map->p[i].key;
		if (copy(c, &d->map->p[i].value, depth + 1, &m->value) < 0)
			return -EINVAL;
	}
	return call_spend(c, d->map->n);
}

static int run_copy(struct call *c, struct datum *ret)
{
	return copy(c, &c->args[0], 0, ret);
}

static int run_set(struct call *c, struct datum *ret)
{
	struct datum *map, value;
	struct str key;

	if (call_map(c, 0, &map) < 0 || call_text(c, 1, &key) < 0 ||
		copy(c, &c->args[2], 0, &value) < 0)
		return -EINVAL;
	datum_put(c->arena, map, key, value);
	*ret = *map;
	return 0;
}

static int run_unset(struct call *c, struct datum *ret)
{
	struct datum *map;
	struct str key;
	size_t kept = 0;

	if (call_map(c, 0, &map) < 0 || call_text(c, 1, &key) < 0)
		return -EINVAL;
	for (size_t i = 0; i < map->map->n; i++)
		if (!str_eq(map->map->p[i].key, key))
			map->map->p[kept++] = map->map->p[i];
	map->map->n = kept;
	*ret = *map;
	return 0;
}

static int run_keys(struct call *c, struct datum *ret)
{
	bool keys = c->function->name[0] == 'k';
	VEC(struct datum) all = {0};

	for (size_t i = 0; i < c->n; i++) {
		const struct member *sorted;
		struct datum *map;

		if (call_map(c, i, &map) < 0)
			return -EINVAL;
		sorted = datum_sorted(map, c->arena);
		for (size_t k = 0; k < map->map->n; k++)
			*vec_push(c->arena, &all) = keys ? DATUM_STR(sorted[k].key) : sorted[k].value;
	}
	*ret = datum_list(all.p, all.n);
	return 0;
}

static int run_pick(struct call *c, struct datum *ret)
{
	bool pick = c->function->name[0] == 'p';
	struct datum *map;

	if (call_map(c, 0, &map) < 0 || call_spend(c, map->map->n * c->n / 8) < 0)
		return -EINVAL;
	*ret = datum_map(c->arena);
	for (size_t i = 0; i < map->map->n; i++) {
		const struct datum key = DATUM_STR(map->map->p[i].key);

		if (is_among(&key, c->args + 1, c->n - 1) == pick)
			*vec_push(c->arena, ret->map) = map->map->p[i];
	}
	return 0;
}

/* Into the first; what it has stays, but with mergeOverwrite. */
static int merge(struct call *c, struct datum *to, const struct datum *from, bool overwrite,
				 unsigned depth)
{
	if (depth > 100)
		return call_fail(c, "it goes too deep");
	for (size_t i = 0; i < from->map->n; i++) {
		const struct member *m = &from->map->p[i];
		struct datum *had = (struct datum *)datum_get(to, m->key), value;

		if (call_spend(c, 1 + to->map->n / 8) < 0)
			return -EINVAL;
		if (had && had->kind == DATUM_MAP && m->value.kind == DATUM_MAP) {
			if (merge(c, had, &m->value, overwrite, depth + 1) < 0)
				return -EINVAL;
			continue;
		}
		if (had && template_truth(had) && !overwrite)
			continue;
		if (copy(c, &m->value, 0, &value) < 0)
			return -EINVAL;
		datum_put(c->arena, to, m->key, value);
	}
	return 0;
}

static int run_merge(struct call *c, struct datum *ret)
{
	bool overwrite = strcmp(c->function->name, "mergeOverwrite") == 0;
	struct datum *to, *from, kept;

	if (call_map(c, 0, &to) < 0)
		return -EINVAL;
	for (size_t i = 1; i < c->n; i++) {
		/* A copy: what is merged into itself would grow while it is looked at. */
		if (call_map(c, i, &from) < 0 || copy(c, from, 0, &kept) < 0 ||
			merge(c, to, &kept, overwrite, 0) < 0)
			return -EINVAL;
	}
	*ret = *to;
	return 0;
}

static int run_pluck(struct call *c, struct datum *ret)
{
	VEC(struct datum) found = {0};
	struct str key;

	if (call_text(c, 0, &key) < 0)
		return -EINVAL;
	for (size_t i = 1; i < c->n; i++) {
		const struct datum *value;
		struct datum *map;

		if (call_map(c, i, &map) < 0)
			return -EINVAL;
		value = datum_get(map, key);
		if (value)
			*vec_push(c->arena, &found) = *value;
	}
	*ret = datum_list(found.p, found.n);
	return 0;
}

/* dig "a" "b" default map */
static int run_dig(struct call *c, struct datum *ret)
{
	struct datum at = c->args[c->n - 1];

	for (size_t i = 0; i + 2 < c->n; i++) {
		const struct datum *value;
		struct str key;

		if (call_text(c, i, &key) < 0)
			return -EINVAL;
		value = datum_get(&at, key);
		at = value ? *value : c->args[c->n - 2];
		if (!value)
			break;
	}
	*ret = at;
	return 0;
}

const struct template_function template_list_functions[] = {
	{"len", 1, 1, run_len},
	{"index", 1, 0, run_index},
	{"mkSlice", 0, 0, run_list},
	{"list", 0, 0, run_list},
	{"tuple", 0, 0, run_list},
	{"first", 1, 1, run_end},
	{"last", 1, 1, run_end},
	{"rest", 1, 1, run_without_end},
	{"initial", 1, 1, run_without_end},
	{"append", 2, 2, run_append},
	{"push", 2, 2, run_append},
	{"prepend", 2, 2, run_append},
	{"concat", 0, 0, run_concat},
	{"reverse", 1, 1, run_reverse},
	{"uniq", 1, 1, run_filter},
	{"compact", 1, 1, run_filter},
	{"without", 1, 0, run_filter},
	{"has", 2, 2, run_has},
	{"slice", 1, 3, run_slice},
	{"sortAlpha", 1, 1, run_sort},
	{"toStrings", 1, 1, run_sort},
	{"until", 1, 1, run_until},
	{"untilStep", 3, 3, run_until},
	{"seq", 1, 3, run_seq},
	{"dict", 0, 0, run_dict},
	{"get", 2, 2, run_get},
	{"hasKey", 2, 2, run_get},
	{"set", 3, 3, run_set},
	{"unset", 2, 2, run_unset},
	{"keys", 1, 0, run_keys},
	{"values", 1, 1, run_keys},
	{"pick", 1, 0, run_pick},
	{"omit", 1, 0, run_pick},
	{"merge", 1, 0, run_merge},
	{"mergeOverwrite", 1, 0, run_merge},
	{"deepCopy", 1, 1, run_copy},
	{"pluck", 2, 0, run_pluck},
	{"dig", 3, 0, run_dig},
	{0},
};
