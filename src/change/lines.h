/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in which each line stands for itself, under the name before its first colon: passwd and the
 * like. What a program has added is taken out again also where somebody else has added more since.
 */
#ifndef REVET_CHANGE_LINES_H
#define REVET_CHANGE_LINES_H

#include "base/buf.h"

/* What is in `after` and not in `before`, as a record: "+PATH LINE", and below it "=PATH LINE" when a
 * line of the same name was there before. */
void lines_record(struct buf *record, const char *path, struct str before, struct str after);
/* The text without the lines that the record has added to the path, with those that were there before in
 * their places. False: the record knows nothing of the path. */
bool lines_undo(struct str record, const char *path, struct str now, struct buf *out);

#endif
