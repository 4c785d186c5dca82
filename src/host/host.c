/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "base/confine.h"
#include "base/exec.h"
#include "base/num.h"
#include "base/shortage.h"
#include "base/vec.h"
#include "host/recording.h"
#include "host/secret.h"

/* A helper runs once: several tables may need what the same one says. */
struct started {
	const struct helper *helper;
	struct exec exec;
	int missing;          /* errno when there is nothing to start */
	pthread_mutex_t lock; /* of all below; held while it is waited for */
	bool done;
	int error;
	struct err err;
	struct arena arena;
	struct str out;
};

struct memo {
	const char *name;
	pthread_mutex_t lock; /* held while the query runs */
	bool done;
	int error;
	struct err err;
	struct buf answer;
	struct errand *errand; /* a thread that runs it already, or NULL */
	int child, child_fd;   /* a process that does, and its answer; -1 */
	struct memo *outer;    /* while it runs: the query of the same thread that asked for this one */
};

struct errand {
	struct host *host;
	const struct query *query;
	struct memo *memo;
	int (*confine)(struct err *);
	sem_t confined;
	pthread_t thread;
};

static _Thread_local struct memo *running;

struct host {
	char *root;
	int root_fd;
	bool live, is_root;
	int64_t now;

	bool replay; /* answers come from `recording`, what is not there is `missing` */
	int missing;
	struct recording recording;

	pthread_mutex_t lock; /* of all below */
	struct arena arena;
	VEC(struct started *) started;
	VEC(struct memo *) memos;
	bool record;
	struct buf recorded;
	struct map recorded_keys;
};

/* What the host itself holds is no table's, and nobody may give up with the lock in hand. */
static struct mem_limit *lock(struct host *h)
{
	struct mem_limit *limit = mem_limit(NULL);

	pthread_mutex_lock(&h->lock);
	return limit;
}

static void unlock(struct host *h, struct mem_limit *limit)
{
	pthread_mutex_unlock(&h->lock);
	mem_limit(limit);
}

static struct host *host_new(const char *root)
{
	struct host *h = mem_calloc(1, sizeof(*h));

	h->root = strdup(root);
	h->root_fd = -1;
	h->now = time(NULL);
	h->is_root = geteuid() == 0;
	h->recorded = BUF(RECORDING_MAX);
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

struct host *host_open_recording(struct str text, int missing, struct err *err)
{
	struct host *h = host_new("recording");

	h->replay = true;
	h->missing = missing;
	if (recording_parse(text, &h->recording, err) < 0) {
		host_free(h);
		return NULL;
	}
	h->live = h->recording.live;
	h->is_root = h->recording.root;
	h->now = h->recording.time;
	return h;
}

/* Does the directory look like the root of a system? Then a file `recording` in it, which whoever owns
 * that system may have put there, means nothing. */
static bool is_system(const struct host *h)
{
	static const char *const parts[] = {"etc", "usr", "bin", "var"};
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (path_stat(h->root_fd, parts[i], false, &st) == 0)
			return true;
	return false;
}

/* A directory with a file `recording` in it is a recorded host. */
static struct host *open_recorded_dir(struct host *h, struct err *err)
{
	struct host *recorded;
	struct str text;
	int r = is_system(h) ? -ENOENT : path_read(h->root_fd, "recording", RECORDING_MAX, &h->arena, &text);

	if (r == -ENOENT)
		return h;
	if (r < 0)
		err_errno(err, -r, "%s/recording", h->root);
	recorded = r < 0 ? NULL : host_open_recording(text, ENODATA, err);
	if (r == 0 && !recorded)
		err_context(err, "%s/recording", h->root);
	if (recorded) {
		free(recorded->root);
		recorded->root = take_ptr(h->root);
		recorded->arena = h->arena; /* the text lives there */
		h->arena = (struct arena){0};
	}
	host_free(h);
	return recorded;
}

struct host *host_open(const char *root, struct err *err)
{
	struct host *h = host_new(root);

