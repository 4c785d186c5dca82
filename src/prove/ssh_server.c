/* SPDX-License-Identifier: Apache-2.0 */
/* An sshd of this host's configuration, whose doings stay here. */
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "change/netns.h"
#include "prove/ssh.h"

#define SSHD "/usr/sbin/sshd"
#define KEYGEN "/usr/bin/ssh-keygen"
#define UP_MS 5000

/* Everything that this process sees is to be read only, but /proc, which a login writes to about itself,
 * and its own files: what modules of PAM keep somewhere stays as it is. */
static int forbid_writing(const char *scratch, struct err *err)
{
	struct mount_attr no = {.attr_set = MOUNT_ATTR_RDONLY}, yes = {.attr_clr = MOUNT_ATTR_RDONLY};

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &no, sizeof(no)) < 0 ||
		syscall(SYS_mount_setattr, AT_FDCWD, "/proc", AT_RECURSIVE, &yes, sizeof(yes)) < 0 ||
		syscall(SYS_mount_setattr, AT_FDCWD, scratch, 0, &yes, sizeof(yes)) < 0)
		return err_errno(err, errno,
						 "the files of this host cannot be made read only for it (Linux 5.12)");
	return 0;
}

/* Logs, counters of failed logins, the bus that sessions are made by, and who is logged in: nobody else
 * is to hear of it, and no account to be locked. What is not there is in nobody's way. */
static int hide_traces(const char *scratch, struct err *err)
{
	static bool done;
	static const char *const places[] = {"/var/log", "/run/dbus", "/run/systemd/journal",
										 "/run/faillock", "/run/tally"};
	static const char *const files[] = {"/run/utmp"};
	struct stat st;

	if (done)
		return 0;
	if (forbid_writing(scratch, err) < 0)
		return -err->errnum;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (stat(places[i], &st) == 0 && S_ISDIR(st.st_mode) &&
			mount("revet", places[i], "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC,
				  "mode=0755,size=1m") < 0)
			return err_errno(err, errno, "%s cannot be hidden", places[i]);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (stat(files[i], &st) == 0 && mount("/dev/null", files[i], NULL, MS_BIND, NULL) < 0)
			return err_errno(err, errno, "%s cannot be hidden", files[i]);
	done = true;
	return 0;
}

static const char *const *build_argv(struct arena *a, const char *const *options)
{
	VEC(const char *) argv = {0};

	*vec_push(a, &argv) = SSHD;
	*vec_push(a, &argv) = "-D";
	*vec_push(a, &argv) = "-e";
	*vec_push(a, &argv) = "-oPidFile=none";
	*vec_push(a, &argv) = "-oLogLevel=INFO";
	while (*options)
		*vec_push(a, &argv) = arena_printf(a, "-o%s", *options++);
	*vec_push(a, &argv) = NULL;
	return (const char *const *)argv.p;
}

/* It says so when it listens; where it does not like its configuration it ends. What it has said is in
 * the buffer. */
static bool comes_up(const struct exec *e, struct buf *said)
{
	struct pollfd p = {.fd = e->err_fd, .events = POLLIN};
	char chunk[1024];
	ssize_t n;

	while (poll(&p, 1, UP_MS) == 1 && (n = read(e->err_fd, chunk, sizeof(chunk))) > 0) {
		buf_add(said, chunk, (size_t)n);
		if (str_has(buf_get(said), "Server listening"))
			return true;
	}
	return false;
}

int ssh_serve(struct trial *t, int ns, const char *const *options, struct exec *ret,
			  struct err *err)
{
	_cleanup_buf_ struct buf said = BUF(4096);
	struct exec e;
	int r = hide_traces(t->scratch, err);

	if (r < 0)
		return r;
	e = exec_start(build_argv(t->arena, options), netns_enter, &ns);
	if (e.start_errno)
		return err_errno(err, e.start_errno, SSHD);
	*ret = e;
	if (comes_up(&e, &said))
		return 0;
	exec_done(&e);
	return err_set(err, EIO, "%s does not come up: %.*s", SSHD, STR_ARG(str_trim(buf_get(&said))));
}

int ssh_make_key(struct trial *t, const char **ret_key, const char **ret_option, struct err *err)
{
	const char *key = arena_printf(t->arena, "%s/key", t->scratch);
	const char *const argv[] = {KEYGEN, "-q",    "-t", "ed25519", "-N", "",
								"-C",   "revet", "-f", key,       NULL};
	struct exec_result result = {0};
	int r = trial_run(t, argv, -1, 10000, &result, err);

	if (r < 0)
		return err_context(err, KEYGEN);
	*ret_key = key;
	*ret_option = arena_printf(t->arena, "AuthorizedKeysFile=%s.pub", key);
	/* Read as the user who logs in. */
	return result.status || chmod(arena_printf(t->arena, "%s.pub", key), 0644) < 0
			   ? err_set(err, EIO, "%s: %.*s", KEYGEN, STR_ARG(result.err))
			   : 0;
}
