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
