/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's groups of system calls (@mount, @clock, ...), as far as a service's exposure needs them:
 * the calls that it is better off without, and which groups each is in, those that a group takes in
 * through another included.
 */
#ifndef REVET_HOST_SYSCALL_SETS_H
#define REVET_HOST_SYSCALL_SETS_H

#include "base/str.h"

#define SYSCALL_SETS_MAX 128

size_t syscall_sets_count(void);
const char *syscall_sets_name(size_t i);
/* Is the call in the group, which is named without its '@'? */
bool syscall_sets_has(size_t i, struct str set);

#endif
