/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the packet filter that decide about packets, and which of them no packet reaches. */
#include "base/buf.h"
#include "host/fw_shadow.h"
#include "host/table.h"

#define COMPARISONS ((size_t)4000000)

enum { FAMILY, TABLE_, CHAIN, NUMBER, RULE, VERDICT, HIDDEN_BY, HIDING_RULE, HIDING_VERDICT, SAME };

static const struct column columns[] = {
	[FAMILY] = {"family", TYPE_STRING, "ip, ip6, inet, arp, bridge or netdev", COLUMN_LABEL},
	[TABLE_] = {"table", TYPE_STRING, "Its table", COLUMN_LABEL},
	[CHAIN] = {"chain", TYPE_STRING, "Its chain", COLUMN_LABEL},
	[NUMBER] = {"number", TYPE_INT, "Which rule of the chain it is, from 1", COLUMN_LABEL},
	[RULE] = {"rule", TYPE_STRING,
			  "Which packets it is about, as far as they are understood (... where there is more "
			  "to it), "
			  "and what it does",
			  COLUMN_LABEL},
	[VERDICT] =
		{"verdict", TYPE_STRING,
		 "accept, drop (also by reject), jump, goto, return or nat; several: it has a map of them",
		 0},
	[HIDDEN_BY] =
		{"hidden_by", TYPE_INT,
		 "The number of an earlier rule of the chain that decides about every packet that this one "
		 "is about; absent: none does alone",
		 0},
	[HIDING_RULE] = {"hiding_rule", TYPE_STRING, "That rule", 0},
	[HIDING_VERDICT] = {"hiding_verdict", TYPE_STRING, "What it does", 0},
	[SAME] = {"same_packets", TYPE_BOOL,
			  "Both are about the same packets; absent: nothing hides it", 0},
	{0},
};

static const char *const verdicts[] = {
	[FW_DOES_NOTHING] = "none", [FW_ADMITS] = "accept", [FW_REFUSES] = "drop",
	[FW_JUMPS] = "jump",        [FW_GOES] = "goto",     [FW_RETURNS] = "return",
	[FW_TRANSLATES] = "nat",
};

static struct str text_of(struct arena *a, const struct fw_clause *c)
{
	_cleanup_buf_ struct buf text = BUF(4096);

	fw_clause_print(&text, c);
	return str_of(str_dup(a, buf_get(&text)));
}

/* The first thing that it does; *several: and others. */
static const struct fw_clause *main_clause(const struct fw_rule *rule, bool *several)
{
	const struct fw_clause *found = NULL;

	*several = false;
	vec_each(&rule->clauses, c)
	{
		if (c->does == FW_DOES_NOTHING)
			continue;
		*several = *several || (found && found->does != c->does);
		found = found ? found : c;
	}
	return found;
}

static void add_rule(struct rows *rows, const struct fw_chain *chain, size_t i,
					 const struct fw_shadow *shadow, const char *from)
{
	bool several;
	const struct fw_clause *clause = main_clause(&chain->rules[i], &several);
	struct row *row = clause ? rows_add(rows, FROM(from, 0)) : NULL;

	if (!row)
		return;
	row_str(row, FAMILY, chain->family);
	row_str(row, TABLE_, chain->table);
	row_str(row, CHAIN, chain->name);
	row_int(row, NUMBER, (int64_t)i + 1);
	row_str(row, RULE, text_of(rows->arena, clause));
	row_strz(row, VERDICT, several ? "several" : verdicts[clause->does]);
	if (!shadow->by)
		return;
	row_int(row, HIDDEN_BY, (int64_t)shadow->rule + 1);
	row_str(row, HIDING_RULE, text_of(rows->arena, shadow->by));
	row_strz(row, HIDING_VERDICT, verdicts[shadow->by->does]);
	row_bool(row, SAME, shadow->same);
	row->note = arena_printf(rows->arena, "rule %zu comes first: %.*s", shadow->rule + 1,
							 STR_ARG(row->cells[HIDING_RULE].string));
}

static int read_firewall_rules(struct host *host, struct rows *rows, struct err *err)
{
	size_t left = COMPARISONS;
	struct fw_ruleset set;
	int r = netfilter_read(host, rows->arena, &set, err);

	for (size_t i = 0; r == 0 && i < set.n; i++) {
		const struct fw_shadow *shadows;
		struct err why = {0};

		if (fw_shadows(&set, set.p[i], rows->arena, &left, &shadows, &why) < 0)
			rows_gap(rows, "%s", why.msg);
		for (size_t k = 0; k < set.p[i]->n; k++)
			add_rule(rows, set.p[i], k, &shadows[k], set.backend);
	}
	return r;
}

static const struct table firewall_rules = {
	.name = "firewall_rules",
	.doc = "Rules of nftables and iptables that decide about packets, of every chain that the "
		   "kernel has "
		   "loaded, and which of them are never reached",
	.columns = columns,
	.read = read_firewall_rules,
	.early = netfilter_early,
	.helpers = netfilter_helpers,
	.multi = true,
	.cost = 20,
};
TABLE(firewall_rules);
