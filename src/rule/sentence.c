/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/sentence.h"

#include "base/buf.h"

static struct sentence *sentence_new(struct language *l, enum sentence_kind kind, size_t max_subs)
{
	struct sentence *s = arena_new(l->arena, struct sentence, 1);

	s->kind = kind;
	s->column = -1;
	s->subs = arena_alloc(l->arena, (max_subs + 1) * sizeof(*s->subs));
	return s;
}

static int find_table(struct yaml_at at, struct str name, const struct table **ret, struct err *err)
{
	*ret = table_find(name);
	return *ret ? 0 : yaml_err(at, err, "there is no table '%.*s'; see: revet table", STR_ARG(name));
}

/* --- table.key: expectation ------------------------------------------------------------------ */

static enum type value_type(const struct table *t)
{
	for (int i = 0; t->columns[i].name; i++)
		if (t->columns[i].flags & COLUMN_VALUE)
			return t->columns[i].type;
	return TYPE_STRING;
}

static bool has_value(const struct table *t)
{
	for (int i = 0; t->columns[i].name; i++)
		if (t->columns[i].flags & COLUMN_VALUE)
			return true;
	return false;
}

static int parse_key(struct language *l, struct yaml_at key, struct yaml_at value,
					 const struct sentence **ret, struct err *err)
{
	struct sentence *s = sentence_new(l, SENTENCE_KEY, 0);
	struct str rest = yaml_text(key), name = STR_ABSENT;
	enum type type;
	int r;

	*ret = s;
	if (!str_has_char(rest, '.'))
		return yaml_err(key, err, "'%.*s' is neither table.key nor a word of the language",
						STR_ARG(rest));
	(void)str_cut(&rest, '.', &name);
	r = find_table(key, name, &s->table, err);
	if (r < 0)
		return r;
	if (table_key_column(s->table) >= 0 && has_value(s->table)) {
		s->key = rest;
		type = value_type(s->table);
		if (s->table->is_key && !s->table->is_key(rest))
			return yaml_err(key, err, "%s has no key '%.*s'", s->table->name, STR_ARG(rest));
	} else {
		s->column = table_column(s->table, rest);
		if (table_key_column(s->table) >= 0 || s->column < 0)
			return yaml_err(key, err, "%s has no %s '%.*s'", s->table->name,
							s->column < 0 ? "column" : "value: use for, where and want for",
							STR_ARG(rest));
		type = s->table->columns[s->column].type;
	}
	return expect_parse(value, type, l->arena, &s->expect, err);
}

/* --- for, where, want ------------------------------------------------------------------------ */

static int parse_conditions(struct language *l, const struct table *t, struct yaml_at at,
							struct condition **ret, size_t *ret_n, struct err *err)
{
	struct yaml_iter it = yaml_iter(at);
	struct condition *list;
	int r = 0;

	if (yaml_kind(at) != YAML_MAP || !yaml_len(at))
		return yaml_err(at, err, "expected columns of %s with what is expected of them", t->name);
	list = arena_new(l->arena, struct condition, yaml_len(at));
	*ret = list;
	while (r == 0 && yaml_next(&it)) {
		struct condition *c = &list[(*ret_n)++];

		c->column = table_column(t, yaml_text(it.key));
		if (c->column < 0)
			return yaml_err(it.key, err, "%s has no column '%.*s'", t->name,
							STR_ARG(yaml_text(it.key)));
		r = expect_parse(it.value, t->columns[c->column].type, l->arena, &c->expect, err);
	}
	return r;
}

static bool quantity_of(struct str word, enum quantity *ret)
{
	static const char *const words[] = {
		[NO_ROW] = "none", [SOME_ROW] = "some", [REVIEW_ROWS] = "review"};

	for (size_t i = NO_ROW; i < ARRAY_LEN(words); i++)
		if (str_is(word, words[i])) {
			*ret = (enum quantity)i;
			return true;
		}
	return false;
}

/* Of a table that holds only what is asked for, the rows must be asked for by name: any other
 * `where` would silently find nothing. */
static int check_asked(struct language *l, struct yaml_at at, const struct sentence *s,
					   struct err *err)
{
	const struct column *columns = s->table->columns;
	const struct str *names;
	size_t n;
	int column;

	for (int i = 0; columns[i].name; i++)
		if (columns[i].flags & COLUMN_ASKED &&
			!(sentence_names(s, NULL, l->arena, &column, &names, &n) && column == i))
			return yaml_err(at, err, "%s holds only what is asked for: name it, `where: {%s: ...}` "
							"with a value or one_of", s->table->name, columns[i].name);
	return 0;
}

