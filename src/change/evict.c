/* SPDX-License-Identifier: Apache-2.0 */
#include "change/evict.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/num.h"
#include "change/fs.h"
#include "change/process.h"
#include "change/session.h"
#include "host/passwd.h"

#define SUFFIX ".processes"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* It has a line of groups, of which there may be 65536. */
#define MAX_STATUS ((size_t)1 << 20)
#define MAX_PROCESSES ((size_t)1 << 22) /* as many as pid_max may be at most */

/* In tenths of a second: until what was asked to end is killed, and until that is given up. */
#define PATIENCE 20
#define LIMIT 60

struct account {
	const struct place *place;
	uint32_t uid;
	uint64_t since; /* in clock ticks after boot */
	struct stat root;
};

/* --- the account ------------------------------------------------------------------------------- */

static int read_boot(int root_fd, struct arena *a, struct str *ret, struct err *err)
{
	int r = path_read(root_fd, BOOT_ID, 64, a, ret);

	*ret = str_trim(*ret);
	return r < 0 ? err_errno(err, -r, BOOT_ID) : 0;
}

int evict_note(const struct place *place, struct str uid, const struct saved *saved,
			   struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct str boot;
	int r = place->live ? read_boot(place->root_fd, &a, &boot, err) : 0;

	return r < 0 || !place->live
			   ? r
			   : fs_save_text(saved, SUFFIX,
							  str_of(arena_printf(&a, "%.*s %.*s %lld\n", STR_ARG(uid),
												  STR_ARG(boot), (long long)session_now())),
							  err);
}

/* -ENOENT: nothing was noted, by a revet that did not yet. */
static int read_note(const struct saved *saved, struct arena *a, struct account *ret,
					 struct err *err)
{
	const char *name = arena_printf(a, "%s" SUFFIX, saved->name);
	struct str text, uid = STR_ABSENT, boot = STR_ABSENT, ticks = STR_ABSENT, now;
	uint64_t number;
	int r = path_read(saved->dir_fd, name, 256, a, &text);

	if (r == -ENOENT)
		return r;
	if (r == 0 && !(str_word(&text, &uid) && str_word(&text, &boot) && str_word(&text, &ticks) &&
					num_u64(uid, 1, UINT32_MAX - 1, &number) == 0 &&
					num_u64(ticks, 0, INT64_MAX, &ret->since) == 0))
		r = -EBADMSG;
	if (r < 0)
		return err_errno(err, -r, "before/%s", name);
	ret->uid = (uint32_t)number;
	r = read_boot(ret->place->root_fd, a, &now, err);
	if (r == 0 && !str_eq(boot, now))
		ret->since = 0;
	return r;
}

/* Of whoever has got the number since, nothing is ended. */
static int is_taken(const struct account *acc, struct arena *a, bool *ret, struct err *err)
{
	_cleanup_host_ struct host *host = host_open(acc->place->root, err);
	struct passwd_db db;
	int r = host ? passwd_read(host, a, &db, err) : -err->errnum;

	*ret = r == 0 && passwd_by_uid(&db, acc->uid);
	return r;
}

/* --- its processes ----------------------------------------------------------------------------- */

static bool find_line(struct str status, const char *key, struct str *ret)
{
	while (str_line(&status, ret))
		if (str_skip(ret, key))
			return true;
	return false;
}

/* The real user: what serves many, and takes on the rights of one of them for a while, is not meant. */
static bool runs_as(struct str status, uint32_t uid)
{
	struct str line, word;
	uint64_t real;

	return find_line(status, "Uid:", &line) && str_word(&line, &word) &&
		   num_u64(word, 0, UINT32_MAX, &real) == 0 && real == uid;
}

