/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sentence about a host's rows, the language of `want`, `when`, `unless` and workloads:
 *
 *     table.key: expectation                    key/value tables; table.column: of one-row tables
 *     for: table, where: {...}, want: {...}     every such row; or want: none, some, review
 *     any: [...], all: [...], not: ...
 *     package:, service:, workload:, os:, container:    short for such sentences
 *
 * Parsing checks every table, key, column and type. Plain data after that.
 */
#ifndef REVET_RULE_SENTENCE_H
#define REVET_RULE_SENTENCE_H

#include "rule/expect.h"

enum sentence_kind { SENTENCE_ALL, SENTENCE_ANY, SENTENCE_NOT, SENTENCE_KEY, SENTENCE_ROWS };
enum quantity { EVERY_ROW, NO_ROW, SOME_ROW, REVIEW_ROWS };

struct condition {
	int column;
	const struct expect *expect;
};

struct sentence {
	enum sentence_kind kind;
	const struct sentence **subs; /* ALL, ANY, NOT */
	size_t n_subs;
	const struct table *table; /* KEY, ROWS */
	struct str key;            /* KEY on a key/value table; absent: the column of a one-row table */
	int column;                /* KEY on a one-row table */
	const struct expect *expect; /* KEY, for the value columns */
	struct condition *where, *want;
	size_t n_where, n_want;
	enum quantity quantity;
	const char *label; /* what a shorthand said: "package nginx"; NULL */
	bool parsed;       /* workloads: their sentence has been read */
};

struct workload {
	const char *name, *title;
	const struct sentence *is;
};

struct language { /* what sentences may refer to */
	struct arena *arena;
	struct map workloads; /* name -> struct workload */
	struct params params;
};

/* A sentence; also a mapping of several, all of which must hold (`any_of`: one of which). */
int sentence_parse(struct language *, struct yaml_at, bool any_of, const struct sentence **ret,
				   struct err *);
/* `for`, `where` and `want` that stand in `at` among other keys, as in a rule. */
int sentence_parse_rows(struct language *, struct yaml_at at, const struct sentence **ret,
						struct err *);
/* workloads.yaml */
int language_load_workloads(struct language *, const struct yaml *, struct err *);

/* Calls back for each sentence in the tree that names a table. */
void sentence_each(const struct sentence *, void (*seen)(void *, const struct sentence *), void *);

#endif
