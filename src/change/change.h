/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change: a plan that is being, or was, applied, with its journal. It lives in a directory that a
 * person can read, ROOT/var/lib/revet/changes/NNNN: `plan.json`, `journal` (a line for each thing
 * that happened, each synced before the next is begun), `before/` (what was there, as files),
 * `undo.sh`, which undoes it with a POSIX shell and coreutils alone, and `revert.sh`, see arm.h.
 *
 * Crash safety: the state before is durable before a step is begun, so whatever the instant, each
 * step is found before, after, or begun; undoing brings all three back.
 */
#ifndef REVET_CHANGE_CHANGE_H
#define REVET_CHANGE_CHANGE_H

#include "change/plan.h"

#define CHANGE_STATE_DIR "/var/lib/revet"

enum change_status {
	CHANGE_RUNNING,   /* being applied, or its process died while it was */
	CHANGE_WAITING,   /* applied, reverts by itself unless it is confirmed */
	CHANGE_COMMITTED,
	CHANGE_REVERTING, /* being undone, or its process died while it was */
	CHANGE_REVERTED,
};
const char *change_status_name(enum change_status);

enum mark { MARK_NONE, MARK_PREPARED, MARK_APPLIED, MARK_UNDOING, MARK_REVERTED };

struct change {
	struct arena *arena;
	unsigned number;
	enum change_status status;
	struct plan plan;
	enum mark *marks;        /* of each step */
	int64_t applied;         /* WAITING: since when, as session_now() counts */
	int64_t deadline;        /* and when it reverts, seconds since 1970 */
	struct str session;      /* who applied it: see session.h */
	const char *path;        /* of its directory, below the root */
	bool activated;          /* services may have taken in what was written */
	bool reopened;           /* by another process than the one that began it */
	bool torn;               /* the journal ends within a line */
	int dir_fd, before_fd, journal_fd;
	int counts_fd; /* of the process that reverts it: its time begins when this is closed; see arm.c */
};
#define CHANGE_CLOSED ((struct change){.dir_fd = -1, .before_fd = -1, .journal_fd = -1, .counts_fd = -1})

struct changes { /* the state directory of one place, locked while it is open for writing */
	struct place place;
	int dir_fd, lock_fd;
	int holder; /* of the lock, after -EBUSY; 0: not known */
};

/* Creates the directories (0700) that are missing. With `lock`, -EBUSY names the process that is
 * changing this place right now. changes_close() is needed also after a failure. */
int changes_open(struct changes *, const char *root, bool lock, struct err *);
void changes_close(struct changes *);
/* The numbers of all changes, ascending. */
int changes_list(const struct changes *, struct arena *, unsigned **ret, size_t *ret_n, struct err *);
/* The one that has not ended: running, waiting or reverting. 0: there is none. */
int changes_pending(const struct changes *, struct arena *, unsigned *ret, struct err *);

/* A new change: its directory with the plan and undo.sh, durably, and no step done. */
int change_begin(struct changes *, const struct plan *, struct arena *, struct change *ret,
				 struct err *);
int change_open(const struct changes *, unsigned number, struct arena *, struct change *ret,
				struct err *);
void change_close(struct change *);

/* Is everything as the plan found it? -ESTALE names what is not. */
int change_check(const struct changes *, const struct plan *, struct err *);
/* Saves what all steps will change, then does and verifies each. At the first that fails: its error; undo what was done. */
int change_do(struct changes *, struct change *, struct err *);
/* The actions: services take in what was written. */
int change_activate(struct changes *, struct change *, struct err *);
/* How undoing goes about what somebody else has changed meanwhile. */
enum undo_foreign {
	UNDO_REFUSE, /* nothing is undone, the error names it */
	UNDO_SKIP,   /* that step stays as it is, the others are undone; said in the error, -ESTALE.
				  * A file of a change that waits is undone: theirs is kept in before/N.theirs */
	UNDO_FORCE,  /* it is overwritten */
};
/* Could it be undone, once the later changes that took parts of it back are (the last of them first)? Does
 * nothing; the error is that of UNDO_REFUSE. */
int change_check_undo(struct changes *, struct change *, const struct change *parts, size_t n,
					  struct err *);
/* Undoes, in reverse, and verifies. Idempotent. -EAGAIN: the system has to be up for the rest. */
int change_undo(struct changes *, struct change *, enum undo_foreign, struct err *);

int change_wait(struct change *, int64_t applied, int64_t deadline, const char *session,
				struct err *);
int change_commit(struct change *, struct err *);
/* Is everything as it was before, although the journal does not say so? It could not be written then. */
bool change_is_undone(const struct changes *, const struct change *);

#endif
