/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a snapshot by the names of their columns, for those who look at many tables. */
#ifndef REVET_SITE_LOOK_H
#define REVET_SITE_LOOK_H

#include "host/snapshot.h"

/* One table; `why` says what of it is not known, NULL: all is. Without rows at all, n is 0. */
struct look {
	const struct rows *rows;
	size_t n;
	bool read; /* false: nothing is known of it */
	const char *why;
};
struct look look_at(const struct snapshot *, const char *table);

/* Absent, 0, false or empty when the cell is not set or not known. */
struct str look_str(const struct look *, size_t row, const char *column);
int64_t look_int(const struct look *, size_t row, const char *column);
bool look_bool(const struct look *, size_t row, const char *column);
size_t look_list(const struct look *, size_t row, const char *column, const struct str **ret);
bool look_is_unknown(const struct look *, size_t row, const char *column);
/* "/etc/sudoers:3" */
const char *look_source(const struct look *, size_t row, struct arena *);

#endif
