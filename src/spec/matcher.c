/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/matcher_private.h"

#include "base/vec.h"
#include "spec/gjson.h"

#define MAX_PAIRS 1000000 /* of an expected and a found item */

const struct datum *matcher_expected(const struct matcher *m)
{
	return &m->whole;
}

/* --- testing --------------------------------------------------------------------------------- */

struct testing {
	struct arena *arena;
	VEC(struct datum) chain; /* conversions that changed the value */
	const char *error; /* of what was only looked at in passing: no reason for "it is not so" */
};

static void test(struct testing *, const struct matcher *, const struct datum *, bool negated,
				 struct match_result *);

static void fail(struct match_result *r, const char *message)
{
	r->match = MATCH_ERROR;
	r->message = message;
}

static void note_conversion(struct testing *t, const char *name, struct str path)
{
	struct datum inner = datum_map(t->arena), outer = datum_map(t->arena);

	if (path.p)
		datum_put(t->arena, &inner, STR("Path"), DATUM_STR(path));
	datum_put(t->arena, &outer, str_of(name), inner);
	*vec_push(t->arena, &t->chain) = outer;
}

static struct str join_lines(struct arena *a, const struct datum *list)
{
	_cleanup_buf_ struct buf text = BUF((size_t)64 << 20);

	for (size_t i = 0; i < list->list.n; i++) {
		if (i)
			buf_putc(&text, '\n');
		datum_print(&text, &list->list.p[i]);
	}
	return (struct str){arena_copy(a, buf_get(&text).p, text.n), text.n};
}

static struct datum to_text(struct testing *t, const struct datum *d)
{
	if (d->kind == DATUM_TEXT)
		return *d;
	note_conversion(t, "to-string", STR_ABSENT);
	return DATUM_STR(d->kind == DATUM_LIST ? join_lines(t->arena, d) : datum_text(t->arena, d));
}

static int to_number(struct testing *t, const struct datum *d, struct datum *ret)
{
	struct str text;

	*ret = *d;
	if (datum_is_number(d))
		return 0;
	note_conversion(t, "to-numeric", STR_ABSENT);
	if (d->kind != DATUM_TEXT && d->kind != DATUM_LIST)
		return -EINVAL;
	text = str_trim(d->kind == DATUM_TEXT ? d->text : join_lines(t->arena, d));
	if (datum_parse_number(text, ret) < 0)
		return -EINVAL;
	/* "0644" is six hundred and forty-four when it is read as a number. */
	while (text.n > 1 && text.p[0] == '0' && text.p[1] >= '0' && text.p[1] <= '9')
		text = (struct str){text.p + 1, text.n - 1};
	return datum_parse_number(text, ret);
}

static struct datum to_list(struct testing *t, const struct datum *d)
{
	VEC(struct datum) lines = {0};
	struct str rest, line;

	if (d->kind != DATUM_TEXT)
		return *d;
	note_conversion(t, "to-array", STR_ABSENT);
	rest = d->text.p ? d->text : STR("");
	while (str_cut(&rest, '\n', &line))
		*vec_push(t->arena, &lines) = DATUM_STR(line);
	return datum_list(lines.p, lines.n);
}

/* The items of a list or the values of a mapping; false when it is neither. */
static bool items_of(struct arena *a, const struct datum *d, const struct datum **ret,
					 size_t *ret_n)
{
	struct datum *values;

	if (d->kind == DATUM_LIST) {
		*ret = d->list.p;
		*ret_n = d->list.n;
		return true;
	}
	if (d->kind != DATUM_MAP)
		return false;
	values = arena_new(a, struct datum, d->map->n + 1);
	for (size_t i = 0; i < d->map->n; i++)
		values[i] = d->map->p[i].value;
	*ret = values;
	*ret_n = d->map->n;
	return true;
}

static bool matches(struct testing *t, const struct matcher *m, const struct datum *d)
{
	struct testing inner = {.arena = t->arena};
	struct match_result r = {0};

	test(&inner, m, d, false, &r);
	if (r.match == MATCH_ERROR)
		t->error = r.message;
	else if (inner.error)
		t->error = inner.error;
	return r.match == MATCH_YES;
}

static bool compare(const char *how, double a, double b)
{
	switch (how[0] << 8 | how[1]) {
	case 'g' << 8 | 't':
		return a > b;
	case 'g' << 8 | 'e':
		return a >= b;
	case 'l' << 8 | 't':
		return a < b;
	case 'l' << 8 | 'e':
		return a <= b;
	default:
		return a == b;
	}
}

