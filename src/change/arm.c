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

/* Every way to boot but emergency.target has this. */
#define UNITS "/etc/systemd/system/"
#define WANTS UNITS "sysinit.target.wants"

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

static int write_file(const struct changes *cs, const char *path, const char *mode, struct str text,
					  struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct state state = {0};

	state_set(&state, &a, "mode", str_of(mode));
	state_set(&state, &a, "owner", STR("0"));
	state_set(&state, &a, "group", STR("0"));
	return fs_write(&cs->place, path, text, &state, NULL, err);
}

/* --- the script ------------------------------------------------------------------------------------ */

/* Where revet does not start, dies of itself (by a signal that a fault raises), or cannot read the plan
 * (64: another version has written it, or the disk has spoilt it), undo.sh does it. That asks nobody, so
 * here it is asked what the journal says: what was confirmed meanwhile stays. `again` is for what may
 * wait: what cannot be undone now (no room, a lock that others hold) may be so later. */
static const char script[] =
	"has_ended() {\n"
	"\tcase $(grep '^status ' \"$DIR/journal\" | tail -n 1) in\n"
	"\t*committed | *reverted) return 0 ;;\n"
	"\tesac\n"
	"\treturn 1\n"
	"}\n"
	"if [ \"${1:-}\" = again ]; then\n"
	"\tuntil /bin/sh \"$0\"; do\n"
	"\t\tif [ ! -e \"$0\" ] || has_ended; then exit 1; fi\n"
	"\t\tsleep \"$PAUSE\"\n"
	"\tdone\n"
	"\texit 0\n"
	"fi\n"
	"status=127\n"
	"case $(\"$REVET\" version 2>/dev/null) in\n"
	"'revet '*) \"$REVET\" revert --unconfirmed \"$CHANGE\"; status=$? ;;\n"
	"esac\n"
	"case $status in\n"
	"64 | 126 | 127 | 132 | 134 | 135 | 139) ;;\n"
	"*) exit $status ;;\n"
	"esac\n"
	"if has_ended; then exit 0; fi\n"
	/* It goes by no more than the journal, and is not to overwrite what is changed later. */
	"/bin/sh \"$DIR/undo.sh\"\n"
	"exit 0\n";

static const char *script_path(struct arena *a, const struct change *c)
{
	return arena_printf(a, "%s/revert.sh", c->path);
}

static int write_script(const struct changes *cs, const struct change *c, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf text = BUF((size_t)4 * PATH_MAX);
	char self[PATH_MAX];
	int r = own_path(self);

	if (r < 0)
		return err_errno(err, -r, "/proc/self/exe");
	buf_printf(&text, "#!/bin/sh\n"
					  "# Reverts change %04u, which nobody has confirmed: started by revet's timer, or by "
					  "the next boot.\n"
					  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\n"
					  "PAUSE=60\nCHANGE=%u\nDIR=", c->number, c->number);
	step_shell_word(&text, str_of(c->path));
	buf_puts(&text, "\nREVET=");
	step_shell_word(&text, str_of(self));
	buf_putc(&text, '\n');
	if (buf_puts(&text, script) < 0)
		return err_set(err, ENAMETOOLONG, "%s: its path is too long", self);
	return write_file(cs, script_path(&a, c), "0700", buf_get(&text), err);
}

/* --- at boot --------------------------------------------------------------------------------------- */

/* Whichever first finds the script has it run; then there is nothing to do for the other. */
static const struct boot_unit {
	const char *file, *link, *order;
} boot_units[] = {
	/* After what sets at boot what a step has changed, which else would set it once more; but before
	 * the rules of the audit are loaded, which may lock themselves (-e 2) till the next boot. */
	{UNITS "revet-revert.service", WANTS "/revet-revert.service",
	 "After=local-fs.target systemd-sysctl.service nftables.service\n"
	 "Before=auditd.service audit-rules.service basic.target\n"},
	/* Where what it needs is mounted later: nofail, or over the network, which comes up after
	 * basic.target, so that nothing of that may wait for this. */
	{UNITS "revet-revert-late.service", WANTS "/revet-revert-late.service",
	 "After=revet-revert.service basic.target\nConflicts=shutdown.target\nBefore=shutdown.target\n"
	 "RequiresMountsFor="},
};

