/* SPDX-License-Identifier: Apache-2.0 */
#include "host/fw_place.h"

#include <netinet/in.h>

#include "host/fields.h"
#include "host/rtnetlink.h"

/* Not from this network or host itself, nor from groups; of IPv6, global and unique local addresses. */
static void add_world(struct fw_place *p, struct arena *a)
{
	static const char *const four[] = {"1.0.0.0/8",   "2.0.0.0/7",   "4.0.0.0/6",   "8.0.0.0/5",
									   "16.0.0.0/4",  "32.0.0.0/3",  "64.0.0.0/3",  "96.0.0.0/4",
									   "112.0.0.0/5", "120.0.0.0/6", "124.0.0.0/7", "126.0.0.0/8",
									   "128.0.0.0/2", "192.0.0.0/3"};
	static const char *const six[] = {"2000::/3", "fc00::/7"};

	p->world[0].width = p->own[0].width = 4;
	p->world[1].width = p->own[1].width = 16;
	for (size_t i = 0; i < ARRAY_LEN(four); i++)
		(void)fw_add_network(a, &p->world[0], AF_INET, str_of(four[i]));
	for (size_t i = 0; i < ARRAY_LEN(six); i++)
		(void)fw_add_network(a, &p->world[1], AF_INET6, str_of(six[i]));
	nft_ranges_join(&p->world[0]);
	nft_ranges_join(&p->world[1]);
}

/* "ADDRESS/LENGTH" */
static void add_address(struct fw_place *p, struct arena *a, struct str text, struct str name)
{
	struct str rest = text, address;
	bool six = str_has_char(text, ':');
	int family = six ? AF_INET6 : AF_INET;
	struct fw_link link = {.network.width = six ? 16 : 4};

	if (!str_cut(&rest, '/', &address))
		return;
	(void)fw_add_network(a, &p->own[six], family, address);
	if (name.n && name.n < sizeof(link.name) && fw_add_network(a, &link.network, family, text)) {
		memcpy(link.name, name.p, name.n);
		*vec_push(a, &p->links) = link;
	}
}

/* Links come before their addresses. */
static void add_own(struct fw_place *p, struct host *host, struct arena *a)
{
	struct str text, line, name, value;
	struct err ignored = {0};
	struct map names;

	map_init(&names, a);
	if (host_query(host, &interfaces_query, a, &text, &ignored) < 0)
		return;
	while (str_line(&text, &line)) {
		struct str address = STR_ABSENT, link = STR_ABSENT, *kept = arena_new(a, struct str, 1);

		while (fields_next(&line, &name, &value)) {
			address = str_is(name, "address") ? value : address;
			link = str_is(name, "link") ? value : link;
			*kept = str_is(name, "name") ? fields_plain(a, value) : *kept;
		}
		if (link.p && kept->p)
			map_put(&names, link, kept);
		kept = link.p ? map_get(&names, link) : NULL;
		if (address.p)
			add_address(p, a, address, kept ? *kept : STR(""));
	}
	for (int v = 0; v < 2; v++) {
		nft_ranges_join(&p->own[v]);
		p->own[v] = nft_ranges_common(a, &p->own[v], &p->world[v]);
	}
}

void fw_place_read(struct host *host, struct arena *a, struct fw_place *ret)
{
	*ret = (struct fw_place){0};
	add_world(ret, a);
	add_own(ret, host, a);
}

void fw_place_link(const struct fw_place *p, const struct nft_ranges *address,
				   unsigned char ret[FW_IFNAME])
{
	unsigned best = 0;

	memset(ret, 0, FW_IFNAME);
	vec_each(&p->links, link)
	{
		unsigned bits = nft_ranges_prefix(&link->network);

		if (link->network.width == address->width && bits >= best &&
			nft_ranges_hold(&link->network, address)) {
			best = bits;
			memcpy(ret, link->name, FW_IFNAME);
		}
	}
}
