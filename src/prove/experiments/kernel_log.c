/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/klog.h>

#include "prove/attack.h"

#define READ_ALL 3 /* syslog(2) */

static int read_log(void *data)
{
	char text[512];

	(void)data;
	return klogctl(READ_ALL, text, sizeof(text)) < 0 ? -errno : 0;
}

static void run(struct trial *t)
{
	attack_try(t, &(struct attack){"read the kernel's log", read_log, .root_may = true});
}

static const struct experiment kernel_log = {
	.name = "kernel.log-refused",
	.title = "Only root reads the kernel's log",
	.doc = "A user without privilege asks for the kernel's log",
	.does = "starts a process of a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.dmesg"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_log);
