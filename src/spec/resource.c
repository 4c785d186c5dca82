/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/suite_private.h"

static size_t count_attributes(const struct kind *k)
{
	size_t n = 0;

	while (k->attributes[n].name)
		n++;
	return n;
}

static int parse_setting(struct loading *l, const struct attribute *a, struct yaml_at at,
						 struct datum *ret)
{
	static const char *const expected[] = {[SETTING_TEXT] = "text",
										   [SETTING_NUMBER] = "a number",
										   [SETTING_FLAG] = "true or false",
										   [SETTING_TEXTS] = "a list of texts"};
	struct datum d = datum_from_yaml(at, &l->suite->arena);
	bool flag, good = true;
	struct err ignored;

	*ret = d;
	if (d.kind == DATUM_NULL || a->kind == SETTING_ANY)
		return 0;
	if (a->kind == SETTING_TEXT) {
		good = d.kind != DATUM_LIST && d.kind != DATUM_MAP;
		if (good)
			*ret = DATUM_STR(yaml_text(at));
	} else if (a->kind == SETTING_NUMBER) {
		good = d.kind == DATUM_INT && d.number >= 0 && d.number <= INT32_MAX;
	} else if (a->kind == SETTING_FLAG) {
		good = yaml_kind(at) == YAML_SCALAR && yaml_bool(at, &flag, &ignored) == 0;
		if (good)
			*ret = DATUM_YES(flag);
	} else {
		good = d.kind == DATUM_LIST;
		for (size_t i = 0; good && i < d.list.n; i++)
			good = d.list.p[i].kind == DATUM_TEXT;
	}
	return good ? 0
				: yaml_err(at, l->err, "%s: expected %s, found %s", a->name, expected[a->kind],
						   datum_kind_name(d.kind));
}

/* Nothing is expected of text that is to have no patterns. */
static bool expects_nothing(const struct attribute *a, struct yaml_at at)
{
	if (yaml_kind(at) == YAML_MAP)
		return false;
	if (a->kind == EXPECTED_TEXT)
		return yaml_kind(at) == YAML_LIST ? !yaml_len(at) : !yaml_text(at).n;
	return yaml_is_null(at);
}

static int parse_property(struct loading *l, struct resource *r, int i, struct yaml_at at)
{
	const struct attribute *a = &r->kind->attributes[i];
	struct property *p = &r->properties[r->n_properties];

	if (expects_nothing(a, at))
		return a->required ? yaml_err(at, l->err, "what is expected of '%s' is missing", a->name)
						   : 0;
	p->attribute = i;
	r->n_properties++;
	if (a->kind == EXPECTED_TEXT && yaml_kind(at) == YAML_LIST)
		return matcher_parse_patterns(at, &l->suite->arena, &p->matcher, l->err);
	return matcher_parse(at, &l->suite->arena, &p->matcher, l->err);
}

static bool get_attribute(struct yaml_at map, const struct attribute *a, struct yaml_at *ret)
{
	return yaml_get(map, a->name, ret) || (a->also && yaml_get(map, a->also, ret));
}

static int check_names(struct loading *l, const struct kind *k, struct yaml_at map)
{
	const char *names[64];
	size_t n = 0;

	names[n++] = "title";
	names[n++] = "meta";
	names[n++] = "skip";
	for (const struct attribute *a = k->attributes; a->name; a++) {
		names[n++] = a->name;
		if (a->also)
			names[n++] = a->also;
	}
	names[n] = NULL;
	return yaml_check_keys(map, names, l->err);
}

/* What all kinds have. */
static int parse_common(struct loading *l, struct resource *r, struct yaml_at map)
{
	struct yaml_at at;
	int status = 0;

	r->meta = DATUM_NOTHING;
	if (yaml_get(map, "title", &at) && !yaml_is_null(at))
		status = yaml_str(at, &r->title, l->err);
	if (status == 0 && yaml_get(map, "skip", &at) && !yaml_is_null(at))
		status = yaml_bool(at, &r->skip, l->err);
	if (status == 0 && yaml_get(map, "meta", &at)) {
		r->meta = datum_from_yaml(at, &l->suite->arena);
		if (r->meta.kind != DATUM_MAP && r->meta.kind != DATUM_NULL)
			status = yaml_err(at, l->err, "meta: expected a mapping, found %s", yaml_kind_name(at));
	}
	return status;
}

static int parse_attributes(struct loading *l, struct resource *r, struct yaml_at map)
{
	size_t n = count_attributes(r->kind);
	int status = 0;

	r->settings = arena_new(&l->suite->arena, struct datum, n + 1);
	r->properties = arena_new(&l->suite->arena, struct property, n + 1);
	for (size_t i = 0; status == 0 && i < n; i++) {
		const struct attribute *a = &r->kind->attributes[i];
		struct yaml_at at;

		if (!get_attribute(map, a, &at)) {
			if (a->required)
				status = yaml_err(map, l->err, "'%s' is missing", a->name);
			continue;
		}
		status = a->kind <= EXPECTED_TEXT ? parse_property(l, r, (int)i, at)
										  : parse_setting(l, a, at, &r->settings[i]);
	}
	return status;
}

