/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps share that have a tool of the distribution's change PAM's stacks. */
#ifndef REVET_CHANGE_PAM_TOOL_H
#define REVET_CHANGE_PAM_TOOL_H

#include "change/step.h"

/* Where revet was killed, the tool that it had started may still be writing, for a tenth of a second. */
void pam_tool_wait(const char *program);
/* The right password lets in, and a wrong one does not, wherever people give one. -EPERM. */
int pam_tool_check(const struct place *, struct err *);

#endif
