/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the parser of the site file share: site_file.c, site_peers.c for whom and where,
 * site_traffic.c for what is served, reached and forwarded. Every function returns 0 or -EINVAL, with
 * file:line:column of what is wrong and what to write instead.
 */
#ifndef REVET_HOST_SITE_PRIVATE_H
#define REVET_HOST_SITE_PRIVATE_H

#include "base/map.h"
#include "host/site_file.h"

#define SITE_MAX_LINES 4096 /* of serves, reaches and forwards, each */

struct site_parse {
	struct arena *arena;
	struct site_file *site;
	struct map by_name; /* of site->networks: a number from 1, see site_peers.c */
	unsigned *states;   /* of each network */
	unsigned depth;     /* of names within names */
	size_t copied;      /* networks that came by names into lists of their own */
	struct err *err;
};

/* What may stand among peers beside networks and their names. */
enum {
	SITE_ALLOW_WORLD = 1,
	SITE_ALLOW_HOSTS = 2,     /* names to be resolved */
	SITE_ALLOW_MULTICAST = 4, /* nobody comes from there */
};

int site_parse_networks(struct site_parse *, struct yaml_at map);
int site_parse_peers(struct site_parse *, struct yaml_at, unsigned allowed, struct site_peers *ret);
/* Is this the name of a network, an address, or `world`, rather than anything else's name? */
bool site_is_peer(const struct site_parse *, struct str);

/* Of the users that were parsed. */
int site_parse_keys(struct site_parse *, struct yaml_at map);

int site_parse_serves(struct site_parse *, struct yaml_at list);
int site_parse_reaches(struct site_parse *, struct yaml_at list);
int site_parse_forwards(struct site_parse *, struct yaml_at list);

/* The index of a word among `words` (NULL-terminated), or an error that names the nearest, or else
 * says `expected`. */
int site_parse_word(struct site_parse *, struct yaml_at, const char *const words[],
					const char *expected, unsigned *ret);
/* A list of at most `max` items. */
int site_check_list(struct site_parse *, struct yaml_at, uint32_t max);

#endif
