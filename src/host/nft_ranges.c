/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nft_ranges.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define PORT 2

void nft_ranges_add_network(struct arena *a, struct nft_ranges *r, const unsigned char *address,
							unsigned prefix)
{
	struct nft_range *range = vec_push(a, &r->list);

	memcpy(range->low, address, r->width);
	memcpy(range->high, address, r->width);
	for (size_t bit = prefix; bit < 8 * r->width; bit++)
		range->high[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
}

void nft_ranges_add_ports(struct arena *a, struct nft_ranges *r, uint16_t low, uint16_t high)
{
	struct nft_range *range = vec_push(a, &r->list);

	range->low[0] = (unsigned char)(low >> 8);
	range->low[1] = (unsigned char)low;
	range->high[0] = (unsigned char)(high >> 8);
	range->high[1] = (unsigned char)high;
}

void nft_ranges_add_all(struct arena *a, struct nft_ranges *r, const struct nft_ranges *more)
{
	for (size_t i = 0; i < more->list.n; i++) {
		struct nft_range *range = vec_push(a, &r->list);

		*range = more->list.p[i];
	}
}

/* What lies behind the width is zero in all of them. */
static int by_low(const void *a, const void *b)
{
	const struct nft_range *x = a, *y = b;

	return memcmp(x->low, y->low, sizeof(x->low));
}

/* Does the range begin within the one before, or right behind it? */
static bool goes_on(const struct nft_ranges *r, const struct nft_range *before,
					const struct nft_range *range)
{
	unsigned char next[16];
	size_t i = r->width;

	memcpy(next, before->high, sizeof(next));
	while (i-- > 0 && ++next[i] == 0)
		if (i == 0)
			return true; /* it reaches the last value there is */
	return memcmp(range->low, next, r->width) <= 0;
}

void nft_ranges_join(struct nft_ranges *r)
{
	size_t n = 0;

	if (r->list.n)
		qsort(r->list.p, r->list.n, sizeof(*r->list.p), by_low);
	for (size_t i = 1; i < r->list.n; i++) {
		struct nft_range *last = &r->list.p[n], *range = &r->list.p[i];

		if (!goes_on(r, last, range))
			r->list.p[++n] = *range;
		else if (memcmp(range->high, last->high, r->width) > 0)
			memcpy(last->high, range->high, r->width);
	}
	r->list.n = r->list.n ? n + 1 : 0;
}

bool nft_ranges_are_all(const struct nft_ranges *r)
{
	if (r->list.n != 1)
		return false;
	for (size_t i = 0; i < r->width; i++)
		if (r->list.p[0].low[i] != 0 || r->list.p[0].high[i] != 0xff)
			return false;
	return true;
}

/* --- of two ---------------------------------------------------------------------------------- */

static int compare(const struct nft_ranges *r, const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, r->width);
}

struct nft_ranges nft_ranges_whole(struct arena *a, size_t width)
{
	struct nft_ranges all = {.width = width};

	memset(((struct nft_range *)vec_push(a, &all.list))->high, 0xff, width);
	return all;
}

struct nft_ranges nft_ranges_common(struct arena *a, const struct nft_ranges *x,
									const struct nft_ranges *y)
{
	struct nft_ranges common = {.width = x->width};
	size_t i = 0, j = 0;

	while (i < x->list.n && j < y->list.n) {
		const struct nft_range *p = &x->list.p[i], *q = &y->list.p[j];
		const unsigned char *low = compare(x, p->low, q->low) < 0 ? q->low : p->low;
		bool first = compare(x, p->high, q->high) < 0;
		const unsigned char *high = first ? p->high : q->high;

		if (compare(x, low, high) <= 0) {
			struct nft_range *range = vec_push(a, &common.list);

			memcpy(range->low, low, x->width);
			memcpy(range->high, high, x->width);
		}
		i += first;
		j += !first;
	}
	return common;
}

/* The value before or behind; wraps. */
static void step(unsigned char *value, size_t width, bool up)
{
	while (width-- > 0)
		if (up ? ++value[width] != 0 : value[width]-- != 0)
			return;
}

