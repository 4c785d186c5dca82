/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The login session that this process belongs to. A change that may cut access is confirmed by a
 * session that was opened after it: that is the proof that one still can be.
 */
#ifndef REVET_CHANGE_SESSION_H
#define REVET_CHANGE_SESSION_H

#include "base/err.h"

struct session {
	int pid;         /* the process that all of the session descends from: sshd's child, login, tmux */
	int64_t started; /* clock ticks (sysconf(_SC_CLK_TCK)) after boot, as proc(5) counts them */
	char id[64];     /* tells it from every other */
	char peer[64];   /* the address it comes from, of SSH_CONNECTION; empty: none is known */
	char local[64];  /* the address and port of this machine that it came in by */
	char port[8];
	uint32_t uid;    /* whose it is: of the topmost process that is not root's; 0: root's */
};

int session_of_self(struct session *, struct err *);
int64_t session_now(void); /* in the same ticks */

#endif
