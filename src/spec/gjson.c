/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/gjson.h"

#include "base/num.h"
#include "base/vec.h"

#define MAX_DEPTH 32

struct query { /* the part between the parentheses of #(...) */
	struct str path, value;
	const char *is; /* one of the signs; NULL: that there is such a thing is enough */
	bool all;       /* #(...)#: every one, not the first */
};

struct walk {
	struct arena *arena;
	struct str path; /* the whole, for messages */
	unsigned depth;
	struct err *err;
};

static int get(struct walk *, const struct datum *, struct str path, struct datum *ret);

static int bad(struct walk *w, const char *what)
{
	return err_set(w->err, EINVAL, "gjson path '%.*s': %s", STR_ARG(w->path), what);
}

/* --- steps of a path ------------------------------------------------------------------------- */

struct step {
	struct str name; /* without escapes */
	char *pattern;   /* NULL: it has no wildcard */
	char separator;  /* what ends it: '.', '|', or 0 */
};

/* Takes one name off the path. A backslash takes what follows as it is. */
static void take_name(struct walk *w, struct str *path, struct step *ret)
{
	char *name = arena_alloc(w->arena, path->n + 1),
		 *pattern = arena_alloc(w->arena, 2 * path->n + 1);
	size_t n = 0, m = 0, i = 0;
	bool wild = false;

	for (; i < path->n && path->p[i] != '.' && path->p[i] != '|'; i++) {
		bool escaped = path->p[i] == '\\' && i + 1 < path->n;

		i += escaped;
		wild = wild || (!escaped && (path->p[i] == '*' || path->p[i] == '?'));
		if (escaped || path->p[i] == '[' || path->p[i] == '\\')
			pattern[m++] = '\\';
		name[n++] = pattern[m++] = path->p[i];
	}
	*ret = (struct step){{name, n}, wild ? pattern : NULL, i < path->n ? path->p[i] : 0};
	i += i < path->n;
	path->p += i;
	path->n -= i;
}

static const struct datum *member(const struct datum *map, const struct step *s)
{
	for (size_t i = 0; i < map->map->n; i++)
		if (s->pattern ? str_glob(s->pattern, map->map->p[i].key)
					   : str_eq(map->map->p[i].key, s->name))
			return &map->map->p[i].value;
	return NULL;
}

static const struct datum *child(const struct datum *d, const struct step *s)
{
	uint64_t i;

	if (d->kind == DATUM_MAP)
		return member(d, s);
	if (d->kind == DATUM_LIST && num_u64(s->name, 0, UINT32_MAX, &i) == 0 && i < d->list.n)
		return &d->list.p[i];
	return NULL;
}

/* --- modifiers ------------------------------------------------------------------------------- */

static int reverse(struct walk *w, const struct datum *d, struct datum *ret)
{
	size_t n = d->kind == DATUM_LIST ? d->list.n : 0;
	struct datum *items = arena_new(w->arena, struct datum, n + 1);

	for (size_t i = 0; i < n; i++)
		items[i] = d->list.p[n - 1 - i];
	*ret = d->kind == DATUM_LIST ? datum_list(items, n) : *d;
	return 1;
}

static int flatten(struct walk *w, const struct datum *d, struct datum *ret)
{
	VEC(struct datum) items = {0};

	*ret = *d;
	if (d->kind != DATUM_LIST)
		return 1;
	for (size_t i = 0; i < d->list.n; i++) {
		const struct datum *one = &d->list.p[i];

		if (one->kind == DATUM_LIST)
			for (size_t k = 0; k < one->list.n; k++)
				*vec_push(w->arena, &items) = one->list.p[k];
		else
			*vec_push(w->arena, &items) = *one;
	}
	*ret = datum_list(items.p, items.n);
	return 1;
}

static int keys(struct walk *w, const struct datum *d, struct datum *ret)
{
	size_t n = d->kind == DATUM_MAP ? d->map->n : d->kind == DATUM_LIST ? d->list.n : 0;
	struct datum *items = arena_new(w->arena, struct datum, n + 1);

	for (size_t i = 0; i < n; i++)
		items[i] = d->kind == DATUM_MAP ? DATUM_STR(d->map->p[i].key) : DATUM_NOTHING;
	*ret = datum_list(items, n);
	return 1;
}

static int values(struct walk *w, const struct datum *d, struct datum *ret)
{
	size_t n = d->kind == DATUM_MAP ? d->map->n : 0;
	struct datum *items = arena_new(w->arena, struct datum, n + 1);

	for (size_t i = 0; i < n; i++)
		items[i] = d->map->p[i].value;
	*ret = d->kind == DATUM_LIST ? *d : datum_list(items, n);
	return 1;
}

/* The members of all of a list's mappings in one. */
static int join(struct walk *w, const struct datum *d, struct datum *ret)
{
	*ret = d->kind == DATUM_LIST ? datum_map(w->arena) : *d;
	for (size_t i = 0; d->kind == DATUM_LIST && i < d->list.n; i++)
		for (size_t k = 0; d->list.p[i].kind == DATUM_MAP && k < d->list.p[i].map->n; k++)
			datum_put(w->arena, ret, d->list.p[i].map->p[k].key, d->list.p[i].map->p[k].value);
	return 1;
}

