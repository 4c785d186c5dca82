/* SPDX-License-Identifier: Apache-2.0 */
/* A word that nothing else has written, to be found again in a log. */
#ifndef REVET_PROVE_MARKER_H
#define REVET_PROVE_MARKER_H

#include "base/buf.h"
#include "prove/experiment.h"

#define MARKER_SIZE 48

/* "revet-prove-" and random digits; absent randomness is an error. */
int marker_make(char ret[MARKER_SIZE]);
/* The end of a file, its last MiB; -errno. */
int marker_end(struct trial *, const char *path, struct buf *ret);
/* Does that have the text? */
bool marker_is_in(struct trial *, const char *path, const char *text);
/* Asks until it says yes, or *patience, in milliseconds, is over: then no later marker of the same time
 * needs to be waited for, and it becomes 0. */
bool marker_wait(struct trial *, bool (*found)(struct trial *, void *data), void *data,
				 int *patience);

#endif
