/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of nftables that is revet's own, now and from the next boot on: as nftables.service loads it,
 * from a file in /etc/nftables.d that its configuration includes. Other tables, and files of others but
 * for that line, stay as they are.
 */
#ifndef REVET_HOST_NFT_TABLE_H
#define REVET_HOST_NFT_TABLE_H

#include "host/edit.h"

/* Edits that make the table ("inet NAME") what the text says, `table inet NAME { ... }`: no interface
 * but lo by its number, sets with a timeout in a table of their own; see change/steps/nft.c. present:
 * the table as nft lists it; absent: there is none. -ENOTSUP: nothing loads rules at boot, or what would
 * be loaded from then on is more than this. Whether another tool manages the filter is for the caller
 * to know. */
int nft_table_edit(struct host *, struct edits *, const char *table, struct str present,
				   struct str text, struct err *);
/* Is the content that of the file which loads the table, with this text, but for comments and where lines
 * end? */
bool nft_table_file_is(struct str content, const char *table, struct str text);
/* Does the boot load what those edits would have it load, but for comments? */
int nft_table_at_boot(struct host *, struct arena *, const char *table, struct str text, bool *ret,
					  struct err *);

#endif