	h->live = strcmp(root, "/") == 0;
	h->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (h->root_fd < 0) {
		err_errno(err, errno, "%s", root);
		host_free(h);
		return NULL;
	}
	return h->live ? h : open_recorded_dir(h, err);
}

static void wait_for_errand(struct memo *m)
{
	struct errand *e = take_ptr(m->errand);

	if (e)
		pthread_join(e->thread, NULL);
}

static void end_child(struct memo *m)
{
	close_fd(&m->child_fd);
	if (m->child > 0)
		waitpid(m->child, NULL, 0);
	m->child = -1;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	vec_each(&h->started, s) {
		exec_done(&(*s)->exec);
		arena_done(&(*s)->arena);
		pthread_mutex_destroy(&(*s)->lock);
	}
	vec_each(&h->memos, m) {
		wait_for_errand(*m);
		end_child(*m);
		buf_done(&(*m)->answer);
		pthread_mutex_destroy(&(*m)->lock);
	}
	recording_done(&h->recording);
	buf_done(&h->recorded);
	arena_done(&h->arena);
	pthread_mutex_destroy(&h->lock);
	close_fd(&h->root_fd);
	free(h->root);
	free(h);
}

bool host_is_live(const struct host *h)
{
	return h->live;
}

bool host_is_recording(const struct host *h)
{
	return h->replay;
}

const char *host_root(const struct host *h)
{
	return h->root;
}

int64_t host_now(const struct host *h)
{
	return h->now;
}

bool host_is_root(const struct host *h)
{
	return h->is_root;
}

int host_root_fd(const struct host *h)
{
	return h->root_fd;
}

/* --- recording and replaying ------------------------------------------------------------- */

void host_record(struct host *h)
{
	h->record = true;
	map_init(&h->recorded_keys, &h->arena);
}

int host_recording(struct host *h, struct buf *out)
{
	recording_write_header(out, h->live, h->is_root, h->now);
	if (h->recorded.full)
		return -ENOBUFS;
	return buf_str(out, buf_get(&h->recorded));
}

static void record(struct host *h, const char *op, const char *subject, int error, struct str data)
{
	_cleanup_buf_ struct buf clean = BUF(RECORDING_MAX);
	struct mem_limit *limit;
	const char *key;

	if (!h->record)
		return;
	/* Any configuration may have a URL with a password in it. Not in what is no text. */
	if (strcmp(op, "list") != 0 && !str_has_char(data, '\0') && str_has(data, "://")) {
		secret_mask_urls(data, &clean);
		data = buf_get(&clean);
	}
	limit = lock(h);
	key = arena_printf(&h->arena, "%s %s", op, subject);
	if (!map_put(&h->recorded_keys, str_of(key), h))
		recording_write(&h->recorded, op, subject, error, data);
	unlock(h, limit);
}

/* The recorded answer; its error, or absence, as this function's. */
static int replay(struct host *h, const char *op, const char *subject, struct str *ret,
				  struct err *err)
{
	const struct answer *answer = recording_get(&h->recording, op, subject);

