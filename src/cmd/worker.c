/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cmd/cmd.h"

#define MAX_SNAPSHOT ((size_t)256 << 20)

int open_catalogue(struct catalogue *c, const struct given *g, int set_option)
{
	const char *dir = getenv("REVET_RULES");
	struct err err;

	if (catalogue_load(c, dir ? dir : "/etc/revet/rules.d", &err) < 0)
		return fail(EXIT_CONFIG, "%s", err.msg);
	for (size_t i = 0; i < g->n; i++)
		if (set_option >= 0 && g->p[i].option == set_option &&
			catalogue_set(c, g->p[i].value, &err) < 0)
			return fail(EXIT_USAGE, "%s", err.msg);
	return 0;
}

/* --- outputs --------------------------------------------------------------------------------- */

int output_open(struct output *o, const char *path)
{
	size_t n = strlen(path) + 16;

	o->path = path;
	o->fd = -1;
	o->temp = mem_calloc(n, 1);
	snprintf(o->temp, n, "%s.XXXXXX", path);
	o->fd = mkostemp(o->temp, O_CLOEXEC);
	if (o->fd < 0)
		return fail(EXIT_CANNOT, "%s: cannot be written: %s", path, strerror(errno));
	return fchmod(o->fd, 0640) < 0 ? -errno : 0;
}

static int write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s.p += n;
		s.n -= (size_t)n;
	}
	return 0;
}

int output_write(const struct output *o, struct str s)
{
	int r = write_all(o->path ? o->fd : STDOUT_FILENO, s);

	if (r == -EPIPE)
		return EXIT_CANNOT;
	return r < 0 ? fail(EXIT_CANNOT, "%s: %s", o->path ? o->path : "standard output", strerror(-r))
				 : 0;
}

void output_end(struct output *o, bool done)
{
	if (!o->temp)
		return;
	if (done && fsync(o->fd) == 0 && rename(o->temp, o->path) == 0)
		done = true;
	else
		unlink(o->temp);
	close_fd(&o->fd);
	free(take_ptr(o->temp));
}

/* --- the worker ------------------------------------------------------------------------------ */

static int read_snapshot_file(struct worker *w, int fd)
{
	const char *path = w->source.snapshot_file;
	_cleanup_buf_ struct buf text = BUF(MAX_SNAPSHOT);
	struct err err;
	ssize_t n;

	for (;;) {
		char *to = buf_reserve(&text, 65536);

		if (!to)
			return fail(EXIT_CANNOT, "%s: larger than 256 MiB", path);
		n = read(fd, to, 65536);
		if (n < 0)
			return fail(EXIT_CANNOT, "%s: %s", path, strerror(errno));
		if (n == 0)
			break;
		buf_commit(&text, (size_t)n);
	}
	if (snapshot_parse(w->snapshot, buf_get(&text), path, &err) < 0)
		return fail(EXIT_CONFIG, "%s", err.msg);
	return 0;
}

static int write_recording(struct worker *w)
{
	_cleanup_buf_ struct buf text = BUF(MAX_SNAPSHOT);

	if (host_recording(w->source.host, &text) < 0)
		return fail(EXIT_CANNOT, "the recording is larger than 256 MiB");
	return write_all(w->record_fd, buf_get(&text)) < 0
			   ? fail(EXIT_CANNOT, "%s: %s", w->source.record_dir, strerror(errno))
			   : 0;
}

static int child(struct worker *w, int snapshot_fd)
{
	struct err err;
	int code = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(EXIT_CANNOT, "prctl: %s", strerror(errno));
	if (w->source.host)
		snapshot_prestart(w->snapshot, w->source.host);
	if (confine_reader(&w->confinement, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	if (w->source.host)
		snapshot_read(w->snapshot, w->source.host, NULL, NULL);
	else
		code = read_snapshot_file(w, snapshot_fd);
	if (code == 0 && w->source.record_dir)
		code = write_recording(w);
	return code ? code : w->use(w, w->data);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(EXIT_CANNOT, "waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGINT
				   ? 130
				   : fail(EXIT_CANNOT, "the worker that reads the host was ended by signal %d; nothing "
									   "was judged", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int open_recording_file(struct worker *w, struct output *o)
{
	char path[PATH_MAX];

	if (mkdir(w->source.record_dir, 0700) < 0 && errno != EEXIST)
		return fail(EXIT_CANNOT, "%s: %s", w->source.record_dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/recording", w->source.record_dir);
	if (output_open(o, strdup(path)))
		return EXIT_CANNOT;
	w->record_fd = o->fd;
	host_record(w->source.host);
	return 0;
}

int worker_run(struct worker *w)
{
	struct output recording = {.fd = -1};
	int snapshot_fd = -1, code = 0;
	struct err err;
	pid_t pid;

	if (w->source.snapshot_file) {
		snapshot_fd = open(w->source.snapshot_file, O_RDONLY | O_CLOEXEC);
		if (snapshot_fd < 0)
			return fail(EXIT_CANNOT, "%s: %s", w->source.snapshot_file, strerror(errno));
	} else {
		w->source.host = host_open(w->source.root ? w->source.root : "/", &err);
		if (!w->source.host)
			return fail(EXIT_CANNOT, "%s", err.msg);
	}
	if (w->source.record_dir && w->source.host)
		code = open_recording_file(w, &recording);
	if (code == 0) {
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			code = child(w, snapshot_fd);
			_exit(fflush(stdout) == 0 ? code : EXIT_CANNOT);
		}
		code = pid < 0 ? fail(EXIT_CANNOT, "fork: %s", strerror(errno)) : wait_for(pid);
	}
	for (size_t i = 0; i < w->n_outputs; i++)
		output_end(&w->outputs[i], code == 0 || code == EXIT_FINDINGS || code == EXIT_UNKNOWN);
	output_end(&recording, code == 0 || code == EXIT_FINDINGS || code == EXIT_UNKNOWN);
	host_free(w->source.host);
	close_fd(&snapshot_fd);
	return code;
}
