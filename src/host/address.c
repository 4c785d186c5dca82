/* SPDX-License-Identifier: Apache-2.0 */
#include "host/address.h"

#include <arpa/inet.h>

struct range {
	unsigned char prefix[16];
	unsigned bits;
	const char *scope;
};

static const struct range ranges4[] = {
	{{127}, 8, "loopback"},
	{{169, 254}, 16, "link-local"},
	{{224, 0, 0}, 24, "link-local"}, /* multicast that no router passes on, RFC 5771 */
	{{10}, 8, "private"},
	{{172, 16}, 12, "private"},
	{{192, 168}, 16, "private"},
	{{100, 64}, 10, "private"}, /* behind a carrier's NAT, RFC 6598 */
};

static const struct range ranges6[] = {
	{{[15] = 1}, 128, "loopback"},
	{{0xfe, 0x80}, 10, "link-local"},
	{{0xff, 0x01}, 16, "loopback"}, /* multicast within the interface, RFC 4291 */
	{{0xff, 0x02}, 16, "link-local"},
	{{0xfc}, 7, "private"},
};

static bool is_in(const unsigned char *address, const struct range *range)
{
	unsigned bytes = range->bits / 8, rest = range->bits % 8;
	unsigned char mask = (unsigned char)(0xff00u >> rest);

	if (memcmp(address, range->prefix, bytes) != 0)
		return false;
	return !rest || ((address[bytes] ^ range->prefix[bytes]) & mask) == 0;
}

static const char *scope_in(const unsigned char *address, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_in(address, &ranges[i]))
			return ranges[i].scope;
	return "public";
}

const char *address_scope(struct str s)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:a.b.c.d */
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];
	struct str plain;

	if (!str_cut(&s, '/', &plain) || plain.n >= sizeof(text))
		return NULL;
	memcpy(text, plain.p, plain.n);
	text[plain.n] = '\0';
	if (inet_pton(AF_INET, text, address) == 1)
		return scope_in(address, ranges4, ARRAY_LEN(ranges4));
	if (inet_pton(AF_INET6, text, address) != 1)
		return NULL;
	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		return scope_in(address + 12, ranges4, ARRAY_LEN(ranges4));
	return scope_in(address, ranges6, ARRAY_LEN(ranges6));
}
