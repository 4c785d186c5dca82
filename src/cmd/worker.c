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

/* The site file is about this machine: of a tree or a snapshot it says nothing unless it was named. */
static int open_site(struct site *site, const struct given *g, const struct opening *o, struct arena *a,
					 struct err *err)
{
	const char *named = o->site < 0 ? NULL : given_value(g, o->site), *path = getenv("REVET_SITE");

	*site = (struct site){0};
	if (!named && o->elsewhere)
		return 0;
	path = named ? named : path ? path : SITE_FILE;
	return site_read(site, path, named != NULL, a, err);
}

/* The one that the site file names, if it does. */
static int apply_own_profile(struct catalogue *c, const struct site *site, struct err *err)
{
	const struct site_file *file = &site->file;
	struct err why;

	if (!file->profile.p)
		return profile_apply(c, PROFILE_USER_DIR, PROFILE_DEFAULT, err);
	return profile_apply(c, PROFILE_USER_DIR, str_dup(&c->arena, file->profile), &why) < 0
			   ? yaml_err(file->profile_at, err, "%s", why.msg)
			   : 0;
}

static int choose(struct catalogue *c, struct site *site, const struct given *g, const struct opening *o)
{
	const char *profile = o->profile < 0 ? NULL : given_value(g, o->profile);
	struct err err = {0};

	if (open_site(site, g, o, &c->arena, &err) < 0)
		return fail(EXIT_CONFIG, "%s", err.msg);
	if (profile && profile_apply(c, PROFILE_USER_DIR, profile, &err) < 0)
		return fail(err.errnum == ENOENT ? EXIT_USAGE : EXIT_CONFIG, "%s", err.msg);
	if (!profile && apply_own_profile(c, site, &err) < 0)
		return fail(EXIT_CONFIG, "%s", err.msg);
	return site_apply(site, c, &err) < 0 ? fail(EXIT_CONFIG, "%s", err.msg) : 0;
}

int open_catalogue(struct catalogue *c, struct site *site, const struct given *g,
				   const struct opening *o)
{
	const char *dir = getenv("REVET_RULES");
	struct err err;
	int code;

	if (catalogue_load(c, dir ? dir : "/etc/revet/rules.d", &err) < 0)
		return fail(EXIT_CONFIG, "%s", err.msg);
	code = o ? choose(c, site, g, o) : 0;
	for (size_t i = 0; o && code == 0 && i < g->n; i++)
		if (o->set >= 0 && g->p[i].option == o->set && catalogue_set(c, g->p[i].value, &err) < 0)
			code = fail(EXIT_USAGE, "%s", err.msg);
	return code;
}

/* --- outputs --------------------------------------------------------------------------------- */

int output_open(struct output *o, const char *path)
{
	size_t n = strlen(path) + 16;
	struct stat st;

	o->path = path;
	o->fd = -1;
	if (!*path)
		return fail(EXIT_USAGE, "the name of the output file is empty");
	/* A rename would put a file in place of a device, a pipe or a link. */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return fail(EXIT_CANNOT, "%s: is there and is no regular file", path);
	hold_signals(); /* from here on there is something to clear up */
	o->temp = mem_calloc(n, 1);
	snprintf(o->temp, n, "%s.XXXXXX", path);
	o->fd = mkostemp(o->temp, O_CLOEXEC);
	if (o->fd >= 0 && fchmod(o->fd, 0640) == 0)
		return 0;
	return fail(EXIT_CANNOT, "%s: cannot be written: %s", path, strerror(errno));
}

int output_write(const struct output *o, struct str s)
{
	int r = fd_write_all(o->path ? o->fd : STDOUT_FILENO, s);

	if (r == -EPIPE)
		return EXIT_CANNOT;
	return r < 0 ? fail(EXIT_CANNOT, "%s cannot be written: %s",
						o->path ? o->path : "standard output", strerror(-r))
				 : 0;
}

