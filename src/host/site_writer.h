/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What site_ruleset.c writes a table of nftables with: sets, which all that say the same share, and rules
 * with the line of the site file that they come from. Texts are in the writer's arena.
 */
#ifndef REVET_HOST_SITE_WRITER_H
#define REVET_HOST_SITE_WRITER_H

#include "base/map.h"
#include "host/site_ruleset.h"

/* Of IPv4 and of IPv6, as nft calls them. */
extern const char *const site_ip[2], *const site_types[2];

/* Whom a line is about, as what an address is compared with: "10.0.0.0/24", "@serves_7_v4", "" for
 * every address of the family; NULL: nobody there. */
struct whom {
	bool world;
	const char *match[2]; /* IPv4, IPv6 */
};

struct writer {
	const struct site_file *site;
	const struct site_facts *facts;
	struct arena *arena;
	struct buf sets, rules;
	struct map by_content; /* of a set: what it is compared as */
	struct map by_list;    /* of networks that have a name: struct whom */
	struct map names;      /* of sets */
	struct err *err;
};

unsigned site_line(struct yaml_at);
const char *site_protocol(struct site_ports);
const char *writer_ports(struct writer *, struct site_ports);
/* "site.yaml:7: TEXT", fit to stand in quotes. */
const char *writer_comment(struct writer *, struct yaml_at, const char *text);
/* What a value is compared with to be among the ranges: "" for all there are, NULL for none. One element
 * stands in the rule itself, more in a set, which has the name unless there is one already. */
const char *writer_set(struct writer *, struct nft_ranges *, const char *type, const char *name,
					   const char *comment);
/* The networks of the peers; a set is named after what the site calls them, else as `name` says. */
struct whom writer_peers(struct writer *, const struct site_peers *, const char *name,
						 const char *comment);
/* The condition on "saddr" or "daddr" for the family, with a blank behind; NULL: never met. */
const char *writer_side(struct writer *, const struct whom *, int family, const char *side);
void writer_rule(struct writer *, const char *text, const char *comment);
/* One rule for everybody, or one for each family. */
void writer_rule_for(struct writer *, const struct whom *, const char *side, const char *text,
					 const char *comment);
/* Of a base chain; hook NULL: one that others jump to. */
void writer_begin_chain(struct writer *, const char *name, const char *hook, const char *priority,
						const char *policy);
void writer_end_chain(struct writer *);

#endif
