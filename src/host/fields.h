/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of `name=value` words, the text in which kernel queries answer: blanks, control bytes,
 * backslashes and everything past ASCII are written as \xNN, so any bytes survive and a name that
 * holds a newline cannot forge a second record. A word without `=` is a flag.
 */
#ifndef REVET_HOST_FIELDS_H
#define REVET_HOST_FIELDS_H

#include "base/buf.h"

static inline int fields_escaped(struct buf *out, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	size_t plain = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c > ' ' && c < 0x7f && c != '\\')
			continue;
		buf_add(out, s.p + plain, i - plain);
		buf_add(out, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
		plain = i + 1;
	}
	return buf_add(out, s.p + plain, s.n - plain);
}

/* " name=value"; nothing when the value is absent. */
static inline void fields_put(struct buf *out, const char *name, struct str value)
{
	if (!value.p)
		return;
	buf_putc(out, ' ');
	buf_puts(out, name);
	buf_putc(out, '=');
	fields_escaped(out, value);
}

/* The next word of a line; *ret_value is absent for a flag, and still escaped otherwise. */
static inline bool fields_next(struct str *line, struct str *ret_name, struct str *ret_value)
{
	return str_word(line, ret_value) && str_cut(ret_value, '=', ret_name);
}

static inline int fields_hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value's own bytes: borrowed when there is nothing to undo, else in the arena. */
static inline struct str fields_plain(struct arena *a, struct str s)
{
	char *p;
	size_t n = 0;

	if (!str_has_char(s, '\\'))
		return s;
	p = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		int high = -1, low = -1;

		if (s.p[i] == '\\' && s.n - i > 3 && s.p[i + 1] == 'x') {
			high = fields_hex_digit(s.p[i + 2]);
			low = fields_hex_digit(s.p[i + 3]);
		}
		if (high >= 0 && low >= 0) {
			p[n++] = (char)(high << 4 | low);
			i += 3;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct str){p, n};
}

#endif
