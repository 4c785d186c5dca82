/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet filter that the kernel has in force, as nft and (for tables of the older kind)
 * iptables-save print it, and what it does with a packet that no rule is about. Everything lives in
 * the arena that was passed.
 */
#ifndef REVET_HOST_NETFILTER_H
#define REVET_HOST_NETFILTER_H

#include <jansson.h>

#include "base/map.h"
#include "host/fw_box.h"
#include "host/host.h"

/* The packets that rules are tried with: the first of a TCP connection (UDP, where it says so) from
 * nowhere in particular to no port in particular, in both families. It comes in over the interface of
 * the default route or over loopback, is routed from the former to a network behind this host, or is
 * sent to the former. A spoofed one comes in over the former, says that it is from a loopback address,
 * and goes to whatever port gets it in. */
enum fw_packet {
	FW_V4, FW_V6, FW_V4_UDP, FW_V6_UDP, FW_V4_LOOPBACK, FW_V6_LOOPBACK, FW_V4_FORWARD,
	FW_V6_FORWARD, FW_V4_OUTPUT, FW_V6_OUTPUT, FW_V4_SPOOFED, FW_V6_SPOOFED, FW_PACKETS,
};
bool fw_is_v6(enum fw_packet);
bool fw_is_spoofed(enum fw_packet);
const char *fw_protocol(enum fw_packet); /* "tcp" or "udp" */

enum fw_verdict { FW_CONTINUE, FW_ACCEPT, FW_DENY, FW_JUMP, FW_GOTO, FW_RETURN };

/* What a rule does to one of the packets; FW_CONTINUE when it is about others. */
struct fw_effect {
	enum fw_verdict verdict;
	bool maybe;        /* a condition that most packets meet, such as saddr != X */
	bool limited;      /* the same, up to a rate */
	bool unknown;      /* it would let in what is in a named set that is not known */
	struct str target; /* of a jump */
};

struct fw_rule {
	struct fw_effect on[FW_PACKETS];
	VEC(struct fw_clause) clauses; /* what it does to which packets; none: it decides nothing */
};

struct fw_chain {
	struct str family, table, name;
	struct str type, hook, policy; /* of base chains; absent otherwise */
	struct str *devices; /* of the family netdev; ends with one that is absent; NULL: any */
	int64_t priority;
	struct fw_rule *rules;
	size_t n, cap;
};

struct fw_ruleset {
	const char *backend; /* "nftables", "iptables-legacy", "none" */
	struct fw_chain **p;
	size_t n, cap;
	size_t n_rules;
	bool firewalld, docker; /* it has tables or chains of theirs */
	bool refuses;           /* some rule or policy drops or rejects something */
	size_t n_legacy_rules;  /* of those, in tables of the older kind */
	bool legacy;            /* these have rules, or policies that drop */
	struct {
		struct str *p;
		size_t n, cap;
	} uplinks;          /* interfaces of the default routes; none: not known */
	/* Why conditions of iptables over IPv4 and over IPv6 are not known; NULL: they are. */
	const char *unsure[2];
	bool compat[2];     /* private: it has rules that iptables-nft-save says more about */
	json_t *sets;       /* private, while it is read: see nft_sets.h */
	struct map varying; /* "family table set" of sets that packets change, or time */
	struct map by_name; /* private: "family table chain" */
	struct map dormant; /* private: "family table" of those that are switched off */
};

/* For struct table.helpers: all that netfilter_read() may run. */
extern const struct helper *const netfilter_helpers[];
/* Lists the ruleset, but for what is in named sets. */
extern const struct helper netfilter_ruleset;
/* Lists the table of revet's own that firewall.c asks for; nothing when there is none. */
extern const struct helper netfilter_own;
/* The same for the table that a site file asks for, "inet revet". */
extern const struct helper netfilter_site;

/* For struct table.early. */
void netfilter_early(struct host *);
int netfilter_read(struct host *, struct arena *, struct fw_ruleset *ret, struct err *);
/* NULL: there is none. */
const struct fw_chain *fw_find_chain(const struct fw_ruleset *, struct str family, struct str table,
									 struct str name);
/* What becomes of the packet at a hook ("input" for the first six and the last two): FW_CONTINUE when no chain is there for it. */
enum fw_verdict fw_judge(const struct fw_ruleset *, const char *hook, enum fw_packet);
/* Why the packet may get in all the same where that says FW_DENY; NULL: it does not. */
const char *fw_doubt(const struct fw_ruleset *, const char *hook, enum fw_packet);
/* Does the packet come in (or leave) by an interface of that name? "eth*" and "eth+" name several. */
bool fw_interface(const struct fw_ruleset *, enum fw_packet, struct str pattern, bool incoming);
/* The policy there: drop when any base chain for this family has it, accept when all have that,
 * NULL when there is no base chain. */
const char *fw_policy(const struct fw_ruleset *, const char *hook, bool v6);
/* Some base chain at the hook has rules, or a policy of drop. */
bool fw_is_active(const struct fw_ruleset *, const char *hook);

#endif
