/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"

static const struct option_doc options[] = {{0}};

static int run_version(const struct given *g _unused_)
{
	size_t n = 0;

	for (size_t i = 0; i < embedded_count; i++)
		n += embedded_is_rule(&embedded_rules[i]);
	printf("revet %s (%zu rules)\n", REVET_VERSION, n);
	return EXIT_DONE;
}

static const struct command version_command = {"version", "", "print the version", options, 0,
											   0, run_version};
COMMAND(version_command);
