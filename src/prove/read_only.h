/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For programs that say that they only try, and are taken at their word by nobody: all file systems
 * are read-only to this process and its children, and what is written to some directories goes to
 * the scratch. Sockets below those lead nowhere.
 */
#ifndef REVET_PROVE_READ_ONLY_H
#define REVET_PROVE_READ_ONLY_H

#include "prove/experiment.h"

/* directories: up to a NULL; those that are not there are passed over. -errno with err: then it may
 * not be run, for something would still be written. */
int read_only_enter(const struct trial *, const char *const *directories, struct err *);

#endif
