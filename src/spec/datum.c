/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/datum.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/vec.h"

#define MAX_JSON ((size_t)16 << 20)
#define MAX_TEXT ((size_t)16 << 20)

struct datum datum_list(const struct datum *items, size_t n)
{
	return (struct datum){.kind = DATUM_LIST, .list = {items, n}};
}

struct datum datum_texts(struct arena *a, const struct str *texts, size_t n)
{
	struct datum *items = arena_new(a, struct datum, n + 1);

	for (size_t i = 0; i < n; i++)
		items[i] = DATUM_STR(texts[i]);
	return datum_list(items, n);
}

struct datum datum_map(struct arena *a)
{
	return (struct datum){.kind = DATUM_MAP, .map = arena_new(a, struct datum_map, 1)};
}

static struct member *find(const struct datum *map, struct str key)
{
	for (size_t i = 0; i < map->map->n; i++)
		if (str_eq(map->map->p[i].key, key))
			return &map->map->p[i];
	return NULL;
}

const struct datum *datum_get(const struct datum *map, struct str key)
{
	const struct member *m = map->kind == DATUM_MAP ? find(map, key) : NULL;

	return m ? &m->value : NULL;
}

void datum_put(struct arena *a, struct datum *map, struct str key, struct datum value)
{
	struct member *m = find(map, key);

	if (!m)
		m = vec_push(a, map->map);
	*m = (struct member){key, value};
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

const struct member *datum_sorted(const struct datum *map, struct arena *a)
{
	size_t n = map->map->n;
	struct member *sorted = arena_new(a, struct member, n + 1);

	if (n) {
		memcpy(sorted, map->map->p, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), by_key);
	}
	return sorted;
}

const char *datum_kind_name(enum datum_kind kind)
{
	static const char *const names[] = {"nothing", "true or false", "a number", "a number",
										"text",    "a list",        "a mapping"};

	return names[kind];
}

bool datum_is_number(const struct datum *d)
{
	return d->kind == DATUM_INT || d->kind == DATUM_FLOAT;
}

double datum_real(const struct datum *d)
{
	return d->kind == DATUM_INT ? (double)d->number : d->real;
}

static bool equal_lists(const struct datum *a, const struct datum *b)
{
	if (a->list.n != b->list.n)
		return false;
	for (size_t i = 0; i < a->list.n; i++)
		if (!datum_equal(&a->list.p[i], &b->list.p[i]))
			return false;
	return true;
}

/* Both sorted, so that large ones take no square of time. */
static bool equal_maps(const struct datum *a, const struct datum *b)
{
	_cleanup_arena_ struct arena scratch = {0};
	const struct member *x, *y;

	if (a->map->n != b->map->n)
		return false;
	x = datum_sorted(a, &scratch);
	y = datum_sorted(b, &scratch);
	for (size_t i = 0; i < a->map->n; i++)
		if (!str_eq(x[i].key, y[i].key) || !datum_equal(&x[i].value, &y[i].value))
			return false;
	return true;
}

bool datum_equal(const struct datum *a, const struct datum *b)
{
	if (a->kind == DATUM_INT && b->kind == DATUM_INT)
		return a->number == b->number;
	if (datum_is_number(a) && datum_is_number(b))
		return datum_real(a) == datum_real(b);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case DATUM_BOOL:
		return a->yes == b->yes;
	case DATUM_TEXT:
		return str_eq(a->text, b->text);
	case DATUM_LIST:
		return equal_lists(a, b);
	case DATUM_MAP:
		return equal_maps(a, b);
	default:
		return true;
	}
}

/* --- reading --------------------------------------------------------------------------------- */

static int parse_real(struct str s, struct datum *ret)
{
	char text[64], *end;
	double real;

	if (!s.n || s.n >= sizeof(text))
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789+-.eE", s.p[i]) || !s.p[i])
			return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	real = strtod(text, &end);
	if (*end || end == text || !isfinite(real))
		return -EINVAL;
	*ret = DATUM_REAL(real);
	return 0;
}

static int parse_based(struct str s, bool negative, struct datum *ret)
{
	unsigned base = s.n > 2 && s.p[0] == '0' && (s.p[1] | 32) == 'x'   ? 16
					: s.n > 2 && s.p[0] == '0' && (s.p[1] | 32) == 'o' ? 8
					: s.n > 2 && s.p[0] == '0' && (s.p[1] | 32) == 'b' ? 2
					: s.n > 1 && s.p[0] == '0'                         ? 8
																	   : 10;
	uint64_t n = 0;
	size_t i = base == 10 ? 0 : base == 8 && (s.p[1] | 32) != 'o' ? 1 : 2;

	if (i >= s.n)
		return -EINVAL;
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		unsigned digit = c >= '0' && c <= '9'                 ? c - 48u
						 : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32u) - 'a' + 10
															  : 99;

		if (digit >= base || n > ((uint64_t)INT64_MAX - digit) / base)
			return -EINVAL;
		n = n * base + digit;
	}
	*ret = DATUM_NUMBER(negative ? -(int64_t)n : (int64_t)n);
	return 0;
}

