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

/* The rows that `where` names one by one: in which column, and the names, in the arena. False when it
 * is no closed set. params NULL: the names that parameters hold are left out. */
bool sentence_names(const struct sentence *, const struct params *, struct arena *, int *ret_column,
					const struct str **ret, size_t *ret_n);

/* For people: "some row of pam with service sudo", or the label of a shorthand. */
void sentence_print(struct buf *, const struct sentence *, const struct params *);
/* "protocol tcp, port one of 80, 443" */
void sentence_print_conditions(struct buf *, const struct table *, const struct condition *,
							   size_t n, const struct params *, enum wording);

#endif
