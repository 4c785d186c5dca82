/* SPDX-License-Identifier: Apache-2.0 */
#include "host/procs.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "base/shortage.h"
#include "base/vec.h"
#include "host/fields.h"
#include "host/secret.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h; field 9 of /proc/PID/stat */
#define MAX_CMDLINE 4096
#define MAX_SOCKETS 65536 /* of one process */
#define MAX_ANSWER ((size_t)64 << 20)

/*
 * The query: one line a process.
 */

/* A process that has ended answers like this; any other error is about one that is there. */
static bool has_ended(int error)
{
	return error == ESRCH || error == ENOENT || error == ENOTDIR;
}

/* The beginning of a kernel file, at most cap bytes; absent, with errno, when it cannot be read. */
static struct str read_some(int dir, const char *name, char *p, size_t cap)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;

	if (fd < 0) {
		shortage_note(-errno, name);
		return STR_ABSENT;
	}
	while (n < cap) {
		ssize_t got = read(fd, p + n, cap - n);

		if (got < 0) {
			shortage_note(-errno, name);
			return STR_ABSENT;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (struct str){p, n};
}

/* Field 22 counts from the boot; by today's clock, also where it was wrong then. */
static int64_t time_of_ticks(uint64_t ticks)
{
	struct timespec now, boot;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return ((now.tv_sec - boot.tv_sec) * 100 + (now.tv_nsec - boot.tv_nsec) / 10000000 +
			(int64_t)(ticks * 100 / (uint64_t)sysconf(_SC_CLK_TCK))) /
		   100;
}

/* "PID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS ...", where NAME may hold blanks and
 * parentheses. 1; 0 for what is no user process; or negative errno. */
static int put_stat(struct buf *out, int dir)
{
	struct str rest, name, ppid = STR_ABSENT, word = STR_ABSENT;
	char text[4096];
	uint64_t flags = 0, ticks;
	const char *open, *close;

	rest = read_some(dir, "stat", text, sizeof(text));
	if (!rest.p)
		return -errno;
	open = rest.n ? memchr(rest.p, '(', rest.n) : NULL;
	close = rest.n ? memrchr(rest.p, ')', rest.n) : NULL;
	if (!open || !close || close < open)
		return -EINVAL;
	name = (struct str){open + 1, (size_t)(close - open - 1)};
	rest = (struct str){close + 1, (size_t)(rest.p + rest.n - close - 1)};
	for (int field = 3; field <= 22; field++) {
		if (!str_word(&rest, &word))
			return -EINVAL;
		if (field == 4)
			ppid = word;
		if (field == 9 && num_u64(word, 0, UINT64_MAX, &flags) < 0)
			return -EINVAL;
	}
	if (num_u64(word, 0, INT64_MAX / 100, &ticks) < 0)
		return -EINVAL;
	if (flags & PF_KTHREAD)
		return 0;
	fields_put(out, "ppid", ppid);
	fields_put(out, "name", name);
	buf_printf(out, " began=%lld", (long long)time_of_ticks(ticks));
	return 1;
}

static const struct {
	const char *label, *name;
	int word; /* which of the values behind the label */
} status_fields[] = {
	{"Uid:", "uid", 2},     /* real, effective, saved, file system */
	{"NSpid:", "inner", 2}, /* here, in the namespace within, if any */
	{"CapEff:", "caps", 1},
	{"NoNewPrivs:", "nnp", 1},
	{"Seccomp:", "seccomp", 1},
};

static int put_status(struct buf *out, int dir)
{
	struct str rest, line;
	char text[8192];

	rest = read_some(dir, "status", text, sizeof(text));
	if (!rest.p)
		return -errno;
	while (str_line(&rest, &line)) {
		for (size_t i = 0; i < ARRAY_LEN(status_fields); i++) {
			struct str values = line, word = STR_ABSENT;

			if (!str_skip(&values, status_fields[i].label))
				continue;
			for (int n = 0; n < status_fields[i].word; n++)
				if (!str_word(&values, &word))
					word = STR_ABSENT;
			fields_put(out, status_fields[i].name, word);
		}
	}
	return 1;
}

static void put_exe(struct buf *out, int dir)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, "exe", target, sizeof(target));
	struct str exe;

	if (n < 0) {
		if (errno != ENOENT) /* ENOENT: a zombie has none */
			buf_puts(out, " noexe");
		return;
	}
	exe = (struct str){target, (size_t)n};
	if (str_ends(exe, " (deleted)")) {
		exe.n -= strlen(" (deleted)");
		buf_puts(out, " deleted");
	}
	fields_put(out, "exe", exe);
}

