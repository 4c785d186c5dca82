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
	int64_t started; /* seconds since 1970 */
	char id[64];     /* tells it from every other */
	char peer[64];   /* the address it comes from, of SSH_CONNECTION; empty: none is known */
};

int session_of_self(struct session *, struct err *);

#endif
