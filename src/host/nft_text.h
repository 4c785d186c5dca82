/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of nftables as text, as nft(8) reads and lists them. What stands in quotes (comments, log
 * prefixes, names of interfaces) may hold any byte but a quote, and decides nothing here.
 */
#ifndef REVET_HOST_NFT_TEXT_H
#define REVET_HOST_NFT_TEXT_H

#include "base/buf.h"
#include "base/str.h"

#define NFT_TEXT_MAX \
	((size_t)4 << 20) /* of one table; addresses by the million are no configuration */

/* Is "FAMILY NAME" a table that nft would take as two words? */
bool nft_text_is_name(struct str name);
/* Is the text one block, `table FAMILY NAME { ... }`, with nothing before or behind it, and nothing in
 * it that reads another file or defines a variable? Comments are let pass. */
bool nft_text_is_table(struct str text, struct str name);
/* The listing of a table without the elements of sets and maps that change at run time, which have
 * the flag `timeout` or `dynamic`. 0, or -ENOBUFS. */
int nft_text_without_elements(struct str text, struct buf *out);
/* Do they say the same, whatever their comments, and wherever their lines end? */
bool nft_text_is_same(struct str, struct str);

#endif
