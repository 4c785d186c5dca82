/* SPDX-License-Identifier: Apache-2.0 */
#include "prove/actor.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/num.h"
#include "base/path.h"

#define MAX_STATUS ((size_t)64 << 10)

/* --- becoming --------------------------------------------------------------------------------- */

static int set_capabilities(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {
		{.permitted = (uint32_t)permitted, .effective = (uint32_t)effective},
		{.permitted = (uint32_t)(permitted >> 32), .effective = (uint32_t)(effective >> 32)}};

	return syscall(SYS_capset, &head, sets) < 0 ? -errno : 0;
}

static int all_capabilities(uint64_t *ret)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {0};

	if (syscall(SYS_capget, &head, sets) < 0)
		return -errno;
	*ret = (uint64_t)sets[1].permitted << 32 | sets[0].permitted;
	return 0;
}

/* What is mounted in a copy of the place's mounts is seen by nobody else, and gone with the
 * process. */
static int copy_mounts(void)
{
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
			   ? -errno
			   : 0;
}

/* The root that the process has may be deeper than that of its mounts, RootDirectory= for one. Of a
 * copy it is found by the working directory, which moves along. */
static int enter(const struct actor_place *place, bool copy)
{
	int r;

	for (size_t i = 0; i < ARRAY_LEN(place->namespaces); i++)
		if (place->namespaces[i] >= 0 && setns(place->namespaces[i], 0) < 0)
			return -errno;
	if (fchdir(place->root) < 0)
		return -errno;
	r = copy ? copy_mounts() : 0;
	return r < 0 ? r : chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
}

