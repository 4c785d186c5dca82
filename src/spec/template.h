/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: text in, text out. The language is that of Go's text/template
 * (https://pkg.go.dev/text/template), with the functions that goss adds and those of sprig that are
 * functions of their arguments alone. A key that a mapping does not have is an error, but with `index`,
 * `get` and `dig`. Bounded: 1 MiB of text, a million steps, and 100 templates inside of each other.
 *
 * Whoever may write a template decides what comes out: it is to be trusted like what it makes.
 */
#ifndef REVET_SPEC_TEMPLATE_H
#define REVET_SPEC_TEMPLATE_H

#include "spec/datum.h"

struct template_world { /* what a template may refer to */
	struct datum vars;  /* .Vars, a mapping */
	struct datum env;   /* .Env, of texts */
	int (*read_file)(const char *path, struct arena *, struct str *ret, struct err *); /* or NULL */
};

struct template_text {
	struct str text;
	const uint32_t *lines; /* for each line of the text the line of the template that made it */
	size_t n_lines;
};

/* *ret lives in the arena. -EINVAL with "NAME:LINE: MESSAGE". */
int template_render(struct str source, const char *name, const struct template_world *,
					struct arena *, struct template_text *ret, struct err *);

#endif
