/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program changes in a tree that nobody knows from the inside, a package manager with the
 * scripts of its packages: found out by looking before and after, and taken back file by file.
 *
 * In the directory of the change, behind the name of `saved`: `.seen`, all that was there before, and
 * `.kept/`, copies, until the program is done; then `.delta`, a line for each thing that is different,
 * and only those copies that it names, and `.lines`, those added to files of lines; `.foreign`, once it is being undone: what somebody else has
 * changed meanwhile. Names that hold a newline, or begin or end with a blank, are not seen.
 */
#ifndef REVET_CHANGE_DELTA_H
#define REVET_CHANGE_DELTA_H

#include "change/step.h"

enum delta_depth {
	DELTA_SKIP,  /* not looked at: a part within another */
	DELTA_TOP,   /* only what is right in it, and of that what was not there before */
	DELTA_NAMES, /* all below it, and of that what was not there before, and times of directories */
	DELTA_CONTENT, /* all below it, and what is in the files */
	DELTA_LINES,   /* the same, and each line of the files stands for itself: see change/lines.h */
};

/* A directory, or a single file. */
struct delta_part {
	const char *path;
	enum delta_depth depth;
	/* The program's own, which it keeps right itself: where another has changed it meanwhile nothing
	 * is put back, and nothing said. */
	bool own;
};

struct delta_watch {
	const struct delta_part *parts;
	size_t n_parts;
	const char *const *kept; /* things in the parts of which a copy is kept in any case */
	size_t n_kept;
};

/* Before: looks, copies, and makes that durable. */
int delta_begin(const struct place *, const struct delta_watch *, const struct saved *,
				struct err *);
bool delta_was_begun(const struct saved *);
/* The same, unless it was done before. */
int delta_begin_once(const struct place *, const struct delta_watch *, const struct saved *,
					 struct err *);
/* After: finds what is different. */
int delta_end(const struct place *, const struct saved *, struct err *);

/* Before undoing is begun: finds what somebody else has changed, once. Of a program that was killed
 * the delta is found now. */
int delta_foreign(const struct place *, const struct saved *, struct err *);
/* Has somebody else changed it? After delta_foreign(). */
bool delta_is_foreign(const struct saved *, const char *path);
/* Takes it, and what is below it, for what the program has made of it all the same. */
int delta_forgive(const struct saved *, const char *path, struct err *);
/* The paths of what the program has made, in the arena. */
int delta_new(const struct saved *, struct arena *, const char ***ret, size_t *ret_n, struct err *);
/* Brings everything back, over what is there. -ESTALE, unless saved->force, names what somebody else
 * has changed and stays; the rest is brought back. Idempotent. */
int delta_undo(const struct place *, const struct saved *, struct err *);
/* Another program undoes, and is watched in the same way under the name `other`: what it has changed, but
 * the first had not, is as it was before the other; so is what somebody else has changed and it has
 * removed, unless first->force. */
int delta_undo_other(const struct place *, const struct saved *other, const struct saved *first,
					 struct err *);
/* The same, with coreutils; whoever runs that wants it all back. */
void delta_undo_sh(struct buf *);

#endif
