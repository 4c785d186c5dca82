/* SPDX-License-Identifier: Apache-2.0 */
/* A word that nothing else has written, to be found again in a log. */
#ifndef REVET_PROVE_MARKER_H
#define REVET_PROVE_MARKER_H

#include "prove/experiment.h"

#define MARKER_SIZE 48

/* "revet-prove-" and random digits; absent randomness is an error. */
int marker_make(char ret[MARKER_SIZE]);
/* Does the end of the file, its last MiB, have the text? */
bool marker_is_in(struct trial *, const char *path, const char *text);
/* Asks until it says yes or the time is over; the pauses grow. */
bool marker_wait(struct trial *, bool (*found)(struct trial *, void *data), void *data, int ms);

#endif
