/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison, numbers, printing, what is asked of the world, and how arguments are read. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "spec/template_private.h"

const struct template_function *template_function_find(struct str name)
{
	static const struct template_function *const tables[] = {
		template_core_functions, template_text_functions, template_regex_functions,
		template_encoding_functions, template_list_functions};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct template_function *f = tables[i]; f->name; f++)
			if (str_is(name, f->name))
				return f;
	return NULL;
}

/* --- arguments ------------------------------------------------------------------------------- */

int call_fail(struct call *c, const char *fmt, ...)
{
	char message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_set(c->err, EINVAL, "%s: %s", c->function->name, message);
}

static int wrong(struct call *c, size_t i, const char *expected)
{
	return call_fail(c, "argument %zu is %s, and should be %s", i + 1,
					 datum_kind_name(c->args[i].kind), expected);
}

int call_spend(struct call *c, size_t steps)
{
	if (steps > *c->steps)
		return call_fail(c, "too much is made");
	*c->steps -= steps;
	return 0;
}

int call_text(struct call *c, size_t i, struct str *ret)
{
	if (c->args[i].kind == DATUM_LIST || c->args[i].kind == DATUM_MAP ||
		c->args[i].kind == DATUM_NULL)
		return wrong(c, i, "text");
	*ret = datum_text(c->arena, &c->args[i]);
	return 0;
}

static int number_of(struct call *c, size_t i, struct datum *ret)
{
	*ret = c->args[i];
	if (ret->kind == DATUM_BOOL)
		*ret = DATUM_NUMBER(ret->yes);
	else if (ret->kind == DATUM_NULL)
		*ret = DATUM_NUMBER(0);
	else if (ret->kind == DATUM_TEXT && datum_parse_number(c->args[i].text, ret) < 0)
		return call_fail(c, "'%.*s' is no number", STR_ARG(c->args[i].text));
	return datum_is_number(ret) ? 0 : wrong(c, i, "a number");
}

int call_number(struct call *c, size_t i, int64_t *ret)
{
	struct datum d;

	if (number_of(c, i, &d) < 0)
		return -EINVAL;
	if (d.kind == DATUM_FLOAT && !(d.real > -9e18 && d.real < 9e18))
		return call_fail(c, "the number is too large");
	*ret = d.kind == DATUM_INT ? d.number : (int64_t)d.real;
	return 0;
}

static int call_real(struct call *c, size_t i, double *ret)
{
	struct datum d;

	if (number_of(c, i, &d) < 0)
		return -EINVAL;
	*ret = datum_real(&d);
	return 0;
}

int call_list(struct call *c, size_t i, const struct datum **ret, size_t *ret_n)
{
	if (c->args[i].kind != DATUM_LIST && c->args[i].kind != DATUM_NULL)
		return wrong(c, i, "a list");
	*ret = c->args[i].kind == DATUM_LIST ? c->args[i].list.p : NULL;
	*ret_n = c->args[i].kind == DATUM_LIST ? c->args[i].list.n : 0;
	return call_spend(c, 1 + *ret_n / 8);
}

int call_map(struct call *c, size_t i, struct datum **ret)
{
	if (c->args[i].kind != DATUM_MAP)
		return wrong(c, i, "a mapping");
	*ret = &c->args[i];
	return call_spend(c, 1 + c->args[i].map->n / 8);
}

int call_return(struct call *c, struct buf *text, struct datum *ret)
{
	bool full = text->full;

	*ret = DATUM_STR(((struct str){arena_copy(c->arena, buf_get(text).p, text->n), text->n}));
	buf_done(text);
	return full ? call_fail(c, "the text is larger than 1 MiB") : call_spend(c, ret->text.n / 64);
}

/* --- comparison ------------------------------------------------------------------------------ */

static int order(struct call *c, int *ret)
{
	const struct datum *a = &c->args[0], *b = &c->args[1];
	double x, y;

	if (a->kind == DATUM_TEXT && b->kind == DATUM_TEXT) {
		*ret = str_cmp(a->text, b->text);
		return 0;
	}
	if (!datum_is_number(a) || !datum_is_number(b))
		return call_fail(c, "%s and %s cannot be compared", datum_kind_name(a->kind),
						 datum_kind_name(b->kind));
	x = datum_real(a);
	y = datum_real(b);
	*ret = (x > y) - (x < y);
	return 0;
}

