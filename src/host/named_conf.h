/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named.conf(5), BIND's configuration, as a tree of statements: words, perhaps a block of further
 * statements, words behind it. Files that `include` names take its place. Everything lives in the
 * arena that was passed; secrets of keys are masked.
 */
#ifndef REVET_HOST_NAMED_CONF_H
#define REVET_HOST_NAMED_CONF_H

#include "base/map.h"
#include "host/host.h"
#include "host/started.h"

struct named_statement {
	struct str *words; /* without quotes; those behind the block follow those before it */
	size_t n_words;
	struct named_statement *block; /* the first of it */
	struct named_statement *next;
	const char *file;
	unsigned line;
};

struct named_conf {
	struct named_statement *first;
	const char *gap; /* why something may be missing; NULL: complete */
	struct map acls; /* private */
	size_t work;
};

/* -ENOENT: there is no named.conf. What cannot be read or is no statement sets gap. */
int named_conf_read(struct host *, struct arena *, struct named_conf *, struct err *);
/* The last statement in the list that begins with the word; NULL when there is none. */
const struct named_statement *named_find(const struct named_statement *list, const char *word);
/* The items of an address match list, names of acls replaced by what they stand for; a list within
 * a list that is negated stays one item, "!{...}". -E2BIG when acls name each other too often. */
int named_addresses(struct named_conf *, struct arena *, const struct named_statement *,
					struct str **ret, size_t *ret_n);

/* How it is started. */
extern const struct started named_started;

#endif