/* There is a file of this name in the change's directory if the change has made WANTS, which then goes. */
#define MADE_WANTS "made-wants"

static int make_wants(const struct changes *cs, const struct change *c, struct err *err)
{
	const char *name;
	_cleanup_close_ int units = fs_open_parent(&cs->place, WANTS, &name), note = -1;
	struct stat st;

	if (units < 0)
		return err_errno(err, -units, WANTS);
	if (fstatat(units, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	note = openat(c->dir_fd, MADE_WANTS, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (note < 0)
		return err_errno(err, errno, "%s/" MADE_WANTS, c->path);
	/* Of the mask of whoever runs this nothing is to be left. */
	if (mkdirat(units, name, 0755) < 0 || fchmodat(units, name, 0755, 0) < 0)
		return err_errno(err, errno, WANTS);
	fsync(units);
	return 0;
}

static bool has_made_wants(const struct changes *cs, unsigned number)
{
	_cleanup_arena_ struct arena a = {0};
	struct path_stat st;

	return path_stat(cs->place.root_fd,
					 arena_printf(&a, CHANGE_STATE_DIR "/changes/%04u/" MADE_WANTS, number), false,
					 &st) == 0;
}

static int want_at_boot(const struct changes *cs, const struct boot_unit *u, struct err *err)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(&cs->place, u->link, &name);

	if (dir < 0)
		return err_errno(err, -dir, "%s", u->link);
	if (symlinkat(u->file, dir, name) < 0 && errno != EEXIST)
		return err_errno(err, errno, "%s", u->link);
	fsync(dir);
	return 0;
}

static int write_boot_unit(const struct changes *cs, const struct change *c,
						   const struct boot_unit *u, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	bool is_late = str_ends(str_of(u->order), "=");
	const char *text = arena_printf(
		&a,
		"# Written by revet; it goes away when change %04u is confirmed or reverted.\n"
		"[Unit]\nDescription=Revert a change that was not confirmed before the machine went down\n"
		"DefaultDependencies=no\n%s%s%sConditionPathExists=%s\n\n"
		"[Service]\nType=oneshot\nTimeoutStartSec=15min\nExecStart=/bin/sh %s\n\n"
		"[Install]\nWantedBy=sysinit.target\n",
		c->number, u->order, is_late ? c->path : "", is_late ? "\n" : "", script_path(&a, c),
		script_path(&a, c));
	int r = write_file(cs, u->file, "0644", str_of(text), err);

	return r < 0 ? r : want_at_boot(cs, u, err);
}

static int write_boot_units(const struct changes *cs, const struct change *c, struct err *err)
{
	int r = make_wants(cs, c, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(boot_units); i++)
		r = write_boot_unit(cs, c, &boot_units[i], err);
	return r;
}

static void remove_name(const struct changes *cs, const char *path, int flags)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(&cs->place, path, &name);

	if (dir >= 0)
		(void)unlinkat(dir, name, flags);
}

static void remove_boot_units(const struct changes *cs, unsigned number)
{
	for (size_t i = 0; i < ARRAY_LEN(boot_units); i++) {
		remove_name(cs, boot_units[i].link, 0);
		remove_name(cs, boot_units[i].file, 0);
		/* Of a process that was killed while it wrote that. */
		fs_remove_temp(&cs->place, boot_units[i].file);
	}
	if (has_made_wants(cs, number))
		remove_name(cs, WANTS, AT_REMOVEDIR);
}

/* --- after a time ---------------------------------------------------------------------------------- */

/* One while it is applied, and one from then on: there is no instant at which none counts. */
#define TIMER "revet-revert-%04u"
#define WHILE_APPLYING TIMER "-applying"

static int start_timer(const struct changes *cs, const struct change *c, const char *name,
					   unsigned seconds, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	/* After a daemon-reload systemd reads the unit again, from text of its own, in which `;` ends a
	 * command and `$` begins a variable: that path has none of it, whatever is in the script. */
	const char *const argv[] = {
		"/usr/bin/systemd-run", "--quiet", "--collect", arena_printf(&a, "--unit=%s", name),
		arena_printf(&a, "--on-active=%us", seconds), "--timer-property=AccuracySec=100ms",
		/* `systemctl isolate` stops what its target does not want. */
		"--timer-property=IgnoreOnIsolate=yes", "--property=IgnoreOnIsolate=yes",
		/* What the script is on may be away when the time is over. */
		"--property=Restart=on-failure", "--property=RestartSec=60s", "/bin/sh", script_path(&a, c),
		"again", NULL};

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

/* The grandchild: nothing of the terminal, of the session or of the lock is left with it. It counts from
 * when the other end of the pipe is closed, by the process that applies or by its death. */
static void wait_and_revert(const char *path, int pipe_fd, unsigned seconds)
{
	int null = open("/dev/null", O_RDWR);
	char byte;

	signal(SIGHUP, SIG_IGN);
	leave_session();
	dup2(null, 1);
	dup2(null, 2);
	dup2(pipe_fd, 0);
	exec_close_fds(3);
	if (chdir("/") == 0)
		while (read(0, &byte, 1) < 0 && errno == EINTR)
			;
	for (unsigned left = seconds; left;)
		left = sleep(left);
	dup2(1, 0);
	execl("/bin/sh", "sh", path, "again", (char *)NULL);
	_exit(127);
}

/* Without systemd: a grandchild in a session of its own sleeps and then becomes the script. */
static int start_process(struct change *c, unsigned seconds, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	const char *path = script_path(&a, c);
	_cleanup_close_ int there = -1;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	there = ends[0];
	c->counts_fd = ends[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "fork");
	if (pid == 0) {
		pid_t child = setsid() < 0 ? -1 : fork();

		if (child == 0)
			wait_and_revert(path, there, seconds);
		_exit(child < 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, EAGAIN, "the process that would revert the change cannot be started");
	return 0;
}

/* systemd that cannot be reached is none. */
static int start(const struct changes *cs, struct change *c, const char *name, unsigned seconds,
				 struct err *err)
{
	struct err ignored;

	if (has_systemd(cs) && start_timer(cs, c, name, seconds, &ignored) == 0)
		return 0;
	return start_process(c, seconds, err);
}

int arm(const struct changes *cs, struct change *c, unsigned seconds, struct err *err)
{
	char name[64];
	int r = write_script(cs, c, err);

	if (r == 0 && has_systemd(cs))
		r = write_boot_units(cs, c, err);
	if (r < 0 || !seconds)
		return r;
	snprintf(name, sizeof(name), WHILE_APPLYING, c->number);
	return start(cs, c, name, seconds, err);
}

/* The service of the first timer may be there already, and waits for the lock, which is ours. */
int arm_anew(const struct changes *cs, struct change *c, unsigned seconds, struct err *err)
{
	char name[64], timer[64], service[64];
	const char *const stop[] = {"/usr/bin/systemctl", "stop", timer, service, NULL};
	struct err ignored;
	int r = 0;

	if (c->counts_fd < 0) {
		snprintf(name, sizeof(name), TIMER, c->number);
		snprintf(timer, sizeof(timer), WHILE_APPLYING ".timer", c->number);
		snprintf(service, sizeof(service), WHILE_APPLYING ".service", c->number);
		r = start(cs, c, name, seconds, err);
		if (r == 0)
			(void)run(cs, stop, &ignored);
	}
	close_fd(&c->counts_fd);
	return r;
}

void disarm(const struct changes *cs, unsigned number)
{
	char timer[64], applying[64];
	const char *const argv[] = {"/usr/bin/systemctl", "stop", timer, applying, NULL};
	struct err ignored;

	if (!has_systemd(cs))
		return; /* the process finds that there is nothing to revert */
	snprintf(timer, sizeof(timer), TIMER ".timer", number);
	snprintf(applying, sizeof(applying), WHILE_APPLYING ".timer", number);
	(void)run(cs, argv, &ignored);
	remove_boot_units(cs, number);
}
