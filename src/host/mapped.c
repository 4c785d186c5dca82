/* SPDX-License-Identifier: Apache-2.0 */
#include "host/mapped.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/num.h"
#include "base/shortage.h"
#include "base/vec.h"
#include "host/fields.h"

#define MAX_TEXT ((size_t)4 << 20)       /* of the maps of one process */
#define MAX_ALL_TEXT ((size_t)128 << 20) /* of all together */
#define MAX_MAPPINGS 16384               /* of code, of one process */
#define MAX_ALL_MAPPINGS (1u << 20)
#define MAX_FILES 256 /* of one process, that are gone */
#define MAX_ANSWER ((size_t)16 << 20)

static const char gone[] = " (deleted)";

/* From Linux 6.11 on the kernel can be asked for the mappings of code alone, which takes a tenth of
 * the time of the whole list (linux/fs.h, newer than Debian 12's). */
struct procmap_query {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};
#define PROCMAP_QUERY_CALL _IOWR('f', 17, struct procmap_query)
#define EXECUTABLE 0x04
#define THIS_OR_NEXT 0x10
#define FILE_BACKED 0x20

/*
 * The query: one line a process that has any.
 */

struct pass {
	struct buf *out;
	size_t text;       /* that may still be read */
	unsigned mappings; /* that may still be asked for */
	bool no_call;      /* this kernel has no PROCMAP_QUERY */
	size_t files;      /* of the process at hand */
	char last[PATH_MAX + sizeof(gone)];
	struct buf *maps;
};

static bool has_ended(int error)
{
	return error == ESRCH || error == ENOENT || error == ENOTDIR;
}

/* "libx.so", "libx.so.3", and what rpm renames while it is at work, "libx.so;5f1e"; Node.js' own. Code
 * that programs make for themselves, in files that they delete at once, is called otherwise. */
static bool is_library(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);
	struct str name = path;

	if (slash)
		name = (struct str){slash + 1, (size_t)(path.p + path.n - slash - 1)};
	for (size_t i = 1; i + 3 <= name.n; i++)
		if (memcmp(name.p + i, ".so", 3) == 0 &&
			(i + 3 == name.n || name.p[i + 3] == '.' || name.p[i + 3] == ';'))
			return true;
	return str_ends(name, ".node");
}

/* Of a file on NFS that is in use the client only takes away the name. */
static bool is_gone(struct str *path)
{
	const char *slash = memrchr(path->p, '/', path->n);

	if (str_ends(*path, gone)) {
		path->n -= strlen(gone);
		return is_library(*path);
	}
	return slash && str_starts((struct str){slash, (size_t)(path->p + path->n - slash)}, "/.nfs");
}

/* A library is mapped in several pieces, which follow each other. */
static void see_mapping(struct pass *p, const char *pid, struct str path)
{
	if (!path.n || path.p[0] != '/' || path.n >= sizeof(p->last) || !is_gone(&path))
		return;
	if (p->files && str_is(path, p->last))
		return;
	memcpy(p->last, path.p, path.n);
	p->last[path.n] = '\0';
	if (p->files++ == 0)
		buf_printf(p->out, "pid=%s", pid);
	if (p->files <= MAX_FILES)
		fields_put(p->out, "file", path);
}

/* 0, or negative errno: -ENOTTY when the kernel cannot be asked so. */
static int ask_mappings(struct pass *p, const char *pid, int fd)
{
	char name[PATH_MAX + sizeof(gone)];
	uint64_t from = 0;

	for (unsigned n = 0; n < MAX_MAPPINGS && p->mappings; n++, p->mappings--) {
		struct procmap_query q = {.size = sizeof(q),
								  .query_flags = THIS_OR_NEXT | FILE_BACKED | EXECUTABLE,
								  .query_addr = from,
								  .vma_name_size = sizeof(name),
								  .vma_name_addr = (uint64_t)(uintptr_t)name};

		if (ioctl(fd, PROCMAP_QUERY_CALL, &q) < 0)
			return errno == ENOENT ? 0 : -errno;
		if (q.vma_name_size)
			see_mapping(p, pid, (struct str){name, strnlen(name, sizeof(name))});
		if (q.vma_end <= from)
			return -EINVAL;
		from = q.vma_end;
	}
	return -E2BIG;
}

