/* SPDX-License-Identifier: Apache-2.0 */
/* What is mounted on a directory. How full it is is asked by a process of its own: a server that is gone
 * lets whoever asks wait for ever. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/num.h"
#include "host/mountinfo.h"
#include "spec/lookup.h"

enum { EXISTS, OPTS, VFS_OPTS, SOURCE, FILESYSTEM, USAGE, MOUNTPOINT, TIMEOUT };

static const struct attribute attributes[] = {
	[EXISTS] = {"exists", EXPECTED, .required = true},
	[OPTS] = {"opts", EXPECTED},
	[VFS_OPTS] = {"vfs-opts", EXPECTED},
	[SOURCE] = {"source", EXPECTED},
	[FILESYSTEM] = {"filesystem", EXPECTED},
	[USAGE] = {"usage", EXPECTED},
	[MOUNTPOINT] = {"mountpoint", SETTING_TEXT},
	[TIMEOUT] = {"timeout", SETTING_NUMBER},
	{0},
};

static bool has_usage(const struct resource *r)
{
	for (size_t i = 0; i < r->n_properties; i++)
		if (r->properties[i].attribute == USAGE)
			return true;
	return false;
}

/* Per cent of what users can have, as df(1) rounds it: up. */
static void __attribute__((noreturn)) tell_usage(const char *path, int fd)
{
	struct statvfs fs;
	uint64_t used;
	char text[24];
	int n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (statvfs(path, &fs) < 0)
		_exit(1);
	used = fs.f_blocks - fs.f_bfree;
	n = snprintf(text, sizeof(text), "%llu",
				 (unsigned long long)(used + fs.f_bavail ? (100 * used + used + fs.f_bavail - 1) /
															   (used + fs.f_bavail)
														 : 0));
	_exit(write(fd, text, (size_t)n) != n);
}

static int ask_usage(const char *path, int timeout_ms, struct buf *answer, struct err *err)
{
	struct pollfd p = {.events = POLLIN};
	char text[24];
	int fds[2], ready;
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		tell_usage(path, fds[1]);
	close(fds[1]);
	p.fd = fds[0];
	ready = pid < 0 ? 0 : poll(&p, 1, timeout_ms);
	if (ready > 0)
		n = read(fds[0], text, sizeof(text));
	close(fds[0]);
	if (pid > 0 && ready <= 0)
		kill(pid, SIGKILL); /* one that hangs in the kernel stays until it is done there */
	if (pid > 0)
		waitpid(pid, NULL, ready > 0 ? 0 : WNOHANG);
	if (n > 0)
		buf_add(answer, text, (size_t)n);
	return n > 0       ? 0
		   : ready > 0 ? err_set(err, EIO, "%s: how full it is cannot be told", path)
					   : err_set(err, ETIMEDOUT, "%s: no answer in %d ms", path, timeout_ms);
}

static void ask(const struct resource *r, struct buf *answer)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err;

	if (!has_usage(r))
		return;
	buf_putc(answer, '+');
	if (ask_usage(str_dup(&a, r->name), (int)setting_number(r, "timeout", 1000), answer, &err) < 0)
		answer_error(answer, &err);
}

/* The last one that was mounted there is seen. */
static int find_mount(struct finding *f, const struct mount **ret, struct err *err)
{
	struct mounts *all = f->state;
	int r = 0;

	*ret = NULL;
	if (!all) {
		all = arena_new(f->arena, struct mounts, 1);
		r = mountinfo_read(f->host, f->arena, all, err);
	}
	if (r < 0)
		return r;
	f->state = all;
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(mountinfo_unescape(f->arena, all->p[i].target), f->resource->name))
			*ret = &all->p[i];
	return 0;
}

/* Those of the line of mountinfo from `from` to before `to` of its fields of options: first those of the
 * mount, then those of the file system; a repeated one counts once. */
static struct datum options(struct arena *a, struct str text)
{
	VEC(struct str) all = {0};
	struct str one;

	while (str_cut(&text, ',', &one)) {
		bool again = !one.n;

		for (size_t i = 0; i < all.n; i++)
			again = again || str_eq(all.p[i], one);
		if (!again)
			*vec_push(a, &all) = one;
	}
	return datum_texts(a, all.p, all.n);
}

/* The fields behind " - ": type, source, options of the file system. */
static struct str super_options(struct finding *f, const struct mount *m)
{
	struct str text, line, word = STR(""), rest;
	struct err ignored;
	unsigned number = 0;

	if (host_read(f->host, MOUNTINFO_PATH, f->arena, &text, &ignored) < 0)
		return STR("");
	while (str_line(&text, &line))
		if (++number == m->line) {
			const char *at = memmem(line.p, line.n, " - ", 3);

			rest = at ? (struct str){at + 3, line.n - (size_t)(at + 3 - line.p)} : STR("");
			for (int i = 0; i < 3 && str_word(&rest, &word); i++)
				;
			return word;
		}
	return STR("");
}

static int find_usage(struct finding *f, struct datum *ret, struct err *err)
{
	struct str text;
	uint64_t used;
	int r = find_answer(f, &text, err);

	if (r == 0 && num_u64(text, 0, 100, &used) < 0)
		r = err_set(err, EBADMSG, "the answer is no number");
	if (r == 0)
		*ret = DATUM_NUMBER((int64_t)used);
	return r;
}

static int find(struct finding *f, int attribute, struct datum *ret, struct err *err)
{
	const struct mount *m;
	int r = find_mount(f, &m, err);

	*ret = DATUM_YES(m != NULL);
	if (r < 0 || attribute == EXISTS)
		return r;
	if (!m)
		return err_set(err, ENOENT, "nothing is mounted there");
	switch (attribute) {
	case OPTS:
		*ret = options(f->arena, m->options);
		return 0;
	case VFS_OPTS:
		*ret = options(f->arena, super_options(f, m));
		return 0;
	case SOURCE:
		*ret = DATUM_STR(mountinfo_unescape(f->arena, m->source));
		return 0;
	case FILESYSTEM:
		*ret = DATUM_STR(m->fstype);
		return 0;
	default:
		return find_usage(f, ret, err);
	}
}

static const struct kind mount_kind = {
	"mount", "Mount", attributes, .subject = "mountpoint", .gated = true, .ask = ask, .find = find};
KIND(mount_kind);
