/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "prove/attack.h"

static int become_root(void *data)
{
	(void)data;
	return unshare(CLONE_NEWUSER) < 0 ? (errno == ENOSPC ? -EPERM : -errno) : 0;
}

static void run(struct trial *t)
{
	attack_try(t, &(struct attack){"become root in a user namespace", become_root});
}

static const struct experiment kernel_userns = {
	.name = "kernel.user-namespace-refused",
	.title = "Only root makes user namespaces",
	.doc = "A user without privilege makes a user namespace, in which it would be root",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G7", "G23"),
	.rules = NAMES("kernel.user-namespaces"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_userns);
