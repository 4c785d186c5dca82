/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error that functions above base/ fill in: fixed size, no allocation, safe to pass on the
 * stack. Functions return 0 or a negative errno and describe it in the last argument, which may
 * not be NULL. A message says what, where (file:line), why, and, where a person can act on it, the
 * next command to try. Only cmd/ prints it, once.
 */
#ifndef REVET_BASE_ERR_H
#define REVET_BASE_ERR_H

#include "base/util.h"

struct err {
	int errnum; /* positive errno; 0: no error */
	char msg[512];
};

/* Replaces the message; returns -errnum, so that `return err_set(err, EINVAL, "...")` reads well. */
int err_set(struct err *, int errnum, const char *fmt, ...) _printf_(3, 4);
/* "WHAT: strerror(errnum)", the commonest message. Returns -errnum. */
int err_errno(struct err *, int errnum, const char *fmt, ...) _printf_(3, 4);
/* Puts context in front of the message: "CONTEXT: MESSAGE". Returns -errnum, whatever it was. */
int err_context(struct err *, const char *fmt, ...) _printf_(2, 3);

#endif