	if (!answer && h->missing == ENODATA)
		return err_set(err, ENODATA, "%s: not in the recording", subject);
	if (!answer)
		return err_errno(err, h->missing, "%s", subject);
	if (answer->error && answer->data.n)
		return err_set(err, answer->error, "%.*s", STR_ARG(answer->data));
	if (answer->error)
		return err_errno(err, answer->error, "%s", subject);
	*ret = answer->data;
	return 0;
}

/* In a tree there is no kernel: what /proc and /sys would say is not to be had. */
static bool is_offline(const struct host *h, const char *path)
{
	struct str p = str_of(path);

	return !h->live && (str_starts(p, "/proc/") || str_starts(p, "/sys/"));
}

static int offline(const char *what, struct err *err)
{
	return err_set(err, EOPNOTSUPP, "offline: %s is known on the running host only", what);
}

/* --- files --------------------------------------------------------------------------------- */

static int finish(struct host *h, const char *op, const char *path, int r, struct str data,
				  struct err *err)
{
	record(h, op, path, r < 0 ? -r : 0, r < 0 ? STR("") : data);
	return r < 0 ? err_errno(err, -r, "%s", path) : 0;
}

int host_read(struct host *h, const char *path, struct arena *a, struct str *ret, struct err *err)
{
	struct str data = STR("");
	int r;

	if (is_offline(h, path))
		return offline(path, err);
	if (h->replay) {
		r = replay(h, "read", path, &data, err);
		if (r == 0)
			*ret = (struct str){arena_copy(a, data.p, data.n), data.n};
		return r;
	}
	r = path_read(h->root_fd, path, HOST_MAX_FILE, a, &data);
	r = finish(h, "read", path, r, data, err);
	if (r == 0)
		*ret = data;
	return r;
}

int host_read_scrubbed(struct host *h, const char *path,
					   void (*scrub)(struct str text, struct buf *out), struct arena *a,
					   struct str *ret, struct err *err)
{
	_cleanup_arena_ struct arena secret = {0};
	_cleanup_buf_ struct buf clean = BUF(HOST_MAX_FILE);
	struct str data = STR("");
	int r;

	if (is_offline(h, path))
		return offline(path, err);
	/* A recording may have been made by hand. */
	if (h->replay)
		r = host_read(h, path, &secret, &data, err);
	else
		r = path_read(h->root_fd, path, HOST_MAX_FILE, &secret, &data);
	if (r == 0) {
		scrub(data, &clean);
		explicit_bzero((char *)data.p, data.n);
		r = clean.full ? -EFBIG : 0;
	}
	if (!h->replay)
		r = finish(h, "read", path, r, buf_get(&clean), err);
	else if (r == -EFBIG)
		err_errno(err, EFBIG, "%s", path);
	if (r == 0)
		*ret = (struct str){arena_copy(a, clean.p, clean.n), clean.n};
	return r;
}

static int parse_stat(struct str text, struct path_stat *ret)
{
	uint64_t v[8];
	struct str word;

	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		if (!str_word(&text, &word) || num_u64(word, 0, INT64_MAX, &v[i]) < 0)
			return -EINVAL;
	*ret = (struct path_stat){
		.mode = (uint32_t)v[0],
		.uid = (uint32_t)v[1],
		.gid = (uint32_t)v[2],
		.nlink = (uint32_t)v[3],
		.size = (int64_t)v[4],
		.mtime = (int64_t)v[5],
		.dev = v[6],
		.ino = v[7],
	};
	return 0;
}

int host_stat(struct host *h, const char *path, bool follow, struct path_stat *ret, struct err *err)
{
	const char *op = follow ? "stat" : "lstat";
	struct path_stat st = {0};
	struct str data = STR("");
	char text[160];
	int r;

	if (is_offline(h, path))
		return offline(path, err);
	if (h->replay) {
		r = replay(h, op, path, &data, err);
		return r < 0 ? r : parse_stat(data, ret) < 0 ? err_errno(err, EINVAL, "%s", path) : 0;
	}
	r = path_stat(h->root_fd, path, follow, &st);
	if (h->record)
		snprintf(text, sizeof(text), "%u %u %u %u %lld %lld %llu %llu", st.mode, st.uid, st.gid,
				 st.nlink, (long long)st.size, (long long)MAX(st.mtime, 0),
				 (unsigned long long)st.dev, (unsigned long long)st.ino);
	r = finish(h, op, path, r, h->record ? str_of(text) : STR(""), err);
	if (r == 0)
		*ret = st;
	return r;
}

int host_readlink(struct host *h, const char *path, struct arena *a, struct str *ret,
				  struct err *err)
{
	struct str data = STR("");
	int r;

