/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between writing and activating: the configuration is one that its program accepts, and an
 * administrator can still log in with it. A check that fails here stops a change while all that has
 * to be undone are files. What is checked after activating: sshd_probe.h, services.h.
 */
#ifndef REVET_CHANGE_CHECK_H
#define REVET_CHANGE_CHECK_H

#include "change/plan.h"

/* Runs the validators of the files that the plan touches (sshd -t, visudo -c, findmnt --verify,
 * nft -c, systemd-analyze verify). Before the change too, with *known absent: somebody else's mistake is not to be found out
 * half way. It becomes what is wrong with /etc/fstab already, "" for nothing, which a change of other
 * lines neither mends nor makes worse; afterwards nothing but that may be wrong with it. */
int check_configurations(const struct place *, const struct plan *, struct arena *, struct str *known,
						 struct err *);
/* Which of the checks below does the plan call for? */
bool check_is_about_sshd(const struct plan *);
bool check_is_about_login(const struct plan *);
/* The account of this session (from a console: any administrator) could log in with what is on disk,
 * from the address of this session, and become root; with a key, where a rule of the plan needs that.
 * *evidence: who and by what. */
int check_admin(const struct place *, const struct plan *, struct arena *, const char **evidence,
				struct err *err);

#endif