/* Of the first with any of the others. */
static int run_eq(struct call *c, struct datum *ret)
{
	bool equal = false;

	for (size_t i = 1; i < c->n; i++) {
		const struct datum *a = &c->args[0], *b = &c->args[i];

		if (a->kind != b->kind && a->kind != DATUM_NULL && b->kind != DATUM_NULL &&
			!(datum_is_number(a) && datum_is_number(b)))
			return call_fail(c, "%s and %s cannot be compared", datum_kind_name(a->kind),
							 datum_kind_name(b->kind));
		equal = equal || datum_equal(a, b);
	}
	*ret = DATUM_YES(equal);
	return 0;
}

static int run_ne(struct call *c, struct datum *ret)
{
	if (run_eq(c, ret) < 0)
		return -EINVAL;
	ret->yes = !ret->yes;
	return 0;
}

static int run_order(struct call *c, struct datum *ret)
{
	const char *name = c->function->name;
	int o = 0;

	if (order(c, &o) < 0)
		return -EINVAL;
	*ret = DATUM_YES(name[0] == 'l'   ? name[1] == 't' ? o < 0 : o <= 0
					 : name[1] == 't' ? o > 0
									  : o >= 0);
	return 0;
}

static int run_not(struct call *c, struct datum *ret)
{
	*ret = DATUM_YES(!template_truth(&c->args[0]));
	return 0;
}

static int run_and_or(struct call *c, struct datum *ret)
{
	*ret = c->args[c->n - 1]; /* template.c has dealt with the rest */
	return 0;
}

static int run_deep_equal(struct call *c, struct datum *ret)
{
	*ret = DATUM_YES(datum_equal(&c->args[0], &c->args[1]));
	return 0;
}

/* --- numbers --------------------------------------------------------------------------------- */

static bool divide(int64_t x, int64_t y, char by, int64_t *ret)
{
	if (!y || (x == INT64_MIN && y == -1))
		return false;
	*ret = by == 'd' ? x / y : x % y;
	return true;
}

/* Whole numbers, from the left; false when it leaves their range. */
static bool count(const char *name, int64_t x, int64_t y, int64_t *ret)
{
	switch (name[0] == 'm' ? name[1] : name[0]) {
	case 'a': /* add, max */
		*ret = MAX(x, y);
		return name[0] == 'm' || !__builtin_add_overflow(x, y, ret);
	case 's':
		return !__builtin_sub_overflow(x, y, ret);
	case 'u':
		return !__builtin_mul_overflow(x, y, ret);
	case 'i':
		*ret = MIN(x, y);
		return true;
	case 'd':
		return divide(x, y, 'd', ret);
	default:
		return divide(x, y, 'm', ret);
	}
}

static int run_count(struct call *c, struct datum *ret)
{
	int64_t sum, next;

	if (call_number(c, 0, &sum) < 0)
		return -EINVAL;
	for (size_t i = 1; i < c->n; i++) {
		if (call_number(c, i, &next) < 0)
			return -EINVAL;
		if (!count(c->function->name, sum, next, &sum))
			return call_fail(c, "the result is no number");
	}
	*ret = DATUM_NUMBER(sum);
	return 0;
}

static int run_add1(struct call *c, struct datum *ret)
{
	int64_t n;

	if (call_number(c, 0, &n) < 0)
		return -EINVAL;
	*ret = DATUM_NUMBER(n == INT64_MAX ? n : n + 1);
	return 0;
}

static int run_to_int(struct call *c, struct datum *ret)
{
	int64_t n = 0;

	/* What is no number counts as none, as sprig has it. */
	if (call_number(c, 0, &n) < 0)
		n = 0;
	*ret = DATUM_NUMBER(n);
	return 0;
}

static int run_to_float(struct call *c, struct datum *ret)
{
	double x = 0;

	if (call_real(c, 0, &x) < 0)
		x = 0;
	*ret = DATUM_REAL(x);
	return 0;
}

