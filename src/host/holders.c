/* SPDX-License-Identifier: Apache-2.0 */
#include "host/holders.h"

#include <stdlib.h>

#include "base/vec.h"

static int by_inode(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->proc->pid > y->proc->pid) - (x->proc->pid < y->proc->pid);
}

/* In a process namespace of its own (a container with the host's network) what is outside is not
 * seen. The first namespace has a fixed number, PROC_PID_INIT_INO. */
static bool sees_all_processes(struct host *host, struct arena *a)
{
	struct err ignored;
	struct str link;

	return host_readlink(host, "/proc/self/ns/pid", a, &link, &ignored) == 0 &&
		   str_is(link, "pid:[4026531836]");
}

void holders_read(struct host *host, struct arena *a, struct holders *ret)
{
	VEC(struct holder) all = {0};
	struct procs procs = {0};
	struct err err = {0};

	*ret = (struct holders){0};
	if (procs_read(host, a, &procs, &err) < 0)
		ret->unknown = arena_strdup(a, err.msg);
	else if (procs.gap)
		ret->unknown = procs.gap;
	else if (!sees_all_processes(host, a))
		ret->unknown = "no process seen here holds it; those outside this container are not seen";
	for (size_t i = 0; i < procs.n; i++) {
		const struct proc *p = &procs.p[i];

		if (p->sockets_unknown && !ret->unknown)
			ret->unknown = "the descriptors of some processes could not be read (root may read "
						   "all)";
		for (size_t k = 0; k < p->n_sockets; k++)
			*vec_push(a, &all) = (struct holder){p->sockets[k], p};
	}
	if (all.n)
		qsort(all.p, all.n, sizeof(*all.p), by_inode);
	ret->p = all.p;
	ret->n = all.n;
}

static size_t first_holder(const struct holders *h, uint64_t inode)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->p[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An init that opens sockets for others and passes them on. In a container process 1 is the server
 * itself. */
static bool is_init(const struct proc *p)
{
	return p->pid == 1 && (str_is(p->name, "systemd") || str_is(p->name, "init"));
}

static bool holds(const struct holder *p, size_t n, uint32_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].proc->pid == pid && !is_init(p[i].proc))
			return true;
	return false;
}

/* Of several that share a socket, the one that the others come from. Looks at the first few: a
 * server has no more levels. */
const struct proc *holders_find(const struct holders *h, uint64_t inode)
{
	size_t from = first_holder(h, inode), n = 0;

	if (!inode)
		return NULL;
	while (from + n < h->n && h->p[from + n].inode == inode && n < 64)
		n++;
	for (size_t i = 0; i < n; i++) {
		const struct proc *p = h->p[from + i].proc;

		if (!is_init(p) && !holds(h->p + from, n, p->ppid))
			return p;
	}
	return n ? h->p[from].proc : NULL;
}
