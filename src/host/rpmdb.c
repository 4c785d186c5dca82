/* SPDX-License-Identifier: Apache-2.0 */
#include "host/rpmdb.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/vec.h"
#include "host/library.h"

/* Types in a header's index. */
enum { INT32 = 4, INT64 = 5, STRING = 6, STRING_ARRAY = 8, I18N_STRING = 9 };

#define ENTRY_SIZE 16
#define MAX_ENTRIES 0xffffu     /* rpm's own limits are in the same order */
#define MAX_HEADER (256u << 20) /* rpm's HEADER_DATA_MAX */

static uint32_t big32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int rpm_header_parse(struct str blob, struct rpm_header *ret)
{
	const unsigned char *p = (const unsigned char *)blob.p;
	uint32_t n, size;

	if (blob.n < 8)
		return -EINVAL;
	n = big32(p);
	size = big32(p + 4);
	if (n > MAX_ENTRIES || size > MAX_HEADER || blob.n - 8 < (size_t)n * ENTRY_SIZE + size)
		return -EINVAL;
	*ret = (struct rpm_header){
		.index = p + 8,
		.data = {blob.p + 8 + (size_t)n * ENTRY_SIZE, size},
		.n = n,
	};
	return 0;
}

/* A tag's data, from its offset to the end of the header; absent when there is no such tag. */
static struct str find(const struct rpm_header *h, enum rpm_tag tag, uint32_t *ret_type,
					   uint32_t *ret_count)
{
	for (uint32_t i = 0; i < h->n; i++) {
		const unsigned char *entry = h->index + (size_t)i * ENTRY_SIZE;
		uint32_t offset = big32(entry + 8);

		if (big32(entry) != (uint32_t)tag || offset >= h->data.n)
			continue;
		*ret_type = big32(entry + 4);
		*ret_count = big32(entry + 12);
		return (struct str){h->data.p + offset, h->data.n - offset};
	}
	return STR_ABSENT;
}

struct str rpm_string(const struct rpm_header *h, enum rpm_tag tag)
{
	uint32_t type, count;
	struct str data = find(h, tag, &type, &count), s;

	if (!data.p || (type != STRING && type != STRING_ARRAY && type != I18N_STRING) ||
		!memchr(data.p, '\0', data.n))
		return STR_ABSENT;
	str_cut(&data, '\0', &s);
	return s;
}

struct rpm_numbers rpm_numbers(const struct rpm_header *h, enum rpm_tag tag)
{
	uint32_t type = 0, count = 0;
	struct str data = find(h, tag, &type, &count);
	size_t width = type == INT64 ? 8 : 4;

	if (!data.p || (type != INT32 && type != INT64) || data.n / width < count)
		return (struct rpm_numbers){0};
	return (struct rpm_numbers){(const unsigned char *)data.p, count, width};
}

bool rpm_number(const struct rpm_numbers *numbers, uint32_t i, uint64_t *ret)
{
	const unsigned char *p = numbers->p;

	if (i >= numbers->n)
		return false;
	p += i * numbers->width;
	*ret = numbers->width == 4 ? big32(p) : (uint64_t)big32(p) << 32 | big32(p + 4);
	return true;
}

uint32_t rpm_strings(const struct rpm_header *h, enum rpm_tag tag, struct str *ret_rest)
{
	uint32_t type, count;
	struct str data = find(h, tag, &type, &count);

	if (!data.p || (type != STRING_ARRAY && type != I18N_STRING && type != STRING))
		return 0;
	*ret_rest = data;
	return type == STRING ? 1 : count;
}

int rpm_each_file(const struct rpm_header *h, int (*each)(struct str path, void *data), void *data)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct rpm_numbers dir_of = rpm_numbers(h, RPM_DIR_INDEXES);
	struct str names, dirs, name;
	uint32_t n = rpm_strings(h, RPM_BASE_NAMES, &names);
	uint32_t n_dirs = rpm_strings(h, RPM_DIR_NAMES, &dirs);
	VEC(struct str) dir = {0};
	char path[4096];
	int r = 0;

	for (uint32_t i = 0; i < n_dirs && str_cut(&dirs, '\0', &name); i++)
		*vec_push(&scratch, &dir) = name;
	for (uint32_t i = 0; r >= 0 && i < n && str_cut(&names, '\0', &name); i++) {
		uint64_t at;

		if (!rpm_number(&dir_of, i, &at) || at >= dir.n || dir.p[at].n + name.n >= sizeof(path))
			continue;
		memcpy(path, dir.p[at].p, dir.p[at].n);
		memcpy(path + dir.p[at].n, name.p, name.n);
		r = each((struct str){path, dir.p[at].n + name.n}, data);
	}
	return r < 0 ? r : 0;
}

/* --- the database -------------------------------------------------------------------------- */

/* SUSE and Fedora moved it; the old place is then a link. The newest format of a directory counts,
 * as for rpm itself. */
static const struct {
	const char *path, *format; /* format NULL: sqlite */
} places[] = {
	{"/var/lib/rpm/rpmdb.sqlite", NULL},      {"/usr/lib/sysimage/rpm/rpmdb.sqlite", NULL},
	{"/var/lib/rpm/Packages.db", "ndb"},      {"/usr/lib/sysimage/rpm/Packages.db", "ndb"},
	{"/var/lib/rpm/Packages", "Berkeley DB"},
};