int sentence_parse_rows(struct language *l, struct yaml_at at, const struct sentence **ret,
						struct err *err)
{
	struct sentence *s = sentence_new(l, SENTENCE_ROWS, 0);
	struct yaml_at node;
	int r;

	*ret = s;
	if (!yaml_get(at, "for", &node))
		return yaml_err(at, err, "'for: table' is missing");
	r = find_table(node, yaml_text(node), &s->table, err);
	if (r == 0 && yaml_get(at, "where", &node))
		r = parse_conditions(l, s->table, node, &s->where, &s->n_where, err);
	if (r == 0)
		r = check_asked(l, at, s, err);
	if (r < 0)
		return r;
	if (!yaml_get(at, "want", &node))
		return yaml_err(at, err, "'want' is missing");
	if (quantity_of(yaml_text(node), &s->quantity))
		return 0;
	s->quantity = EVERY_ROW;
	return parse_conditions(l, s->table, node, &s->want, &s->n_want, err);
}

bool sentence_names(const struct sentence *s, const struct params *params, struct arena *a,
					int *ret_column, const struct str **ret, size_t *ret_n)
{
	for (size_t i = 0; i < s->n_where; i++)
		if (s->table->columns[s->where[i].column].flags & (COLUMN_ASKED | COLUMN_KEY) &&
			expect_names(s->where[i].expect, params, a, ret, ret_n)) {
			*ret_column = s->where[i].column;
			return true;
		}
	return false;
}

bool sentence_beginnings(const struct sentence *s, struct arena *a, struct str **ret, size_t *ret_n)
{
	for (size_t i = 0; i < s->n_where; i++)
		if (s->table->columns[s->where[i].column].flags & COLUMN_KEY &&
			expect_beginnings(s->where[i].expect, a, ret, ret_n))
			return true;
	return false;
}

/* --- shorthands ------------------------------------------------------------------------------ */

/* The words of a shorthand: one, or a list. */
static int parse_words(struct language *l, struct yaml_at value, struct str **ret, size_t *ret_n,
					   struct err *err)
{
	struct yaml_iter it = yaml_iter(value);
	int r = 0;

	*ret = arena_new(l->arena, struct str, yaml_len(value) + 1);
	*ret_n = 0;
	if (yaml_kind(value) == YAML_SCALAR)
		return yaml_str(value, &(*ret)[(*ret_n)++], err);
	if (yaml_kind(value) == YAML_MAP || !yaml_len(value))
		return yaml_err(value, err, "expected a name or a list of names");
	while (r == 0 && yaml_next(&it))
		r = yaml_str(it.value, &(*ret)[(*ret_n)++], err);
	return r;
}

static const char *label_of(struct language *l, const char *word, const struct str *words, size_t n)
{
	const char *label = arena_printf(l->arena, "%s %.*s", word, STR_ARG(words[0]));

	for (size_t i = 1; i < n; i++)
		label = arena_printf(l->arena, "%s or %.*s", label, STR_ARG(words[i]));
	return label;
}

/* "some row of the table has one of the words in `column`, and one of those in `column2`" */
static struct sentence *some_row(struct language *l, const char *table, const char *column,
								 const struct expect *words, const char *column2,
								 const struct expect *words2)
{
	struct sentence *s = sentence_new(l, SENTENCE_ROWS, 0);

	s->table = table_find(str_of(table));
	s->quantity = SOME_ROW;
	s->where = arena_new(l->arena, struct condition, 2);
	s->n_where = 2;
	s->where[0] = (struct condition){table_column(s->table, str_of(column)), words};
	s->where[1] = (struct condition){table_column(s->table, str_of(column2)), words2};
	return s;
}

static struct sentence *package_sentence(struct language *l, const struct expect *names)
{
	static struct str installed[] = {STR("installed")};

	return some_row(l, "packages", "name", names, "state", expect_one_of(l->arena, installed, 1));
}

/* Set to be started, or running. */
static struct sentence *service_sentence(struct language *l, const struct expect *names)
{
	static struct str enabled[] = {STR("enabled"), STR("enabled-runtime"), STR("alias")};
	static struct str active[] = {STR("active")};
	struct sentence *s = sentence_new(l, SENTENCE_ANY, 2);

	s->subs[s->n_subs++] = some_row(l, "units", "name", names, "enabled",
									expect_one_of(l->arena, enabled, ARRAY_LEN(enabled)));
	s->subs[s->n_subs++] = some_row(l, "units", "name", names, "active_state",
									expect_one_of(l->arena, active, 1));
	return s;
}

