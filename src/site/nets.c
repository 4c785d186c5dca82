/* SPDX-License-Identifier: Apache-2.0 */
#include "site/nets.h"

#include <arpa/inet.h>

#include "base/num.h"

static unsigned bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool parse_address(struct str s, struct site_network *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (!s.n || s.n >= sizeof(text) || str_has_char(s, '\0'))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	*ret = (struct site_network){.family = str_has_char(s, ':') ? AF_INET6 : AF_INET};
	ret->prefix = bits_of(ret->family);
	return inet_pton(ret->family, text, ret->address) == 1;
}

bool nets_is_host(const struct site_network *n)
{
	return n->prefix == bits_of(n->family);
}

bool nets_parse(struct str s, struct arena *a, struct site_network *ret)
{
	char text[INET6_ADDRSTRLEN];
	struct str address;
	uint64_t prefix;

	if (!str_cut(&s, '/', &address) || !parse_address(address, ret))
		return false;
	if (s.p) {
		if (num_u64(s, 0, bits_of(ret->family), &prefix) < 0)
			return false;
		ret->prefix = (unsigned)prefix;
	}
	for (unsigned bit = ret->prefix; bit < bits_of(ret->family); bit++)
		ret->address[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	inet_ntop(ret->family, ret->address, text, sizeof(text));
	ret->text = str_of(nets_is_host(ret) ? arena_strdup(a, text)
										 : arena_printf(a, "%s/%u", text, ret->prefix));
	return true;
}

bool nets_has(const struct site_network *n, const struct site_network *in)
{
	if (n->family != in->family || n->prefix > in->prefix)
		return false;
	for (unsigned bit = 0; bit < n->prefix; bit++)
		if ((n->address[bit / 8] ^ in->address[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

bool nets_has_address(const struct site_network *n, struct str address)
{
	struct site_network one;

	return parse_address(address, &one) && nets_has(n, &one);
}

bool nets_is_peer(struct str address)
{
	static const struct site_network odd[] = {
		{.family = AF_INET, .address = {0}, .prefix = 8},
		{.family = AF_INET, .address = {127}, .prefix = 8},
		{.family = AF_INET, .address = {169, 254}, .prefix = 16},
		{.family = AF_INET, .address = {224}, .prefix = 4},
		{.family = AF_INET, .address = {255, 255, 255, 255}, .prefix = 32},
		{.family = AF_INET6, .address = {0}, .prefix = 128},
		{.family = AF_INET6, .address = {[15] = 1}, .prefix = 128},
		{.family = AF_INET6, .address = {[10] = 0xff, [11] = 0xff}, .prefix = 96},
		{.family = AF_INET6, .address = {0xfe, 0x80}, .prefix = 10},
		{.family = AF_INET6, .address = {0xff}, .prefix = 8},
	};
	struct site_network one;

	if (!parse_address(address, &one))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (nets_has(&odd[i], &one))
			return false;
	return true;
}

bool nets_admit(const struct site_peers *peers, struct str address)
{
	if (peers->world || !peers->at.doc)
		return true;
	for (size_t i = 0; i < peers->networks.n; i++)
		if (nets_has_address(&peers->networks.p[i], address))
			return true;
	return false;
}