static int find_place(int root_fd)
{
	struct path_stat st;

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (path_stat(root_fd, places[i].path, true, &st) == 0)
			return (int)i;
	return -1;
}

const char *rpmdb_path(int root_fd)
{
	int i = find_place(root_fd);

	return i < 0 ? NULL : places[i].path;
}

/* The part of sqlite3.h that is needed here; its values and prototypes are a stable interface. */
struct sqlite {
	void *library, *db, *statement;
	int (*open_v2)(const char *name, void **ret_db, int flags, const char *vfs);
	int (*close_v2)(void *db);
	const char *(*errmsg)(void *db);
	int (*prepare_v2)(void *db, const char *sql, int n, void **ret_statement, const char **tail);
	int (*step)(void *statement);
	int (*finalize)(void *statement);
	const void *(*column_blob)(void *statement, int column);
	int (*column_bytes)(void *statement, int column);
	void (*progress_handler)(void *db, int steps, int (*handler)(void *), void *data);
};
enum { SQLITE_OK = 0, SQLITE_ROW = 100, SQLITE_DONE = 101 };
enum { SQLITE_OPEN_READONLY = 1, SQLITE_OPEN_URI = 0x40, SQLITE_OPEN_NOMUTEX = 0x8000 };

static void sqlite_done(struct sqlite *s)
{
	if (s->statement)
		s->finalize(s->statement);
	if (s->db)
		s->close_v2(s->db);
	library_close(s->library);
}

static int sqlite_load(struct sqlite *s, struct err *err)
{
	struct library_symbol symbols[] = {
		{"sqlite3_open_v2", &s->open_v2},
		{"sqlite3_close_v2", &s->close_v2},
		{"sqlite3_errmsg", &s->errmsg},
		{"sqlite3_prepare_v2", &s->prepare_v2},
		{"sqlite3_step", &s->step},
		{"sqlite3_finalize", &s->finalize},
		{"sqlite3_column_blob", &s->column_blob},
		{"sqlite3_column_bytes", &s->column_bytes},
		{"sqlite3_progress_handler", &s->progress_handler},
	};

	return library_open("libsqlite3.so.0", symbols, ARRAY_LEN(symbols), &s->library, err);
}

/* The schema is the file's own and may hold anything; reading one table of even 100,000 packages
 * takes a few million steps. */
static int too_long(void *data)
{
	unsigned *calls = data;

	return ++*calls > 1000;
}

static int read_packages(struct sqlite *s, const char *path,
						 int (*each)(const struct rpm_header *, void *), void *data,
						 struct err *err)
{
	int r;

	if (s->prepare_v2(s->db, "SELECT blob FROM Packages ORDER BY hnum", -1, &s->statement, NULL))
		return err_set(err, EIO, "%s: %s", path, s->errmsg(s->db));
	while ((r = s->step(s->statement)) == SQLITE_ROW) {
		struct str blob = {s->column_blob(s->statement, 0), 0};
		struct rpm_header header;

		blob.n = (size_t)s->column_bytes(s->statement, 0);
		if (!blob.p || rpm_header_parse(blob, &header) < 0)
			return err_set(err, EINVAL, "%s: an entry is no package header", path);
		r = each(&header, data);
		if (r < 0)
			return err_errno(err, -r, "%s", path);
	}
	return r == SQLITE_DONE ? 0 : err_set(err, EIO, "%s: %s", path, s->errmsg(s->db));
}

/* Opened as immutable, sqlite takes no locks, writes nothing, and does not see the write-ahead
 * log; so a log with something in it has to be an error. */
static int check_log(int root_fd, const char *path, struct err *err)
{
	struct path_stat st;
	char log[64];

	snprintf(log, sizeof(log), "%s-wal", path);
	if (path_stat(root_fd, log, true, &st) == 0 && st.size > 0)
		return err_set(err, EBUSY,
					   "%s holds changes that are not in the database yet; any rpm "
					   "command run as root that changes a package merges them",
					   log);
	return 0;
}

int rpmdb_each(int root_fd, int (*each)(const struct rpm_header *, void *), void *data,
			   struct err *err)
{
	_cleanup_(sqlite_done) struct sqlite s = {0};
	_cleanup_close_ int fd = -1;
	int place = find_place(root_fd), r;
	unsigned calls = 0;
	char uri[64];

	if (place < 0)
		return err_set(err, ENOENT, "no rpm database");
	if (places[place].format)
		return err_set(err, ENOTSUP, "%s: in the format %s, where only sqlite can be read",
					   places[place].path, places[place].format);
	fd = path_open(root_fd, places[place].path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, -fd, "%s", places[place].path);
	r = check_log(root_fd, places[place].path, err);
	if (r < 0)
		return r;
	r = sqlite_load(&s, err);
	if (r < 0)
		return r;
	snprintf(uri, sizeof(uri), "file:/proc/self/fd/%d?immutable=1", fd);
	if (s.open_v2(uri, &s.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL))
		return err_set(err, EIO, "%s: %s", places[place].path,
					   s.db ? s.errmsg(s.db) : "out of memory");
	s.progress_handler(s.db, 1000000, too_long, &calls);
	return read_packages(&s, places[place].path, each, data, err);
}