/* What a login has started keeps its mark, wherever it has gone. */
static bool is_of_login(const struct account *acc, int pid, struct arena *a)
{
	const char *slice = arena_printf(a, "/user.slice/user-%u.slice/", acc->uid);
	const char *uid = arena_printf(a, "%u", acc->uid);
	struct str text;

	if (path_read(acc->place->root_fd, arena_printf(a, "/proc/%d/loginuid", pid), 64, a, &text) ==
			0 &&
		str_is(str_trim(text), uid))
		return true;
	return path_read(acc->place->root_fd, arena_printf(a, "/proc/%d/cgroup", pid), 65536, a,
					 &text) == 0 &&
		   str_has(text, slice);
}

/* In the system that this process is in, and not in a container of it: of its number there are several
 * then, and its root is another. */
static bool is_here(const struct account *acc, int pid, struct str status, struct arena *a)
{
	struct str line, word;
	struct stat root;

	return find_line(status, "NSpid:", &line) && str_word(&line, &word) &&
		   !str_word(&line, &word) &&
		   fstatat(acc->place->root_fd, arena_printf(a, "proc/%d/root/.", pid), &root, 0) == 0 &&
		   root.st_dev == acc->root.st_dev && root.st_ino == acc->root.st_ino;
}

static bool is_its(const struct account *acc, int pid)
{
	_cleanup_arena_ struct arena a = {0};
	struct process p;
	struct str status;

	return process_read(acc->place->root_fd, pid, &a, &p) == 0 && !p.ended &&
		   p.ticks >= acc->since &&
		   path_read(acc->place->root_fd, arena_printf(&a, "/proc/%d/status", pid), MAX_STATUS, &a,
					 &status) == 0 &&
		   runs_as(status, acc->uid) &&
		   (is_of_login(acc, pid, &a) || is_here(acc, pid, status, &a));
}

/* By a descriptor of the process, looked at once more when that is held: the number may be another's by
 * then. Before Linux 5.3 there is none. */
static void end_process(const struct account *acc, int pid, int signal)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
	bool has_none = fd < 0 && errno == ENOSYS;

	if ((fd < 0 && !has_none) || !is_its(acc, pid))
		return;
	if (has_none)
		(void)kill(pid, signal);
	else
		(void)syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0u);
}

/* *ret: one of them, as they were; 0: there are none. Signal 0: none is sent. */
static int end_all(const struct account *acc, int signal, int *ret, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct path_entry *entries = NULL;
	bool more = false;
	size_t n = 0;
	int r = path_list(acc->place->root_fd, "/proc", MAX_PROCESSES, &a, &entries, &n, &more);

	if (r < 0 || more)
		return err_errno(err, r < 0 ? -r : E2BIG, "/proc");
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t pid;

		if (num_u64(str_of(entries[i].name), 1, INT32_MAX, &pid) < 0 || !is_its(acc, (int)pid))
			continue;
		*ret = (int)pid;
		if (signal)
			end_process(acc, (int)pid, signal);
	}
	return 0;
}

static int end_account(const struct account *acc, struct err *err)
{
	int pid = 0;

	for (int tenth = 0; tenth < LIMIT; tenth++) {
		int r = end_all(acc, tenth == 0 ? SIGTERM : tenth < PATIENCE ? 0 : SIGKILL, &pid, err);

		if (r < 0 || !pid)
			return r;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
	return err_set(err, EBUSY, "process %d runs as %u, and does not end", pid, acc->uid);
}

int evict(const struct place *place, const struct saved *saved, struct err *err)
{
	_cleanup_arena_ struct arena a = {0};
	struct account acc = {.place = place};
	struct session session;
	bool taken = false;
	int r = place->live ? read_note(saved, &a, &acc, err) : -ENOENT;

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = is_taken(&acc, &a, &taken, err);
	if (r < 0 || taken)
		return r;
	if (fstat(place->root_fd, &acc.root) < 0)
		return err_errno(err, errno, "/");
	r = session_of_self(&session, err);
	if (r < 0 || session.uid != acc.uid)
		return r < 0 ? r : end_account(&acc, err);
	return saved->force ? 0
						: err_set(err, ESTALE,
								  "what runs as %u goes on, for this session is one of its: from "
								  "another, revert it once more",
								  acc.uid);
}