static int run_round(struct call *c, struct datum *ret)
{
	const char *name = c->function->name;
	int64_t digits = 0;
	double x, scale;

	if (call_real(c, 0, &x) < 0 || (c->n > 1 && call_number(c, 1, &digits) < 0))
		return -EINVAL;
	scale = pow(10, (double)MIN(MAX(digits, 0), 15));
	x = name[0] == 'f' ? floor(x) : name[0] == 'c' ? ceil(x) : round(x * scale) / scale;
	*ret = DATUM_REAL(x);
	return 0;
}

/* --- printing -------------------------------------------------------------------------------- */

static int run_print(struct call *c, struct datum *ret)
{
	bool line = strcmp(c->function->name, "println") == 0;
	struct buf out = CALL_BUF;

	for (size_t i = 0; i < c->n; i++) {
		/* Without println a blank stands only between two that are no text. */
		if (i && (line || (c->args[i].kind != DATUM_TEXT && c->args[i - 1].kind != DATUM_TEXT)))
			buf_putc(&out, ' ');
		datum_print(&out, &c->args[i]);
	}
	if (line)
		buf_putc(&out, '\n');
	return call_return(c, &out, ret);
}

struct verb {
	bool left, zeros, plus, blank, sharp;
	int width, precision; /* precision -1: not said */
	char letter;
};

static bool parse_verb(struct str *s, struct verb *ret)
{
	*ret = (struct verb){.precision = -1};
	for (;; s->p++, s->n--) {
		bool *flag = !s->n            ? NULL
					 : s->p[0] == '-' ? &ret->left
					 : s->p[0] == '0' ? &ret->zeros
					 : s->p[0] == '+' ? &ret->plus
					 : s->p[0] == ' ' ? &ret->blank
					 : s->p[0] == '#' ? &ret->sharp
									  : NULL;

		if (!flag)
			break;
		*flag = true;
	}
	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9' && ret->width < 1000; s->p++, s->n--)
		ret->width = ret->width * 10 + (s->p[0] - '0');
	if (str_skip(s, "."))
		for (ret->precision = 0; s->n && s->p[0] >= '0' && s->p[0] <= '9' && ret->precision < 1000;
			 s->p++, s->n--)
			ret->precision = ret->precision * 10 + (s->p[0] - '0');
	if (!s->n)
		return false;
	ret->letter = s->p[0];
	s->p++;
	s->n--;
	return true;
}

static int format_number(struct call *c, const struct verb *v, const struct datum *d,
						 struct buf *out)
{
	char format[40], text[400];
	bool real = strchr("feEgG", v->letter) != NULL;

