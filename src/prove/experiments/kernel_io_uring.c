/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include "prove/attack.h"

#define SWITCH "/proc/sys/kernel/io_uring_disabled"

static int make_ring(void *data)
{
	struct io_uring_params params = {0};
	_cleanup_close_ int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	(void)data;
	return fd < 0 ? -errno : 0;
}

/* An older kernel cannot refuse it, and is not to be blamed for that. */
static void run(struct trial *t)
{
	if (access(SWITCH, F_OK) < 0)
		trial_not_run(t, "this kernel has no switch for io_uring");
	else
		attack_try(t, &(struct attack){"use io_uring", make_ring});
}

static const struct experiment kernel_io_uring = {
	.name = "kernel.io-uring-refused",
	.title = "Only root uses io_uring",
	.doc = "A user without privilege makes a ring for io_uring",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.io-uring"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_io_uring);
