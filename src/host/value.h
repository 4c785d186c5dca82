/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as text, and text as values: the one place that knows how a mode or a duration is written,
 * for rules, reports, snapshots and `--where` alike.
 */
#ifndef REVET_HOST_VALUE_H
#define REVET_HOST_VALUE_H

#include "base/json.h"
#include "host/table.h"

/* Reads text as a value of the type: "0644", "10M", "15min", "2026-01-01", "true". Returns -EINVAL
 * when it is none, with what was expected. Of a list: its only item. */
int value_parse(enum type, struct str text, struct arena *, struct value *ret, struct err *);
/* For people: lists joined by ", ", absent as "not set", unknown as "unknown (why)". */
void value_print(struct buf *, enum type, const struct value *);
/* Absent: null; unknown: {"unknown": why}; mode as "0644"; time as ISO 8601; sizes and durations as
 * numbers (infinity as the string). */
void value_json(struct jsonw *, enum type, const struct value *);
/* Is the item one of a list that is known? */
bool value_has_item(const struct value *list, struct str item);
/* The row's name for people: its label columns, joined by blanks. */
void row_label(struct buf *, const struct table *, const struct row *);
/* Where a cell comes from; path NULL: not known. */
struct from value_from(const struct row *, const struct value *);

#endif
