/* SPDX-License-Identifier: Apache-2.0 */
#include "host/sqlite.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/path.h"
#include "host/library.h"

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
	int (*column_type)(void *statement, int column);
	void (*progress_handler)(void *db, int steps, int (*handler)(void *), void *data);
};
enum { SQLITE_OK = 0, SQLITE_ROW = 100, SQLITE_DONE = 101 };
enum { SQLITE_OPEN_READONLY = 1, SQLITE_OPEN_URI = 0x40, SQLITE_OPEN_NOMUTEX = 0x8000 };
enum { SQLITE_NULL = 5 };

static void sqlite_done(struct sqlite *s)
{
	if (s->statement)
		s->finalize(s->statement);
	if (s->db)
		s->close_v2(s->db);
	library_close(s->library);
}

static int load(struct sqlite *s, struct err *err)
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
		{"sqlite3_column_type", &s->column_type},
		{"sqlite3_progress_handler", &s->progress_handler},
	};

	return library_open("libsqlite3.so.0", symbols, ARRAY_LEN(symbols), &s->library, err);
}

/* Reading one table of even 100,000 rows takes a few million steps. */
static int too_long(void *data)
{
	unsigned *calls = data;

	return ++*calls > 1000;
}

/* Opened as immutable, sqlite takes no locks, writes nothing, and does not see the write-ahead
 * log; so a log with something in it has to be an error. */
static int check_log(int root_fd, const char *path, struct err *err)
{
	struct path_stat st;
	char log[128];

	snprintf(log, sizeof(log), "%s-wal", path);
	if (path_stat(root_fd, log, true, &st) == 0 && st.size > 0)
		return err_set(err, EBUSY,
					   "%s holds changes that are not in the database yet; whatever writes to it "
					   "next, as root, merges them",
					   log);
	return 0;
}

static int read_rows(struct sqlite *s, const char *path, const char *sql, size_t n,
					 int (*each)(const struct str *, void *), void *data, struct err *err)
{
	struct str columns[SQLITE_MAX_COLUMNS];
	int r;

	if (s->prepare_v2(s->db, sql, -1, &s->statement, NULL))
		return err_set(err, EIO, "%s: %s", path, s->errmsg(s->db));
	while ((r = s->step(s->statement)) == SQLITE_ROW) {
		for (size_t i = 0; i < n; i++) {
			const void *p = s->column_blob(s->statement, (int)i);
			int size = s->column_bytes(s->statement, (int)i);

			columns[i] = s->column_type(s->statement, (int)i) == SQLITE_NULL
							 ? STR_ABSENT
							 : (struct str){p ? p : "", p ? (size_t)size : 0};
		}
		r = each(columns, data);
		if (r < 0)
			return err_errno(err, -r, "%s", path);
	}
	return r == SQLITE_DONE ? 0 : err_set(err, EIO, "%s: %s", path, s->errmsg(s->db));
}

int sqlite_each(int root_fd, const char *path, const char *sql, size_t n,
				int (*each)(const struct str *columns, void *data), void *data, struct err *err)
{
	_cleanup_(sqlite_done) struct sqlite s = {0};
	_cleanup_close_ int fd = path_open(root_fd, path, O_RDONLY | O_NONBLOCK);
	unsigned calls = 0;
	struct stat st;
	char uri[64];
	int r;

	if (fd < 0)
		return err_errno(err, -fd, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not a regular file", path);
	r = check_log(root_fd, path, err);
	if (r < 0)
		return r;
	r = load(&s, err);
	if (r < 0)
		return r;
	snprintf(uri, sizeof(uri), "file:/proc/self/fd/%d?immutable=1", fd);
	if (s.open_v2(uri, &s.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL))
		return err_set(err, EIO, "%s: %s", path, s.db ? s.errmsg(s.db) : "out of memory");
	s.progress_handler(s.db, 1000000, too_long, &calls);
	return read_rows(&s, path, sql, n, each, data, err);
}