static int same(struct walk *w _unused_, const struct datum *d, struct datum *ret)
{
	*ret = *d;
	return 1;
}

static int to_text(struct walk *w, const struct datum *d, struct datum *ret)
{
	_cleanup_buf_ struct buf text = BUF((size_t)16 << 20);

	datum_json(&text, d);
	*ret = DATUM_STR(((struct str){arena_copy(w->arena, buf_get(&text).p, text.n), text.n}));
	return text.full ? bad(w, "the text is larger than 16 MiB") : 1;
}

static int from_text(struct walk *w, const struct datum *d, struct datum *ret)
{
	struct err ignored;

	return d->kind == DATUM_TEXT && datum_from_json(d->text, w->arena, ret, &ignored) == 0;
}

static const struct modifier {
	const char *name;
	int (*apply)(struct walk *, const struct datum *, struct datum *ret);
} modifiers[] = {
	{"this", same},       {"valid", same},    {"ugly", same},         {"pretty", same},
	{"reverse", reverse}, {"keys", keys},     {"values", values},     {"flatten", flatten},
	{"join", join},       {"tostr", to_text}, {"fromstr", from_text},
};

static int modify(struct walk *w, const struct datum *d, struct str path, struct datum *ret)
{
	struct datum now;
	struct step s;

	take_name(w, &path, &s);
	for (size_t i = 0; i < ARRAY_LEN(modifiers); i++) {
		int r;

		if (!str_is(s.name, modifiers[i].name))
			continue;
		r = modifiers[i].apply(w, d, &now);
		return r <= 0 ? r : get(w, &now, path, ret);
	}
	return bad(w, "there is no such modifier, or it has an argument");
}

/* --- queries --------------------------------------------------------------------------------- */

/* To behind the parenthesis that closes; NULL: there is none. Quotes and inner ones are passed. */
static const char *end_of_query(struct str s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\') {
			i++;
		} else if (s.p[i] == '"') {
			for (i++; i < s.n && s.p[i] != '"'; i++)
				i += s.p[i] == '\\';
		} else if (s.p[i] == '(' || s.p[i] == '[') {
			depth++;
		} else if (s.p[i] == ')' || s.p[i] == ']') {
			if (!depth)
				return s.p + i;
			depth--;
		}
	}
	return NULL;
}

/* Where the sign of a comparison stands, outside of inner queries. */
static size_t find_sign(struct str s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\')
			i++;
		else if (c == '(' || c == '[')
			depth++;
		else if ((c == ')' || c == ']') && depth)
			depth--;
		else if (!depth && (c == '=' || c == '<' || c == '>' || c == '%' ||
							(c == '!' && i + 1 < s.n && (s.p[i + 1] == '=' || s.p[i + 1] == '%'))))
			return i;
	}
	return s.n;
}

static int parse_query(struct walk *w, struct str inside, struct query *ret)
{
	static const char *const signs[] = {"==", "!=", "<=", ">=", "!%", "=", "<", ">", "%"};
	size_t at = find_sign(inside);

	*ret = (struct query){.path = str_trim((struct str){inside.p, at})};
	ret->value = (struct str){inside.p + at, inside.n - at};
	for (size_t i = 0; ret->value.n && !ret->is && i < ARRAY_LEN(signs); i++)
		if (str_skip(&ret->value, signs[i]))
			ret->is = signs[i];
	ret->value = str_trim(ret->value);
	if (str_starts(ret->value, "~"))
		return bad(w, "comparisons with ~ are not supported");
	return 0;
}

static bool fits_order(const char *is, int c)
{
	switch (is[0]) {
	case '=':
		return c == 0;
	case '!':
		return c != 0;
	case '<':
		return is[1] ? c <= 0 : c < 0;
	default:
		return is[1] ? c >= 0 : c > 0;
	}
}

static bool compare(struct walk *w, const struct datum *d, const struct query *q)
{
	struct datum value = DATUM_STR(q->value);
	struct err ignored;
	bool like = strchr(q->is, '%') != NULL;

	if (datum_from_json(q->value, w->arena, &value, &ignored) < 0)
		value = DATUM_STR(q->value);
	if (d->kind == DATUM_TEXT && value.kind != DATUM_TEXT)
		value = DATUM_STR(q->value);
	if (like)
		return d->kind == DATUM_TEXT &&
			   str_glob(str_dup(w->arena, value.text), d->text) == (q->is[0] == '%');
	if (d->kind == DATUM_TEXT)
		return fits_order(q->is, str_cmp(d->text, value.text));
	if (datum_is_number(d) && datum_is_number(&value)) {
		double x = datum_real(d), y = datum_real(&value);

		return fits_order(q->is, (x > y) - (x < y));
	}
	if (d->kind == DATUM_BOOL && value.kind == DATUM_BOOL)
		return fits_order(q->is, d->yes - value.yes);
	if (d->kind == DATUM_NULL && value.kind == DATUM_NULL)
		return fits_order(q->is, 0);
	return q->is[0] == '!';
}

