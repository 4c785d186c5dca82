/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps: the reversible things that a change is made of. A type of step can look at its kind of
 * thing (capture) and bring it into a state (put); doing is put(after), undoing is put(before), and
 * both are verified by capture, so that every type is undone by the code that does. Each type is
 * one file of change/steps/ that exports one descriptor with STEP_TYPE().
 *
 * Called by the process that applies, as root, on what the plan says alone; nothing here parses what
 * users of the host have written, but for the line that it replaces.
 */
#ifndef REVET_CHANGE_STEP_H
#define REVET_CHANGE_STEP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/path.h"
#include "change/state.h"
#include "host/edit.h"

/* The system that is changed: the running one, or a tree. */
struct place {
	const char *root; /* "/" or the tree's path */
	int root_fd;
	bool live;
};

/* Where what a step saves of the state before is kept: the directory `before` of the change, and a
 * name in it. */
struct saved {
	int dir_fd;
	char name[24];
	bool force; /* undoing: also over what somebody else has changed meanwhile */
};

struct step {
	const struct step_type *type;
	const char *target;
	struct state before, after; /* the same fields in both */
	const char **rules;
	size_t n_rules, cap_rules;
	struct edits edits; /* of files: what `after` was made of, so that one rule's part can be taken back */
};

struct step_type {
	const char *name, *doc;
	unsigned order;   /* lower ones are applied first, and undone last */
	bool live_only;   /* a tree has no such thing */
	bool whole;       /* taken back with its whole change alone, which keeps what that takes */
	bool may_vanish;  /* what is gone by the time it is undone, -ENOENT, has nothing to be undone */
	bool is_file;     /* the target is a path, and capture() looks at nothing else: the planner asks it,
					   * and follows links. Of other things the table that wants it says what is */
	bool is_action;   /* has no state: done after the steps, and again after they were undone */
	/* The state now, every field that the type knows. */
	int (*capture)(const struct place *, const char *target, struct arena *, struct state *ret,
				   struct err *);
	/* What capture() says once put() has brought the state about, where the system words it in its own
	 * way; NULL: the same. */
	int (*canonical)(const struct place *, const char *target, const struct state *, struct arena *,
					 struct state *ret, struct err *);
	/* Brings it into the state. Idempotent, and for files atomic: a kill leaves before or after.
	 * saved: when undoing, what save() kept; else NULL. */
	int (*put)(const struct place *, const char *target, const struct state *to,
			   const struct saved *, struct err *);
	/* Keeps what the fields do not hold (times, attributes, links); NULL: nothing. Called for all steps
	 * before the first is begun; the caller makes it durable. */
	int (*save)(const struct place *, const struct step *, const struct saved *, struct err *);
	/* Does it, where that takes what save() kept or adds to it; NULL: put(after). */
	int (*perform)(const struct place *, const struct step *, const struct saved *, struct err *);
	/* Gives the directories that the step has written in the times back that they had, and takes away those
	 * that were only made for it. NULL: there is none of either kind. Called
	 * when all is undone, in the same order: what was undone late has moved the times again. */
	void (*restore_times)(const struct place *, const struct step *, const struct saved *);
	/* What is changed are the fields, as the packages of a package manager, and the target is who does it. */
	bool is_about_fields;
	/* For people: a diff, or "key: before -> after". */
	void (*describe)(struct buf *, const struct step *);
	/* POSIX shell that undoes it without revet: $ROOT is the system's root ("" for /), $SAVED the
	 * path of what save() kept; what it has in common with others are functions, in undo_script.c. */
	void (*undo_sh)(struct buf *, const struct step *);
};

LEAF_SET(step_types, struct step_type);
#define STEP_TYPE(symbol) LEAF(step_types, struct step_type, symbol)

const struct step_type *step_type_find(struct str name); /* NULL when there is none */

bool step_has_rule(const struct step *, const char *rule);
/* 0, or -ESTALE when the thing is not in `expected`; the message names the field. */
int step_check(const struct place *, const struct step *, const struct state *expected, struct err *);
/* "name: before -> after" for each field that differs; the describe() of most types. */
void step_describe_fields(struct buf *, const struct step *);
/* The text as one word of a POSIX shell. */
void step_shell_word(struct buf *, struct str);
/* Runs a program in the place (a tree: by chroot) and waits for what it says; that it failed is no
 * error here. */
int step_ask(const struct place *, const char *const argv[], int timeout_ms, struct arena *,
			 struct exec_result *ret, struct err *);
/* The same; -EIO with its first line of stderr when it fails. */
int step_run(const struct place *, const char *const argv[], int timeout_ms, struct err *);
/* Does the system wait for this process before it starts services? So it does for the unit that
 * reverts at boot; who waits for a service then waits for ever. */
bool step_is_booting(const struct place *);

#endif
