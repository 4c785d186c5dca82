/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer into a buf. Commas, nesting and escaping are its business; a call in the
 * wrong place is a programming error and asserts. Output is valid UTF-8 whatever the input: a byte
 * that is not becomes U+FFFD. Control characters are escaped, C1 too, so that a terminal obeys
 * none. JSON is read with jansson, not here.
 */
#ifndef REVET_BASE_JSON_H
#define REVET_BASE_JSON_H

#include "base/buf.h"

struct jsonw {
	struct buf *out;
	bool pretty;          /* one member a line, two spaces a level */
	unsigned depth;
	uint64_t is_object;   /* bit per level */
	uint64_t has_items;   /* bit per level */
	bool after_key;
};

void jsonw_begin(struct jsonw *, struct buf *out, bool pretty);
void jsonw_object(struct jsonw *);
void jsonw_array(struct jsonw *);
void jsonw_end(struct jsonw *); /* the innermost object or array */
void jsonw_key(struct jsonw *, const char *key);
void jsonw_keystr(struct jsonw *, struct str key);
void jsonw_str(struct jsonw *, struct str); /* absent: null */
void jsonw_strz(struct jsonw *, const char *); /* NULL: null */
void jsonw_int(struct jsonw *, int64_t);
void jsonw_bool(struct jsonw *, bool);
void jsonw_null(struct jsonw *);
void jsonw_seconds(struct jsonw *, int64_t microseconds); /* as seconds with six decimals */

/* Member shorthands. */
void jsonw_member_str(struct jsonw *, const char *key, struct str);
void jsonw_member_strz(struct jsonw *, const char *key, const char *);
void jsonw_member_int(struct jsonw *, const char *key, int64_t);
void jsonw_member_bool(struct jsonw *, const char *key, bool);

#endif