int datum_parse_number(struct str s, struct datum *ret)
{
	struct str digits = s;
	bool negative = s.n && s.p[0] == '-';

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		digits = (struct str){s.p + 1, s.n - 1};
	if (!digits.n || !((digits.p[0] >= '0' && digits.p[0] <= '9') || digits.p[0] == '.'))
		return -EINVAL;
	return parse_based(digits, negative, ret) == 0 ? 0 : parse_real(s, ret);
}

static bool is_word(struct str s, const char *lower, const char *title, const char *upper)
{
	return str_is(s, lower) || str_is(s, title) || str_is(s, upper);
}

static struct datum scalar(struct yaml_at at)
{
	struct str text = yaml_text(at);
	struct datum d;

	if (at.doc->nodes[at.i].quoted)
		return DATUM_STR(text);
	if (!text.n || str_is(text, "~") || is_word(text, "null", "Null", "NULL"))
		return DATUM_NOTHING;
	if (is_word(text, "true", "True", "TRUE"))
		return DATUM_YES(true);
	if (is_word(text, "false", "False", "FALSE"))
		return DATUM_YES(false);
	return datum_parse_number(text, &d) == 0 ? d : DATUM_STR(text);
}

struct datum datum_from_yaml(struct yaml_at at, struct arena *a)
{
	struct yaml_iter it = yaml_iter(at);
	struct datum d, *items;
	size_t n = 0;

	if (yaml_kind(at) == YAML_SCALAR)
		return scalar(at);
	if (yaml_kind(at) == YAML_LIST) {
		items = arena_new(a, struct datum, yaml_len(at) + 1);
		while (yaml_next(&it))
			items[n++] = datum_from_yaml(it.value, a);
		return datum_list(items, n);
	}
	d = datum_map(a);
	while (yaml_next(&it)) /* their keys are unique: no need to look for them */
		*vec_push(a, d.map) = (struct member){yaml_text(it.key), datum_from_yaml(it.value, a)};
	return d;
}

static struct datum from_jansson(const json_t *j, struct arena *a)
{
	struct datum d, *items;
	size_t n;

	switch (json_typeof(j)) {
	case JSON_TRUE:
	case JSON_FALSE:
		return DATUM_YES(json_is_true(j));
	case JSON_INTEGER:
		return DATUM_NUMBER(json_integer_value(j));
	case JSON_REAL:
		return DATUM_REAL(json_real_value(j));
	case JSON_STRING:
		n = json_string_length(j);
		return DATUM_STR(((struct str){arena_copy(a, json_string_value(j), n), n}));
	case JSON_ARRAY:
		n = json_array_size(j);
		items = arena_new(a, struct datum, n + 1);
		for (size_t i = 0; i < n; i++)
			items[i] = from_jansson(json_array_get(j, i), a);
		return datum_list(items, n);
	case JSON_OBJECT:
		d = datum_map(a);
		for (void *it = json_object_iter((json_t *)j); it;
			 it = json_object_iter_next((json_t *)j, it))
			*vec_push(a, d.map) = (struct member){str_of(arena_strdup(a, json_object_iter_key(it))),
												  from_jansson(json_object_iter_value(it), a)};
		return d;
	default:
		return DATUM_NOTHING;
	}
}

int datum_from_json(struct str text, struct arena *a, struct datum *ret, struct err *err)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	json_error_t error;
	json_t *j;

	if (text.n > MAX_JSON)
		return err_set(err, EFBIG, "JSON of more than 16 MiB");
	j = json_loadb(text.p ? text.p : "", text.n, flags, &error);
	/* Whole numbers beyond 64 bits are as near as they can be. */
	if (!j && json_error_code(&error) == json_error_numeric_overflow)
		j = json_loadb(text.p ? text.p : "", text.n, flags | JSON_DECODE_INT_AS_REAL, &error);
	if (!j)
		return err_set(err, EINVAL, "invalid JSON: line %d: %s", error.line, error.text);
	*ret = from_jansson(j, a);
	json_decref(j);
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