	if (is_offline(h, path))
		return offline(path, err);
	if (h->replay) {
		r = replay(h, "link", path, &data, err);
		if (r == 0)
			*ret = (struct str){arena_copy(a, data.p, data.n), data.n};
		return r;
	}
	r = finish(h, "link", path, path_readlink(h->root_fd, path, a, &data), data, err);
	if (r == 0)
		*ret = data;
	return r;
}

/* A recorded directory: one NUL-terminated entry after the other, each behind a byte for its type
 * ('a' + d_type); a last entry that is empty says that there were more. */
static int parse_dir(struct str data, struct arena *a, struct host_dir *ret)
{
	VEC(struct path_entry) entries = {0};
	struct str entry;

	*ret = (struct host_dir){0};
	while (data.n && str_cut(&data, '\0', &entry)) {
		if (entry.n < 2)
			ret->more = true;
		else
			*vec_push(a, &entries) = (struct path_entry){
				arena_copy(a, entry.p + 1, entry.n - 1), (unsigned char)(entry.p[0] - 'a')};
	}
	ret->entries = entries.p;
	ret->n = entries.n;
	return 0;
}

static void record_dir(struct host *h, const char *path, int r, const struct host_dir *dir)
{
	_cleanup_buf_ struct buf out = BUF(RECORDING_MAX);

	for (size_t i = 0; r == 0 && i < dir->n; i++) {
		buf_putc(&out, (char)('a' + dir->entries[i].type));
		buf_add(&out, dir->entries[i].name, strlen(dir->entries[i].name) + 1);
	}
	if (dir->more)
		buf_add(&out, "", 1);
	record(h, "list", path, -r, buf_get(&out));
}

int host_list(struct host *h, const char *path, struct arena *a, struct host_dir *ret,
			  struct err *err)
{
	struct host_dir dir = {0};
	struct str data = STR("");
	int r;

	if (is_offline(h, path))
		return offline(path, err);
	if (h->replay) {
		r = replay(h, "list", path, &data, err);
		return r < 0 ? r : parse_dir(data, a, ret);
	}
	r = path_list(h->root_fd, path, HOST_MAX_DIR, a, &dir.entries, &dir.n, &dir.more);
	if (h->record)
		record_dir(h, path, r, &dir);
	if (r < 0)
		return err_errno(err, -r, "%s", path);
	*ret = dir;
	return 0;
}

int host_list_files(struct host *h, const char *path, const char *suffix, struct arena *a,
					struct str **ret, size_t *ret_n, struct err *err)
{
	VEC(struct str) files = {0};
	struct host_dir dir = {0};
	int r = host_list(h, path, a, &dir, err);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	if (dir.more)
		return err_errno(err, EFBIG, "%s: over %d entries", path, HOST_MAX_DIR);
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		const struct path_entry *e = &dir.entries[i];

		if (*suffix && e->name[0] == '.')
			continue;
		if (e->type != DT_DIR && str_ends(str_of(e->name), suffix))
			*vec_push(a, &files) = str_of(arena_printf(a, "%s/%s", path, e->name));
	}
	*ret = files.p;
	*ret_n = files.n;
	return 0;
}

static struct str base_name(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);

	return slash ? (struct str){slash + 1, path.n - (size_t)(slash + 1 - path.p)} : path;
}

static int by_base_name(const void *a, const void *b)
{
	return str_cmp(base_name(*(const struct str *)a), base_name(*(const struct str *)b));
}

bool host_is_masked(struct host *h, const char *path, struct arena *a)
{
	struct str target;
	struct err ignored;

	return host_readlink(h, path, a, &target, &ignored) == 0 && str_is(target, "/dev/null");
}

int host_list_conf(struct host *h, const char *const dirs[], const char *suffix, struct arena *a,
				   struct str **ret, size_t *ret_n, struct err *err)
{
	VEC(struct str) all = {0};
	struct map seen;
	size_t kept = 0;

