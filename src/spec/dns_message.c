/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/dns_message.h"

#include <arpa/inet.h>
#include <stdio.h>

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_CAA = 257,
	CLASS_IN = 1
};

#define MAX_NAME 255
#define MAX_RECORDS 4096

unsigned dns_type(struct str name)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = {{"A", TYPE_A},         {"AAAA", TYPE_AAAA}, {"CAA", TYPE_CAA},
				 {"CNAME", TYPE_CNAME}, {"MX", TYPE_MX},     {"NS", TYPE_NS},
				 {"PTR", TYPE_PTR},     {"SRV", TYPE_SRV},   {"TXT", TYPE_TXT}};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_is(name, types[i].name))
			return types[i].type;
	return 0;
}

/* --- the question ---------------------------------------------------------------------------- */

/* 1.2.3.4 becomes 4.3.2.1.in-addr.arpa, and likewise of IPv6. */
static bool reverse_name(struct str address, char to[80])
{
	unsigned char b[16];
	char text[64];
	size_t n = 0;

	snprintf(text, sizeof(text), "%.*s", STR_ARG(address));
	if (inet_pton(AF_INET, text, b) == 1) {
		snprintf(to, 80, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
		return true;
	}
	if (inet_pton(AF_INET6, text, b) != 1)
		return false;
	for (int i = 15; i >= 0; i--) {
		to[n++] = "0123456789abcdef"[b[i] & 15];
		to[n++] = '.';
		to[n++] = "0123456789abcdef"[b[i] >> 4];
		to[n++] = '.';
	}
	snprintf(to + n, 80 - n, "ip6.arpa");
	return true;
}

static void put16(unsigned char *to, unsigned v)
{
	to[0] = (unsigned char)(v >> 8);
	to[1] = (unsigned char)v;
}

int dns_question(struct str name, unsigned type, uint16_t id, unsigned char *to)
{
	char reverse[80];
	struct str label;
	size_t n = 12;

	if (type == TYPE_PTR) {
		if (!reverse_name(name, reverse))
			return -EINVAL;
		name = str_of(reverse);
	}
	if (str_ends(name, "."))
		name.n--;
	memset(to, 0, DNS_MAX_QUESTION);
	put16(to, id);
	to[2] = 1; /* recursion, please */
	to[5] = 1; /* one question */
	while (str_cut(&name, '.', &label)) {
		if (!label.n || label.n > 63 || n + label.n > 12 + MAX_NAME - 2)
			return -EINVAL;
		to[n++] = (unsigned char)label.n;
		memcpy(to + n, label.p, label.n);
		n += label.n;
	}
	to[n++] = 0;
	put16(to + n, type);
	put16(to + n + 2, CLASS_IN);
	return (int)n + 4;
}

/* --- the answer ------------------------------------------------------------------------------ */

struct cursor {
	const unsigned char *p;
	size_t n, at;
	bool bad;
};

static unsigned take8(struct cursor *c)
{
	if (c->at >= c->n) {
		c->bad = true;
		return 0;
	}
	return c->p[c->at++];
}

static unsigned take16(struct cursor *c)
{
	unsigned high = take8(c);

	return high << 8 | take8(c);
}

static void put_label(struct buf *out, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~')
			buf_printf(out, "\\%03u", p[i]);
		else if (strchr(".\\\"();@$ '", p[i]))
			buf_printf(out, "\\%c", p[i]);
		else
			buf_putc(out, (char)p[i]);
	buf_putc(out, '.');
}

/* A name as text, with a dot at its end; a pointer leads backwards, and what is behind it is not where
 * the record goes on. */
static void take_name(struct cursor *c, struct buf *out)
{
	size_t at = c->at, length = 0, lowest = c->n;
	bool jumped = false;
	size_t begin = out ? out->n : 0;

	for (;;) {
		unsigned n = at < c->n ? c->p[at] : 256;

		if (n == 256 || (n & 0xc0) == 0x40 || (n & 0xc0) == 0x80 || length > MAX_NAME) {
			c->bad = true;
			return;
		}
		if (n >= 0xc0) {
			size_t to = at + 1 < c->n ? (size_t)(n & 0x3f) << 8 | c->p[at + 1] : c->n;

			if (!jumped)
				c->at = at + 2;
			jumped = true;
			if (to >= MIN(lowest, at)) { /* else it might go round */
				c->bad = true;
				return;
			}
			at = lowest = to;
			continue;
		}
		if (!n)
			break;
		if (n > c->n - at - 1) {
			c->bad = true;
			return;
		}
		if (out)
			put_label(out, c->p + at + 1, n);
		length += n + 1;
		at += n + 1;
	}
	if (out && out->n == begin)
		buf_putc(out, '.');
	if (!jumped)
		c->at = at + 1;
}

static void keep(struct arena *a, struct dns_answer *ret, size_t *cap, const struct buf *text)
{
	if (ret->n == *cap) {
		struct str *more = arena_new(a, struct str, *cap = *cap ? 2 * *cap : 8);

		if (ret->n)
			memcpy(more, ret->p, ret->n * sizeof(*more));
		ret->p = more;
	}
	ret->p[ret->n++] = (struct str){arena_copy(a, buf_get(text).p, text->n), text->n};
}

/* Each string of a TXT record by itself. */
static void take_strings(struct cursor *c, size_t end, struct arena *a, struct dns_answer *ret,
						 size_t *cap)
{
	while (c->at < end && !c->bad) {
		_cleanup_buf_ struct buf text = BUF(1024);
		unsigned n = take8(c);

		if (n > end - c->at) {
			c->bad = true;
			return;
		}
		buf_add(&text, c->p + c->at, n);
		c->at += n;
		keep(a, ret, cap, &text);
	}
}

static void take_caa(struct cursor *c, size_t end, struct buf *text)
{
	unsigned flags = take8(c), n = take8(c);

	if (c->bad || n > end - MIN(c->at, end)) {
		c->bad = true;
		return;
	}
	buf_printf(text, "%u ", flags);
	buf_add(text, c->p + c->at, n);
	buf_putc(text, ' ');
	buf_add(text, c->p + c->at + n, end - c->at - n);
}

static void take_data(struct cursor *c, unsigned type, size_t length, struct buf *text)
{
	char address[INET6_ADDRSTRLEN];
	unsigned a, b, d;

	switch (type) {
	case TYPE_A:
	case TYPE_AAAA:
		if (length != (type == TYPE_A ? 4 : 16))
			c->bad = true;
		else
			buf_puts(text, inet_ntop(type == TYPE_A ? AF_INET : AF_INET6, c->p + c->at, address,
									 sizeof(address)));
		break;
	case TYPE_MX:
		a = take16(c);
		buf_printf(text, "%u ", a);
		take_name(c, text);
		break;
	case TYPE_SRV:
		a = take16(c);
		b = take16(c);
		d = take16(c);
		buf_printf(text, "%u %u %u ", a, b, d);
		take_name(c, text);
		break;
	case TYPE_CAA:
		take_caa(c, c->at + length, text);
		break;
	default:
		take_name(c, text);
	}
}

static void take_record(struct cursor *c, unsigned wanted, struct arena *a, struct dns_answer *ret,
						size_t *cap)
{
	_cleanup_buf_ struct buf text = BUF(70000);
	unsigned type, class, length;
	size_t end;

	take_name(c, NULL);
	type = take16(c);
	class = take16(c);
	c->at += 4; /* how long it may be kept */
	length = take16(c);
	end = c->at + length;
	if (c->bad || end > c->n) {
		c->bad = true;
		return;
	}
	if (type == wanted && class == CLASS_IN && type == TYPE_TXT) {
		take_strings(c, end, a, ret, cap);
	} else if (type == wanted && class == CLASS_IN) {
		take_data(c, type, length, &text);
		if (!c->bad)
			keep(a, ret, cap, &text);
	}
	c->at = end;
}

int dns_answer_parse(struct str message, unsigned type, uint16_t id, struct arena *a,
					 struct dns_answer *ret, struct err *err)
{
	struct cursor c = {(const unsigned char *)message.p, message.n, 0, false};
	unsigned flags, questions, answers;
	size_t cap = 0;

	*ret = (struct dns_answer){0};
	if (take16(&c) != id || c.bad)
		return err_set(err, EBADMSG, "the answer of the name server is not to this question");
	flags = take16(&c);
	questions = take16(&c);
	answers = take16(&c);
	c.at += 4;
	if (!(flags & 0x8000) || questions > 1 || answers > MAX_RECORDS)
		c.bad = true;
	ret->code = flags & 15;
	ret->cut = flags & 0x200;
	for (unsigned i = 0; i < questions && !c.bad; i++) {
		take_name(&c, NULL);
		c.at += 4;
	}
	for (unsigned i = 0; i < answers && !c.bad && !ret->cut; i++)
		take_record(&c, type, a, ret, &cap);
	return c.bad ? err_set(err, EBADMSG, "the answer of the name server is broken") : 0;
}
