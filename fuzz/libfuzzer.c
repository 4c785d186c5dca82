/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer's entry points. REVET_FUZZ names the target; without it the targets are listed: name,
 * most bytes of an input, folder of seeds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct target *target;

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_)
{
	const char *name = getenv("REVET_FUZZ");
	const struct target *all;
	size_t n = target_all(&all);

	for (size_t i = 0; !name && i < n; i++)
		printf("%s %zu %s\n", all[i].name, all[i].max, all[i].seeds ? all[i].seeds : "-");
	if (!name)
		exit(0);
	target = target_find(name);
	check(target != NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy, so that what is read in front of the input is noticed, too. */
	char *copy = malloc(size ? size : 1);
	unsigned sum = 0;

	check(copy != NULL);
	for (size_t i = 0; i < size; i++)
		sum += data[i];
	check_thoroughly = sum % 8 == 0;
	if (size)
		memcpy(copy, data, size);
	target->run(target, (struct str){copy, size});
	free(copy);
	return 0;
}
