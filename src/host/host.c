/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "base/shortage.h"
#include "host/secret.h"

static struct host *host_new(const char *root)
{
	struct host *h = mem_calloc(1, sizeof(*h));

	h->root = strdup(root);
	h->root_fd = -1;
	h->now = time(NULL);
	h->is_root = geteuid() == 0;
	h->recorded = BUF(RECORDING_MAX);
	map_init(&h->memo_of, &h->arena);
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
	int r = is_system(h) ? -ENOENT
						 : path_read(h->root_fd, "recording", RECORDING_MAX, &h->arena, &text);

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

void host_free(struct host *h)
{
	if (!h)
		return;
	host_end_programs(h);
	host_end_queries(h);
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

bool host_is_recorded(const struct host *h)
{
	return h->record;
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

void host_keep(struct host *h, const char *op, const char *subject, int error, struct str data)
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

int host_replay(struct host *h, const char *op, const char *subject, struct str *ret,
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

int host_offline(const char *what, struct err *err)
{
	return err_set(err, EOPNOTSUPP, "offline: %s is known on the running host only", what);
}

/* --- files --------------------------------------------------------------------------------- */

static int finish(struct host *h, const char *op, const char *path, int r, struct str data,
				  struct err *err)
{
	host_keep(h, op, path, r < 0 ? -r : 0, r < 0 ? STR("") : data);
	return r < 0 ? err_errno(err, -r, "%s", path) : 0;
}

void host_give(struct host *h, const char *path, struct str text)
{
	h->given_path = path;
	h->given = text;
}

/* --- what is read ---------------------------------------------------------------------------- */

static _Thread_local struct host_reads *watched;

void host_watch(struct host_reads *reads)
{
	watched = reads;
}

static void note_read(const char *path)
{
	if (watched)
		*vec_push(watched->arena, watched) = arena_strdup(watched->arena, path);
}

static int read_given(struct host *h, const char *path, struct arena *a, struct str *ret)
{
	*ret = (struct str){arena_copy(a, h->given.p, h->given.n), h->given.n};
	if (h->record)
		host_keep(h, "read", path, 0, h->given);
	return 0;
}

int host_read(struct host *h, const char *path, struct arena *a, struct str *ret, struct err *err)
{
	struct str data = STR("");
	int r;

	note_read(path);
	if (h->given_path && strcmp(path, h->given_path) == 0)
		return read_given(h, path, a, ret);
	if (is_offline(h, path))
		return host_offline(path, err);
	if (h->replay) {
		r = host_replay(h, "read", path, &data, err);
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

/* A recording may have been made by hand, with nothing but the file in it. */
static int replay_scrubbed(struct host *h, const char *op, const char *path, struct str *ret,
						   struct err *err)
{
	return host_replay(h, recording_get(&h->recording, op, path) ? op : "read", path, ret, err);
}

/* --- what is scrubbed is remembered --------------------------------------------------------- */

/* Several tables read all units, of which Debian has 300 with half a megabyte; taking the secrets out costs
 * more than reading. */
#define REMEMBERED_MAX ((size_t)64 << 10) /* bytes of one file */
#define REMEMBERED_ALL ((size_t)4 << 20)  /* of all */

void host_remember(struct host *h)
{
	map_init(&h->scrubbed, &h->arena);
	h->scrubbed_bytes = 0;
	h->round++;
}

static bool recall(struct host *h, const char *key, struct arena *a, struct str *ret)
{
	struct mem_limit *limit;
	const struct str *known;

	if (!h->round)
		return false;
	limit = lock(h);
	known = map_get(&h->scrubbed, str_of(key));
	unlock(h, limit);
	/* What is in the map stays as it is. */
	if (known)
		*ret = (struct str){arena_copy(a, known->p, known->n), known->n};
	return known;
}

static void remember(struct host *h, const char *key, struct str text)
{
	struct mem_limit *limit;

	if (!h->round || text.n > REMEMBERED_MAX)
		return;
	limit = lock(h);
	if (text.n <= REMEMBERED_ALL - h->scrubbed_bytes && !map_get(&h->scrubbed, str_of(key))) {
		struct str *copy = arena_new(&h->arena, struct str, 1);

		*copy = (struct str){arena_copy(&h->arena, text.p, text.n), text.n};
		map_put(&h->scrubbed, str_of(arena_strdup(&h->arena, key)), copy);
		h->scrubbed_bytes += text.n;
	}
	unlock(h, limit);
}

int host_read_scrubbed_by(struct host *h, const char *path,
						  void (*scrub)(struct str text, struct buf *out), const char *name,
						  struct arena *a, struct str *ret, struct err *err)
{
	_cleanup_arena_ struct arena secret = {0};
	_cleanup_buf_ struct buf clean = BUF(HOST_MAX_FILE);
	const char *op = arena_printf(&secret, "read/%s", name);
	const char *key = arena_printf(&secret, "%s %s", op, path);
	struct str data = STR("");
	int r;

	note_read(path);
	if (is_offline(h, path))
		return host_offline(path, err);
	if (recall(h, key, a, ret))
		return 0;
	r = h->replay ? replay_scrubbed(h, op, path, &data, err)
				  : path_read(h->root_fd, path, HOST_MAX_FILE, &secret, &data);
	if (r == 0) {
		scrub(data, &clean);
		if (!h->replay)
			explicit_bzero((char *)data.p, data.n);
		r = clean.full ? -EFBIG : 0;
	}
	if (!h->replay)
		r = finish(h, op, path, r, buf_get(&clean), err);
	else if (r == -EFBIG)
		err_errno(err, EFBIG, "%s", path);
	if (r == 0) {
		*ret = (struct str){arena_copy(a, clean.p, clean.n), clean.n};
		remember(h, key, *ret);
	}
	return r;
}

static int parse_stat(struct str text, struct path_stat *ret)
{
	uint64_t v[9] = {0};
	struct str word;

	/* The last one is younger than some recordings are. */
	for (size_t i = 0; i < ARRAY_LEN(v) && (i < 8 || text.n); i++)
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
		.ctime_usec = (int64_t)v[8],
	};
	return 0;
}

int host_stat(struct host *h, const char *path, bool follow, struct path_stat *ret, struct err *err)
{
	const char *op = follow ? "stat" : "lstat";
	struct path_stat st = {0};
	struct str data = STR("");
	char text[192];
	int r;

	if (is_offline(h, path))
		return host_offline(path, err);
	if (h->replay) {
		r = host_replay(h, op, path, &data, err);
		return r < 0 ? r : parse_stat(data, ret) < 0 ? err_errno(err, EINVAL, "%s", path) : 0;
	}
	r = path_stat(h->root_fd, path, follow, &st);
	if (h->record)
		snprintf(text, sizeof(text), "%u %u %u %u %lld %lld %llu %llu %lld", st.mode, st.uid,
				 st.gid, st.nlink, (long long)st.size, (long long)MAX(st.mtime, 0),
				 (unsigned long long)st.dev, (unsigned long long)st.ino,
				 (long long)MAX(st.ctime_usec, 0));
	r = finish(h, op, path, r, h->record ? str_of(text) : STR(""), err);
	if (r == 0)
		*ret = st;
	return r;
}

int host_first(struct host *h, const char *const paths[], const char **ret, struct err *err)
{
	struct path_stat st;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && paths[i]; i++) {
		r = host_stat(h, paths[i], true, &st, err);
		if (r == 0)
			*ret = paths[i];
	}
	return r;
}

int host_readlink(struct host *h, const char *path, struct arena *a, struct str *ret,
				  struct err *err)
{
	struct str data = STR("");
	int r;

	if (is_offline(h, path))
		return host_offline(path, err);
	if (h->replay) {
		r = host_replay(h, "link", path, &data, err);
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
			*vec_push(a, &entries) = (struct path_entry){arena_copy(a, entry.p + 1, entry.n - 1),
														 (unsigned char)(entry.p[0] - 'a')};
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
	host_keep(h, "list", path, -r, buf_get(&out));
}

int host_list(struct host *h, const char *path, struct arena *a, struct host_dir *ret,
			  struct err *err)
{
	struct host_dir dir = {0};
	struct str data = STR("");
	int r;

	if (is_offline(h, path))
		return host_offline(path, err);
	if (h->replay) {
		r = host_replay(h, "list", path, &data, err);
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

static int list_files(struct host *h, const char *path, const char *suffix, bool hidden,
					  struct arena *a, struct str **ret, size_t *ret_n, struct err *err)
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

		if (!hidden && e->name[0] == '.')
			continue;
		if (e->type != DT_DIR && str_ends(str_of(e->name), suffix))
			*vec_push(a, &files) = str_of(arena_printf(a, "%s/%s", path, e->name));
	}
	*ret = files.p;
	*ret_n = files.n;
	return 0;
}

int host_list_files(struct host *h, const char *path, const char *suffix, struct arena *a,
					struct str **ret, size_t *ret_n, struct err *err)
{
	return list_files(h, path, suffix, !*suffix, a, ret, ret_n, err);
}

int host_list_all_files(struct host *h, const char *path, const char *suffix, struct arena *a,
						struct str **ret, size_t *ret_n, struct err *err)
{
	return list_files(h, path, suffix, true, a, ret, ret_n, err);
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