static void put_cmdline(struct buf *out, int dir)
{
	_cleanup_buf_ struct buf clean = BUF((size_t)4 * MAX_CMDLINE);
	char text[MAX_CMDLINE];
	struct str s = read_some(dir, "cmdline", text, sizeof(text));

	while (s.n && text[s.n - 1] == '\0')
		s.n--;
	if (!s.n)
		return;
	secret_mask_args(s, &clean);
	fields_put(out, "cmdline", buf_get(&clean));
}

/* The path in systemd's own hierarchy (cgroup v1), or in the only one (v2). */
static void put_cgroup(struct buf *out, int dir)
{
	struct str rest, line, id, controllers;
	char text[8192];

	rest = read_some(dir, "cgroup", text, sizeof(text));
	while (str_line(&rest, &line)) {
		if (!str_cut(&line, ':', &id) || !str_cut(&line, ':', &controllers))
			continue;
		if (str_is(controllers, "name=systemd") || str_is(id, "0")) {
			fields_put(out, "cgroup", line);
			return;
		}
	}
}

static void put_label(struct buf *out, int dir)
{
	char text[1024];
	struct str s = str_trim(read_some(dir, "attr/current", text, sizeof(text)));

	while (s.n && s.p[s.n - 1] == '\0')
		s.n--;
	if (s.n)
		fields_put(out, "label", s);
}

static void put_socket(struct buf *out, int fd_dir, const char *name, size_t *n)
{
	char target[64];
	ssize_t len = readlinkat(fd_dir, name, target, sizeof(target));
	struct str inode = {target, len > 0 ? (size_t)len : 0};

	if (!str_skip(&inode, "socket:[") || !str_ends(inode, "]"))
		return;
	inode.n--;
	buf_puts(out, *n ? "," : " sockets=");
	buf_str(out, inode);
	(*n)++;
}