/* A column of the table `os`. */
static struct sentence *os_sentence(struct language *l, const char *column,
									const struct expect *words)
{
	struct sentence *s = sentence_new(l, SENTENCE_KEY, 0);

	s->table = table_find(STR("os"));
	s->column = table_column(s->table, str_of(column));
	s->expect = words;
	return s;
}

static struct sentence *family_sentence(struct language *l, const struct expect *words)
{
	return os_sentence(l, "family", words);
}

static struct sentence *container_sentence(struct language *l, const struct expect *words)
{
	return os_sentence(l, "container", words);
}

static const struct shorthand {
	const char *word;
	struct sentence *(*make)(struct language *, const struct expect *words);
	const char *flag; /* takes true or false, and is told like this */
} shorthands[] = {
	{"package", package_sentence, NULL},
	{"service", service_sentence, NULL},
	{"os", family_sentence, NULL},
	{"container", container_sentence, "it is a container"},
};

static int parse_shorthand(struct language *l, const struct shorthand *h, struct yaml_at value,
						   const struct sentence **ret, struct err *err)
{
	struct sentence *s;
	struct str *words = NULL;
	size_t n = 0;
	bool flag;
	int r = h->flag ? yaml_bool(value, &flag, err) : 0;

	if (r == 0)
		r = parse_words(l, value, &words, &n, err);
	if (r < 0)
		return r;
	s = h->make(l, expect_one_of(l->arena, words, n));
	s->label = h->flag ? h->flag : label_of(l, h->word, words, n);
	*ret = s;
	return 0;
}

static int parse_workload(struct language *l, struct yaml_at value, const struct sentence **ret,
						  struct err *err)
{
	struct sentence *s;
	struct str *names;
	size_t n;
	int r = parse_words(l, value, &names, &n, err);

	if (r < 0)
		return r;
	s = sentence_new(l, SENTENCE_ANY, n);
	*ret = s;
	for (size_t i = 0; i < n; i++) {
		const struct workload *w = map_get(&l->workloads, names[i]);
		struct sentence *copy = arena_new(l->arena, struct sentence, 1);

		if (!w)
			return yaml_err(value, err, "there is no workload '%.*s'", STR_ARG(names[i]));
		*copy = *w->is;
		copy->label = arena_printf(l->arena, "workload %s: %s", w->name, w->title);
		s->subs[s->n_subs++] = copy;
	}
	return 0;
}

static int parse_list(struct language *l, struct yaml_at at, enum sentence_kind kind,
					  const struct sentence **ret, struct err *err)
{
	struct sentence *s = sentence_new(l, kind, yaml_len(at));
	struct yaml_iter it = yaml_iter(at);
	int r = 0;

	*ret = s;
	if (yaml_kind(at) != YAML_LIST || !yaml_len(at))
		return yaml_err(at, err, "expected a list of sentences");
	while (r == 0 && yaml_next(&it))
		r = sentence_parse(l, it.value, false, &s->subs[s->n_subs++], err);
	return r;
}

static int parse_pair(struct language *l, struct yaml_at key, struct yaml_at value,
					  const struct sentence **ret, struct err *err)
{
	struct str word = yaml_text(key);
	struct sentence *s;

	if (str_is(word, "any") || str_is(word, "all"))
		return parse_list(l, value, str_is(word, "any") ? SENTENCE_ANY : SENTENCE_ALL, ret, err);
	if (str_is(word, "not")) {
		s = sentence_new(l, SENTENCE_NOT, 1);
		s->n_subs = 1;
		*ret = s;
		return sentence_parse(l, value, false, &s->subs[0], err);
	}
	if (str_is(word, "workload"))
		return parse_workload(l, value, ret, err);
	for (size_t i = 0; i < ARRAY_LEN(shorthands); i++)
		if (str_is(word, shorthands[i].word))
			return parse_shorthand(l, &shorthands[i], value, ret, err);
	return parse_key(l, key, value, ret, err);
}

int sentence_parse(struct language *l, struct yaml_at at, bool any_of, const struct sentence **ret,
				   struct err *err)
{
	static const char *const row_keys[] = {"for", "where", "want", NULL};
	struct yaml_iter it = yaml_iter(at);
	struct yaml_at ignored;
	struct sentence *s;
	int r = 0;

	if (yaml_kind(at) != YAML_MAP || !yaml_len(at))
		return yaml_err(at, err, "expected a sentence, a mapping such as {table.key: value}");
	if (yaml_get(at, "for", &ignored)) {
		r = yaml_check_keys(at, row_keys, err);
		return r < 0 ? r : sentence_parse_rows(l, at, ret, err);
	}
	s = sentence_new(l, any_of ? SENTENCE_ANY : SENTENCE_ALL, yaml_len(at));
	while (r == 0 && yaml_next(&it))
		r = parse_pair(l, it.key, it.value, &s->subs[s->n_subs++], err);
	*ret = s->n_subs == 1 ? s->subs[0] : s;
	return r;
}