	if (!datum_is_number(d) || (!real && d->kind != DATUM_INT) || (real && d->kind != DATUM_FLOAT))
		return call_fail(c, "%%%c does not go with %s", v->letter, datum_kind_name(d->kind));
	if (v->width > 300 || v->precision > 300)
		return call_fail(c, "a width or precision of more than 300");
	/* The flags mean the same in C; a width of 0 is none. */
	snprintf(format, sizeof(format), "%%%s%s%s%s%s*.*%s%c", v->left ? "-" : "", v->zeros ? "0" : "",
			 v->plus ? "+" : "", v->blank ? " " : "", v->sharp ? "#" : "", real ? "" : "ll",
			 v->letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (real)
		snprintf(text, sizeof(text), format, v->width, v->precision, d->real);
	else
		snprintf(text, sizeof(text), format, v->width, v->precision, (long long)d->number);
#pragma GCC diagnostic pop
	buf_puts(out, text);
	return 0;
}

static void pad(const struct verb *v, struct str s, struct buf *out)
{
	size_t runes = 0, n = 0;

	for (; n < s.n && (v->precision < 0 || runes < (size_t)v->precision); runes++) {
		size_t one = str_utf8((struct str){s.p + n, s.n - n});

		n += one ? one : 1;
	}
	for (size_t i = runes; !v->left && i < (size_t)v->width; i++)
		buf_putc(out, v->zeros ? '0' : ' ');
	buf_add(out, s.p, n);
	for (size_t i = runes; v->left && i < (size_t)v->width; i++)
		buf_putc(out, ' ');
}

static int format_one(struct call *c, const struct verb *v, const struct datum *d, struct buf *out)
{
	_cleanup_buf_ struct buf text = CALL_BUF;

	switch (v->letter) {
	case 'd':
	case 'x':
	case 'X':
	case 'o':
	case 'f':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
		return format_number(c, v, d, out);
	case 't':
		if (d->kind != DATUM_BOOL)
			return call_fail(c, "%%t does not go with %s", datum_kind_name(d->kind));
		break;
	case 'q':
		if (d->kind != DATUM_TEXT)
			return call_fail(c, "%%q does not go with %s", datum_kind_name(d->kind));
		datum_json(&text, d);
		pad(v, buf_get(&text), out);
		return 0;
	case 's':
		if (datum_is_number(d) || d->kind == DATUM_BOOL)
			return call_fail(c, "%%s does not go with %s: use %%v", datum_kind_name(d->kind));
		break;
	case 'v':
		break;
	default:
		return call_fail(c, "%%%c is not supported", v->letter);
	}
	datum_print(&text, d);
	pad(v, buf_get(&text), out);
	return 0;
}

static int format_all(struct call *c, struct str format, struct buf *out)
{
	size_t i = 1;

	while (format.n) {
		struct verb v;

		if (!str_skip(&format, "%")) {
			buf_putc(out, format.p[0]);
			format = (struct str){format.p + 1, format.n - 1};
			continue;
		}
		if (!parse_verb(&format, &v))
			return call_fail(c, "the format ends with %%");
		if (v.letter == '%') {
			buf_putc(out, '%');
			continue;
		}
		if (i == c->n)
			return call_fail(c, "there are too few arguments for the format");
		if (format_one(c, &v, &c->args[i++], out) < 0)
			return -EINVAL;
	}
	return i == c->n ? 0 : call_fail(c, "there are too many arguments for the format");
}

static int run_printf(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	struct str format;

	if (call_text(c, 0, &format) < 0 || format_all(c, format, &out) < 0) {
		buf_done(&out);
		return -EINVAL;
	}
	return call_return(c, &out, ret);
}

/* --- the world ------------------------------------------------------------------------------- */

static int run_get_env(struct call *c, struct datum *ret)
{
	const struct datum *value;
	struct str name;

	if (call_text(c, 0, &name) < 0)
		return -EINVAL;
	value = datum_get(&c->world->env, name);
	*ret = value && value->text.n ? *value : c->n > 1 ? c->args[1] : DATUM_STR(STR(""));
	return 0;
}

static int run_read_file(struct call *c, struct datum *ret)
{
	struct str path, text;
	struct err err;

	if (call_text(c, 0, &path) < 0)
		return -EINVAL;
	if (!c->world->read_file)
		return call_fail(c, "files are not read here");
	if (c->world->read_file(str_dup(c->arena, path), c->arena, &text, &err) < 0)
		return call_fail(c, "%s", err.msg);
	*ret = DATUM_STR(str_trim(text));
	return call_spend(c, text.n / 64);
}

static int run_expand_env(struct call *c, struct datum *ret)
{
	struct buf out = CALL_BUF;
	struct str s, name;

	if (call_text(c, 0, &s) < 0)
		return -EINVAL;
	while (s.n) {
		const struct datum *value;
		size_t n = 0;

		if (!str_skip(&s, "$")) {
			buf_putc(&out, s.p[0]);
			s = (struct str){s.p + 1, s.n - 1};
			continue;
		}
		if (str_skip(&s, "{")) {
			if (!str_cut(&s, '}', &name))
				break;
			if (!s.p)
				s = STR("");
		} else {
			while (n < s.n && (s.p[n] == '_' || (s.p[n] >= '0' && s.p[n] <= '9') ||
							   ((s.p[n] | 32) >= 'a' && (s.p[n] | 32) <= 'z')))
				n++;
			name = (struct str){s.p, n};
			s = (struct str){s.p + n, s.n - n};
		}
		value = datum_get(&c->world->env, name);
		if (value)
			buf_str(&out, value->text);
	}
	return call_return(c, &out, ret);
}

static int run_fail(struct call *c, struct datum *ret _unused_)
{
	struct str why;

	if (call_text(c, 0, &why) < 0)
		return -EINVAL;
	return call_fail(c, "%.*s", STR_ARG(why));
}

/* --- kinds ----------------------------------------------------------------------------------- */

static const char *kind_of(const struct datum *d)
{
	static const char *const names[] = {"invalid", "bool",  "int", "float64",
										"string",  "slice", "map"};

	return names[d->kind];
}

static int run_kind_of(struct call *c, struct datum *ret)
{
	*ret = DATUM_STR(str_of(kind_of(&c->args[0])));
	return 0;
}

static int run_kind_is(struct call *c, struct datum *ret)
{
	struct str kind;

	if (call_text(c, 0, &kind) < 0)
		return -EINVAL;
	*ret = DATUM_YES(str_is(kind, kind_of(&c->args[1])));
	return 0;
}

/* --- choices --------------------------------------------------------------------------------- */

static int run_default(struct call *c, struct datum *ret)
{
	*ret = c->n > 1 && template_truth(&c->args[1]) ? c->args[1] : c->args[0];
	return 0;
}

static int run_empty(struct call *c, struct datum *ret)
{
	*ret = DATUM_YES(!template_truth(&c->args[0]));
	return 0;
}

static int run_coalesce(struct call *c, struct datum *ret)
{
	for (size_t i = 0; i < c->n; i++)
		if (template_truth(&c->args[i])) {
			*ret = c->args[i];
			break;
		}
	return 0;
}

static int run_ternary(struct call *c, struct datum *ret)
{
	if (c->args[2].kind != DATUM_BOOL)
		return wrong(c, 2, "true or false");
	*ret = c->args[2].yes ? c->args[0] : c->args[1];
	return 0;
}

static int run_all_any(struct call *c, struct datum *ret)
{
	bool all = c->function->name[1] == 'l', truth = all;

	for (size_t i = 0; i < c->n; i++)
		truth = all ? truth && template_truth(&c->args[i]) : truth || template_truth(&c->args[i]);
	*ret = DATUM_YES(truth);
	return 0;
}

const struct template_function template_core_functions[] = {
	{"eq", 2, 0, run_eq},
	{"ne", 2, 2, run_ne},
	{"lt", 2, 2, run_order},
	{"le", 2, 2, run_order},
	{"gt", 2, 2, run_order},
	{"ge", 2, 2, run_order},
	{"not", 1, 1, run_not},
	{"and", 1, 0, run_and_or},
	{"or", 1, 0, run_and_or},
	{"deepEqual", 2, 2, run_deep_equal},
	{"add", 1, 0, run_count},
	{"sub", 2, 2, run_count},
	{"mul", 1, 0, run_count},
	{"div", 2, 2, run_count},
	{"mod", 2, 2, run_count},
	{"max", 1, 0, run_count},
	{"min", 1, 0, run_count},
	{"add1", 1, 1, run_add1},
	{"int", 1, 1, run_to_int},
	{"int64", 1, 1, run_to_int},
	{"atoi", 1, 1, run_to_int},
	{"float64", 1, 1, run_to_float},
	{"floor", 1, 1, run_round},
	{"ceil", 1, 1, run_round},
	{"round", 2, 2, run_round},
	{"print", 0, 0, run_print},
	{"println", 0, 0, run_print},
	{"printf", 1, 0, run_printf},
	{"getEnv", 1, 2, run_get_env},
	{"env", 1, 1, run_get_env},
	{"expandenv", 1, 1, run_expand_env},
	{"readFile", 1, 1, run_read_file},
	{"fail", 1, 1, run_fail},
	{"kindOf", 1, 1, run_kind_of},
	{"typeOf", 1, 1, run_kind_of},
	{"kindIs", 2, 2, run_kind_is},
	{"typeIs", 2, 2, run_kind_is},
	{"default", 1, 2, run_default},
	{"empty", 1, 1, run_empty},
	{"coalesce", 1, 0, run_coalesce},
	{"ternary", 3, 3, run_ternary},
	{"all", 0, 0, run_all_any},
	{"any", 0, 0, run_all_any},
	{0},
};
