/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/matcher_private.h"

static struct matcher *matcher_new(struct arena *a, enum kind kind, enum conversion conversion,
								   struct datum expected, struct datum whole)
{
	struct matcher *m = arena_new(a, struct matcher, 1);

	m->kind = kind;
	m->conversion = conversion;
	m->expected = expected;
	m->whole = whole;
	return m;
}

static int parse_subs(struct yaml_at list, struct arena *a, struct matcher *m, struct err *err)
{
	struct yaml_iter it = yaml_iter(list);
	int r = 0;

	if (yaml_kind(list) != YAML_LIST)
		return yaml_err(list, err, "expected a list of matchers, found %s", yaml_kind_name(list));
	m->subs = arena_alloc(a, sizeof(*m->subs) * (yaml_len(list) + 1));
	while (r == 0 && yaml_next(&it))
		r = matcher_parse(it.value, a, &m->subs[m->n_subs++], err);
	return r;
}

static int parse_sub(struct yaml_at at, struct arena *a, struct matcher *m, struct err *err)
{
	m->subs = arena_alloc(a, sizeof(*m->subs));
	m->n_subs = 1;
	return matcher_parse(at, a, &m->subs[0], err);
}

/* {path: matcher, ...} */
static int parse_paths(struct yaml_at map, struct arena *a, struct matcher *m, struct err *err)
{
	struct yaml_iter it = yaml_iter(map);
	int r = 0;

	if (yaml_kind(map) != YAML_MAP)
		return yaml_err(map, err, "expected {name: matcher, ...}, found %s", yaml_kind_name(map));
	m->subs = arena_alloc(a, sizeof(*m->subs) * (yaml_len(map) + 1));
	m->paths = arena_new(a, struct str, yaml_len(map) + 1);
	while (r == 0 && yaml_next(&it)) {
		m->paths[m->n_subs] = yaml_text(it.key);
		r = matcher_parse(it.value, a, &m->subs[m->n_subs++], err);
	}
	return r;
}

static int parse_text(struct yaml_at at, struct arena *a, struct matcher *m, struct err *err)
{
	if (m->expected.kind != DATUM_TEXT)
		return yaml_err(at, err, "expected text, found %s%s", datum_kind_name(m->expected.kind),
						yaml_kind(at) == YAML_SCALAR ? ": put it in quotes" : "");
	if (m->kind == REGEXP && pattern_compile(a, m->expected.text, &m->pattern, err) < 0)
		return yaml_err(at, err, "%s", arena_strdup(a, err->msg));
	if (m->kind == SEMVER && semver_range_parse(m->expected.text, a, &m->range, err) < 0)
		return yaml_err(at, err, "%s", arena_strdup(a, err->msg));
	return 0;
}

static int parse_number(struct yaml_at at, struct arena *a _unused_, struct matcher *m,
						struct err *err)
{
	if (!datum_is_number(&m->expected))
		return yaml_err(at, err, "expected a number, found %s", datum_kind_name(m->expected.kind));
	return 0;
}

static int parse_line(struct yaml_at at, struct arena *a, struct line_pattern *ret, struct err *err)
{
	struct datum d = datum_from_yaml(at, a);
	struct str s = d.text;

	if (d.kind != DATUM_TEXT)
		return yaml_err(at, err, "expected a pattern, found %s%s", datum_kind_name(d.kind),
						yaml_kind(at) == YAML_SCALAR ? ": put it in quotes" : "");
	*ret = (struct line_pattern){.text = s, .inverse = str_starts(s, "!")};
	if ((str_starts(s, "/") || str_starts(s, "!/")) && str_ends(s, "/")) {
		(void)str_skip(&s, "!");
		(void)str_skip(&s, "/");
		if (s.n)
			s.n--;
		if (pattern_compile(a, s, &ret->expression, err) < 0)
			return yaml_err(at, err, "%s", arena_strdup(a, err->msg));
		return 0;
	}
	while (s.n && (s.p[0] == '\\' || s.p[0] == '/' || s.p[0] == '!'))
		s = (struct str){s.p + 1, s.n - 1};
	ret->needle = s;
	return 0;
}

static int parse_lines(struct yaml_at at, struct arena *a, struct matcher *m, struct err *err)
{
	struct yaml_iter it = yaml_iter(at);
	int r = 0;

	if (yaml_kind(at) != YAML_LIST)
		return yaml_err(at, err, "expected a list of patterns, found %s", yaml_kind_name(at));
	m->lines = arena_new(a, struct line_pattern, yaml_len(at) + 1);
	while (r == 0 && yaml_next(&it))
		r = parse_line(it.value, a, &m->lines[m->n_lines++], err);
	return r;
}