static void dir_close(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static DIR *dir_open(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		shortage_note(-errno, name);
	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static void put_sockets(struct buf *out, int dir)
{
	_cleanup_(dir_close) DIR *fds = dir_open(dir, "fd");
	struct dirent *d;
	bool denied = false;
	size_t n = 0;

	if (!fds) {
		buf_puts(out, " nosockets");
		return;
	}
	while ((d = readdir(fds)) && n < MAX_SOCKETS) {
		if (d->d_name[0] == '.')
			continue;
		errno = 0;
		put_socket(out, dirfd(fds), d->d_name, &n);
		denied = denied || (errno && !has_ended(errno));
	}
	if (denied || n == MAX_SOCKETS)
		buf_puts(out, " nosockets");
}

static int put_known(struct buf *out, int dir)
{
	int r = put_stat(out, dir);

	if (r > 0)
		r = put_status(out, dir);
	if (r <= 0)
		return r;
	put_exe(out, dir);
	put_cgroup(out, dir);
	put_label(out, dir);
	put_cmdline(out, dir);
	put_sockets(out, dir);
	return 1;
}

/* A process that ends meanwhile leaves no line, or one with what was seen before it ended. */
static void put_process(struct buf *out, int proc, const char *pid)
{
	_cleanup_close_ int dir = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t start = out->n;
	int r = dir < 0 ? shortage_note(-errno, pid) : 0;

	buf_printf(out, "pid=%s", pid);
	if (r == 0)
		r = put_known(out, dir);
	if (r <= 0)
		out->n = start;
	else
		buf_putc(out, '\n');
	if (r < 0 && !has_ended(-r))
		buf_printf(out, "unread %s: %s\n", pid, strerrordesc_np(-r));
}

static int procs_live(struct host *host, struct buf *out, struct err *err)
{
	_cleanup_(dir_close) DIR *proc = dir_open(host_root_fd(host), "proc");
	struct dirent *d;

	if (!proc)
		return err_errno(err, errno, "/proc");
	/* Process 1 is always there, unless hidepid= hides what is not ours. */
	if (faccessat(dirfd(proc), "1/stat", F_OK, 0) < 0)
		buf_puts(out, "hidden\n");
	while (errno = 0, (d = readdir(proc)))
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
			put_process(out, dirfd(proc), d->d_name);
	if (errno)
		return err_errno(err, errno, "/proc");
	return out->full ? err_set(err, ENOBUFS, "/proc: more processes than an audit may hold") : 0;
}

static const struct query procs_query = {.name = "procs", .live = procs_live, .max = MAX_ANSWER};

void procs_early(struct host *host)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct str ignored;
	struct err err;

	/* An error is remembered with the answer, for procs_read(). */
	(void)host_query(host, &procs_query, &scratch, &ignored, &err);
}

/*
 * What is made of its text.
 */

static bool is_unit_name(struct str s)
{
	static const char *const suffixes[] = {
		".service", ".scope", ".socket", ".mount", ".swap", ".timer", ".target", ".path",
	};

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (str_ends(s, suffixes[i]) && s.n > strlen(suffixes[i]))
			return true;
	return false;
}

/* The first component that is no slice, as systemd's cg_path_get_unit() has it: what runs inside
 * user@1000.service belongs to that. A leading '_' is its escape for names like "tasks". */
static struct str unit_of_cgroup(struct str path)
{
	struct str component;

	while (str_cut(&path, '/', &component)) {
		str_skip(&component, "_");
		if (!component.n || str_ends(component, ".slice"))
			continue;
		return is_unit_name(component) ? component : STR_ABSENT;
	}
	return STR_ABSENT;
}

static void parse_sockets(struct arena *a, struct str list, struct proc *p)
{
	VEC(uint64_t) inodes = {0};
	struct str item;
	uint64_t inode;

	while (str_cut(&list, ',', &item)) {
		if (num_u64(item, 1, UINT64_MAX, &inode) == 0)
			*vec_push(a, &inodes) = inode;
		else
			p->sockets_unknown = true;
	}
	p->sockets = inodes.p;
	p->n_sockets = inodes.n;
}

static uint64_t number(struct str s)
{
	uint64_t n = 0;

	(void)num_u64(s, 0, UINT32_MAX, &n);
	return n;
}

static void parse_flag(struct str name, struct proc *p)
{
	if (str_is(name, "noexe"))
		p->has_exe = false;
	else if (str_is(name, "deleted"))
		p->exe_deleted = true;
	else if (str_is(name, "nosockets"))
		p->sockets_unknown = true;
}

static void parse_number(struct str name, struct str value, struct proc *p)
{
	if (str_is(name, "pid"))
		p->pid = (uint32_t)number(value);
	else if (str_is(name, "ppid"))
		p->ppid = (uint32_t)number(value);
	else if (str_is(name, "uid"))
		p->uid = (uint32_t)number(value);
	else if (str_is(name, "began"))
		(void)num_i64(value, 0, INT64_MAX, &p->began);
	else if (str_is(name, "nnp"))
		p->no_new_privs = number(value) != 0;
	else if (str_is(name, "inner"))
		p->inner = true;
	else if (str_is(name, "seccomp"))
		p->seccomp = (int)number(value);
	else if (str_is(name, "caps"))
		(void)num_hex(value, UINT64_MAX, &p->cap_effective);
}

static void parse_text(struct arena *a, struct str name, struct str value, struct proc *p)
{
	if (str_is(name, "name"))
		p->name = fields_plain(a, value);
	else if (str_is(name, "exe"))
		p->exe = fields_plain(a, value);
	else if (str_is(name, "cmdline"))
		p->cmdline = fields_plain(a, value);
	else if (str_is(name, "label"))
		p->label = fields_plain(a, value);
	else if (str_is(name, "cgroup"))
		p->unit = unit_of_cgroup(fields_plain(a, value));
	else if (str_is(name, "sockets"))
		parse_sockets(a, value, p);
	else
		parse_number(name, value, p);
}

static struct proc parse_process(struct arena *a, struct str line)
{
	struct proc p = {.has_exe = true};
	struct str name, value;

	while (fields_next(&line, &name, &value)) {
		if (value.p)
			parse_text(a, name, value, &p);
		else
			parse_flag(name, &p);
	}
	return p;
}

static int by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int procs_read(struct host *host, struct arena *a, struct procs *ret, struct err *err)
{
	VEC(struct proc) all = {0};
	const char *gap = NULL;
	struct str text, line;
	int r;

	r = host_query(host, &procs_query, a, &text, err);
	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		if (str_is(line, "hidden"))
			gap = "/proc is mounted with hidepid=: only the caller's own processes are seen";
		else if (str_skip(&line, "unread "))
			gap = arena_printf(a, "the process %.*s", STR_ARG(line));
		else
			*vec_push(a, &all) = parse_process(a, line);
	}
	if (all.n)
		qsort(all.p, all.n, sizeof(*all.p), by_pid);
	*ret = (struct procs){.p = all.p, .n = all.n, .gap = gap};
	return 0;
}
