/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between writing and activating, and after: the configuration is one that its program accepts, an
 * administrator can still log in with it, and what listened still does. A check that fails here
 * stops a change while all that has to be undone are files.
 */
#ifndef REVET_CHANGE_CHECK_H
#define REVET_CHANGE_CHECK_H

#include "change/plan.h"

/* Runs the validators of the files that the plan touches (sshd -t, visudo -c, findmnt --verify,
 * nft -c). Before the change too: somebody else's mistake is not to be found out half way. */
int check_configurations(const struct place *, const struct plan *, struct err *);
/* Which of the checks below does the plan call for? */
bool check_is_about_sshd(const struct plan *);
bool check_is_about_login(const struct plan *);
/* The account of this session (from a console: any administrator) could log in with what is on disk,
 * from the address of this session, and become root; with a key, where a rule of the plan needs that.
 * *evidence: who and by what. */
int check_admin(const struct place *, const struct plan *, struct arena *, const char **evidence,
				struct err *err);
/* Does sshd answer, before the change? -ESTALE: it runs, but otherwise than configured. */
int check_sshd_before(const struct place *, bool *ret_answers, struct err *);
/* sshd answers with its banner, within a few seconds: where this session came in, if it did. */
int check_sshd_answers(const struct place *, struct err *);
/* After an undo: a service that died of the change is not brought back by telling it to reload. */
void check_sshd_revive(const struct place *, const struct plan *);

#endif