int language_load_workloads(struct language *l, const struct yaml *doc, struct err *err)
{
	static const char *const keys[] = {"title", "is", NULL};
	struct yaml_iter it = yaml_iter(YAML_ROOT(doc));
	int r = 0;

	while (r == 0 && yaml_next(&it)) {
		struct workload *w = arena_new(l->arena, struct workload, 1);
		struct yaml_at node;
		struct str title = STR_ABSENT;

		r = yaml_check_keys(it.value, keys, err);
		if (r == 0 && !yaml_get(it.value, "title", &node))
			r = yaml_err(it.key, err, "'title' is missing");
		if (r == 0)
			r = yaml_str(node, &title, err);
		if (r == 0 && !yaml_get(it.value, "is", &node))
			r = yaml_err(it.key, err, "'is' is missing");
		if (r == 0)
			r = sentence_parse(l, node, false, &w->is, err);
		w->name = str_dup(l->arena, yaml_text(it.key));
		w->title = str_dup(l->arena, title);
		map_put(&l->workloads, str_of(w->name), w);
	}
	return r;
}

void sentence_each(const struct sentence *s, void (*seen)(void *, const struct sentence *),
				   void *data)
{
	if (!s)
		return;
	if (s->table)
		seen(data, s);
	for (size_t i = 0; i < s->n_subs; i++)
		sentence_each(s->subs[i], seen, data);
}

/* --- telling --------------------------------------------------------------------------------- */

#define CONDITIONS_WIDTH 80 /* past it, the rest of them is counted in evidence */

void sentence_print_conditions(struct buf *out, const struct table *t, const struct condition *c,
							   size_t n, const struct params *params, enum wording wording)
{
	size_t from = out->n, told = 0;

	/* What is not meant tells least, and comes last. */
	for (int exclusions = 0; exclusions <= 1; exclusions++)
		for (size_t i = 0; i < n; i++) {
			if (expect_is_exclusion(c[i].expect) != exclusions)
				continue;
			if (wording == BRIEF && told > 1 && told + 1 < n && out->n - from > CONDITIONS_WIDTH) {
				buf_printf(out, " and %zu more conditions", n - told);
				return;
			}
			buf_printf(out, "%s%s ", told++ ? ", " : "", t->columns[c[i].column].name);
			expect_print(out, c[i].expect, t->columns[c[i].column].type, params, wording);
		}
}

static void print_rows(struct buf *out, const struct sentence *s, const struct params *params,
					   bool negated)
{
	static const char *const lead[] = {
		[EVERY_ROW] = "every", [NO_ROW] = "no", [SOME_ROW] = "a", [REVIEW_ROWS] = "a look at"};

	buf_printf(out, "%s row of %s", negated ? "no" : lead[s->quantity], s->table->name);
	buf_puts(out, s->n_where ? " with " : "");
	sentence_print_conditions(out, s->table, s->where, s->n_where, params, WHOLE);
	buf_puts(out, s->n_want ? " has " : "");
	sentence_print_conditions(out, s->table, s->want, s->n_want, params, WHOLE);
}

static void print_key(struct buf *out, const struct sentence *s, const struct params *params)
{
	enum type type = s->key.p ? value_type(s->table) : s->table->columns[s->column].type;

	buf_printf(out, "%s.", s->table->name);
	buf_str(out, s->key.p ? s->key : str_of(s->table->columns[s->column].name));
	buf_putc(out, ' ');
	expect_print(out, s->expect, type, params, WHOLE);
}

static bool is_not_some(const struct sentence *s)
{
	const struct sentence *of = s->kind == SENTENCE_NOT ? s->subs[0] : NULL;

	return of && of->kind == SENTENCE_ROWS && of->quantity == SOME_ROW && !of->label;
}

void sentence_print(struct buf *out, const struct sentence *s, const struct params *params)
{
	if (s->label) {
		buf_puts(out, s->label);
	} else if (s->kind == SENTENCE_ROWS) {
		print_rows(out, s, params, false);
	} else if (is_not_some(s)) {
		print_rows(out, s->subs[0], params, true);
	} else if (s->kind == SENTENCE_KEY) {
		print_key(out, s, params);
	} else {
		buf_puts(out, s->kind == SENTENCE_NOT ? "not " : "");
		for (size_t i = 0; i < s->n_subs; i++) {
			buf_puts(out, !i ? "" : s->kind == SENTENCE_ANY ? ", or " : " and ");
			sentence_print(out, s->subs[i], params);
		}
	}
}
