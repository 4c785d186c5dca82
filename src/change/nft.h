/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft(8), for one table at a time. Texts go by its standard input and are never more than the one
 * table they are said to be, whatever stands in their comments.
 */
#ifndef REVET_CHANGE_NFT_H
#define REVET_CHANGE_NFT_H

#include "base/err.h"
#include "base/str.h"

/* In one transaction: the table is what the text says; absent: it is gone. ns: the network namespace, as
 * of netns_new(); -1: this process's own. */
int nft_load(int ns, const char *table, struct str text, struct err *);
/* Commands of revet's own, in one transaction, to this process's namespace. */
int nft_feed(struct str commands, struct err *);
/* The table as nft words it, without counters and without what its sets take up at run time; absent
 * when there is none. */
int nft_list(int ns, const char *table, struct arena *, struct str *ret, struct err *);
/* What nft_list() would say of the text once it is loaded. Tried in a namespace of its own. */
int nft_word(const char *table, struct str text, struct arena *, struct str *ret, struct err *);

#endif
