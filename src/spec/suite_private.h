/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a suite: the files (suite.c), and what stands in them (resource.c). */
#ifndef REVET_SPEC_SUITE_PRIVATE_H
#define REVET_SPEC_SUITE_PRIVATE_H

#include "spec/spec.h"

struct loading {
	struct suite *suite;
	const struct suite_options *options;
	struct datum env;
	unsigned depth;
	size_t files;
	struct err *err;
};

/* `name: {...}` of a kind; *ret is in the suite's arena, and not yet among its resources. */
int suite_parse_resource(struct loading *, const struct kind *, struct yaml_at key,
						 struct yaml_at map, struct resource **ret);
/* The same of one of `tests`; the suite has the language by then. */
int suite_parse_test(struct loading *, struct yaml_at, struct resource **ret);

#endif
