/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reverts a change that nobody confirms, outside of revet's own process and of the terminal: a
 * transient systemd timer, and a unit that does it at boot when the machine went down meanwhile;
 * where there is no systemd, a process of its own session. What each of them runs is `revert.sh` in the
 * change's directory: revet, or undo.sh where that does not start any more.
 */
#ifndef REVET_CHANGE_ARM_H
#define REVET_CHANGE_ARM_H

#include "change/change.h"

/* Before the first step. seconds 0: the change cannot cut access, only a crash has to be undone. */
int arm(const struct changes *, struct change *, unsigned seconds, struct err *);
/* Once all is applied, while the lock is held: only now a person's time begins. */
int arm_anew(const struct changes *, struct change *, unsigned seconds, struct err *);
/* When it is confirmed or reverted. Nothing that fails here is worth an error. */
void disarm(const struct changes *, unsigned number);

#endif
