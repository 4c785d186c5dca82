/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PAM would answer: the lines of a stack played through as libpam does, without the modules. For
 * an account of /etc/passwd that is not root. Pure.
 */
#ifndef REVET_HOST_PAM_TRY_H
#define REVET_HOST_PAM_TRY_H

#include "host/pam_stack.h"

enum pam_answer { PAM_REFUSES, PAM_ADMITS, PAM_UNSURE };

/* Authentication with a password that pam_unix finds right, or wrong. UNSURE: it has a module or a line
 * whose answer is not known, and that would decide. */
enum pam_answer pam_try_password(const struct pam_stack *, const char *service, bool right);

/* Of the lines of one service and type, in their order: whether each may be passed over because one
 * before it, other than pam_rootok, has succeeded. */
void pam_find_skippable(const struct pam_line *const *lines, size_t n, bool *ret);

#endif
