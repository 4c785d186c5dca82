/* SPDX-License-Identifier: Apache-2.0 */
#include "change/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "base/path.h"

#define MAX_DEPTH 64

struct process {
	int pid, parent;
	uint64_t ticks; /* when it started, in clock ticks after boot */
	char name[32];
};

/* /proc/PID/stat: the name stands in the last parentheses, whatever is in it. */
static int read_process(int root_fd, int pid, struct arena *a, struct process *ret)
{
	const char *path = arena_printf(a, "/proc/%d/stat", pid), *open, *close;
	struct str text, word;
	uint64_t parent = 0;
	int r = path_read(root_fd, path, 65536, a, &text);

	if (r < 0)
		return r;
	open = memchr(text.p, '(', text.n);
	close = memrchr(text.p, ')', text.n);
	if (!open || !close || close < open)
		return -EINVAL;
	*ret = (struct process){.pid = pid};
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(close - open - 1), open + 1);
	text = (struct str){close + 1, text.n - (size_t)(close + 1 - text.p)};
	for (int field = 3; field <= 22 && str_word(&text, &word); field++)
		if (field == 4)
			(void)num_u64(word, 0, INT32_MAX, &parent);
		else if (field == 22)
			(void)num_u64(word, 0, UINT64_MAX, &ret->ticks);
	ret->parent = (int)parent;
	return 0;
}

int64_t session_now(void)
{
	int64_t hz = sysconf(_SC_CLK_TCK);
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * hz + ts.tv_nsec * hz / 1000000000;
}

/* sudo takes the variable out of the environment, the shell above it still has it. */
static void find_peer(int root_fd, int pid, struct arena *a, struct session *s)
{
	struct str text, entry, word;

	if (s->peer[0] ||
		path_read(root_fd, arena_printf(a, "/proc/%d/environ", pid), 1u << 20, a, &text) < 0)
		return;
	while (str_cut(&text, '\0', &entry))
		if (str_skip(&entry, "SSH_CONNECTION=") && str_cut(&entry, ' ', &word)) {
			snprintf(s->peer, sizeof(s->peer), "%.*s", STR_ARG(word));
			(void)str_word(&entry, &word); /* the client's port */
			if (str_word(&entry, &word))
				snprintf(s->local, sizeof(s->local), "%.*s", STR_ARG(word));
			if (str_word(&entry, &word))
				snprintf(s->port, sizeof(s->port), "%.*s", STR_ARG(word));
		}
}

/* What changes its user hides whose it was from /proc; the processes below it do not. */
static void find_owner(int root_fd, int pid, struct arena *a, struct session *s)
{
	struct path_stat st;

	if (path_stat(root_fd, arena_printf(a, "/proc/%d", pid), true, &st) == 0 && st.uid != 0)
		s->uid = st.uid;
}

/* Up to the process below the first one, or below the sshd that listens. */
int session_of_self(struct session *ret, struct err *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_arena_ struct arena a = {0};
	struct process p, parent;
	int r = read_process(root, getpid(), &a, &p);

	*ret = (struct session){0};
	for (int i = 0; r == 0 && i < MAX_DEPTH && p.parent > 1; i++) {
		find_peer(root, p.pid, &a, ret);
		find_owner(root, p.pid, &a, ret);
		r = read_process(root, p.parent, &a, &parent);
		if (r < 0 || (strcmp(parent.name, "sshd") == 0 && parent.parent <= 1))
			break;
		p = parent;
	}
	if (r < 0)
		return err_errno(err, -r, "/proc/self: cannot tell which session this is");
	find_peer(root, p.pid, &a, ret);
	find_owner(root, p.pid, &a, ret);
	ret->pid = p.pid;
	ret->started = (int64_t)p.ticks;
	snprintf(ret->id, sizeof(ret->id), "%d-%llu", p.pid, (unsigned long long)p.ticks);
	return 0;
}
