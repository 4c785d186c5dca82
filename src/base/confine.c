/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Rights by the ABI that introduced them (linux/landlock.h of newer kernels than Debian 12's). */
#define WRITES_ABI1                                                                                \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                               \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define REFER_ABI2 (1ULL << 13)
#define TRUNCATE_ABI3 (1ULL << 14)
#define IOCTL_DEV_ABI5 (1ULL << 15)
/* Calls that are newer than Debian 12's libseccomp; the numbers are the same on every architecture. */
#define GETXATTRAT 464 /* kernel 6.13 */

/* A ruleset that denies every write there is, and what is in `extra`, but not what is in `but`;
 * -errno when the kernel has no Landlock. */
static int landlock_ruleset(uint64_t extra, uint64_t but, int *ret_abi)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = WRITES_ABI1 | extra};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	long fd;

	if (abi < 0)
		return -errno;
	if (abi >= 2)
		attr.handled_access_fs |= REFER_ABI2;
	if (abi >= 3)
		attr.handled_access_fs |= TRUNCATE_ABI3;
	if (abi >= 5)
		attr.handled_access_fs |= IOCTL_DEV_ABI5;
	attr.handled_access_fs &= ~but;
	*ret_abi = (int)abi;
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	return fd < 0 ? -errno : (int)fd;
}

static int landlock_enforce(int fd)
{
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}

int confine_helper(void)
{
	struct landlock_path_beneath_attr null = {.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE};
	int abi, fd, r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	fd = landlock_ruleset(0, 0, &abi);
	if (fd < 0)
		return 0;
	null.parent_fd = open("/dev/null", O_PATH | O_CLOEXEC);
	if (null.parent_fd >= 0)
		syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &null, 0);
	r = landlock_enforce(fd);
	close(null.parent_fd);
	close(fd);
	return r;
}

static int drop_capabilities(struct err *err)
{
	static const cap_value_t keep[] = {CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE};
	cap_t have = cap_get_proc(), want = cap_init();
	int r = -1;

	if (!have || !want)
		goto out;
	for (size_t i = 0; i < ARRAY_LEN(keep); i++) {
		cap_flag_value_t permitted = CAP_CLEAR;

		cap_get_flag(have, keep[i], CAP_PERMITTED, &permitted);
		if (permitted == CAP_SET)
			cap_set_flag(want, CAP_PERMITTED, 1, &keep[i], CAP_SET);
		if (permitted == CAP_SET)
			cap_set_flag(want, CAP_EFFECTIVE, 1, &keep[i], CAP_SET);
	}
	r = cap_set_proc(want);
out:
	cap_free(have);
	cap_free(want);
	return r < 0 ? err_errno(err, errno, "cannot drop capabilities") : 0;
}

static const int allowed_calls[] = {
	SCMP_SYS(access), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime), SCMP_SYS(bind), SCMP_SYS(brk), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(clone3), SCMP_SYS(close),
	SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64), SCMP_SYS(fcntl), SCMP_SYS(fgetxattr), SCMP_SYS(flistxattr),
	SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(futex), SCMP_SYS(getcwd), SCMP_SYS(getdents64),
	SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpeername),
	SCMP_SYS(getpgrp), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getrandom),
	SCMP_SYS(getresgid), SCMP_SYS(getresuid), SCMP_SYS(getrlimit), SCMP_SYS(getrusage),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid), SCMP_SYS(getxattr), SCMP_SYS(lgetxattr), SCMP_SYS(listxattr),
	SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(madvise), SCMP_SYS(membarrier), SCMP_SYS(mmap),
	SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat), SCMP_SYS(pidfd_send_signal), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(pread64), SCMP_SYS(prlimit64), SCMP_SYS(read), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(set_robust_list), SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown), SCMP_SYS(sigaltstack), SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx),
	SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(write),
	SCMP_SYS(writev),
};

/* open(2) and openat(2) show their flags in a register, so a write is refused there; openat2(2)
 * hides them in memory, so it is let through only where Landlock stands behind it. */
static int add_open_rules(scmp_filter_ctx ctx, bool landlock)
{
	const scmp_datum_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
							 SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0));

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
							 SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0));
	if (r == 0 && landlock)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat2), 0);
	if (r == 0 && !landlock)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
	return r;
}

/* Calls that are let through for one value of one argument. Signals go to this process or, by
 * pidfd, to children it already holds; pidfd_open(2) and kill(2) are not here. */
static int add_argument_rules(scmp_filter_ctx ctx)
{
	const struct {
		int call;
		struct scmp_arg_cmp arg;
	} rules[] = {
		{SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
		{SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},
		{SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_CAPBSET_READ)},
		{SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS)},
		{SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())},
		{SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_NETLINK)},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(rules); i++)
		r = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rules[i].call, 1, &rules[i].arg);
	return r;
}

static int add_rules(scmp_filter_ctx ctx, bool landlock)
{
	int r = add_open_rules(ctx, landlock);

	if (r == 0)
		r = add_argument_rules(ctx);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(allowed_calls); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed_calls[i], 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, GETXATTRAT, 0);
	return r;
}

static bool apply_seccomp(bool landlock)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok;

	if (!ctx)
		return false;
	/* A binary tree of comparisons: a walk makes millions of calls. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 0);
	ok = add_rules(ctx, landlock) == 0 && seccomp_load(ctx) == 0;
	seccomp_release(ctx);
	return ok;
}

static int drop_privileges(struct confinement *c, struct err *err)
{
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "cannot set no_new_privs");
	c->no_new_privs = true;
	r = drop_capabilities(err);
	c->capabilities = r == 0;
	return r;
}

static void apply_landlock(struct confinement *c, uint64_t but)
{
	int fd = landlock_ruleset(LANDLOCK_ACCESS_FS_EXECUTE, but, &c->landlock_abi);

	if (fd < 0)
		return;
	c->landlock = landlock_enforce(fd) == 0;
	close(fd);
}

int confine_reader(struct confinement *ret, struct err *err)
{
	struct confinement c = {0};
	int r = drop_privileges(&c, err);

	if (r < 0)
		return r;
	apply_landlock(&c, 0);
	c.seccomp = apply_seccomp(c.landlock);
	*ret = c;
	return 0;
}

int confine_walker(struct err *err)
{
	struct confinement c = {0};
	int r = drop_privileges(&c, err);

	if (r < 0)
		return r;
	apply_landlock(&c, TRUNCATE_ABI3);
	c.seccomp = apply_seccomp(false);
	return c.seccomp ? 0 : err_set(err, EOPNOTSUPP, "no seccomp filter");
}
