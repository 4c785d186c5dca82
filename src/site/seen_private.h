/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of seen.h share: seen.c, and a file for each list. */
#ifndef REVET_SITE_SEEN_PRIVATE_H
#define REVET_SITE_SEEN_PRIVATE_H

#include "base/map.h"
#include "site/look.h"
#include "site/seen.h"

struct seeing {
	const struct snapshot *snapshot;
	const struct seen_session *session; /* NULL: none */
	struct arena *arena;
	struct seen *seen;
	struct map own; /* addresses of this host */
	int64_t now;
};

/* The name of a network of ours that the address is in, or the address itself; absent for what is no
 * address. */
struct str seen_word(const struct seeing *, struct str address);
bool seen_is_name(const struct seeing *, struct str word);
/* An address that is neither this host's nor only known on the wire. */
bool seen_is_outside(const struct seeing *, struct str address);
/* The word for the address; false once more addresses have come than anybody lists. */
bool seen_add_to(struct seeing *, struct seen_to *, struct str word);
/* "a, b and 3 more" */
const char *seen_some(struct arena *, const struct str *items, size_t n);
/* "2026-11-26" */
const char *seen_day(struct arena *, int64_t time);
/* Notes why something could not be seen, unless NULL; in *ret, too, if there is nothing yet. */
void seen_unknown(struct seeing *, const char *what, const char *why, const char **ret);

void seen_services(struct seeing *);
void seen_people(struct seeing *);
void seen_reaches(struct seeing *);

#endif
