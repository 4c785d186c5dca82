/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of sudoers(5): logical lines, and within one a cursor that each function moves behind
 * what it took. False: something else stands there, and `problem` says what was expected.
 */
#ifndef REVET_HOST_SUDOERS_LEX_H
#define REVET_HOST_SUDOERS_LEX_H

#include "host/sudoers_parse.h"

struct sudoers_lexer {
	struct arena *arena;
	struct str text;  /* what is left of the file */
	unsigned next;    /* number of its next physical line */
	unsigned line;    /* where the logical line begins */
	struct str whole; /* the logical line: continuations joined, no comment */
	struct str in;    /* what is left of it */
	const char *problem;
};

/* Sets line, whole and in; false at the end of the text. */
bool lex_next_line(struct sudoers_lexer *);
bool lex_bad(struct sudoers_lexer *, const char *problem); /* sets it; always false */

char lex_peek(struct sudoers_lexer *); /* the next byte that is no blank; '\0' at the end */
bool lex_take(struct sudoers_lexer *, char c);
bool lex_negation(struct sudoers_lexer *);                /* an odd number of `!` */
bool lex_word(struct sudoers_lexer *, struct str *ret);   /* a user, group or host */
bool lex_command(struct sudoers_lexer *, struct sudoers_member *ret); /* digests and ! included */
bool lex_name(struct sudoers_lexer *, struct str *ret); /* of an alias, tag or option */
bool lex_key(struct sudoers_lexer *, struct str *ret);  /* of a setting */
/* A string, or everything up to one of the bytes `end`. */
bool lex_value(struct sudoers_lexer *, const char *end, struct str *ret);

#endif
