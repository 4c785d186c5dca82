/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody else: a function that runs in a child as a user without privilege, or in the place of a
 * process that runs, with the mounts and credentials which that one has. What is tried by one shows
 * what an attacker who got that far can do.
 *
 * The child is one of the experiment's processes, and ends with that; no other process of its user
 * can look into it.
 */
#ifndef REVET_PROVE_ACTOR_H
#define REVET_PROVE_ACTOR_H

#include "base/err.h"
#include "base/mem.h"

#define ACTOR_MAX_GROUPS 128

/* A process as /proc/PID shows it, held by descriptors. */
struct actor_place {
	int namespaces[4], user_namespace; /* -1: the same as ours */
	int root;
	uint64_t permitted, effective, bounding;
	bool no_new_privs;
};

struct actor {
	uint32_t uid, gid; /* 0: stays root, with all that it has */
	uint32_t groups[ACTOR_MAX_GROUPS];
	size_t n_groups;
	struct actor_place *place; /* NULL: where we are, without any capability */
	int (*prepare)(
		void *data); /* as root, in a scratch of the place's own that is the working directory
								 * from then on, and that nobody else sees; NULL: there is none */
};

/* Users whom nothing else runs as: between those that systemd makes up and nobody (systemd's
 * UIDS-GIDS.md), so that nobody's other processes are not drawn in. */
#define ACTOR_STRANGER_UID 65531
#define ACTOR_STRANGER ((struct actor){.uid = ACTOR_STRANGER_UID, .gid = 65531})
#define ACTOR_OTHER ((struct actor){.uid = 65532, .gid = 65532})
#define ACTOR_ROOT ((struct actor){0})

/* Runs act(data) as the actor. *ret is what it returned; where the actor cannot be made, that is an
 * error. Memory that act() changes is the child's own, but for that of actor_shared(). */
int actor_run(const struct actor *, int (*act)(void *data), void *data, int *ret, struct err *);

/* Zeroed memory that the child shares, until the process ends. NULL: there is none. */
void *actor_shared(size_t);

/* The actor that is in the place of a process; -ESRCH: it has gone. */
int actor_of(int pid, struct actor *, struct actor_place *, struct err *);
void actor_place_done(struct actor_place *);
#define _cleanup_place_ _cleanup_(actor_place_done)
#define ACTOR_PLACE_NONE \
	((struct actor_place){.namespaces = {-1, -1, -1, -1}, .user_namespace = -1, .root = -1})

/* A copy of a program with this mode. 0 or -errno. */
int actor_copy_program(const char *program, const char *to, unsigned mode);

#endif
