/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks of Linux-PAM: each service's lines with their includes in place. Everything lives in
 * the arena that was passed.
 */
#ifndef REVET_HOST_PAM_STACK_H
#define REVET_HOST_PAM_STACK_H

#include "host/host.h"

#define PAM_MAX_DEPTH 16 /* of includes; as PAM_SUBSTACK_MAX_LEVEL of Linux-PAM */

struct pam_line {
	struct str service;
	struct str type;    /* auth, account, password or session */
	struct str control; /* as written, brackets included */
	struct str module;  /* without the directory when it is PAM's own */
	const struct str *args;
	size_t n_args;
	unsigned position; /* among the service's lines of that type, from 1 */
	const char *file;  /* where the line stands, which for an included one is elsewhere */
	unsigned line;
	const char *note; /* a remark for people, or NULL */
	unsigned level;   /* how many substacks it is in */
	bool substack;    /* no module, but where one begins, whose lines follow */
	bool fails;       /* PAM cannot make sense of the line, and fails with it */
};

struct pam_stack {
	struct pam_line *lines;
	size_t n, cap;
	const char *gap; /* why something may be missing; NULL: complete */
};

/* Every service that has a file. No PAM at all is no error and no line. */
int pam_read(struct host *, struct arena *, struct pam_stack *ret, struct err *);

#endif
