/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/expect_private.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/vec.h"
#include "host/value.h"

static int check_literal(enum type type, struct yaml_at at, struct arena *a, struct err *err)
{
	struct value ignored;
	struct err why;

	if (value_parse(type, yaml_text(at), a, &ignored, &why) < 0)
		return yaml_err(at, err, "%s", why.msg);
	return 0;
}

static int parse_operand(struct yaml_at at, enum type type, struct arena *a, struct operand *ret,
						 struct err *err)
{
	bool list = yaml_kind(at) == YAML_LIST;
	struct yaml_iter it = yaml_iter(at);
	struct str text;
	int r;

	*ret = (struct operand){.type = type, .at = at};
	if (!list) {
		r = yaml_str(at, &text, err);
		if (r < 0)
			return r;
		if (str_skip(&text, "$")) {
			ret->param = text;
			return 0;
		}
		ret->items = arena_new(a, struct str, 1);
		ret->items[ret->n++] = text;
		return check_literal(type, at, a, err);
	}
	ret->items = arena_new(a, struct str, yaml_len(at) + 1);
	while (yaml_next(&it)) {
		r = yaml_str(it.value, &ret->items[ret->n++], err);
		if (r == 0)
			r = check_literal(type, it.value, a, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_subs(struct yaml_at at, enum type type, struct arena *a, struct expect *e,
					  struct err *err)
{
	bool list = yaml_kind(at) == YAML_LIST;
	struct yaml_iter it = yaml_iter(at);
	int r = 0;

	e->subs = arena_alloc(a, (yaml_len(at) + 1) * sizeof(*e->subs));
	if (!list)
		return expect_parse(at, type, a, &e->subs[e->n_subs++], err);
	while (r == 0 && yaml_next(&it))
		r = expect_parse(it.value, type, a, &e->subs[e->n_subs++], err);
	return r;
}

static int parse_regex(struct yaml_at at, struct arena *a, struct expect *e, struct err *err)
{
	struct err why;
	int r = parse_operand(at, TYPE_STRING, a, &e->a, err);

	if (r < 0)
		return r;
	if (e->a.param.p)
		return 0; /* made when the parameter's value is known: see regex_of() */
	return regex_compile(a, e->a.items[0], &e->regex, &why) < 0 ? yaml_err(at, err, "%s", why.msg) : 0;
}

static int parse_range(struct yaml_at at, enum type type, struct arena *a, struct expect *e,
					   struct err *err)
{
	static const char *const keys[] = {"min", "max", NULL};
	/* Text that is a number, as login.defs and sshd have it, is compared as one. */
	enum type as = type == TYPE_STRING ? TYPE_INT : type;
	struct yaml_at value;
	int r = yaml_check_keys(at, keys, err);

	if (r == 0 && (type == TYPE_LIST || type == TYPE_BOOL))
		r = yaml_err(at, err, "a %s has no order", type_name(type));
	if (r == 0 && yaml_get(at, "min", &value))
		r = parse_operand(value, as, a, &e->a, err);
	if (r == 0 && yaml_get(at, "max", &value))
		r = parse_operand(value, as, a, &e->b, err);
	return r;
}

static const struct {
	const char *key;
	enum kind kind;
} forms[] = {
	{"min", RANGE}, {"max", RANGE}, {"one_of", ONE_OF}, {"not", NOT},     {"any", ANY},
	{"has", HAS},   {"lacks", LACKS}, {"only", ONLY},   {"matches", MATCHES}, {"glob", GLOB},
};

static int parse_form(struct yaml_at at, struct yaml_at key, struct yaml_at value, enum type type,
					  struct arena *a, struct expect *e, struct err *err)
{
	size_t i = 0;

	while (i < ARRAY_LEN(forms) && !str_is(yaml_text(key), forms[i].key))
		i++;
	if (i == ARRAY_LEN(forms))
		return yaml_err(key, err, "'%.*s' is not a form of expectation (min, max, one_of, not, any, "
						"has, lacks, only, matches, glob)", STR_ARG(yaml_text(key)));
	e->kind = forms[i].kind;
	if (e->kind != RANGE && yaml_len(at) != 1)
		return yaml_err(at, err, "only one form at a time");
	switch (e->kind) {
	case RANGE:
		return parse_range(at, type, a, e, err);
	case NOT:
		if (yaml_kind(value) == YAML_LIST)
			return yaml_err(value, err, "'not' takes one expectation: not: {one_of: [...]}");
		/* fall through */
	case ANY:
		return parse_subs(value, type, a, e, err);
	case MATCHES:
		return parse_regex(value, a, e, err);
	case HAS:
	case LACKS:
	case ONLY:
		if (type != TYPE_LIST && type != TYPE_STRING && type != TYPE_MODE)
			return yaml_err(key, err, "'%.*s' is for lists and modes", STR_ARG(yaml_text(key)));
		/* fall through */
	default:
		return parse_operand(value, e->kind == GLOB ? TYPE_STRING : type, a, &e->a, err);
	}
}

int expect_parse(struct yaml_at at, enum type type, struct arena *a, const struct expect **ret,
				 struct err *err)
{
	struct expect *e = arena_new(a, struct expect, 1);
	struct yaml_iter it = yaml_iter(at);

	*ret = e;
	if (yaml_kind(at) == YAML_LIST)
		return yaml_err(at, err, "expected a value or one_of, has, lacks, only; found a list");
	if (yaml_kind(at) == YAML_MAP) {
		if (!yaml_next(&it))
			return yaml_err(at, err, "an empty expectation");
		return parse_form(at, it.key, it.value, type, a, e, err);
	}
	if (str_is(yaml_text(at), "absent") || str_is(yaml_text(at), "present")) {
		e->kind = str_is(yaml_text(at), "absent") ? ABSENT : PRESENT;
		return 0;
	}
	e->kind = EQUAL;
	return parse_operand(at, type, a, &e->a, err);
}

/* --- testing --------------------------------------------------------------------------------- */

struct expect_items operand_items(const struct operand *o, const struct params *params)
{
	const struct param *p = o->param.p ? map_get(&params->by_name, o->param) : NULL;

	return p ? (struct expect_items){p->items, p->n} : (struct expect_items){o->items, o->n};
}

int expect_number(enum type type, struct str text, int64_t *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct value v;
	struct err ignored;
	int r = value_parse(type == TYPE_STRING ? TYPE_INT : type, text, &scratch, &v, &ignored);

	if (r == 0)
		*ret = v.number;
	return r;
}

static bool item_is(struct str wanted, struct str item)
{
	if (!str_is_glob(wanted))
		return str_eq(wanted, item);
	if (wanted.n > 255)
		return false;
	char pattern[256];

	memcpy(pattern, wanted.p, wanted.n);
	pattern[wanted.n] = '\0';
	return str_glob(pattern, item);
}

bool expect_items_have(struct expect_items set, struct str item)
{
	for (size_t i = 0; i < set.n; i++)
		if (item_is(set.p[i], item))
			return true;
	return false;
}

static bool equals(enum type type, const struct value *v, struct str wanted)
{
	int64_t number;

	if (type == TYPE_STRING)
		return str_eq(v->string, wanted);
	if (type == TYPE_LIST)
		return v->list.n == 1 && str_eq(v->list.items[0], wanted);
	return expect_number(type, wanted, &number) == 0 && number == v->number;
}

static bool is_one_of(enum type type, const struct value *v, struct expect_items wanted)
{
	for (size_t i = 0; i < wanted.n; i++)
		if (equals(type, v, wanted.p[i]))
			return true;
	return false;
}

static bool in_range(const struct expect *e, enum type type, const struct value *v,
					 const struct params *params)
{
	struct expect_items min = operand_items(&e->a, params), max = operand_items(&e->b, params);
	int64_t number = type == TYPE_STRING ? 0 : v->number, bound;

	if (type == TYPE_STRING && num_i64(v->string, INT64_MIN + 1, INT64_MAX, &number) < 0)
		return false;
	if (min.n && (expect_number(type, min.p[0], &bound) < 0 || number < bound))
		return false;
	return !max.n || (expect_number(type, max.p[0], &bound) == 0 && number <= bound);
}

/* Text is a list too: its words between commas and blanks. */
struct expect_items expect_items_of(enum type type, const struct value *v, struct arena *a)
{
	struct str rest = v->string, piece, word;
	struct str *words;
	size_t n = 0;

	if (type == TYPE_LIST)
		return (struct expect_items){v->list.items, v->list.n};
	words = arena_new(a, struct str, v->string.n / 2 + 1);
	while (str_cut(&rest, ',', &piece))
		while (str_word(&piece, &word))
			words[n++] = word;
	return (struct expect_items){words, n};
}

int64_t expect_bits(struct expect_items modes)
{
	int64_t bits = 0, one;

	for (size_t i = 0; i < modes.n; i++)
		if (expect_number(TYPE_MODE, modes.p[i], &one) == 0)
			bits |= one;
	return bits;
}

static bool test_bits(enum kind kind, const struct value *v, struct expect_items wanted)
{
	int64_t bits = expect_bits(wanted);

	if (kind == HAS)
		return (v->number & bits) == bits;
	return kind == LACKS ? !(v->number & bits) : !(v->number & ~bits);
}

static bool test_items(enum kind kind, enum type type, const struct value *v,
					   struct expect_items wanted)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct expect_items have = expect_items_of(type, v, &scratch);

	if (kind == HAS) {
		for (size_t i = 0; i < wanted.n; i++) {
			bool found = false;

			for (size_t k = 0; k < have.n && !found; k++)
				found = item_is(wanted.p[i], have.p[k]);
			if (!found)
				return false;
		}
		return true;
	}
	for (size_t k = 0; k < have.n; k++)
		if (expect_items_have(wanted, have.p[k]) == (kind == LACKS))
			return false;
	return true;
}

bool expect_unwanted(const struct expect *e, enum type type, const struct value *v,
					 const struct params *params, struct arena *a, struct expect_items *ret,
					 size_t *ret_of)
{
	struct expect_items have, allowed;
	VEC(struct str) unwanted = {0};

	for (size_t i = 0; e->kind == ANY && i < e->n_subs; i++)
		if (expect_unwanted(e->subs[i], type, v, params, a, ret, ret_of))
			return true;
	if ((e->kind != ONLY && e->kind != LACKS) || v->state != VALUE_SET ||
		(type != TYPE_LIST && type != TYPE_STRING))
		return false;
	have = expect_items_of(type, v, a);
	allowed = operand_items(&e->a, params);
	for (size_t i = 0; i < have.n; i++)
		if (expect_items_have(allowed, have.p[i]) == (e->kind == LACKS))
			*vec_push(a, &unwanted) = have.p[i];
	*ret = (struct expect_items){unwanted.p, unwanted.n};
	*ret_of = have.n;
	return unwanted.n > 0;
}

/* NULL when a parameter's value is no regular expression. */
static const struct regex *regex_of(const struct expect *e, const struct params *params)
{
	struct param *p = e->a.param.p ? map_get(&params->by_name, e->a.param) : NULL;
	struct err ignored;

	if (p && !p->regex && p->n)
		(void)regex_compile(params->arena, p->items[0], &p->regex, &ignored);
	return p ? p->regex : e->regex;
}

enum truth expect_test_text(const struct expect *e, enum type type, const struct value *v,
							const struct params *params, const char **ret_why)
{
	_cleanup_buf_ struct buf text = BUF(65536);
	struct str one = type == TYPE_STRING ? v->string : STR_ABSENT;
	struct expect_items subjects = {&one, 1};
	struct expect_items pattern = operand_items(&e->a, params);
	const struct regex *regex = e->kind == MATCHES ? regex_of(e, params) : NULL;

	if (e->kind == MATCHES && !regex) {
		*ret_why = "the parameter is not a regular expression";
		return UNKNOWN_;
	}
	if (type == TYPE_LIST) {
		subjects = (struct expect_items){v->list.items, v->list.n};
	} else if (type != TYPE_STRING) {
		value_print(&text, type, v);
		one = buf_get(&text);
	}
	for (size_t i = 0; i < subjects.n; i++) {
		int r = e->kind == GLOB ? item_is(pattern.p[0], subjects.p[i])
								: regex_match(regex, subjects.p[i]);

		if (r < 0) {
			*ret_why = "the value is too large to be matched";
			return UNKNOWN_;
		}
		if (r)
			return TRUE_;
	}
	return FALSE_;
}

static enum truth test_any(const struct expect *e, enum type type, const struct value *v,
						   const struct params *params, const char **ret_why)
{
	enum truth t = FALSE_;

	for (size_t i = 0; i < e->n_subs; i++)
		t = truth_or(t, expect_test(e->subs[i], type, v, params, ret_why));
	return t;
}

enum truth expect_test(const struct expect *e, enum type type, const struct value *v,
					   const struct params *params, const char **ret_why)
{
	bool ok;

	if (v->state == VALUE_UNKNOWN) {
		*ret_why = v->why;
		return UNKNOWN_;
	}
	if (e->kind == NOT)
		return truth_not(expect_test(e->subs[0], type, v, params, ret_why));
	if (e->kind == ANY)
		return test_any(e, type, v, params, ret_why);
	if (e->kind == ABSENT || e->kind == PRESENT)
		return (v->state == VALUE_ABSENT) == (e->kind == ABSENT) ? TRUE_ : FALSE_;
	if (v->state == VALUE_ABSENT)
		return FALSE_;
	if (e->kind == MATCHES || e->kind == GLOB)
		return expect_test_text(e, type, v, params, ret_why);
	if (e->kind == RANGE)
		ok = in_range(e, type, v, params);
	else if (e->kind == EQUAL || e->kind == ONE_OF)
		ok = is_one_of(type, v, operand_items(&e->a, params));
	else if (type == TYPE_MODE)
		ok = test_bits(e->kind, v, operand_items(&e->a, params));
	else
		ok = test_items(e->kind, type, v, operand_items(&e->a, params));
	return ok ? TRUE_ : FALSE_;
}

/* --- its values ----------------------------------------------------------------------------------- */

struct names {
	struct str *p;
	size_t n, cap;
};

static bool add_names(const struct expect *e, const struct params *params, struct arena *a,
					  struct names *names)
{
	struct expect_items items = {0};

	if (e->kind == ANY) {
		for (size_t i = 0; i < e->n_subs; i++)
			if (!add_names(e->subs[i], params, a, names))
				return false;
		return true;
	}
	if (e->kind != EQUAL && e->kind != ONE_OF)
		return false;
	if (params || !e->a.param.p)
		items = operand_items(&e->a, params);
	for (size_t i = 0; i < items.n; i++)
		*vec_push(a, names) = items.p[i];
	return true;
}

bool expect_names(const struct expect *e, const struct params *params, struct arena *a,
				  const struct str **ret, size_t *ret_n)
{
	struct names names = {0};

	if (!add_names(e, params, a, &names))
		return false;
	*ret = names.p;
	*ret_n = names.n;
	return true;
}

const struct expect *expect_one_of(struct arena *a, struct str *items, size_t n)
{
	struct expect *e = arena_new(a, struct expect, 1);

	e->kind = n == 1 ? EQUAL : ONE_OF;
	e->a = (struct operand){.items = items, .n = n};
	return e;
}

/* --- parameters ------------------------------------------------------------------------------ */

static int check_value(const struct expect *e, const struct operand *o, struct str item,
					   struct err *err)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct regex *regex = NULL;
	struct value ignored;
	struct err why;
	int r = e->kind == MATCHES ? regex_compile(&scratch, item, &regex, &why)
							   : value_parse(o->type, item, &scratch, &ignored, &why);

	return r < 0 ? yaml_err(o->at, err, "the value '%.*s' of $%.*s: %s", STR_ARG(item),
							STR_ARG(o->param), why.msg)
				 : 0;
}

static int check_operand(const struct expect *e, const struct operand *o,
						 const struct params *params, struct err *err)
{
	const struct param *p = o->param.p ? map_get(&params->by_name, o->param) : NULL;
	int r = 0;

	if (!o->param.p)
		return 0;
	if (!p)
		return yaml_err(o->at, err, "no rule declares the parameter '%.*s'", STR_ARG(o->param));
	if (p->n != 1 && (e->kind == EQUAL || e->kind == RANGE || e->kind == MATCHES || e->kind == GLOB))
		return yaml_err(o->at, err, "$%.*s has %zu values where one is expected", STR_ARG(o->param),
						p->n);
	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = check_value(e, o, p->items[i], err);
	return r;
}

int expect_check_params(const struct expect *e, const struct params *params, struct err *err)
{
	int r = check_operand(e, &e->a, params, err);

	if (r == 0)
		r = check_operand(e, &e->b, params, err);
	for (size_t i = 0; r == 0 && i < e->n_subs; i++)
		r = expect_check_params(e->subs[i], params, err);
	return r;
}
