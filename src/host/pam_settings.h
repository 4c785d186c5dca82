/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a PAM module that come from a file in /etc/security and from its arguments in the
 * stacks, which win; for the tables pwquality, faillock and pwhistory.
 */
#ifndef REVET_HOST_PAM_SETTINGS_H
#define REVET_HOST_PAM_SETTINGS_H

#include "host/edit.h"
#include "host/pam_stack.h"
#include "host/table.h"

struct pam_module {
	const char *name, *type;          /* pam_faillock.so, auth: which lines count */
	const char *conf;                 /* name of its file in /etc/security */
	bool dropins;                     /* files in CONF.d/ are read before CONF */
	bool first_wins;                  /* of several lines with a key in the file */
	bool arguments_only;              /* it has no file */
	const char *only;                 /* the one key that is of interest; NULL: all */
	const char *const *flags;         /* keys that are set by being there, whatever their value */
	const char *const *not_settings;  /* arguments that are none; both lists end with NULL */
	const char *const (*defaults)[2]; /* keys and values that are built in; ends with NULL */
};

/* A row for each setting, in the columns 0 (key) and 1 (value), once for every different value that
 * the lines of all stacks give it. When no stack has the module: what its file says. */
void pam_settings(struct host *, struct rows *, const struct pam_stack *,
				  const struct pam_module *);
/* The wish as a line of the module's file in /etc/security. -ENOTSUP when an argument in a stack decides
 * it, or when no stack has the module. */
int pam_settings_set(const struct pam_module *, const struct wish *, struct edits *, struct err *);

#endif