	map_init(&seen, a);
	for (; *dirs; dirs++) {
		struct str *files;
		size_t n;
		int r = host_list_files(h, *dirs, suffix, a, &files, &n, err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++)
			if (!map_put(&seen, base_name(files[i]), h))
				*vec_push(a, &all) = files[i];
	}
	for (size_t i = 0; i < all.n; i++)
		if (!host_is_masked(h, all.p[i].p, a))
			all.p[kept++] = all.p[i];
	if (kept)
		qsort(all.p, kept, sizeof(*all.p), by_base_name);
	*ret = all.p;
	*ret_n = kept;
	return 0;
}

/* --- programs -------------------------------------------------------------------------------- */

static struct started *find_started(struct host *h, const struct helper *helper)
{
	vec_each(&h->started, s)
		if ((*s)->helper == helper)
			return *s;
	return NULL;
}

static int no_writes(void *unused _unused_)
{
	return confine_helper() < 0;
}

/* The caller holds the lock. */
static struct started *start(struct host *h, const struct helper *helper)
{
	struct started *s = arena_new(&h->arena, struct started, 1);
	struct path_stat st;
	int r = path_stat(h->root_fd, helper->argv[0], true, &st);

	*s = (struct started){.helper = helper, .exec = EXEC_NONE};
	pthread_mutex_init(&s->lock, NULL);
	*vec_push(&h->arena, &h->started) = s;
	if (r == 0 && helper->needs)
		r = path_stat(h->root_fd, helper->needs, true, &st);
	if (r < 0)
		s->missing = -r;
	else
		s->exec = exec_start(helper->argv, no_writes, NULL);
	return s;
}

void host_prestart(struct host *h, const struct helper *helper)
{
	struct mem_limit *limit;

	if (!h->live || h->replay)
		return;
	limit = lock(h);
	if (!find_started(h, helper))
		start(h, helper);
	unlock(h, limit);
}

static const char *command_line(const struct helper *helper, struct arena *a)
{
	const char *line = helper->argv[0];

	for (size_t i = 1; helper->argv[i]; i++)
		line = arena_printf(a, "%s %s", line, helper->argv[i]);
	return line;
}

static int run_failed(const struct helper *helper, const struct exec_result *result,
					  struct err *err)
{
	struct str rest = result->err, line = STR_ABSENT;

	if (!str_line(&rest, &line)) {
		rest = result->out;
		(void)str_line(&rest, &line);
	}
	return err_set(err, EIO, "%s: exit %d: %.*s", helper->argv[0], result->status,
				   (int)MIN(line.n, (size_t)200), line.p ? line.p : "");
}

/* The caller holds the helper's lock. */
static int collect(struct started *s)
{
	const struct helper *helper = s->helper;
	struct exec_result result = {0};
	int r;

	if (s->missing)
		return err_errno(&s->err, s->missing, "%s", helper->argv[0]);
	r = exec_finish(&s->exec, helper->max ? helper->max : HOST_MAX_FILE,
					helper->timeout_ms ? helper->timeout_ms : 10000, &s->arena, &result, &s->err);
	if (r < 0)
		return err_context(&s->err, "%s", helper->argv[0]);
	if (result.status && !helper->status_ok)
		return run_failed(helper, &result, &s->err);
	s->out = result.out;
	return 0;
}

/* What several ask for failed once and is remembered, so each of them notes it. EIO is a program that
 * failed as well. */
static int note_shared(int error, const char *what)
{
	return error == -EIO ? error : shortage_note(error, what);
}

static int run_live(struct host *h, const struct helper *helper, struct str *ret, struct err *err)
{
	struct mem_limit *limit;
	struct started *s;

	limit = lock(h);
	s = find_started(h, helper);
	if (!s)
		s = start(h, helper);
	unlock(h, limit);
	/* What it says is kept for every table that asks, and is no one table's memory. */
	limit = mem_limit(NULL);
	pthread_mutex_lock(&s->lock);
	if (!s->done)
		s->error = collect(s);
	s->done = true;
	pthread_mutex_unlock(&s->lock);
	mem_limit(limit);
	if (s->error < 0)
		*err = s->err;
	else
		*ret = s->out;
	return note_shared(s->error, helper->argv[0]);
}

