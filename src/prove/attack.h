/* SPDX-License-Identifier: Apache-2.0 */
/* What any user of the host may try against its kernel, and what is to be concluded from how it
 * ended. */
#ifndef REVET_PROVE_ATTACK_H
#define REVET_PROVE_ATTACK_H

#include "prove/actor.h"
#include "prove/experiment.h"

struct attack {
	const char *what;       /* "read the kernel's log" */
	int (*act)(void *data); /* 0: it worked; -EPERM or -EACCES: it was refused */
	void *data;
	bool root_may; /* root is let do it: where it is not, a refusal shows nothing */
};

/* Tries it as a user without any privilege: proven where that one is refused, refuted where it
 * works. */
void attack_try(struct trial *, const struct attack *);
/* The conclusion from what act() returned. */
void attack_judge(struct trial *, const char *what, int r);

#endif
