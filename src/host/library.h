/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that few hosts need, loaded when there is something to read with them. Nothing of them
 * has to be there when this is built.
 */
#ifndef REVET_HOST_LIBRARY_H
#define REVET_HOST_LIBRARY_H

#include "base/err.h"

struct library_symbol {
	const char *name;
	void *to; /* where its address goes: a pointer to a function pointer */
};

/* *ret is closed with library_close(), also after a failure. -ENOTSUP: it is not installed, or has
 * no such function. */
int library_open(const char *name, struct library_symbol *, size_t n, void **ret, struct err *);
void library_close(void *library); /* NULL is fine */

#endif
