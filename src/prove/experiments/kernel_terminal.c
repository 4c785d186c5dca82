/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "prove/attack.h"

#define SWITCH "/proc/sys/dev/tty/legacy_tiocsti"

/* A terminal of its own, into which it types one character. */
static int type_into_terminal(void *data)
{
	_cleanup_close_ int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	_cleanup_close_ int terminal = -1;
	char name[64];

	(void)data;
	/* With its terminal a session gets it. */
	(void)signal(SIGHUP, SIG_IGN);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
		ptsname_r(master, name, sizeof(name)) != 0 || setsid() < 0)
		return -ENOTTY;
	terminal = open(name, O_RDWR | O_CLOEXEC);
	if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0)
		return -ENOTTY;
	if (ioctl(terminal, TIOCSTI, "x") == 0)
		return 0;
	/* Where it is switched off the kernel says so. */
	return errno == EIO ? -EPERM : -errno;
}

/* An older kernel cannot refuse it, and is not to be blamed for that. */
static void run(struct trial *t)
{
	if (access(SWITCH, F_OK) < 0)
		trial_not_run(t, "this kernel has no switch for TIOCSTI");
	else
		attack_try(t, &(struct attack){"type into its terminal", type_into_terminal});
}

static const struct experiment kernel_terminal = {
	.name = "kernel.terminal-refused",
	.title = "Programs do not type into the terminal that they run in",
	.doc = "A user without privilege types into a terminal of its own by TIOCSTI",
	.does = "opens a pseudo-terminal as a user that does not exist",
	.rows = NAMES("G23"),
	.rules = NAMES("kernel.terminal-injection"),
	.seconds = 5,
	.tables = (const char *const[]){NULL},
	.run = run,
};
EXPERIMENT(kernel_terminal);