int suite_parse_resource(struct loading *l, const struct kind *k, struct yaml_at key,
						 struct yaml_at map, struct resource **ret)
{
	struct suite *s = l->suite;
	struct resource *r = arena_new(&s->arena, struct resource, 1);
	struct str subject;
	int status;

	*ret = r;
	r->kind = k;
	r->name = yaml_text(key);
	r->id = str_dup(&s->arena, r->name);
	r->from = FROM(key.doc->name, key.doc->nodes[key.i].line);
	status = check_names(l, k, map);
	if (status == 0)
		status = parse_common(l, r, map);
	if (status == 0)
		status = parse_attributes(l, r, map);
	subject = status == 0 && k->subject ? setting_text(r, k->subject) : STR_ABSENT;
	if (subject.n && !str_eq(subject, r->name)) {
		r->id = arena_printf(&s->arena, "%s: %.*s", r->id, STR_ARG(subject));
		r->name = subject;
	}
	return status;
}

/* --- sentences ------------------------------------------------------------------------------- */

struct param_check {
	const struct params *params;
	struct err *err;
	int status;
	bool review;
};

static void check_sentence(void *data, const struct sentence *s)
{
	struct param_check *c = data;

	c->review = c->review || s->quantity == REVIEW_ROWS;
	if (c->status == 0 && s->expect)
		c->status = expect_check_params(s->expect, c->params, c->err);
	for (size_t i = 0; c->status == 0 && i < s->n_where; i++)
		c->status = expect_check_params(s->where[i].expect, c->params, c->err);
	for (size_t i = 0; c->status == 0 && i < s->n_want; i++)
		c->status = expect_check_params(s->want[i].expect, c->params, c->err);
}

static int parse_sentences(struct loading *l, struct yaml_at at, struct rule *rule)
{
	struct language *language = &l->suite->catalogue->language;
	struct param_check check = {&language->params, l->err, 0, false};
	struct yaml_at node;
	int r = 0;

	if (yaml_get(at, "when", &node))
		r = sentence_parse(language, node, false, &rule->when, l->err);
	if (r == 0 && yaml_get(at, "for", &node))
		r = sentence_parse_rows(language, at, &rule->want, l->err);
	else if (r == 0 && yaml_get(at, "want", &node))
		r = sentence_parse(language, node, false, &rule->want, l->err);
	else if (r == 0)
		r = yaml_err(at, l->err, "'want' is missing");
	if (r < 0)
		return r;
	sentence_each(rule->when, check_sentence, &check);
	sentence_each(rule->want, check_sentence, &check);
	if (check.status < 0)
		return yaml_err(at, l->err, "%s", arena_strdup(&l->suite->arena, l->err->msg));
	return check.review ? yaml_err(at, l->err, "a test cannot want a review") : 0;
}

int suite_parse_test(struct loading *l, struct yaml_at at, struct resource **ret)
{
	static const char *const keys[] = {"title", "meta",  "skip", "when",
									   "for",   "where", "want", NULL};
	struct suite *s = l->suite;
	struct resource *r = arena_new(&s->arena, struct resource, 1);
	struct rule *rule = arena_new(&s->arena, struct rule, 1);
	int status = yaml_check_keys(at, keys, l->err);

	if (status == 0)
		status = parse_common(l, r, at);
	if (status == 0 && !r->title.n)
		status = yaml_err(at, l->err, "'title' is missing");
	if (status == 0)
		status = parse_sentences(l, at, rule);
	if (status < 0)
		return status;
	r->kind = &test_kind;
	r->id = str_dup(&s->arena, r->title);
	r->name = r->title;
	r->from = FROM(at.doc->name, at.doc->nodes[at.i].line);
	r->rule = rule;
	rule->id = r->id;
	rule->family = "tests";
	rule->file = at.doc->name;
	rule->title = r->title;
	*ret = r;
	return 0;
}

/* --- settings -------------------------------------------------------------------------------- */

const struct datum *setting(const struct resource *r, const char *name)
{
	static const struct datum nothing = {.kind = DATUM_NULL};

	for (size_t i = 0; r->kind->attributes[i].name; i++)
		if (strcmp(r->kind->attributes[i].name, name) == 0)
			return &r->settings[i];
	return &nothing;
}

struct str setting_text(const struct resource *r, const char *name)
{
	const struct datum *d = setting(r, name);

	return d->kind == DATUM_TEXT ? d->text : STR_ABSENT;
}

int64_t setting_number(const struct resource *r, const char *name, int64_t otherwise)
{
	const struct datum *d = setting(r, name);

	return d->kind == DATUM_INT && d->number ? d->number : otherwise;
}

bool setting_flag(const struct resource *r, const char *name)
{
	const struct datum *d = setting(r, name);

	return d->kind == DATUM_BOOL && d->yes;
}

const struct attribute *attribute_of(const struct resource *r, int attribute)
{
	return &r->kind->attributes[attribute];
}