static bool reaches_end(const struct nft_ranges *r, const unsigned char *value)
{
	for (size_t i = 0; i < r->width; i++)
		if (value[i] != 0xff)
			return false;
	return true;
}

/* What no range of the joined ones has. */
static struct nft_ranges gaps_of(struct arena *a, const struct nft_ranges *r)
{
	struct nft_ranges gaps = {.width = r->width};
	unsigned char next[16] = {0};

	vec_each(&r->list, range)
	{
		if (compare(r, next, range->low) < 0) {
			struct nft_range *gap = vec_push(a, &gaps.list);

			memcpy(gap->low, next, r->width);
			memcpy(gap->high, range->low, r->width);
			step(gap->high, r->width, false);
		}
		if (reaches_end(r, range->high))
			return gaps;
		memcpy(next, range->high, r->width);
		step(next, r->width, true);
	}
	memcpy(((struct nft_range *)vec_push(a, &gaps.list))->low, next, r->width);
	memset(gaps.list.p[gaps.list.n - 1].high, 0xff, r->width);
	return gaps;
}

struct nft_ranges nft_ranges_without(struct arena *a, const struct nft_ranges *x,
									 const struct nft_ranges *y)
{
	struct nft_ranges gaps = gaps_of(a, y);

	return nft_ranges_common(a, x, &gaps);
}

bool nft_ranges_hold(const struct nft_ranges *outer, const struct nft_ranges *inner)
{
	size_t i = 0;

	vec_each(&inner->list, range)
	{
		while (i < outer->list.n && compare(outer, outer->list.p[i].high, range->low) < 0)
			i++;
		if (i == outer->list.n || compare(outer, outer->list.p[i].low, range->low) > 0 ||
			compare(outer, outer->list.p[i].high, range->high) < 0)
			return false;
	}
	return true;
}

bool nft_ranges_equal(const struct nft_ranges *x, const struct nft_ranges *y)
{
	if (x->width != y->width || x->list.n != y->list.n)
		return false;
	for (size_t i = 0; i < x->list.n; i++)
		if (compare(x, x->list.p[i].low, y->list.p[i].low) ||
			compare(x, x->list.p[i].high, y->list.p[i].high))
			return false;
	return true;
}

/* --- as text --------------------------------------------------------------------------------- */

/* The length of the prefix that all of the range and nothing else has; 129: there is none. */
static unsigned prefix_of(const struct nft_ranges *r, const struct nft_range *range)
{
	unsigned bits = (unsigned)r->width * 8, prefix = 0;

	while (prefix < bits &&
		   !((range->low[prefix / 8] ^ range->high[prefix / 8]) & 0x80 >> prefix % 8))
		prefix++;
	for (unsigned bit = prefix; bit < bits; bit++)
		if (range->low[bit / 8] & 0x80 >> bit % 8 || !(range->high[bit / 8] & 0x80 >> bit % 8))
			return 129;
	return prefix;
}

static void print_value(struct buf *out, const struct nft_ranges *r, const unsigned char *value)
{
	char text[INET6_ADDRSTRLEN];

	if (r->width == PORT)
		buf_printf(out, "%u", value[0] << 8 | value[1]);
	else if (inet_ntop(r->width == 4 ? AF_INET : AF_INET6, value, text, sizeof(text)))
		buf_puts(out, text);
}

unsigned nft_ranges_prefix(const struct nft_ranges *r)
{
	return r->list.n == 1 ? prefix_of(r, &r->list.p[0]) : 129;
}

void nft_ranges_print(struct buf *out, const struct nft_ranges *r)
{
	for (size_t i = 0; i < r->list.n; i++) {
		const struct nft_range *range = &r->list.p[i];
		unsigned prefix = r->width == PORT ? 129 : prefix_of(r, range);

		if (i)
			buf_puts(out, ", ");
		print_value(out, r, range->low);
		if (memcmp(range->low, range->high, r->width) == 0)
			continue;
		if (prefix < 129) {
			buf_printf(out, "/%u", prefix);
		} else {
			buf_putc(out, '-');
			print_value(out, r, range->high);
		}
	}
}
