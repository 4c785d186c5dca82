/* SPDX-License-Identifier: Apache-2.0 */
/* undo.sh of a change: for whoever has a shell and coreutils, or busybox, and no revet. */
#ifndef REVET_CHANGE_UNDO_SCRIPT_H
#define REVET_CHANGE_UNDO_SCRIPT_H

#include "change/plan.h"

/* What the undo_sh() of steps may call. */
extern const char undo_script_functions[];

void undo_script(const struct plan *, struct buf *out);

#endif
