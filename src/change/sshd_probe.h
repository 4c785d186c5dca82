/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does sshd answer a new connection, and offer what its configuration says? Asked on the wire of this
 * machine, before a change and after it; what it did not do before is not asked of it afterwards. Few
 * connections are made: sshd counts those that come from one address and log nobody in, and turns away
 * for a while whoever makes too many (PerSourcePenalties). That is waited for.
 */
#ifndef REVET_CHANGE_SSHD_PROBE_H
#define REVET_CHANGE_SSHD_PROBE_H

#include "change/step.h"

struct sshd_seen {
	bool answers;
	bool shut_out;        /* it turns this machine's own address away for now */
	bool common;          /* it offers something that an OpenSSH client of today knows */
	bool algorithms;      /* those that it offers are those of its configuration */
	bool methods;         /* so are the ways to log in */
	const char **listens; /* on which of the configured addresses, as sshd -T has them */
	size_t n_listens;
};

/* -ESTALE: it runs, but listens otherwise than configured. Nothing is seen where there is none. What is
 * seen, and the evidence below, lives in the arena. wait: how many seconds a penalty may be waited for. */
int sshd_probe_before(const struct place *, unsigned wait, struct arena *, struct sshd_seen *ret,
					  struct err *);
/* Within a few seconds, and after a penalty if there is one: it answers where this session came in, if it did, listens where it did and is
 * still told to, and offers what it is told to. *evidence: what it offers. */
int sshd_probe_after(const struct place *, unsigned wait, const struct sshd_seen *before,
					 struct arena *, const char **evidence, struct err *);

#endif