int host_run(struct host *h, const struct helper *helper, struct arena *a, struct str *ret,
			 struct err *err)
{
	const char *line = command_line(helper, a);
	struct str out = STR("");
	int r;

	if (!h->live)
		return offline(helper->argv[0], err);
	if (h->replay) {
		r = replay(h, "run", line, &out, err);
		if (r == 0)
			*ret = (struct str){arena_copy(a, out.p, out.n), out.n};
		return r;
	}
	r = run_live(h, helper, &out, err);
	record(h, "run", line, r < 0 ? -r : 0, r < 0 ? str_of(err->msg) : out);
	if (r == 0)
		*ret = (struct str){arena_copy(a, out.p, out.n), out.n};
	return r;
}

/* --- kernel queries -------------------------------------------------------------------------- */

static struct memo *memo_of(struct host *h, const struct query *q)
{
	struct memo *m = NULL;
	struct mem_limit *limit;

	limit = lock(h);
	vec_each(&h->memos, each)
		if (strcmp((*each)->name, q->name) == 0)
			m = *each;
	if (!m) {
		m = arena_new(&h->arena, struct memo, 1);
		m->name = arena_strdup(&h->arena, q->name);
		m->child = m->child_fd = -1;
		m->answer = BUF(q->max ? q->max : HOST_MAX_FILE);
		pthread_mutex_init(&m->lock, NULL);
		*vec_push(&h->arena, &h->memos) = m;
	}
	unlock(h, limit);
	return m;
}

/* An answer for which something could not be opened, for want of descriptors, may lack it. */
static int ask(struct host *h, const struct query *q, struct memo *m)
{
	struct err before = {0}, now = {0};
	int r;

	(void)shortage_take(&before);
	r = q->live ? q->live(h, &m->answer, &m->err) : q->live_with(h, q->data, &m->answer, &m->err);
	if (shortage_take(&now) < 0 && r == 0) {
		m->err = now;
		r = -now.errnum;
	}
	shortage_keep(&before);
	shortage_keep(&now);
	return r;
}

static void run_query(struct host *h, const struct query *q, struct memo *m)
{
	int r = ask(h, q, m);

	if (r == 0 && m->answer.full)
		r = err_set(&m->err, EFBIG, "%s: the answer is over %zu bytes", q->name, m->answer.max);
	m->error = r;
	m->done = true;
	record(h, "query", q->name, r < 0 ? -r : 0, r < 0 ? str_of(m->err.msg) : buf_get(&m->answer));
}

/* --- questions that a process of its own asks ---------------------------------------------- */

#define ANSWER_MS 30000 /* live() has time limits of its own, which are shorter */

/* In the child: the errno and, when it is 0, the answer; else the message. */
static void __attribute__((noreturn)) answer(struct host *h, const struct query *q, struct memo *m, int fd)
{
	int r = ask(h, q, m);
	int32_t error = r < 0 ? -r : m->answer.full ? EFBIG : 0;
	struct str text = error ? str_of(m->err.msg) : buf_get(&m->answer);

	if (write(fd, &error, sizeof(error)) != sizeof(error))
		_exit(1);
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n <= 0)
			_exit(1);
		text.p += n;
		text.n -= (size_t)n;
	}
	_exit(0);
}

void host_query_fork(struct host *h, const struct query *q)
{
	struct memo *m;
	int fds[2];

	if (h->replay || !h->live)
		return;
	m = memo_of(h, q);
	if (m->done || m->child_fd >= 0 || pipe2(fds, O_CLOEXEC) < 0)
		return;
	m->child = fork();
	if (m->child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		answer(h, q, m, fds[1]);
	}
	close(fds[1]);
	m->child_fd = fds[0];
	if (m->child < 0)
		close_fd(&m->child_fd);
}