static int parse_any(struct yaml_at at _unused_, struct arena *a _unused_,
					 struct matcher *m _unused_, struct err *err _unused_)
{
	return 0;
}

static const struct matcher_word {
	const char *name;
	enum kind kind;
	enum conversion conversion;
	int (*parse)(struct yaml_at, struct arena *, struct matcher *, struct err *);
} matcher_words[] = {
	{"equal", EQUAL, AS_IT_IS, parse_any},
	{"have-prefix", PREFIX, TO_TEXT, parse_text},
	{"have-suffix", SUFFIX, TO_TEXT, parse_text},
	{"contain-substring", SUBSTRING, TO_TEXT, parse_text},
	{"match-regexp", REGEXP, TO_TEXT, parse_text},
	{"have-len", LENGTH, AS_IT_IS, parse_number},
	{"have-patterns", PATTERNS, TO_TEXT, parse_lines},
	{"have-key", KEY, AS_IT_IS, parse_sub},
	{"have-key-with-value", KEYS, AS_IT_IS, parse_paths},
	{"contain-element", ELEMENT, TO_LIST, parse_sub},
	{"contain-elements", ELEMENTS, TO_LIST, parse_subs},
	{"consist-of", CONSISTS, AS_IT_IS, parse_subs},
	{"not", NOT, AS_IT_IS, parse_sub},
	{"and", AND, AS_IT_IS, parse_subs},
	{"or", OR, AS_IT_IS, parse_subs},
	{"gt", NUMBER, TO_NUMBER, parse_number},
	{"ge", NUMBER, TO_NUMBER, parse_number},
	{"lt", NUMBER, TO_NUMBER, parse_number},
	{"le", NUMBER, TO_NUMBER, parse_number},
	{"semver-constraint", SEMVER, AS_IT_IS, parse_text},
	{"gjson", GJSON, AS_IT_IS, parse_paths},
};

/* {matcher: argument} */
static int parse_word(struct yaml_at at, struct arena *a, const struct matcher **ret,
					  struct err *err)
{
	const char *names[ARRAY_LEN(matcher_words) + 1] = {0};
	struct yaml_iter it = yaml_iter(at);
	int r;

	if (yaml_len(at) != 1)
		return yaml_err(at, err,
						"expected one matcher, found %u: put several into a list under `and`",
						yaml_len(at));
	for (size_t i = 0; i < ARRAY_LEN(matcher_words); i++)
		names[i] = matcher_words[i].name;
	r = yaml_check_keys(at, names, err);
	if (r < 0)
		return r;
	(void)yaml_next(&it);
	for (size_t i = 0; i < ARRAY_LEN(matcher_words); i++) {
		const struct matcher_word *word = &matcher_words[i];
		struct matcher *m;

		if (!str_is(yaml_text(it.key), word->name))
			continue;
		m = matcher_new(a, word->kind, word->conversion, datum_from_yaml(it.value, a),
						datum_from_yaml(at, a));
		m->compare = word->name;
		*ret = m;
		return word->parse(it.value, a, m, err);
	}
	return -EINVAL;
}

int matcher_parse(struct yaml_at at, struct arena *a, const struct matcher **ret, struct err *err)
{
	struct datum d;
	struct matcher *m;

	if (yaml_kind(at) == YAML_MAP)
		return parse_word(at, a, ret, err);
	d = datum_from_yaml(at, a);
	switch (d.kind) {
	case DATUM_NULL:
		return yaml_err(at, err, "what is expected is missing");
	case DATUM_TEXT:
		m = matcher_new(a, TEXT, TO_TEXT, d, d);
		break;
	case DATUM_INT:
	case DATUM_FLOAT:
		m = matcher_new(a, NUMBER, TO_NUMBER, d, d);
		m->compare = "eq";
		break;
	case DATUM_LIST:
		m = matcher_new(a, ELEMENTS, AS_IT_IS, d, d);
		*ret = m;
		return parse_subs(at, a, m, err);
	default:
		m = matcher_new(a, EQUAL, AS_IT_IS, d, d);
	}
	*ret = m;
	return 0;
}

int matcher_parse_patterns(struct yaml_at at, struct arena *a, const struct matcher **ret,
						   struct err *err)
{
	struct datum d = datum_from_yaml(at, a);
	struct matcher *m = matcher_new(a, PATTERNS, TO_TEXT, d, d);

	*ret = m;
	return parse_lines(at, a, m, err);
}
