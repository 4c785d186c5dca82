/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/personality.h>

#include "base/num.h"
#include "prove/actor.h"
#include "prove/experiment.h"

#define CAT "/usr/bin/cat"
#define TIMES 4
#define PROGRAM_MS 3000

/* Parts of a process's memory that the kernel places. The heap is behind the program, at a distance
 * that is chosen. */
enum { STACK, LIBRARY, HEAP, PARTS };
static const char *const names[PARTS] = {"its stack", "its C library",
										 "its heap, as seen from the program"};

struct layout {
	uint64_t at[TIMES][PARTS];
	bool seen[PARTS];
};

/* "START-END MODE OFFSET DEVICE INODE   NAME" */
static bool read_range(struct str line, uint64_t *ret_start, uint64_t *ret_end)
{
	struct str range, start;

	return str_word(&line, &range) && str_cut(&range, '-', &start) &&
		   num_hex(start, UINT64_MAX, ret_start) == 0 && num_hex(range, UINT64_MAX, ret_end) == 0;
}

static void read_layout(struct str maps, uint64_t at[PARTS], bool seen[PARTS])
{
	uint64_t start, end, program = 0;
	struct str line;

	while (str_line(&maps, &line)) {
		if (!read_range(line, &start, &end))
			continue;
		if (str_ends(line, "/cat") || str_ends(line, "/coreutils") || str_ends(line, "/busybox"))
			program = end;
		if (str_ends(line, "[heap]") && program) {
			at[HEAP] = start - program;
			seen[HEAP] = true;
		} else if (str_ends(line, "[stack]")) {
			at[STACK] = start;
			seen[STACK] = true;
		} else if (str_has(line, "/libc.") && !seen[LIBRARY]) {
			at[LIBRARY] = start;
			seen[LIBRARY] = true;
		}
	}
}

/* In memory that is shared. What was switched off for us alone is on again for what we start. */
static int look(void *data)
{
	static const char *const argv[] = {CAT, "/proc/self/maps", NULL};
	struct layout *l = data;

	(void)personality(PER_LINUX);
	for (size_t i = 0; i < TIMES; i++) {
		_cleanup_arena_ struct arena a = {0};
		struct exec e = exec_start(argv, NULL, NULL);
		struct exec_result result;
		struct err err;
		int r = exec_finish(&e, (size_t)1 << 20, PROGRAM_MS, &a, &result, &err);

		if (r < 0)
			return r;
		memset(l->seen, 0, sizeof(l->seen));
		read_layout(result.out, l->at[i], l->seen);
	}
	return 0;
}

static bool is_random(const struct layout *l, size_t part)
{
	for (size_t i = 1; i < TIMES; i++)
		if (l->at[i][part] != l->at[0][part])
			return true;
	return false;
}

static void run(struct trial *t)
{
	struct layout *l = actor_shared(sizeof(*l));
	struct err err;
	int r = -ENOMEM;

	if (l && actor_run(&ACTOR_STRANGER, look, l, &r, &err) < 0) {
		trial_not_run(t, "%s", err.msg);
		return;
	}
	for (size_t i = 0; i < PARTS; i++) {
		if (r < 0 || !l->seen[i])
			trial_not_run(t, "%s cannot be seen: %s", names[i], strerror(r < 0 ? -r : ENOENT));
		else if (is_random(l, i))
			trial_proven(t, "%s: somewhere else each time", names[i]);
		else
			trial_refuted(t, "%s: at 0x%llx each time", names[i], (unsigned long long)l->at[0][i]);
	}
}

static const struct experiment kernel_addresses = {
	.name = "kernel.addresses-random",
	.title = "Programs are loaded at random addresses",
	.doc = "A program is started four times, and says where its stack, libraries and heap are",
	.does = "starts `cat` as a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.aslr"),
	.seconds = 15,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_addresses);
