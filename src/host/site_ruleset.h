/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packet filter that a site file asks for, as the text of one table of nftables, worded as nft
 * lists it. A pure function of the site and of what is known of the host. What is not said is denied;
 * every rule says in its comment which line it came from.
 *
 * Host names are sets of their own, name4.NAME and name6.NAME, which are empty in the text and change
 * at run time (flag timeout), see nft_text_without_elements().
 */
#ifndef REVET_HOST_SITE_RULESET_H
#define REVET_HOST_SITE_RULESET_H

#include "host/nft_ranges.h"
#include "host/site_file.h"

#define SITE_TABLE "inet revet"
#define SITE_NAME4 "name4."
#define SITE_NAME6 "name6."

/* Where the host is configured to go for something. */
struct site_goals {
	bool anywhere;         /* also, or it is not known */
	VEC(struct str) hosts; /* addresses or names */
};

/* What the ruleset depends on beside the site. */
struct site_facts {
	VEC(uint16_t) ssh_ports;
	/* Interfaces of networks within this host, of containers and virtual machines: "docker0", "br-*".
	 * Those of `served` ask this host for names and addresses. */
	VEC(struct str) bridges, served;
	bool dhcp;        /* some interface has its address from the network */
	bool single_path; /* one interface leads elsewhere: what comes in by another is spoofed */
	struct site_goals resolvers, clocks, mirrors;
};

/* Does the site say anything that a packet filter follows from? */
bool site_has_ruleset(const struct site_file *);
/* *ret is in the arena. -EINVAL: what it says cannot be written as rules; -EFBIG. */
int site_ruleset(const struct site_file *, const struct site_facts *, struct arena *,
				 struct str *ret, struct err *);
/* Has such a text sets of names? */
bool site_ruleset_has_names(struct str text);
/* Of such a text: what lets administrators in, "site.yaml:3: admins"; absent: nothing says so. */
struct str site_ruleset_admins(struct str text);

#endif
