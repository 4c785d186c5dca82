/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two texts, line by line, for people. */
#ifndef REVET_CHANGE_DIFF_H
#define REVET_CHANGE_DIFF_H

#include "base/buf.h"

/* The hunks of a unified diff with three lines of context, printable, each line indented by two. Of
 * texts that differ in over 2,000 lines between their common head and tail: all of one, then all of
 * the other. */
void diff_print(struct buf *out, struct str before, struct str after);

#endif