/* Over the first directory of the root's that nothing of a service's needs. */
static int mount_scratch(void)
{
	static const char *const places[] = {"/mnt", "/media", "/tmp"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (mount("revet", places[i], "tmpfs", MS_NODEV, "mode=0711,size=16m") == 0)
			return chdir(places[i]) < 0 ? -errno : 0;
	return -errno;
}

static int drop_bounds(uint64_t keep)
{
	for (unsigned long c = 0; c < 64 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (!(keep >> c & 1) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return -errno;
	return 0;
}

/* What a service's manager gives it, in the order in which each may still be given. */
static int take_privileges(const struct actor_place *place)
{
	int r;

	if (place->user_namespace >= 0 && setns(place->user_namespace, CLONE_NEWUSER) < 0)
		return -errno;
	r = drop_bounds(place->bounding);
	if (r == 0 && place->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0)
		r = set_capabilities(place->permitted, place->effective);
	return r;
}

static int change_user(const struct actor *a)
{
	gid_t groups[ACTOR_MAX_GROUPS];
	uint64_t all = 0;
	int r = all_capabilities(&all);

	for (size_t i = 0; i < a->n_groups; i++)
		groups[i] = a->groups[i];
	if (r < 0 || setgroups(a->n_groups, groups) < 0 || setresgid(a->gid, a->gid, a->gid) < 0 ||
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(a->uid, a->uid, a->uid) < 0)
		return r < 0 ? r : -errno;
	r = a->place ? set_capabilities(all, all) : set_capabilities(0, 0);
	if (r == 0 && a->place)
		r = take_privileges(a->place);
	return r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : r;
}

static int become(const struct actor *a, void *data)
{
	int r = a->place ? enter(a->place, a->prepare) : 0;

	umask(022);
	if (r == 0 && a->prepare) {
		r = mount_scratch();
		r = r == 0 ? a->prepare(data) : r;
	}
	if (r == 0 && a->uid)
		r = change_user(a);
	return r;
}

/* --- running ---------------------------------------------------------------------------------- */

struct outcome {
	int became, acted;
};

static void __attribute__((noreturn))
child(const struct actor *a, int (*act)(void *), void *data, int answer)
{
	struct outcome o = {.became = become(a, data)};

	if (o.became == 0)
		o.acted = act(data);
	(void)!write(answer, &o, sizeof(o));
	_exit(0);
}

int actor_run(const struct actor *a, int (*act)(void *), void *data, int *ret, struct err *err)
{
	struct outcome o = {.became = -ECHILD};
	int answer[2];
	pid_t pid;
	ssize_t n;

	if (pipe2(answer, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		child(a, act, data, answer[1]);
	close_fd(&answer[1]);
	n = pid < 0 ? -1 : read(answer[0], &o, sizeof(o));
	close_fd(&answer[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid < 0 || n != sizeof(o))
		return err_set(err, ECHILD, "the process that was to try it ended");
	if (o.became < 0)
		return err_errno(err, -o.became, "user %u", a->uid);
	*ret = o.acted;
	return 0;
}

void *actor_shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* --- a process -------------------------------------------------------------------------------- */

static bool status_field(struct str status, const char *name, struct str *ret)
{
	struct str line;

	while (str_line(&status, &line))
		if (str_skip(&line, name) && str_skip(&line, ":")) {
			*ret = str_trim(line);
			return true;
		}
	return false;
}

/* Of the four in a line the second, which is the effective one. */
static bool effective_id(struct str status, const char *name, uint32_t *ret)
{
	struct str line, word;
	uint64_t id;

	if (!status_field(status, name, &line) || !str_word(&line, &word) || !str_word(&line, &word) ||
		num_u64(word, 0, UINT32_MAX, &id) < 0)
		return false;
	*ret = (uint32_t)id;
	return true;
}

static bool read_groups(struct str status, struct actor *a)
{
	struct str line, word;
	uint64_t id;

	if (!status_field(status, "Groups", &line))
		return false;
	while (str_word(&line, &word)) {
		if (a->n_groups == ACTOR_MAX_GROUPS || num_u64(word, 0, UINT32_MAX, &id) < 0)
			return false;
		a->groups[a->n_groups++] = (uint32_t)id;
	}
	return true;
}

static bool read_set(struct str status, const char *name, uint64_t *ret)
{
	struct str field;

	return status_field(status, name, &field) && num_hex(field, UINT64_MAX, ret) == 0;
}

static bool read_status(struct str status, struct actor *a, struct actor_place *place)
{
	struct str no_new_privs;

	if (!effective_id(status, "Uid", &a->uid) || !effective_id(status, "Gid", &a->gid) ||
		!read_groups(status, a) || !read_set(status, "CapPrm", &place->permitted) ||
		!read_set(status, "CapEff", &place->effective) ||
		!read_set(status, "CapBnd", &place->bounding) ||
		!status_field(status, "NoNewPrivs", &no_new_privs))
		return false;
	place->no_new_privs = str_is(no_new_privs, "1");
	return true;
}

/* -1: it is the one that we are in. */
static int open_namespace(int proc, const char *kind, int *ret)
{
	char own[64], path[64];
	struct stat theirs, ours;
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "ns/%s", kind);
	snprintf(own, sizeof(own), "/proc/self/ns/%s", kind);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &theirs) < 0 || stat(own, &ours) < 0)
		return -errno;
	*ret = theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev ? -1 : take_fd(&fd);
	return 0;
}

static int open_place(int proc, struct actor_place *place)
{
	static const char *const kinds[] = {"mnt", "net", "ipc", "uts"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(kinds); i++)
		r = open_namespace(proc, kinds[i], &place->namespaces[i]);
	if (r == 0)
		r = open_namespace(proc, "user", &place->user_namespace);
	if (r == 0 && (place->root = openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		r = -errno;
	return r;
}

int actor_of(int pid, struct actor *a, struct actor_place *place, struct err *err)
{
	_cleanup_arena_ struct arena arena = {0};
	_cleanup_close_ int proc = -1;
	struct str status;
	char path[32];
	int r = 0;

	*a = (struct actor){.place = place};
	*place = ACTOR_PLACE_NONE;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_errno(err, errno == ENOENT ? ESRCH : errno, "%s", path);
	r = open_place(proc, place);
	if (r == 0)
		r = path_read(proc, "status", MAX_STATUS, &arena, &status);
	if (r < 0)
		return err_errno(err, -r, "%s", path);
	return read_status(status, a, place) ? 0
										 : err_set(err, EBADMSG, "%s/status: not understood", path);
}

void actor_place_done(struct actor_place *place)
{
	for (size_t i = 0; i < ARRAY_LEN(place->namespaces); i++)
		close_fd(&place->namespaces[i]);
	close_fd(&place->user_namespace);
	close_fd(&place->root);
}

/* --- programs --------------------------------------------------------------------------------- */

int actor_copy_program(const char *program, const char *to, unsigned mode)
{
	_cleanup_close_ int in = open(program, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char chunk[65536];
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	while ((n = read(in, chunk, sizeof(chunk))) > 0) {
		int r = fd_write_all(out, (struct str){chunk, (size_t)n});

		if (r < 0)
			return r;
	}
	return n < 0 || fchmod(out, mode) < 0 ? -errno : 0;
}
