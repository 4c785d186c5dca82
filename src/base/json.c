/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>

#define MAX_DEPTH 60

void jsonw_begin(struct jsonw *j, struct buf *out, bool pretty)
{
	*j = (struct jsonw){.out = out, .pretty = pretty};
}

static void newline(struct jsonw *j)
{
	if (!j->pretty)
		return;
	buf_putc(j->out, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_puts(j->out, "  ");
}

/* What goes before a value or a key: a comma where one is due. */
static void separate(struct jsonw *j)
{
	uint64_t bit = (uint64_t)1 << j->depth;

	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (!j->depth)
		return;
	if (j->has_items & bit)
		buf_putc(j->out, ',');
	j->has_items |= bit;
	newline(j);
}

static void value(struct jsonw *j)
{
	assert(!j->depth || j->after_key || !(j->is_object & ((uint64_t)1 << j->depth)));
	separate(j);
}

static void open_level(struct jsonw *j, char c, bool object)
{
	uint64_t bit;

	value(j);
	buf_putc(j->out, c);
	j->depth++;
	assert(j->depth < MAX_DEPTH);
	bit = (uint64_t)1 << j->depth;
	j->has_items &= ~bit;
	j->is_object = object ? j->is_object | bit : j->is_object & ~bit;
}

void jsonw_object(struct jsonw *j)
{
	open_level(j, '{', true);
}

void jsonw_array(struct jsonw *j)
{
	open_level(j, '[', false);
}

void jsonw_end(struct jsonw *j)
{
	uint64_t bit = (uint64_t)1 << j->depth;
	bool object = j->is_object & bit, items = j->has_items & bit;

	assert(j->depth && !j->after_key);
	j->depth--;
	if (items)
		newline(j);
	buf_putc(j->out, object ? '}' : ']');
	if (!j->depth && j->pretty)
		buf_putc(j->out, '\n');
}

static void escape(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	buf_add(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

static void quote(struct jsonw *j, struct str s)
{
	buf_putc(j->out, '"');
	while (s.n) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = str_utf8(s);

		if (c == '"' || c == '\\') {
			buf_add(j->out, (char[]){'\\', (char)c}, 2);
		} else if (c == '\n') {
			buf_puts(j->out, "\\n");
		} else if (c == '\t') {
			buf_puts(j->out, "\\t");
		} else if (c < 0x20 || c == 0x7f) {
			escape(j->out, c);
		} else if (n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0) {
			escape(j->out, (unsigned char)s.p[1]); /* a control of ISO 6429, such as CSI */
		} else if (n) {
			buf_add(j->out, s.p, n);
		} else {
			buf_puts(j->out, "\xef\xbf\xbd");
			n = 1;
		}
		s.p += n;
		s.n -= n;
	}
	buf_putc(j->out, '"');
}

void jsonw_keystr(struct jsonw *j, struct str key)
{
	assert(j->depth && (j->is_object & ((uint64_t)1 << j->depth)) && !j->after_key);
	separate(j);
	quote(j, key);
	buf_puts(j->out, j->pretty ? ": " : ":");
	j->after_key = true;
}

void jsonw_key(struct jsonw *j, const char *key)
{
	jsonw_keystr(j, str_of(key));
}

void jsonw_null(struct jsonw *j)
{
	value(j);
	buf_puts(j->out, "null");
}

void jsonw_str(struct jsonw *j, struct str s)
{
	if (!s.p) {
		jsonw_null(j);
		return;
	}
	value(j);
	quote(j, s);
}

void jsonw_strz(struct jsonw *j, const char *s)
{
	jsonw_str(j, str_of(s));
}

void jsonw_int(struct jsonw *j, int64_t v)
{
	value(j);
	buf_printf(j->out, "%lld", (long long)v);
}

void jsonw_bool(struct jsonw *j, bool v)
{
	value(j);
	buf_puts(j->out, v ? "true" : "false");
}

void jsonw_seconds(struct jsonw *j, int64_t us)
{
	value(j);
	buf_printf(j->out, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

void jsonw_member_str(struct jsonw *j, const char *key, struct str s)
{
	jsonw_key(j, key);
	jsonw_str(j, s);
}

void jsonw_member_strz(struct jsonw *j, const char *key, const char *s)
{
	jsonw_key(j, key);
	jsonw_strz(j, s);
}

void jsonw_member_int(struct jsonw *j, const char *key, int64_t v)
{
	jsonw_key(j, key);
	jsonw_int(j, v);
}

void jsonw_member_bool(struct jsonw *j, const char *key, bool v)
{
	jsonw_key(j, key);
	jsonw_bool(j, v);
}
