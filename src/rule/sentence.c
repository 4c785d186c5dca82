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
	if (r < 0)
		return r;
	if (!yaml_get(at, "want", &node))
		return yaml_err(at, err, "'want' is missing");
	if (quantity_of(yaml_text(node), &s->quantity))
		return 0;
	s->quantity = EVERY_ROW;
	return parse_conditions(l, s->table, node, &s->want, &s->n_want, err);
}

/* --- shorthands ------------------------------------------------------------------------------ */

static const char *label_of(struct language *l, const char *word, struct yaml_at value)
{
	struct yaml_iter it = yaml_iter(value);
	const char *label = NULL;

	if (yaml_kind(value) == YAML_SCALAR)
		return arena_printf(l->arena, "%s %.*s", word, STR_ARG(yaml_text(value)));
	while (yaml_next(&it))
		label = label ? arena_printf(l->arena, "%s or %.*s", label, STR_ARG(yaml_text(it.value)))
					  : arena_printf(l->arena, "%s %.*s", word, STR_ARG(yaml_text(it.value)));
	return label ? label : word;
}

/* Parses text of the language's own in place of a shorthand. %s stands for the words as a list. */
static int parse_template(struct language *l, struct yaml_at value, const char *template,
						  const char *label, const struct sentence **ret, struct err *err)
{
	_cleanup_buf_ struct buf list = BUF(8192);
	struct yaml_iter it = yaml_iter(value);
	struct yaml *doc = arena_new(l->arena, struct yaml, 1);
	struct sentence *copy;
	const char *text;
	int r;

	if (yaml_kind(value) == YAML_MAP)
		return yaml_err(value, err, "expected a name or a list of names");
	if (yaml_kind(value) == YAML_SCALAR)
		buf_printf(&list, "'%.*s'", STR_ARG(yaml_text(value)));
	while (yaml_kind(value) == YAML_LIST && yaml_next(&it))
		buf_printf(&list, "%s'%.*s'", list.n ? ", " : "", STR_ARG(yaml_text(it.value)));
	text = arena_printf(l->arena, template, buf_get(&list).p, buf_get(&list).p);
	r = yaml_parse(str_of(text), value.doc->name, l->arena, doc, err);
	if (r == 0)
		r = sentence_parse(l, YAML_ROOT(doc), false, ret, err);
	if (r < 0)
		return yaml_err(value, err, "cannot be used here");
	copy = arena_new(l->arena, struct sentence, 1);
	*copy = **ret;
	copy->label = label;
	*ret = copy;
	return 0;
}

static int parse_workload(struct language *l, struct yaml_at value, const struct sentence **ret,
						  struct err *err)
{
	struct sentence *s = sentence_new(l, SENTENCE_ANY, yaml_len(value) + 1);
	struct yaml_iter it = yaml_iter(value);
	bool list = yaml_kind(value) == YAML_LIST;

	*ret = s;
	for (bool more = list ? yaml_next(&it) : true; more; more = list && yaml_next(&it)) {
		struct str name = yaml_text(list ? it.value : value);
		const struct workload *w = map_get(&l->workloads, name);
		struct sentence *copy = arena_new(l->arena, struct sentence, 1);

		if (!w)
			return yaml_err(value, err, "there is no workload '%.*s'", STR_ARG(name));
		*copy = *w->is;
		copy->label = arena_printf(l->arena, "workload %s: %s", w->name, w->title);
		s->subs[s->n_subs++] = copy;
	}
	return 0;
}

static const struct {
	const char *word, *template;
} shorthands[] = {
	{"package", "{for: packages, where: {name: {one_of: [%s]}, state: installed}, want: some}"},
	{"service", "{any: [{for: units, where: {name: {one_of: [%s]}, enabled: {one_of: [enabled, "
				"enabled-runtime, alias]}}, want: some}, {for: units, where: {name: {one_of: [%s]}, "
				"active_state: active}, want: some}]}"},
	{"os", "{os.family: {one_of: [%s]}}"},
	{"container", "{os.container: %s}"},
};

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
			return parse_template(l, value, shorthands[i].template,
								  label_of(l, shorthands[i].word, value), ret, err);
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