/* Some network file systems know no rename that replaces nothing; a second name they do know. */
static int put_in_place(const struct output *o)
{
	if (!o->fresh)
		return rename(o->temp, o->path);
	if (renameat2(AT_FDCWD, o->temp, AT_FDCWD, o->path, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL && link(o->temp, o->path) == 0 ? unlink(o->temp) : -1;
}

int output_end(struct output *o, int code)
{
	bool keep = code == EXIT_DONE || code == EXIT_FINDINGS || code == EXIT_UNKNOWN;

	if (o->fd >= 0 && keep && (fsync(o->fd) < 0 || put_in_place(o) < 0)) {
		code = fail(EXIT_CANNOT, "%s: cannot be written: %s", o->path, strerror(errno));
		keep = false;
	}
	if (o->fd >= 0 && !keep)
		unlink(o->temp);
	close_fd(&o->fd);
	free(take_ptr(o->temp));
	return code;
}

/* --- the worker ------------------------------------------------------------------------------ */

int read_file(int fd, const char *path, struct buf *ret)
{
	int r = fd_read_all(fd, ret);

	if (r == -ENOBUFS)
		return fail(EXIT_CANNOT, "%s: larger than 256 MiB", path);
	return r < 0 ? fail(EXIT_CANNOT, "%s: %s", path, strerror(-r)) : 0;
}

static int read_snapshot_file(struct worker *w, int fd)
{
	const char *path = w->source.snapshot_file;
	_cleanup_buf_ struct buf text = BUF(MAX_SNAPSHOT);
	struct err err;
	int code = read_file(fd, path, &text);

	if (code == 0 && snapshot_parse(w->snapshot, buf_get(&text), path, &err) < 0)
		code = fail(EXIT_CONFIG, "%s", err.msg);
	return code;
}

static int write_recording(struct worker *w)
{
	_cleanup_buf_ struct buf text = BUF(MAX_SNAPSHOT);
	int r;

	if (host_recording(w->source.host, &text) < 0)
		return fail(EXIT_CANNOT, "the recording is larger than 256 MiB");
	r = fd_write_all(w->record_fd, buf_get(&text));
	return r < 0 ? fail(EXIT_CANNOT, "%s: %s", w->source.record_dir, strerror(-r)) : 0;
}

static void read_host(struct worker *w)
{
	struct progress *p = w->quiet || !progress_wanted()
							 ? NULL
							 : progress_begin(snapshot_wanted(w->snapshot));

	snapshot_read(w->snapshot, w->source.host, p ? progress_table : NULL, p);
	progress_end(p);
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
		read_host(w);
	else
		code = read_snapshot_file(w, snapshot_fd);
	if (code == 0 && w->source.record_dir)
		code = write_recording(w);
	return code ? code : w->use(w, w->data);
}

/* What the parent waits for, blocked from before the fork, so that none is missed. */
static sigset_t awaited_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void hold_signals(void)
{
	const sigset_t set = awaited_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int exit_code(int status, int interrupted)
{
	if (interrupted)
		return 128 + interrupted;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGINT)
		return 130;
	return fail(EXIT_CANNOT, "the worker that reads the host was ended by signal %d; nothing was judged",
				WTERMSIG(status));
}

/* Until the worker ends; one that is interrupted is ended, so that what it left can be cleared up. */
static int wait_for(pid_t pid, const sigset_t *set)
{
	int status, interrupted = 0;

	for (;;) {
		int sig = sigwaitinfo(set, NULL);

		if (sig == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			return exit_code(status, interrupted);
		if (sig > 0 && sig != SIGCHLD) {
			interrupted = sig;
			kill(pid, SIGKILL);
		}
	}
}

/* Forks the worker, waits for its end, and returns its exit code. */
static int run_child(struct worker *w, int snapshot_fd)
{
	const sigset_t set = awaited_signals();
	pid_t pid;
	int code;

	signal(SIGCHLD, SIG_DFL); /* ignored, it would reap the worker before we do */
	hold_signals();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		code = child(w, snapshot_fd);
		_exit(end_stdout(code));
	}
	code = pid < 0 ? fail(EXIT_CANNOT, "fork: %s", strerror(errno)) : wait_for(pid, &set);
	return code;
}

static int open_recording_file(struct worker *w, struct output *o, char path[PATH_MAX])
{
	if (mkdir(w->source.record_dir, 0700) < 0 && errno != EEXIST)
		return fail(EXIT_CANNOT, "%s: %s", w->source.record_dir, strerror(errno));
	snprintf(path, PATH_MAX, "%s/recording", w->source.record_dir);
	if (output_open(o, path))
		return EXIT_CANNOT;
	w->record_fd = o->fd;
	host_record(w->source.host);
	return 0;
}

int worker_run(struct worker *w)
{
	struct output recording = {.fd = -1};
	char recording_path[PATH_MAX];
	int snapshot_fd = -1, code = 0;
	struct err err;

	if (w->source.snapshot_file) {
		snapshot_fd = open(w->source.snapshot_file, O_RDONLY | O_CLOEXEC);
		if (snapshot_fd < 0)
			return fail(EXIT_CANNOT, "%s: %s", w->source.snapshot_file, strerror(errno));
	} else {
		w->source.host = host_open(w->source.root ? w->source.root : "/", &err);
		if (!w->source.host)
			return fail(EXIT_CANNOT, "%s%s", err.msg,
						err.errnum == ENOTDIR ? "; of a snapshot: revet audit --snapshot FILE"
											  : "");
		if (w->source.site && w->source.site->path)
			host_give(w->source.host, SITE_FILE, w->source.site->text);
	}
	if (w->source.record_dir && w->source.host)
		code = open_recording_file(w, &recording, recording_path);
	if (code == 0)
		code = run_child(w, snapshot_fd);
	code = output_end(&recording, code);
	host_free(w->source.host);
	close_fd(&snapshot_fd);
	return code;
}