static bool test_text(const struct matcher *m, struct str s)
{
	struct str want = m->expected.text;

	switch (m->kind) {
	case PREFIX:
		return s.n >= want.n && memcmp(s.p ? s.p : "", want.p, want.n) == 0;
	case SUFFIX:
		return s.n >= want.n && memcmp(s.p + s.n - want.n, want.p, want.n) == 0;
	case SUBSTRING:
		return !want.n || (s.n && memmem(s.p, s.n, want.p, want.n));
	case REGEXP:
		return pattern_match(m->pattern, s);
	default:
		return s.n == want.n && (!s.n || memcmp(s.p, want.p, s.n) == 0);
	}
}

static void test_length(const struct matcher *m, const struct datum *d, struct match_result *r)
{
	size_t n = d->kind == DATUM_TEXT   ? d->text.n
			   : d->kind == DATUM_LIST ? d->list.n
			   : d->kind == DATUM_MAP  ? d->map->n
									   : SIZE_MAX;

	if (n == SIZE_MAX)
		fail(r, "only text, a list or a mapping has a length");
	else
		r->match = (double)n == datum_real(&m->expected) ? MATCH_YES : MATCH_NO;
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool line_has(const struct line_pattern *p, struct str line)
{
	if (p->expression)
		return pattern_match(p->expression, line);
	return !p->needle.n || (line.n && memmem(line.p, line.n, p->needle.p, p->needle.n));
}

/* Each pattern is looked for until it is found. */
static void test_lines(struct testing *t, const struct matcher *m, struct str text,
					   struct match_result *r)
{
	bool *seen = arena_new(t->arena, bool, m->n_lines + 1);
	VEC(struct datum) found = {0}, missing = {0};
	struct str line;

	while (str_line(&text, &line))
		for (size_t i = 0; i < m->n_lines; i++)
			seen[i] = seen[i] || line_has(&m->lines[i], line);
	for (size_t i = 0; i < m->n_lines; i++) {
		const struct line_pattern *p = &m->lines[i];
		/* The empty pattern is in the empty text as well. */
		bool good = p->inverse ? !seen[i] : seen[i] || !p->text.n;

		if (good)
			*vec_push(t->arena, &found) = DATUM_STR(p->text);
		else
			*vec_push(t->arena, &missing) = DATUM_STR(p->text);
	}
	r->match = missing.n ? MATCH_NO : MATCH_YES;
	r->found = datum_list(found.p, found.n);
	r->missing = datum_list(missing.p, missing.n);
}

/* --- items ----------------------------------------------------------------------------------- */

/* Which expected item is to be found in which: every one has another. Kuhn's algorithm: each in turn
 * takes a free one, or one whose holder can take another. */
struct pairing {
	const bool *fits; /* n_items for each matcher */
	size_t n_items;
	size_t *holder; /* of each item, from 1; 0: free */
	bool *tried;
};

static bool take_item(struct pairing *p, size_t matcher)
{
	for (size_t i = 0; i < p->n_items; i++) {
		if (!p->fits[matcher * p->n_items + i] || p->tried[i])
			continue;
		p->tried[i] = true;
		if (!p->holder[i] || take_item(p, p->holder[i] - 1)) {
			p->holder[i] = matcher + 1;
			return true;
		}
	}
	return false;
}

static void test_items(struct testing *t, const struct matcher *m, const struct datum *d,
					   struct match_result *r)
{
	VEC(struct datum) missing = {0}, extra = {0};
	const struct datum *items;
	struct pairing p = {0};
	bool *fits;
	size_t n;

	if (!items_of(t->arena, d, &items, &n)) {
		fail(r, "expected a list or a mapping");
		return;
	}
	if (m->n_subs > 1000 || (uint64_t)n * m->n_subs > MAX_PAIRS) {
		fail(r, "too many items to compare");
		return;
	}
	fits = arena_new(t->arena, bool, n * m->n_subs + 1);
	p = (struct pairing){fits, n, arena_new(t->arena, size_t, n + 1),
						 arena_new(t->arena, bool, n + 1)};
	for (size_t i = 0; i < m->n_subs; i++)
		for (size_t k = 0; k < n; k++)
			fits[i * n + k] = matches(t, m->subs[i], &items[k]);
	for (size_t i = 0; i < m->n_subs; i++) {
		memset(p.tried, 0, n);
		if (!take_item(&p, i))
			*vec_push(t->arena, &missing) = *matcher_expected(m->subs[i]);
	}
	for (size_t k = 0; k < n; k++)
		if (!p.holder[k])
			*vec_push(t->arena, &extra) = items[k];
	r->match = missing.n || (m->kind == CONSISTS && extra.n) ? MATCH_NO : MATCH_YES;
	if (missing.n)
		r->missing = datum_list(missing.p, missing.n);
	if (m->kind == CONSISTS && extra.n)
		r->extra = datum_list(extra.p, extra.n);
}

static void test_element(struct testing *t, const struct matcher *m, const struct datum *d,
						 struct match_result *r)
{
	const struct datum *items;
	size_t n;

	if (!items_of(t->arena, d, &items, &n)) {
		fail(r, "expected a list or a mapping");
		return;
	}
	r->match = MATCH_NO;
	for (size_t i = 0; i < n && r->match == MATCH_NO; i++)
		if (matches(t, m->subs[0], &items[i]))
			r->match = MATCH_YES;
}

static void test_key(struct testing *t, const struct matcher *m, const struct datum *d,
					 struct match_result *r)
{
	if (d->kind != DATUM_MAP) {
		fail(r, "expected a mapping");
		return;
	}
	r->match = m->kind == KEYS ? MATCH_YES : MATCH_NO;
	for (size_t i = 0; m->kind == KEYS && i < m->n_subs; i++) {
		const struct datum *value = datum_get(d, m->paths[i]);

		if (!value || !matches(t, m->subs[i], value))
			r->match = MATCH_NO;
	}
	for (size_t i = 0; m->kind == KEY && i < d->map->n; i++)
		if (matches(t, m->subs[0], &DATUM_STR(d->map->p[i].key)))
			r->match = MATCH_YES;
}

static void test_versions(const struct matcher *m, const struct datum *d, struct match_result *r)
{
	const struct datum *items = d->kind == DATUM_LIST ? d->list.p : d;
	size_t n = d->kind == DATUM_LIST ? d->list.n : 1;

	r->match = n ? MATCH_YES : MATCH_ERROR;
	for (size_t i = 0; i < n && r->match != MATCH_ERROR; i++) {
		struct semver v;

		if (items[i].kind != DATUM_TEXT || semver_parse(items[i].text, &v) < 0)
			r->match = MATCH_ERROR;
		else if (!semver_in(m->range, &v))
			r->match = MATCH_NO;
	}
	if (r->match == MATCH_ERROR)
		fail(r, "expected a version, or a list of versions, of the form 1.2.3");
}

/* --- all of them ----------------------------------------------------------------------------- */

/* One of several has decided: what was seen of it is what is told of them all. */
static void stand_for(struct testing *t, const struct testing *one)
{
	t->error = one->error;
	for (size_t i = 0; i < one->chain.n; i++)
		*vec_push(t->arena, &t->chain) = one->chain.p[i];
}

/* The first that fails says why. */
static void test_and(struct testing *t, const struct matcher *m, const struct datum *d,
					 struct match_result *r)
{
	r->match = MATCH_YES;
	for (size_t i = 0; i < m->n_subs; i++) {
		struct testing inner = {.arena = t->arena};
		struct match_result one = {0};

		test(&inner, m->subs[i], d, false, &one);
		if (one.match == MATCH_YES)
			continue;
		stand_for(t, &inner);
		*r = one;
		return;
	}
}

static void test_or(struct testing *t, const struct matcher *m, const struct datum *d,
					struct match_result *r)
{
	r->match = MATCH_NO;
	for (size_t i = 0; i < m->n_subs && r->match == MATCH_NO; i++)
		if (matches(t, m->subs[i], d))
			r->match = MATCH_YES;
	if (r->match == MATCH_NO && t->error)
		fail(r, t->error);
}

static void test_gjson(struct testing *t, const struct matcher *m, const struct datum *d,
					   struct match_result *r)
{
	struct datum document = DATUM_NOTHING, value;
	struct err err = {0};
	int good = -EINVAL;

	r->match = MATCH_YES;
	if (d->kind == DATUM_TEXT)
		good = datum_from_json(d->text, t->arena, &document, &err);
	for (size_t i = 0; i < m->n_subs && r->match == MATCH_YES; i++) {
		struct testing inner = {.arena = t->arena};
		struct match_result one = {0};
		int found = good < 0 ? good : gjson_get(&document, m->paths[i], t->arena, &value, &err);

		note_conversion(&inner, "gjson", m->paths[i]);
		if (found > 0)
			test(&inner, m->subs[i], &value, false, &one);
		else if (d->kind != DATUM_TEXT)
			fail(&one, "expected text with JSON in it");
		else
			fail(&one, found < 0 ? arena_strdup(t->arena, err.msg)
								 : arena_printf(t->arena, "there is nothing at %.*s",
												STR_ARG(m->paths[i])));
		if (one.match == MATCH_YES)
			continue;
		stand_for(t, &inner);
		*r = one;
	}
}

static const char *message(struct arena *a, const struct matcher *m)
{
	static const char *const messages[] = {
		[EQUAL] = "to equal",
		[TEXT] = "to equal",
		[PREFIX] = "to have prefix",
		[SUFFIX] = "to have suffix",
		[SUBSTRING] = "to contain substring",
		[REGEXP] = "to match regular expression",
		[LENGTH] = "to have length",
		[PATTERNS] = "to have patterns",
		[KEY] = "to have key matching",
		[KEYS] = "to have keys with values",
		[ELEMENT] = "to contain element matching",
		[ELEMENTS] = "to contain elements",
		[CONSISTS] = "to consist of",
		[AND] = "to satisfy all of these matchers",
		[OR] = "to satisfy at least one of these matchers",
		[SEMVER] = "to satisfy semver constraint",
		[GJSON] = "to satisfy all of these matchers",
		[NOT] = "",
	};

	return m->kind == NUMBER ? arena_printf(a, "to be numerically %s", m->compare)
							 : messages[m->kind];
}

static void test_converted(struct testing *t, const struct matcher *m, const struct datum *d,
						   struct match_result *r)
{
	switch (m->kind) {
	case EQUAL:
		r->match = datum_equal(d, &m->expected) ? MATCH_YES : MATCH_NO;
		break;
	case NUMBER:
		r->match =
			compare(m->compare, datum_real(d), datum_real(&m->expected)) ? MATCH_YES : MATCH_NO;
		break;
	case LENGTH:
		test_length(m, d, r);
		break;
	case PATTERNS:
		test_lines(t, m, d->text, r);
		break;
	case KEY:
	case KEYS:
		test_key(t, m, d, r);
		break;
	case ELEMENT:
		test_element(t, m, d, r);
		break;
	case ELEMENTS:
	case CONSISTS:
		test_items(t, m, d, r);
		break;
	case AND:
		test_and(t, m, d, r);
		break;
	case OR:
		test_or(t, m, d, r);
		break;
	case SEMVER:
		test_versions(m, d, r);
		break;
	case GJSON:
		test_gjson(t, m, d, r);
		break;
	default:
		r->match = test_text(m, d->text) ? MATCH_YES : MATCH_NO;
	}
}

/* The other way round: what went wrong stays wrong. */
static void negate(struct testing *t, struct match_result *r)
{
	if (r->match == MATCH_NO && t->error)
		fail(r, t->error);
	if (r->match == MATCH_ERROR)
		return;
	r->match = r->match == MATCH_YES ? MATCH_NO : MATCH_YES;
	r->message = arena_printf(t->arena, "not %s", r->message);
	r->missing = r->extra = r->found = DATUM_NOTHING;
}

static void test(struct testing *t, const struct matcher *m, const struct datum *d, bool negated,
				 struct match_result *r)
{
	struct datum value = *d;

	if (m->kind == NOT) {
		test(t, m->subs[0], d, !negated, r);
		return;
	}
	*r = (struct match_result){.match = MATCH_NO, .message = message(t->arena, m)};
	r->expected = m->expected;
	if (m->conversion == TO_TEXT)
		value = to_text(t, d);
	else if (m->conversion == TO_LIST)
		value = to_list(t, d);
	r->actual = value;
	if (m->conversion == TO_NUMBER && to_number(t, d, &value) < 0) {
		fail(r, "expected a number");
		return;
	}
	r->actual = value;
	test_converted(t, m, &value, r);
	if (negated)
		negate(t, r);
}

void matcher_test(const struct matcher *m, const struct datum *actual, struct arena *a,
				  struct match_result *ret)
{
	struct testing t = {.arena = a};

	test(&t, m, actual, false, ret);
	if (t.chain.n && ret->match != MATCH_YES) {
		ret->chain = datum_list(t.chain.p, t.chain.n);
		ret->raw = *actual;
	}
}

/* --- for people ------------------------------------------------------------------------------ */

static void print_part(struct buf *out, const char *what, const struct datum *d, bool one_line)
{
	if (d->kind == DATUM_NULL)
		return;
	buf_printf(out, "%s%s%s", one_line ? " " : "\n", what, one_line ? " " : "\n    ");
	datum_json(out, d);
}

void match_print(struct buf *out, const struct match_result *r, bool one_line)
{
	const char *between = one_line ? " " : "\n    ";

	if (r->match == MATCH_ERROR) {
		buf_printf(out, "Error%s", between);
		buf_printable(out, str_of(r->message)); /* it may hold words of the host */
		if (r->actual.kind != DATUM_NULL)
			print_part(out, "found", &r->actual, one_line);
	} else {
		buf_printf(out, "Expected%s", between);
		datum_json(out, &r->actual);
		buf_printf(out, "%s%s%s", one_line ? " " : "\n", r->message, between);
		datum_json(out, &r->expected);
	}
	print_part(out, "the missing elements were", &r->missing, one_line);
	print_part(out, "the extra elements were", &r->extra, one_line);
	print_part(out, "the transform chain was", &r->chain, one_line);
	if (r->match == MATCH_NO)
		print_part(out, "the raw value was", &r->raw, one_line);
}
