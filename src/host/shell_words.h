/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a shell script, one after the other, for tables that look scripts through without
 * running them. Linear in the text.
 */
#ifndef REVET_HOST_SHELL_WORDS_H
#define REVET_HOST_SHELL_WORDS_H

#include "base/str.h"

struct shell_words {
	struct arena *arena;
	struct str in;      /* what is left of the text */
	unsigned line;      /* where the last word ends */
	bool command_ended; /* before the last word: it is where a command begins */
	bool chained;       /* with && or ||: whether it begins depends on the command before */
	unsigned braces;    /* that are open around it */
	bool begun;
};

#define SHELL_WORDS(a) ((struct shell_words){.arena = (a), .line = 1})

/* The next word with its quotes and backslashes taken off; expansions stay as they are written.
 * False at the end. */
bool shell_word(struct shell_words *, struct str *ret);

#endif
