/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a change: a line for each thing that happened to it. What is written goes into the
 * struct change as well, and reading it gives that back, as far as the lines are whole: what one that a
 * crash has cut short stands for had not been begun.
 */
#ifndef REVET_CHANGE_JOURNAL_H
#define REVET_CHANGE_JOURNAL_H

#include "change/change.h"

/* Appends the line, which ends with '\n', durably. */
int journal_write(struct change *, const char *line, struct err *);
/* That something is begun lasts; that it is through need not: at worst it is done once more, and the
 * next line takes it along. */
int journal_mark(struct change *, size_t step, enum mark, struct err *);
int journal_status(struct change *, enum change_status, struct err *);

/* The journal in the change's directory; its plan is known. */
int journal_read(struct change *, struct err *);
void journal_parse(struct change *, struct str text);
/* Has the change come to an end? Told by its journal alone: an old one whose plan is damaged holds
 * nobody up. */
bool journal_has_ended(const struct changes *, unsigned number);

#endif
