/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the cost of an input grows. Work is counted, in branches taken, not timed: so it is the same
 * on every machine. Only a build with -fsanitize-coverage=trace-pc counts.
 */
#ifndef REVET_FUZZ_SCALE_H
#define REVET_FUZZ_SCALE_H

#include "fuzz.h"

/* Since it was last set to 0; run_table() does that when the host is made. */
extern _Atomic uint64_t work;

/* Enlarges the input in several ways, and ends the process when one of them costs far more than in
 * proportion. */
void scale_input(const struct target *, const char *path, struct str text);

#endif
