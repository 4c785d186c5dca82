/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a web server as a tree: directives, and blocks of directives, in the order in
 * which the server comes across them, includes in their place.
 */
#ifndef REVET_HOST_DIRECTIVE_H
#define REVET_HOST_DIRECTIVE_H

#include "base/str.h"

struct directive {
	struct str name;
	const struct str *args; /* without quotes; variables stay as they are written */
	size_t n_args;
	const char *file;
	unsigned line;
	bool is_block;
	struct directive *parent, *first, *last, *next;
};

/* The first argument; absent when there is none. */
static inline struct str directive_arg(const struct directive *d)
{
	return d->n_args ? d->args[0] : STR_ABSENT;
}

static inline void directive_append(struct directive *parent, struct directive *d)
{
	d->parent = parent;
	if (parent->last)
		parent->last->next = d;
	else
		parent->first = d;
	parent->last = d;
}

#endif