/* "55d0c0a6d000-55d0c0a8f000 r-xp 00002000 fe:01 1234   /usr/lib/x.so (deleted)", with a newline in
 * the path written as \012. */
static void see_line(struct pass *p, const char *pid, struct str line)
{
	struct str word, permissions;

	if (!str_word(&line, &word) || !str_word(&line, &permissions) || permissions.n < 3 ||
		permissions.p[2] != 'x')
		return;
	for (int i = 0; i < 3; i++)
		if (!str_word(&line, &word))
			return;
	see_mapping(p, pid, str_trim(line));
}

static int read_maps(struct pass *p, const char *pid, int fd)
{
	struct str text, line;
	int r;

	if (!p->text)
		return -E2BIG;
	buf_clear(p->maps);
	r = fd_read_all(fd, p->maps);
	if (r < 0)
		return r == -ENOBUFS ? -E2BIG : r;
	text = buf_get(p->maps);
	p->text -= MIN(p->text, text.n);
	while (str_line(&text, &line))
		see_line(p, pid, line);
	return 0;
}

static int see_process(struct pass *p, int proc, const char *pid)
{
	char path[300];
	_cleanup_close_ int fd = -1;
	int r = -ENOTTY;

	snprintf(path, sizeof(path), "%s/maps", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return shortage_note(-errno, path);
	if (!p->no_call)
		r = ask_mappings(p, pid, fd);
	p->no_call = p->no_call || r == -ENOTTY || r == -EINVAL;
	/* -ENAMETOOLONG: the answer has no room for what follows a long path. */
	return p->no_call || r == -ENAMETOOLONG ? read_maps(p, pid, fd) : r;
}

static void put_process(struct pass *p, int proc, const char *pid)
{
	int r;

	p->files = 0;
	r = see_process(p, proc, pid);
	if (p->files)
		buf_putc(p->out, '\n');
	if (p->files > MAX_FILES)
		r = -E2BIG;
	if (r < 0 && !has_ended(-r))
		buf_printf(p->out, "unread %s: %s\n", pid,
				   r == -E2BIG ? "more than an audit looks at" : strerrordesc_np(-r));
}

static void dir_close(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int mapped_live(struct host *host, struct buf *out, struct err *err)
{
	_cleanup_buf_ struct buf maps = BUF(MAX_TEXT);
	struct pass p = {.out = out, .text = MAX_ALL_TEXT, .mappings = MAX_ALL_MAPPINGS, .maps = &maps};
	_cleanup_close_ int fd = openat(host_root_fd(host), "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(dir_close) DIR *proc = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!proc)
		return err_errno(err, errno, "/proc");
	take_fd(&fd);
	while (errno = 0, (d = readdir(proc)))
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
			put_process(&p, dirfd(proc), d->d_name);
	return errno ? err_errno(err, errno, "/proc") : 0;
}

static const struct query mapped_query = {.name = "mapped", .live = mapped_live, .max = MAX_ANSWER};

void mapped_early(struct host *host)
{
	host_query_fork(host, &mapped_query);
}

/*
 * What is made of its text.
 */

static struct mapped parse_process(struct arena *a, struct str line)
{
	struct mapped m = {0};
	VEC(struct str) files = {0};
	struct str name, value;
	uint64_t pid;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "pid") && num_u64(value, 1, UINT32_MAX, &pid) == 0)
			m.pid = (uint32_t)pid;
		else if (str_is(name, "file") && value.n)
			*vec_push(a, &files) = fields_plain(a, value);
	}
	m.files = files.p;
	m.n = files.n;
	return m;
}

static int by_pid(const void *a, const void *b)
{
	const struct mapped *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int mapped_read(struct host *host, struct arena *a, struct mapped_all *ret, struct err *err)
{
	VEC(struct mapped) all = {0};
	const char *gap = NULL;
	struct str text, line;
	int r = host_query(host, &mapped_query, a, &text, err);

	if (r < 0)
		return r;
	while (str_line(&text, &line)) {
		if (str_skip(&line, "unread "))
			gap = arena_printf(a, "what process %.*s", STR_ARG(line));
		else
			*vec_push(a, &all) = parse_process(a, line);
	}
	if (all.n)
		qsort(all.p, all.n, sizeof(*all.p), by_pid);
	*ret = (struct mapped_all){.p = all.p, .n = all.n, .gap = gap};
	return 0;
}
