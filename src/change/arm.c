/* SPDX-License-Identifier: Apache-2.0 */
#include "change/arm.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/exec.h"
#include "change/fs.h"

#define BOOT_UNIT "/etc/systemd/system/revet-revert.service"
#define BOOT_WANT "/etc/systemd/system/multi-user.target.wants/revet-revert.service"

/* For a shell: revet, the number of the change, and the script that does it when revet is gone. */
#define REVERT "if [ -x \"$1\" ]; then exec \"$1\" revert --unconfirmed \"$2\"; else exec sh \"$3\"; fi"

static bool has_systemd(const struct changes *cs)
{
	struct path_stat st;

	return path_stat(cs->place.root_fd, "/run/systemd/system", true, &st) == 0;
}

static int own_path(char ret[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

static int run(const struct changes *cs, const char *const argv[], struct err *err)
{
	return step_run(&cs->place, argv, 30000, err);
}

/* --- at boot --------------------------------------------------------------------------------------- */

static int write_boot_unit(const struct changes *cs, const struct change *c, const char *self,
						   struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state state = {0};
	const char *name, *text = arena_printf(
		&a,
		"# Written by revet; it goes away when change %04u is confirmed or reverted.\n"
		"[Unit]\nDescription=Revert a change that was not confirmed before the machine went down\n"
		/* After what sets at boot what a step has changed, which else would set it once more; but before
		 * the rules of the audit are loaded, which may lock themselves (-e 2) till the next boot. */
		"DefaultDependencies=no\nAfter=local-fs.target systemd-sysctl.service nftables.service\n"
		"Before=auditd.service audit-rules.service basic.target\n"
		"ConditionPathExists=%s\n\n"
		"[Service]\nType=oneshot\nTimeoutStartSec=15min\n"
		"ExecStart=/bin/sh -c '" REVERT "' sh \"%s\" %u \"%s/undo.sh\"\n\n"
		"[Install]\nWantedBy=multi-user.target\n",
		c->number, c->path, self, c->number, c->path);
	int dir, r;

	state_set(&state, &a, "mode", STR("0644"));
	state_set(&state, &a, "owner", STR("0"));
	state_set(&state, &a, "group", STR("0"));
	r = fs_write(&cs->place, BOOT_UNIT, str_of(text), &state, NULL, err);
	if (r < 0)
		return r;
	dir = fs_open_parent(&cs->place, BOOT_WANT, &name);
	if (dir < 0)
		return err_errno(err, -dir, "%s", BOOT_WANT);
	if (symlinkat(BOOT_UNIT, dir, name) < 0 && errno != EEXIST)
		r = err_errno(err, errno, "%s", BOOT_WANT);
	fsync(dir);
	close(dir);
	return r;
}

static void remove_boot_unit(const struct changes *cs)
{
	static const char *const paths[] = {BOOT_WANT, BOOT_UNIT};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *name;
		_cleanup_close_ int dir = fs_open_parent(&cs->place, paths[i], &name);

		if (dir >= 0)
			(void)unlinkat(dir, name, 0);
	}
	fs_remove_temp(&cs->place, BOOT_UNIT); /* of a process that was killed while it wrote that */
}

/* --- after a time ---------------------------------------------------------------------------------- */

#define TIMER "revet-revert-%04u"

/* A path that means itself to systemd and to a shell, whatever it stands in. */
static bool is_plain(const char *path)
{
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-")] == '\0';
}

static int start_timer(const struct changes *cs, const struct change *c, const char *self,
					   unsigned seconds, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *const argv[] = {
		"/usr/bin/systemd-run", "--quiet", "--collect",
		arena_printf(&a, "--unit=" TIMER, c->number), arena_printf(&a, "--on-active=%us", seconds),
		"--timer-property=AccuracySec=100ms",
		/* `systemctl isolate` stops what its target does not want. */
		"--timer-property=IgnoreOnIsolate=yes", "--property=IgnoreOnIsolate=yes", "/bin/sh", "-c",
		/* After a daemon-reload systemd reads the unit again, from text of its own, in which `;` ends
		 * a command and `$` begins a variable: none of that may be in it. */
		arena_printf(&a, "test -x %s && exec %s revert --unconfirmed %u || exec sh %s/undo.sh", self,
					 self, c->number, c->path),
		NULL};

	if (!is_plain(self) || !is_plain(c->path))
		return err_set(err, EINVAL, "%s cannot be named in a unit", self);
	return run(cs, argv, err);
}

/* logind may kill whatever a session leaves behind (KillUserProcesses), by its control group; what is
 * in that of process 1 it leaves alone. Of cgroup v2, and of v1 with and without v2 beside it. */
static void leave_session(void)
{
	static const char *const groups[] = {"/sys/fs/cgroup/init.scope/cgroup.procs",
										 "/sys/fs/cgroup/systemd/init.scope/cgroup.procs",
										 "/sys/fs/cgroup/unified/init.scope/cgroup.procs"};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		int fd = open(groups[i], O_WRONLY | O_CLOEXEC);

		if (fd >= 0 && write(fd, "0", 1) < 0)
			errno = 0; /* it is then no worse off than without */
		if (fd >= 0)
			close(fd);
	}
}

/* The grandchild: nothing of the terminal, of the session or of the lock is left with it. */
static void wait_and_revert(const struct change *c, const char *self, unsigned seconds)
{
	char change[16], script[PATH_MAX];
	int null = open("/dev/null", O_RDWR);

	snprintf(change, sizeof(change), "%u", c->number);
	snprintf(script, sizeof(script), "%s/undo.sh", c->path);
	signal(SIGHUP, SIG_IGN);
	leave_session();
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	exec_close_fds(3);
	if (chdir("/") == 0)
		for (unsigned left = seconds; left;)
			left = sleep(left);
	execl("/bin/sh", "sh", "-c", REVERT, "sh", self, change, script, (char *)NULL);
	_exit(127);
}

/* Without systemd: a grandchild in a session of its own sleeps and then becomes `revet revert`. */
static int start_process(const struct change *c, const char *self, unsigned seconds, struct err *err)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return err_errno(err, errno, "fork");
	if (pid == 0) {
		pid_t child = setsid() < 0 ? -1 : fork();

		if (child == 0)
			wait_and_revert(c, self, seconds);
		_exit(child < 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, EAGAIN, "the process that would revert the change cannot be started");
	return 0;
}

int arm(const struct changes *cs, const struct change *c, unsigned seconds, struct err *err)
{
	char self[PATH_MAX];
	struct err ignored;
	int r = own_path(self);

	if (r < 0)
		return err_errno(err, -r, "/proc/self/exe");
	if (has_systemd(cs))
		r = write_boot_unit(cs, c, self, err);
	if (r < 0 || !seconds)
		return r;
	/* systemd that cannot be reached is none. */
	if (has_systemd(cs) && start_timer(cs, c, self, seconds, &ignored) == 0)
		return 0;
	return start_process(c, self, seconds, err);
}

void disarm(const struct changes *cs, unsigned number)
{
	char timer[64];
	const char *const argv[] = {"/usr/bin/systemctl", "stop", timer, NULL};
	struct err ignored;

	if (!has_systemd(cs))
		return; /* the process finds that there is nothing to revert */
	snprintf(timer, sizeof(timer), TIMER ".timer", number);
	(void)run(cs, argv, &ignored);
	remove_boot_unit(cs);
}
