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
/* An administrator other than root, in sudo, with a key that sshd as configured now accepts; and the
 * address of this session stays allowed. *evidence: who and by which key. */
int check_admin(const struct place *, struct arena *, const char **evidence, struct err *);
/* sshd answers on its port with its banner, within a few seconds. */
int check_sshd_answers(const struct place *, struct err *);

#endif
