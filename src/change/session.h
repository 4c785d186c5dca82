/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The login session that this process belongs to. A change that may cut access is confirmed by a
 * session that was opened after it, in the way in which the one was that applied it: that is the proof
 * that one still can be.
 */
#ifndef REVET_CHANGE_SESSION_H
#define REVET_CHANGE_SESSION_H

#include "base/err.h"
#include "base/str.h"

struct session {
	int pid;         /* the process that all of the session descends from: sshd's child, login, tmux */
	int64_t started; /* clock ticks (sysconf(_SC_CLK_TCK)) after boot, as proc(5) counts them */
	char id[192];    /* one word, which tells it from every other, and how it was opened */
	char peer[64];   /* the address it comes from, of SSH_CONNECTION; empty: none is known */
	char local[64];  /* the address and port of this machine that it came in by */
	char port[8];
	uint32_t uid;    /* whose it is: of the topmost process that is not root's; 0: root's */
	bool by_ssh;     /* opened by a server of SSH: peer is not just what a terminal remembers */
};

int session_of_self(struct session *, struct err *);
int64_t session_now(void); /* in the same ticks */
/* Does it come from this machine itself, as by a jump through it? */
bool session_is_from_here(const struct session *);
/* Why the session proves nothing about a change that the session of that id has applied at that time;
 * NULL: it does prove that one like it can be opened. */
const char *session_proves_nothing(const struct session *, struct str applied_by, int64_t applied);

#endif
