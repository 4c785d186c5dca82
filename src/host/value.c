/* SPDX-License-Identifier: Apache-2.0 */
#include "host/value.h"

#include <time.h>

#include "base/num.h"

static int parse_bool(struct str text, int64_t *ret)
{
	if (str_is(text, "true") || str_is(text, "yes"))
		*ret = 1;
	else if (str_is(text, "false") || str_is(text, "no"))
		*ret = 0;
	else
		return -EINVAL;
	return 0;
}

static int parse_number(enum type type, struct str text, int64_t *ret)
{
	unsigned mode;
	int r;

	switch (type) {
	case TYPE_BOOL:
		return parse_bool(text, ret);
	case TYPE_INT:
		return num_i64(text, INT64_MIN + 1, INT64_MAX, ret);
	case TYPE_SIZE:
		return num_size(text, ret);
	case TYPE_DURATION:
		return num_duration(text, ret);
	case TYPE_TIME:
		return num_time(text, ret);
	case TYPE_MODE:
		r = num_mode(text, &mode);
		if (r == 0)
			*ret = mode;
		return r;
	default:
		return -EINVAL;
	}
}

int value_parse(enum type type, struct str text, struct arena *a, struct value *ret,
				struct err *err)
{
	static const char *const expected[] = {
		"true or false",      "a whole number",          "a size such as 10M",
		"a time such as 15min", "an octal mode such as 0644", "a date such as 2027-03-01"};
	struct value v = {.state = VALUE_SET};

	if (type == TYPE_STRING) {
		v.string = text;
	} else if (type == TYPE_LIST) {
		struct str *item = arena_new(a, struct str, 1);

		*item = text;
		v.list.items = item;
		v.list.n = 1;
	} else if (parse_number(type, text, &v.number) < 0) {
		return err_set(err, EINVAL, "'%.*s' is not %s", STR_ARG(text), expected[type]);
	}
	*ret = v;
	return 0;
}

static void print_time(struct buf *out, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[40];

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		buf_puts(out, text);
	else
		buf_printf(out, "@%lld", (long long)seconds);
}

static void print_list(struct buf *out, const struct value *v)
{
	for (size_t i = 0; i < v->list.n; i++) {
		if (i)
			buf_puts(out, ", ");
		buf_str(out, v->list.items[i]);
	}
	if (!v->list.n)
		buf_puts(out, "none");
}

static void print_number(struct buf *out, enum type type, int64_t number)
{
	if (type == TYPE_BOOL)
		buf_puts(out, number ? "true" : "false");
	else if (type == TYPE_MODE)
		buf_printf(out, "%04llo", (unsigned long long)number);
	else if (type == TYPE_TIME)
		print_time(out, number);
	else if (type == TYPE_DURATION && number == INT64_MAX)
		buf_puts(out, "infinity");
	else
		buf_printf(out, "%lld%s", (long long)number, type == TYPE_DURATION ? " s" : "");
}

void value_print(struct buf *out, enum type type, const struct value *v)
{
	if (v->state == VALUE_ABSENT)
		buf_puts(out, "not set");
	else if (v->state == VALUE_UNKNOWN)
		buf_printf(out, "unknown (%s)", v->why);
	else if (type == TYPE_STRING)
		buf_str(out, v->string.n ? v->string : STR("empty"));
	else if (type == TYPE_LIST)
		print_list(out, v);
	else
		print_number(out, type, v->number);
}

static void write_list(struct jsonw *j, const struct value *v)
{
	jsonw_array(j);
	for (size_t i = 0; i < v->list.n; i++)
		jsonw_str(j, v->list.items[i]);
	jsonw_end(j);
}

static void write_number(struct jsonw *j, enum type type, int64_t number)
{
	_cleanup_buf_ struct buf text = BUF(64);

	if (type == TYPE_BOOL) {
		jsonw_bool(j, number);
	} else if (type == TYPE_MODE || type == TYPE_TIME ||
			   (type == TYPE_DURATION && number == INT64_MAX)) {
		print_number(&text, type, number);
		jsonw_str(j, buf_get(&text));
	} else {
		jsonw_int(j, number);
	}
}

void value_json(struct jsonw *j, enum type type, const struct value *v)
{
	if (v->state == VALUE_ABSENT) {
		jsonw_null(j);
	} else if (v->state == VALUE_UNKNOWN) {
		jsonw_object(j);
		jsonw_member_strz(j, "unknown", v->why);
		jsonw_end(j);
	} else if (type == TYPE_STRING) {
		jsonw_str(j, v->string);
	} else if (type == TYPE_LIST) {
		write_list(j, v);
	} else {
		write_number(j, type, v->number);
	}
}

bool value_has_item(const struct value *list, struct str item)
{
	for (size_t i = 0; list->state == VALUE_SET && i < list->list.n; i++)
		if (str_eq(list->list.items[i], item))
			return true;
	return false;
}

void row_label(struct buf *out, const struct table *t, const struct row *row)
{
	bool any = false;

	for (int i = 0; t->columns[i].name; i++) {
		if (!(t->columns[i].flags & COLUMN_LABEL) || row->cells[i].state == VALUE_ABSENT)
			continue;
		if (any)
			buf_putc(out, ' ');
		any = true;
		if (row->cells[i].state == VALUE_UNKNOWN)
			buf_puts(out, "?");
		else
			value_print(out, t->columns[i].type, &row->cells[i]);
	}
	if (!any)
		buf_puts(out, t->name);
}

struct from value_from(const struct row *row, const struct value *v)
{
	return v->from ? FROM(v->from, v->line) : row->from;
}
