/* SPDX-License-Identifier: Apache-2.0 */
/* The chains of the packet filter that is in force. */
#include "host/table.h"

#include "host/netfilter.h"

enum { FAMILY, TABLE_, NAME, TYPE, HOOK, PRIORITY, POLICY, RULES };

static const struct column columns[] = {
	[FAMILY] = {"family", TYPE_STRING, "ip, ip6, inet, arp, bridge or netdev", COLUMN_LABEL},
	[TABLE_] = {"table", TYPE_STRING, "Its table", COLUMN_LABEL},
	[NAME] = {"name", TYPE_STRING, "Its name", COLUMN_KEY | COLUMN_LABEL},
	[TYPE] = {"type", TYPE_STRING, "filter, nat or route; absent: only jumped to", 0},
	[HOOK] = {"hook", TYPE_STRING, "input, forward, output, ...; absent: only jumped to", 0},
	[PRIORITY] = {"priority", TYPE_INT, "Lower ones come first; absent: only jumped to", 0},
	[POLICY] = {"policy", TYPE_STRING, "accept or drop, when no rule decided", 0},
	[RULES] = {"rules", TYPE_INT, "How many rules it has", 0},
	{0},
};

static void add_chain(struct rows *rows, const struct fw_chain *chain, const char *from)
{
	struct row *row = rows_add(rows, FROM(from, 0));

	row_str(row, FAMILY, chain->family);
	row_str(row, TABLE_, chain->table);
	row_str(row, NAME, chain->name);
	row_str(row, TYPE, chain->type);
	row_str(row, HOOK, chain->hook);
	if (chain->hook.p)
		row_int(row, PRIORITY, chain->priority);
	row_str(row, POLICY, chain->policy);
	row_int(row, RULES, (int64_t)chain->n);
}

static int read_firewall_chains(struct host *host, struct rows *rows, struct err *err)
{
	struct fw_ruleset set;
	int r = netfilter_read(host, rows->arena, &set, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < set.n; i++)
		add_chain(rows, set.p[i], set.backend);
	return 0;
}

static const struct table firewall_chains = {
	.name = "firewall_chains",
	.doc = "Chains of nftables and iptables that the kernel has loaded",
	.columns = columns,
	.read = read_firewall_chains,
	.early = netfilter_early,
	.helpers = netfilter_helpers,
	.multi = true,
	.cost = 15,
};
TABLE(firewall_chains);
