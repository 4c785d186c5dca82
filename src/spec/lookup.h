/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of resources share: rows and cells of tables, and answers of the process that asks. */
#ifndef REVET_SPEC_LOOKUP_H
#define REVET_SPEC_LOOKUP_H

#include "spec/spec.h"

void want_table(struct snapshot *, const char *table);
void want_key(struct snapshot *, const char *table, struct str key);

/* The rows of a table that was wanted; the error says why there are none. */
int find_rows(struct finding *, const char *table, const struct rows **ret, struct err *);
/* The first row whose key it is; *ret NULL: there is none. An error when it might be missing. */
int find_row(struct finding *, const char *table, struct str key, const struct row **ret,
			 struct err *);
/* A cell as a value: absent is nothing; unknown is an error. Modes are octal text. */
int find_cell(struct finding *, const struct rows *, const struct row *, const char *column,
			  struct datum *ret, struct err *);
/* Of the row that find_row() found; with none, an error. */
int find_cell_of(struct finding *, const char *table, const struct row *, const char *column,
				 struct datum *ret, struct err *);
/* The cell as text; absent when it is. */
struct str cell_text(const struct rows *, const struct row *, const char *column);

/* An answer begins with '+', or with '-' and what went wrong. */
void answer_error(struct buf *answer, const struct err *);
int find_answer(struct finding *, struct str *ret, struct err *);
/* An answer of a status and two texts, which answer_parts() has put. */
struct answer_parts {
	int64_t status;
	struct str first, second;
};
void answer_parts(struct buf *answer, int status, struct str first, struct str second);
int find_parts(struct finding *, struct answer_parts *ret, struct err *);

#define MAX_ANSWER ((size_t)16 << 20) /* bytes of what a program prints, or a server says */

#endif