/* 1: there is more; 0: that was all; else -errno. */
static int read_some(int fd, struct buf *out)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ready = poll(&p, 1, ANSWER_MS);
	char *to = buf_reserve(out, 65536);
	ssize_t n;

	if (ready <= 0 || !to)
		return ready == 0 ? -ETIMEDOUT : !to ? -EFBIG : -errno;
	n = read(fd, to, 65536);
	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	buf_commit(out, (size_t)n);
	return n > 0;
}

static void take_answer(struct host *h, const struct query *q, struct memo *m)
{
	_cleanup_buf_ struct buf text = BUF((q->max ? q->max : HOST_MAX_FILE) + 65536);
	int32_t error = 0;
	int r;

	do
		r = read_some(m->child_fd, &text);
	while (r > 0);
	end_child(m);
	if (r == 0 && text.n < sizeof(error))
		r = -ECHILD;
	if (r == 0)
		memcpy(&error, text.p, sizeof(error));
	if (r < 0)
		m->error = err_errno(&m->err, -r, "%s", q->name);
	else if (error)
		m->error = err_set(&m->err, error, "%.*s", (int)MIN(text.n - sizeof(error), (size_t)400),
						   text.p + sizeof(error));
	else
		buf_add(&m->answer, text.p + sizeof(error), text.n - sizeof(error));
	m->done = true;
	record(h, "query", q->name, -m->error, m->error ? str_of(m->err.msg) : buf_get(&m->answer));
}

int host_query(struct host *h, const struct query *q, struct arena *a, struct str *ret,
			   struct err *err)
{
	struct memo *m;
	int r;

	if (!h->live && !q->tree)
		return offline(q->name, err);
	if (h->replay) {
		struct str data;

		r = replay(h, "query", q->name, &data, err);
		if (r == 0)
			*ret = (struct str){arena_copy(a, data.p, data.n), data.n};
		return r;
	}
	m = memo_of(h, q);
	pthread_mutex_lock(&m->lock);
	wait_for_errand(m);
	if (!m->done) {
		m->outer = running;
		running = m;
		if (m->child_fd >= 0)
			take_answer(h, q, m);
		if (!m->done)
			run_query(h, q, m);
		running = m->outer;
	}
	pthread_mutex_unlock(&m->lock);
	if (m->error < 0) {
		*err = m->err;
		return note_shared(m->error, q->name);
	}
	*ret = buf_get(&m->answer);
	return 0;
}

static void *errand_run(void *data)
{
	struct errand *e = data;
	struct err ignored;
	int r = e->confine(&ignored);

	sem_post(&e->confined);
	if (r == 0)
		run_query(e->host, e->query, e->memo);
	return NULL;
}

void host_query_start(struct host *h, const struct query *q, int (*confine)(struct err *))
{
	struct memo *m;
	struct errand *e;
	struct mem_limit *limit;

	if (h->replay || (!h->live && !q->tree))
		return;
	m = memo_of(h, q);
	limit = lock(h);
	e = arena_new(&h->arena, struct errand, 1);
	unlock(h, limit);
	*e = (struct errand){.host = h, .query = q, .memo = m, .confine = confine};
	sem_init(&e->confined, 0, 0);
	pthread_mutex_lock(&m->lock);
	if (!m->done && !m->errand && pthread_create(&e->thread, NULL, errand_run, e) == 0) {
		m->errand = e;
		/* What is parsed next must not share its memory with a thread that may do everything. */
		while (sem_wait(&e->confined) < 0)
			continue;
	}
	pthread_mutex_unlock(&m->lock);
}

void host_give_up(int error, const char *why)
{
	for (struct memo *m = running; m; m = m->outer) {
		m->error = err_set(&m->err, error, "%s: %s", m->name, why);
		m->done = true;
		pthread_mutex_unlock(&m->lock);
	}
	running = NULL;
}
