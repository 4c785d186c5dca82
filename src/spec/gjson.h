/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path names in a JSON document: `users.#(age>40)#.name`, `tags.0`, `@keys`. The syntax is that
 * of github.com/tidwall/gjson (SYNTAX.md there): keys with wildcards and escapes, indices, `#`, queries,
 * pipes, and those modifiers that take no argument. What it has beyond that (multipaths, literals, JSON
 * lines) is an error here, so that it never looks like something that is not there.
 */
#ifndef REVET_SPEC_GJSON_H
#define REVET_SPEC_GJSON_H

#include "spec/datum.h"

/* 1: *ret, in the arena or of the document; 0: there is nothing of the name; -EINVAL: not such a path. */
int gjson_get(const struct datum *document, struct str path, struct arena *, struct datum *ret,
			  struct err *);

#endif
