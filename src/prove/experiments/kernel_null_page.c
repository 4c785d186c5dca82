/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "prove/attack.h"

#define LOWEST 65536 /* what is kept free; 32 KiB on ARM */

/* Of the pages that should be free, all are asked for, one by one: a smaller limit frees the
 * upper. */
static int map_low(void *data)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), end = LOWEST;

	(void)data;
#if defined(__arm__) || defined(__aarch64__)
	end = LOWEST / 2;
#endif
	for (size_t at = 0; at < end; at += page)
		if (mmap((void *)at, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
			MAP_FAILED)
			return 0;
	return -errno;
}

static void run(struct trial *t)
{
	attack_try(t,
			   &(struct attack){"map memory at the lowest addresses", map_low, .root_may = true});
}

static const struct experiment kernel_null_page = {
	.name = "kernel.null-page-refused",
	.title = "The lowest addresses are kept free",
	.doc = "A user without privilege maps memory at address zero, and just above",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.null-page"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_null_page);
