/* SPDX-License-Identifier: Apache-2.0 */
#include "host/executables.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/shortage.h"
#include "base/vec.h"
#include "host/fields.h"

#define MAX_FILES 512 /* that differ, and are open at the same time */
#define MAX_ANSWER ((size_t)4 << 20)

/*
 * The query: a line for each file, then one for each process.
 */

struct file {
	int fd;
	dev_t dev;
	ino_t ino;
};

struct pass {
	struct arena arena;
	struct buf processes;
	VEC(struct file) files;
};

static void pass_done(struct pass *p)
{
	vec_each(&p->files, f) close_fd(&f->fd);
	buf_done(&p->processes);
	arena_done(&p->arena);
}

/* The number of the file; takes the descriptor. */
static int add_file(struct pass *p, int *fd)
{
	struct stat st;

	if (fstat(*fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	vec_each(&p->files,
			 f) if (f->dev == st.st_dev && f->ino == st.st_ino) return (int)(f - p->files.p);
	if (p->files.n == MAX_FILES)
		return -EMFILE;
	*vec_push(&p->arena, &p->files) = (struct file){take_fd(fd), st.st_dev, st.st_ino};
	return (int)p->files.n - 1;
}

/* An exe that is not there is that of a process which has ended. */
static void add_process(struct pass *p, int root, const struct proc *proc)
{
	char path[64];
	_cleanup_close_ int fd = -1;
	int n;

	snprintf(path, sizeof(path), "proc/%u/exe", proc->pid);
	fd = openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	n = fd < 0 ? -errno : add_file(p, &fd);
	if (n == -ENOENT || n == -ESRCH)
		return;
	buf_printf(&p->processes, "pid=%u", proc->pid);
	if (n < 0)
		fields_put(&p->processes, "unread", str_of(strerrordesc_np(-n)));
	else
		buf_printf(&p->processes, " file=%d", n);
	buf_putc(&p->processes, '\n');
}

static const char *const relro_names[] = {"static", "none", "partial", "full"};

static void put_elf(struct buf *out, const struct elf *e)
{
	const struct {
		bool is;
		const char *name;
	} flags[] = {{e->pie, " pie"},       {e->linked, " linked"},
				 {e->go, " go"},         {e->executable_stack, " execstack"},
				 {e->canary, " canary"}, {e->fortified, " fortified"}};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].is)
			buf_puts(out, flags[i].name);
	buf_printf(out, " relro=%s", relro_names[e->relro]);
	if (e->control_flow)
		buf_printf(out, " control_flow=%u", e->control_flow);
	if (e->no_names)
		fields_put(out, "no_names", str_of(e->no_names));
	fields_put(out, "library_path", e->library_path);
}

static void put_file(struct buf *out, int fd, size_t number)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct elf elf;
	struct err err = {0};

	buf_printf(out, "file=%zu", number);
	if (elf_read(fd, &scratch, &elf, &err) < 0)
		fields_put(out, "unread", str_of(err.msg));
	else
		put_elf(out, &elf);
	buf_putc(out, '\n');
}

static bool is_looked_at(const struct proc *p)
{
	return !p->inner && (p->uid == 0 || p->n_sockets || p->sockets_unknown);
}

static int executables_live(struct host *host, struct buf *out, struct err *err)
{
	_cleanup_(pass_done) struct pass p = {.processes = BUF(MAX_ANSWER)};
	struct procs procs;
	int r = procs_read(host, &p.arena, &procs, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < procs.n; i++)
		if (is_looked_at(&procs.p[i]))
			add_process(&p, host_root_fd(host), &procs.p[i]);
	r = host_query_confine(err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p.files.n; i++)
		put_file(out, p.files.p[i].fd, i);
	buf_str(out, buf_get(&p.processes));
	return p.processes.full ? err_set(err, ENOBUFS, "more processes than an audit may hold") : 0;
}

static const struct query executables_query = {
	.name = "executables", .live = executables_live, .max = MAX_ANSWER};

void executables_early(struct host *host)
{
	procs_early(host);
	host_query_fork(host, &executables_query);
}

/*
 * What is made of its text.
 */

struct reader {
	struct arena *arena;
	const struct procs *procs;
	VEC(struct executable *) files;
	struct executables *ret;
};

static void parse_flag(struct str name, struct elf *e)
{
	if (str_is(name, "pie"))
		e->pie = true;
	else if (str_is(name, "linked"))
		e->linked = true;
	else if (str_is(name, "go"))
		e->go = true;
	else if (str_is(name, "execstack"))
		e->executable_stack = true;
	else if (str_is(name, "canary"))
		e->canary = true;
	else if (str_is(name, "fortified"))
		e->fortified = true;
}

static void parse_relro(struct str value, struct executable *x)
{
	for (size_t i = 0; i < ARRAY_LEN(relro_names); i++)
		if (str_is(value, relro_names[i])) {
			x->elf.relro = (enum elf_relro)i;
			x->unknown = NULL;
		}
}

static void parse_value(struct arena *a, struct str name, struct str value, struct executable *x)
{
	uint64_t bits;

	if (str_is(name, "unread"))
		x->unknown = str_dup(a, fields_plain(a, value));
	else if (str_is(name, "no_names"))
		x->elf.no_names = str_dup(a, fields_plain(a, value));
	else if (str_is(name, "library_path"))
		x->elf.library_path = fields_plain(a, value);
	else if (str_is(name, "control_flow") && num_u64(value, 0, UINT32_MAX, &bits) == 0)
		x->elf.control_flow = (unsigned)bits;
	else if (str_is(name, "relro"))
		parse_relro(value, x);
}

static struct executable *parse_file(struct arena *a, struct str line)
{
	struct executable *x = arena_new(a, struct executable, 1);
	struct str name, value;

	x->unknown = "nothing was said about it";
	while (fields_next(&line, &name, &value)) {
		if (value.p)
			parse_value(a, name, value, x);
		else
			parse_flag(name, &x->elf);
	}
	return x;
}

static const struct executable **of_process(struct reader *r, uint64_t pid)
{
	size_t low = 0, high = r->procs->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->procs->p[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->procs->n && r->procs->p[low].pid == pid ? &r->ret->by_proc[low] : NULL;
}

static void parse_process(struct reader *r, struct str line)
{
	const struct executable **to = NULL;
	struct str name, value;
	uint64_t n;

	while (fields_next(&line, &name, &value)) {
		if (str_is(name, "pid") && num_u64(value, 1, UINT32_MAX, &n) == 0)
			to = of_process(r, n);
		else if (to && str_is(name, "unread"))
			*to = parse_file(r->arena, (struct str){name.p, (size_t)(value.p + value.n - name.p)});
		else if (to && str_is(name, "file") && num_u64(value, 0, UINT32_MAX, &n) == 0 &&
				 n < r->files.n)
			*to = r->files.p[n];
	}
}

int executables_read(struct host *host, struct arena *a, const struct procs *procs,
					 struct executables *ret, struct err *err)
{
	struct reader r = {.arena = a, .procs = procs, .ret = ret};
	struct str text, line;
	int result = host_query(host, &executables_query, a, &text, err);

	if (result < 0)
		return result;
	ret->n = procs->n;
	ret->by_proc = arena_new(a, const struct executable *, procs->n + 1);
	while (str_line(&text, &line)) {
		if (str_starts(line, "file="))
			*vec_push(a, &r.files) = parse_file(a, line);
		else
			parse_process(&r, line);
	}
	return 0;
}
