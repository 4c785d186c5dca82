/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions from rules, over values from the host. Perl syntax (PCRE2), unanchored. The
 * subject may be hostile, so matching is bounded by steps: what runs past the bound is an error
 * for the caller to call unknown, never "no match".
 */
#ifndef REVET_BASE_REGEX_H
#define REVET_BASE_REGEX_H

#include "base/err.h"
#include "base/str.h"

struct regex;

/* *ret lives in the arena. -EINVAL with the offset in the message for a bad expression. */
int regex_compile(struct arena *, struct str pattern, struct regex **ret, struct err *);
/* 1 match, 0 none, -E2BIG when the bound was reached or the subject is over 64 KiB. Thread safe. */
int regex_match(const struct regex *, struct str subject);

/* For people: "^(a|b)" stands for what starts with a or b. */
struct regex_words {
	struct str *p; /* any of these */
	size_t n;
	bool starts, ends; /* at the start, at the end of the subject; both: they are the whole of it */
	bool nocase;
};
/* False when it takes an expression to say it. In the arena, or borrowed from the pattern. */
bool regex_words(struct arena *, struct str pattern, struct regex_words *ret);

#endif