/* Does one item of a list fit? */
static int fits(struct walk *w, const struct datum *item, const struct query *q)
{
	struct datum found = *item;
	int r = 1;

	if (q->path.n)
		r = get(w, item, q->path, &found);
	if (r <= 0 || !q->is)
		return r;
	return compare(w, &found, q);
}

static int collect(struct walk *w, const struct datum *items, size_t n, struct str rest,
				   struct datum *ret)
{
	VEC(struct datum) found = {0};

	for (size_t i = 0; i < n; i++) {
		struct datum one;
		int r = get(w, &items[i], rest, &one);

		if (r < 0)
			return r;
		if (r)
			*vec_push(w->arena, &found) = one;
	}
	*ret = datum_list(found.p, found.n);
	return 1;
}

/* Where the next pipe stands, outside of queries and quotes. */
static size_t find_pipe(struct str s)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '(' || c == '[')
			depth++;
		else if ((c == ')' || c == ']') && depth)
			depth--;
		else if (c == '|' && !depth)
			return i;
	}
	return s.n;
}

/* What follows `#` or `#(...)#`: '.' applies it, up to the next pipe, to each item, and '|' to the list. */
static int go_on(struct walk *w, const struct datum *list, struct str rest, struct datum *ret)
{
	struct datum all;
	size_t n;
	int r;

	if (str_skip(&rest, ".")) {
		n = find_pipe(rest);
		r = collect(w, list->list.p, list->list.n, (struct str){rest.p, n},
					n < rest.n ? &all : ret);
		if (r <= 0 || n == rest.n)
			return r;
		return get(w, &all, (struct str){rest.p + n + 1, rest.n - n - 1}, ret);
	}
	if (rest.n && !str_skip(&rest, "|"))
		return bad(w, "expected . or | behind a query");
	return get(w, list, rest, ret);
}

static int run_query(struct walk *w, const struct datum *d, struct str path, struct datum *ret)
{
	const char *end = end_of_query(path);
	VEC(struct datum) found = {0};
	struct datum list;
	struct query q;
	struct str rest;

	if (!end)
		return bad(w, "a query has no end");
	if (parse_query(w, (struct str){path.p, (size_t)(end - path.p)}, &q) < 0)
		return -EINVAL;
	rest = (struct str){end + 1, path.n - (size_t)(end - path.p) - 1};
	q.all = str_skip(&rest, "#");
	if (d->kind != DATUM_LIST)
		return 0;
	for (size_t i = 0; i < d->list.n && (q.all || !found.n); i++) {
		int r = fits(w, &d->list.p[i], &q);

		if (r < 0)
			return r;
		if (r)
			*vec_push(w->arena, &found) = d->list.p[i];
	}
	if (q.all) {
		list = datum_list(found.p, found.n);
		return go_on(w, &list, rest, ret);
	}
	if (rest.n && !str_skip(&rest, ".") && !str_skip(&rest, "|"))
		return bad(w, "expected . or | behind a query");
	return found.n ? get(w, &found.p[0], rest, ret) : 0;
}

static int get_of_all(struct walk *w, const struct datum *d, struct str rest, struct datum *ret)
{
	struct datum n;

	if (d->kind != DATUM_LIST)
		return 0;
	if (str_starts(rest, "."))
		return go_on(w, d, rest, ret);
	n = DATUM_NUMBER((int64_t)d->list.n);
	(void)str_skip(&rest, "|");
	return get(w, &n, rest, ret);
}

static int get_here(struct walk *w, const struct datum *d, struct str path, struct datum *ret)
{
	const struct datum *next;
	struct step s;

	if (!path.n) {
		*ret = *d;
		return 1;
	}
	if (str_skip(&path, "@"))
		return modify(w, d, path, ret);
	if (str_starts(path, "{") || str_starts(path, "[") || str_starts(path, "!") ||
		str_starts(path, ".."))
		return bad(w, "multipaths, literals and JSON lines are not supported");
	if (str_skip(&path, "#(") || str_skip(&path, "#["))
		return run_query(w, d, path, ret);
	if (path.p[0] == '#' && (path.n == 1 || path.p[1] == '.' || path.p[1] == '|'))
		return get_of_all(w, d, (struct str){path.p + 1, path.n - 1}, ret);
	take_name(w, &path, &s);
	next = child(d, &s);
	return next ? get(w, next, path, ret) : 0;
}

static int get(struct walk *w, const struct datum *d, struct str path, struct datum *ret)
{
	int r;

	if (++w->depth > MAX_DEPTH)
		return bad(w, "it has too many parts");
	r = get_here(w, d, path, ret);
	w->depth--;
	return r;
}

int gjson_get(const struct datum *document, struct str path, struct arena *a, struct datum *ret,
			  struct err *err)
{
	struct walk w = {.arena = a, .path = path, .err = err};

	if (!path.n)
		return 0;
	return get(&w, document, path, ret);
}
