/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "prove/attack.h"

/* A clock that counts in the kernel, too. It is never read. */
static int profile_kernel(void *data)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
								   .size = sizeof(attr),
								   .config = PERF_COUNT_SW_CPU_CLOCK,
								   .disabled = 1};
	_cleanup_close_ int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0ul);

	(void)data;
	return fd < 0 ? -errno : 0;
}

static void run(struct trial *t)
{
	attack_try(t, &(struct attack){"profile the kernel", profile_kernel, .root_may = true});
}

static const struct experiment kernel_perf = {
	.name = "kernel.profiling-refused",
	.title = "Only root profiles the kernel",
	.doc = "A user without privilege opens a performance counter of the kernel",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.perf"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_perf);
