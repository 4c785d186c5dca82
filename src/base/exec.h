/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helper programs: an argv array, an absolute program, a fixed environment, a time limit and an
 * output cap; never a shell. exec_start() returns at once, so that several can run while the
 * caller does something else; exec_finish() collects.
 */
#ifndef REVET_BASE_EXEC_H
#define REVET_BASE_EXEC_H

#include "base/err.h"
#include "base/str.h"

struct exec {
	int pid, pidfd;      /* -1 when it was never started or is finished */
	int out_fd, err_fd;  /* its stdout and stderr */
	int go_fd, report_fd; /* of one that is held: what lets it go, and what says that exec failed */
	int start_errno;     /* why it could not be started; 0 */
};
#define EXEC_NONE   \
	((struct exec){ \
		.pid = -1, .pidfd = -1, .out_fd = -1, .err_fd = -1, .go_fd = -1, .report_fd = -1})

struct exec_result {
	struct str out, err; /* stdout; the first KiB of stderr */
	int status;          /* exit code, or 128 + the signal's number */
};

/* Starts argv[0], an absolute path (that begins with /usr: or the same without it), with stdin from
 * /dev/null, the environment PATH, LC_ALL=C and TZ=UTC only, umask 077, default signal dispositions,
 * no inherited descriptors. `in_child` (may be NULL) runs between fork and exec and may use
 * async-signal-safe calls only; non-zero ends the child with 126. A failure to start is kept in
 * start_errno and reported by exec_finish(). */
struct exec exec_start(const char *const argv[], int (*in_child)(void *), void *data);
/* The same, with stdin from a descriptor, which stays the caller's. */
struct exec exec_start_input(const char *const argv[], int input, int (*in_child)(void *), void *data);
/* And with an environment of the caller's, whose umask it has then, too. NULL: the fixed one. */
struct exec exec_start_env(const char *const argv[], int input, char *const env[],
						   int (*in_child)(void *), void *data);

/* As exec_start(), but the program does not begin before exec_go(), which a process may call that could
 * start none any more. It ends with the thread that called this. */
struct exec exec_hold(const char *const argv[], int (*in_child)(void *), void *data);
void exec_go(struct exec *);

/* Waits at most timeout_ms, reads at most max bytes of stdout, then kills and reaps the child,
 * with its process group where in_child() has made it the leader of one.
 * 0 even when the program failed: look at status. -ENOENT: no such program; -ETIMEDOUT; -EFBIG. */
int exec_finish(struct exec *, size_t max, int timeout_ms, struct arena *, struct exec_result *ret,
				struct err *);
/* The same, with more of stderr; what is past max_err is left out. */
int exec_finish_both(struct exec *, size_t max, size_t max_err, int timeout_ms, struct arena *,
					 struct exec_result *ret, struct err *);
void exec_done(struct exec *); /* kills and reaps what is still running, as above */
/* Closes every descriptor from `first` on. Async-signal-safe. */
void exec_close_fds(int first);

#endif
