/* SPDX-License-Identifier: Apache-2.0 */
#include "change/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/num.h"
#include "base/path.h"

enum { STATE = 3, PARENT = 4, STARTED = 22 }; /* the fields, as proc(5) counts them */

/* The name stands in the last parentheses, whatever is in it. */
int process_read(int root_fd, int pid, struct arena *a, struct process *ret)
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
	for (int field = STATE; field <= STARTED && str_word(&text, &word); field++)
		if (field == STATE)
			ret->ended = str_is(word, "Z") || str_is(word, "X");
		else if (field == PARENT)
			(void)num_u64(word, 0, INT32_MAX, &parent);
		else if (field == STARTED)
			(void)num_u64(word, 0, UINT64_MAX, &ret->ticks);
	ret->parent = (int)parent;
	return 0;
}

#define MAX_PROCESSES ((size_t)1 << 22) /* as many as pid_max may be at most */
#define TRIES 100
#define EVERY_MS 20

static bool is_child(int root_fd, int pid, int64_t since)
{
	_cleanup_arena_ struct arena a = {0};
	struct process p;

	return process_read(root_fd, pid, &a, &p) == 0 && p.parent == getpid() &&
		   (int64_t)p.ticks >= since;
}

/* A child keeps its number until it is waited for. */
static bool end_children(int root_fd, int64_t since)
{
	_cleanup_arena_ struct arena a = {0};
	struct path_entry *entries = NULL;
	bool more, any = false;
	size_t n = 0;

	if (path_list(root_fd, "/proc", MAX_PROCESSES, &a, &entries, &n, &more) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t pid;

		if (num_u64(str_of(entries[i].name), 1, INT32_MAX, &pid) < 0 ||
			!is_child(root_fd, (int)pid, since))
			continue;
		any = true;
		(void)kill((pid_t)pid, SIGKILL);
		(void)waitpid((pid_t)pid, NULL, WNOHANG);
	}
	return any;
}

void process_end_children(int64_t since)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; root >= 0 && i < TRIES && end_children(root, since); i++)
		nanosleep(&(struct timespec){.tv_nsec = EVERY_MS * 1000000L}, NULL);
}
