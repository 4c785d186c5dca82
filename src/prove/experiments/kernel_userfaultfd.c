/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/syscall.h>

#include "prove/attack.h"

/* Without UFFD_USER_MODE_ONLY: faults of the kernel, too. */
static int catch_faults(void *data)
{
	_cleanup_close_ int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	(void)data;
	return fd < 0 ? -errno : 0;
}

static void run(struct trial *t)
{
	attack_try(
		t, &(struct attack){"hold up the kernel by userfaultfd", catch_faults, .root_may = true});
}

static const struct experiment kernel_userfaultfd = {
	.name = "kernel.userfaultfd-refused",
	.title = "Only root holds up the kernel by userfaultfd",
	.doc = "A user without privilege asks to handle the kernel's page faults",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.userfaultfd"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_userfaultfd);
