/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *buf_reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->full || n > b->max || b->n > b->max - n) {
		b->full = true;
		return NULL;
	}
	while (cap < b->n + n + 1)
		cap *= 2;
	cap = MIN(cap, MAX(b->max + 1, (size_t)256));
	if (cap != b->cap) {
		mem_charge(cap - b->cap);
		b->p = mem_realloc(b->p, cap, 1);
		b->cap = cap;
	}
	return b->p + b->n;
}

void buf_commit(struct buf *b, size_t n)
{
	b->n += n;
	b->p[b->n] = '\0';
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_reserve(b, n);

	if (!to)
		return -ENOBUFS;
	if (n)
		memcpy(to, p, n);
	buf_commit(b, n);
	return 0;
}

int buf_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_printable(struct buf *b, struct str s)
{
	while (s.n) {
		size_t n = str_utf8(s);
		unsigned char c = (unsigned char)s.p[0];

		if (c == '\n' || c == '\t')
			buf_putc(b, ' ');
		else if (!n || c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s.p[1] < 0xa0))
			buf_printf(b, "\\x%02x", c);
		else
			buf_add(b, s.p, n);
		s.p += n ? n : 1;
		s.n -= n ? n : 1;
	}
	return b->full ? -ENOBUFS : 0;
}

static const char *xml_escape(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n': /* in an attribute it would become a blank */
		return "&#10;";
	case '\t':
		return "&#9;";
	default:
		return NULL;
	}
}

/* U+FFFE and U+FFFF are no characters of XML 1.0 (section 2.2); the controls from U+0080 are, and do to a
 * terminal what others do. */
static bool is_xml(struct str s, size_t n)
{
	unsigned char c = (unsigned char)s.p[0];

	return n && (n > 1 || (c >= 0x20 && c != 0x7f)) &&
		   !(n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0) &&
		   !(n == 3 &&
			 (memcmp(s.p, "\xef\xbf\xbe", 3) == 0 || memcmp(s.p, "\xef\xbf\xbf", 3) == 0));
}

int buf_xml(struct buf *b, struct str s)
{
	while (s.n) {
		size_t n = str_utf8(s);
		const char *escape = xml_escape((unsigned char)s.p[0]);

		if (escape)
			buf_puts(b, escape);
		else if (is_xml(s, n))
			buf_add(b, s.p, n);
		else
			buf_puts(b, "\xef\xbf\xbd");
		s.p += n ? n : 1;
		s.n -= n ? n : 1;
	}
	return b->full ? -ENOBUFS : 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		buf_commit(b, (size_t)n);
	}
	va_end(again);
	return to ? 0 : -ENOBUFS;
}

struct str buf_get(const struct buf *b)
{
	return (struct str){b->p ? b->p : "", b->n};
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->full = false;
}

void buf_done(struct buf *b)
{
	mem_release(b->cap);
	free(b->p);
	*b = (struct buf){.max = b->max};
}
