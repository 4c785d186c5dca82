/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a file of which some belong together: where a backslash at the end of one takes in the
 * next, as exports(5), smb.conf(5), squid.conf and doas.conf(5) have it, or the next one is indented.
 * Lines that are joined are copied into the arena.
 */
#ifndef REVET_HOST_LOGICAL_H
#define REVET_HOST_LOGICAL_H

#include "base/str.h"

struct logical {
	struct arena *arena;
	struct str text; /* what is left */
	unsigned line;   /* where the line that was returned last begins */
	unsigned next;   /* private */
};

#define LOGICAL(a, t) ((struct logical){.arena = (a), .text = (t), .next = 1})

/* The next line, what is joined with nothing between. False at the end. */
bool logical_line(struct logical *, struct str *ret);
/* The same where a line that begins with a blank goes on the one before, and blank lines and comments are
 * nothing, as main.cf of Postfix and aliases(5) have it: trimmed, and what is joined with one blank between. */
bool folded_line(struct logical *, struct str *ret);

#endif