/* The fewest digits that read as the same number again. */
static int shortest(char text[40], double real)
{
	int digits = 1;

	do
		snprintf(text, 40, "%.*e", digits - 1, real);
	while (digits++ < 17 && strtod(text, NULL) != real);
	return digits - 1;
}

/* Without an exponent from 1e-`small` to 1e21; the exponent has two digits at least, as in C. */
static void print_real(struct buf *out, double real, int small)
{
	char text[40];
	int digits = shortest(text, real), exponent;
	struct str power = str_of(text), mantissa;

	(void)str_cut(&power, 'e', &mantissa);
	exponent = (int)strtod(power.p, NULL);
	if (exponent < -small || exponent >= 21)
		buf_puts(out, text);
	else
		buf_printf(out, "%.*f", MAX(0, digits - 1 - exponent), real);
}

static void print_json_text(struct buf *out, struct str s)
{
	static const struct {
		char c;
		const char *as;
	} special[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}};

	buf_putc(out, '"');
	while (s.n) {
		size_t n = str_utf8(s), i = 0;
		unsigned char c = (unsigned char)s.p[0];

		while (i < ARRAY_LEN(special) && special[i].c != s.p[0])
			i++;
		if (i < ARRAY_LEN(special))
			buf_puts(out, special[i].as);
		else if (c < 0x20 || c == 0x7f || (c == 0xc2 && n == 2 && (unsigned char)s.p[1] < 0xa0))
			buf_printf(out, "\\u%04x", n == 2 ? (unsigned char)s.p[1] : c);
		else if (n)
			buf_add(out, s.p, n);
		else
			buf_puts(out, "\xef\xbf\xbd");
		s.p += n ? n : 1;
		s.n -= n ? n : 1;
	}
	buf_putc(out, '"');
}

static void json_list(struct buf *out, const struct datum *d)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < d->list.n; i++) {
		if (i)
			buf_putc(out, ',');
		datum_json(out, &d->list.p[i]);
	}
	buf_putc(out, ']');
}

static void json_map(struct buf *out, const struct datum *d)
{
	_cleanup_arena_ struct arena scratch = {0};
	const struct member *m = datum_sorted(d, &scratch);

	buf_putc(out, '{');
	for (size_t i = 0; i < d->map->n; i++) {
		if (i)
			buf_putc(out, ',');
		print_json_text(out, m[i].key);
		buf_putc(out, ':');
		datum_json(out, &m[i].value);
	}
	buf_putc(out, '}');
}

void datum_json(struct buf *out, const struct datum *d)
{
	switch (d->kind) {
	case DATUM_NULL:
		buf_puts(out, "null");
		break;
	case DATUM_BOOL:
		buf_puts(out, d->yes ? "true" : "false");
		break;
	case DATUM_INT:
		buf_printf(out, "%lld", (long long)d->number);
		break;
	case DATUM_FLOAT:
		print_real(out, d->real, 6);
		break;
	case DATUM_TEXT:
		print_json_text(out, d->text);
		break;
	case DATUM_LIST:
		json_list(out, d);
		break;
	case DATUM_MAP:
		json_map(out, d);
		break;
	}
}

static void print_map(struct buf *out, const struct datum *d)
{
	_cleanup_arena_ struct arena scratch = {0};
	const struct member *m = datum_sorted(d, &scratch);

	buf_puts(out, "map[");
	for (size_t i = 0; i < d->map->n; i++) {
		if (i)
			buf_putc(out, ' ');
		buf_str(out, m[i].key);
		buf_putc(out, ':');
		datum_print(out, &m[i].value);
	}
	buf_putc(out, ']');
}

void datum_print(struct buf *out, const struct datum *d)
{
	switch (d->kind) {
	case DATUM_NULL:
		buf_puts(out, "<nil>");
		break;
	case DATUM_FLOAT:
		print_real(out, d->real, 4);
		break;
	case DATUM_TEXT:
		buf_str(out, d->text);
		break;
	case DATUM_LIST:
		buf_putc(out, '[');
		for (size_t i = 0; i < d->list.n; i++) {
			if (i)
				buf_putc(out, ' ');
			datum_print(out, &d->list.p[i]);
		}
		buf_putc(out, ']');
		break;
	case DATUM_MAP:
		print_map(out, d);
		break;
	default:
		datum_json(out, d);
	}
}

struct str datum_text(struct arena *a, const struct datum *d)
{
	_cleanup_buf_ struct buf text = BUF(MAX_TEXT);

	if (d->kind == DATUM_TEXT)
		return d->text;
	datum_print(&text, d);
	return (struct str){arena_copy(a, buf_get(&text).p, text.n), text.n};
}
