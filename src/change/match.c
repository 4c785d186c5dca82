/* SPDX-License-Identifier: Apache-2.0 */
#include "change/match.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/num.h"

/* Its bytes, 4 or 16; 0 for what is no address. A zone (%eth0) is passed over. */
static size_t parse(struct str text, unsigned char ret[16])
{
	char copy[64];
	struct str address = STR_ABSENT;

	if (!str_cut(&text, '%', &address) || address.n >= sizeof(copy))
		return 0;
	snprintf(copy, sizeof(copy), "%.*s", STR_ARG(address));
	return inet_pton(AF_INET, copy, ret) == 1 ? 4 : inet_pton(AF_INET6, copy, ret) == 1 ? 16 : 0;
}

bool match_address(const char *address, struct str pattern)
{
	unsigned char have[16], want[16];
	struct str bits = pattern, network = STR_ABSENT;
	char copy[128];
	uint64_t n;
	size_t size;

	(void)str_cut(&bits, '/', &network);
	size = parse(network, want);
	if (size) {
		n = 8 * size;
		if (parse(str_of(address), have) != size || (bits.p && num_u64(bits, 0, n, &n) < 0))
			return false;
		for (size_t i = 0; i < n; i++)
			if ((have[i / 8] ^ want[i / 8]) >> (7 - i % 8) & 1)
				return false;
		return true;
	}
	if (pattern.n >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", STR_ARG(pattern));
	return str_glob(copy, str_of(address));
}

static bool is_name(struct str pattern)
{
	for (size_t i = 0; i < pattern.n && !str_has_char(pattern, ':'); i++)
		if ((pattern.p[i] | 32) >= 'a' && (pattern.p[i] | 32) <= 'z')
			return true;
	return false;
}

bool match_address_list(const char *address, struct str list)
{
	struct str one;
	bool found = false;

	while (str_cut(&list, ',', &one)) {
		bool excludes = str_skip(&one, "!");

		if (excludes && match_address(address, one))
			return false;
		/* A name that is excluded may be this address's. */
		if (excludes && is_name(one))
			return false;
		found |= !excludes && match_address(address, one);
	}
	return found;
}
