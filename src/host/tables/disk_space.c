/* SPDX-License-Identifier: Apache-2.0 */
/* How full file systems are. Only what is named is asked, by a process of its own for each: a file server
 * that is gone lets whoever asks wait for ever. */
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/num.h"
#include "host/table.h"

enum { TARGET, SIZE, USED, FREE, FREE_PERCENT, FREE_INODES_PERCENT };

static const struct column columns[] = {
	[TARGET] = {"target", TYPE_STRING, "A path: the file system that it is on",
				COLUMN_KEY | COLUMN_ASKED | COLUMN_LABEL},
	[SIZE] = {"size", TYPE_SIZE, "Of the file system", 0},
	[USED] = {"used", TYPE_SIZE, "By files", 0},
	[FREE] = {"free", TYPE_SIZE, "What users other than root can still have", 0},
	[FREE_PERCENT] = {"free_percent", TYPE_INT,
					  "That, of what files and users can have together, rounded down", 0},
	[FREE_INODES_PERCENT] =
		{"free_inodes_percent", TYPE_INT,
		 "The same of inodes; absent: the file system makes as many as it needs", 0},
	{0},
};

static int ask_one(struct host *host _unused_, const void *path, struct buf *out, struct err *err)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return err_errno(err, errno, "%s", (const char *)path);
	buf_printf(out, "unit=%llu blocks=%llu unused=%llu free=%llu inodes=%llu free_inodes=%llu\n",
			   (unsigned long long)fs.f_frsize, (unsigned long long)fs.f_blocks,
			   (unsigned long long)fs.f_bfree, (unsigned long long)fs.f_bavail,
			   (unsigned long long)fs.f_files, (unsigned long long)fs.f_favail);
	return 0;
}

static struct query query_of(struct arena *a, struct str path)
{
	return (struct query){
		.name = arena_printf(a, "statvfs %.*s", STR_ARG(path)),
		.live_with = ask_one,
		.data = str_dup(a, path),
		.max = 4096,
	};
}

static void ask(struct host *host, const struct demand *demand)
{
	_cleanup_arena_ struct arena a = {0};

	for (size_t i = 0; i < demand->n; i++) {
		struct query q = query_of(&a, demand->keys[i]);

		host_query_fork(host, &q);
	}
}

struct space {
	uint64_t unit, blocks, unused, free, inodes, free_inodes;
};

static bool parse(struct str answer, struct space *ret)
{
	struct str rest = answer, name, value;
	const struct {
		const char *name;
		uint64_t *to;
	} fields[] = {{"unit", &ret->unit},     {"blocks", &ret->blocks},
				  {"unused", &ret->unused}, {"free", &ret->free},
				  {"inodes", &ret->inodes}, {"free_inodes", &ret->free_inodes}};
	size_t found = 0;

	while (str_word(&rest, &value)) {
		if (!str_cut(&value, '=', &name) || !value.p)
			return false;
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			if (str_is(name, fields[i].name))
				found += num_u64(value, 0, UINT64_MAX, fields[i].to) == 0;
	}
	return found == ARRAY_LEN(fields);
}

/* In hundredths, without leaving the numbers there are. */
static int64_t percent(uint64_t part, uint64_t whole)
{
	return whole ? (int64_t)((unsigned __int128)part * 100 / whole) : 0;
}

static int64_t bytes(uint64_t blocks, uint64_t unit)
{
	unsigned __int128 n = (unsigned __int128)blocks * unit;

	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static void set_row(struct row *row, const struct space *s)
{
	uint64_t used = s->blocks > s->unused ? s->blocks - s->unused : 0;
	uint64_t all = used > UINT64_MAX - s->free ? UINT64_MAX : used + s->free;

	row_int(row, SIZE, bytes(s->blocks, s->unit));
	row_int(row, USED, bytes(used, s->unit));
	row_int(row, FREE, bytes(s->free, s->unit));
	row_int(row, FREE_PERCENT, percent(MIN(s->free, all), all));
	if (s->inodes)
		row_int(row, FREE_INODES_PERCENT, percent(MIN(s->free_inodes, s->inodes), s->inodes));
}

static int read_disk_space(struct host *host, struct rows *rows, struct err *err _unused_)
{
	for (size_t i = 0; i < rows->demand->n; i++) {
		struct query q = query_of(rows->arena, rows->demand->keys[i]);
		struct row *row = rows_add(rows, FROM(q.name, 0));
		struct space space = {0};
		struct str answer;
		struct err why = {0};
		int r = host_query(host, &q, rows->arena, &answer, &why);

		row_str(row, TARGET, rows->demand->keys[i]);
		if (r == 0 && !parse(answer, &space))
			r = err_set(&why, EBADMSG, "the answer is not as it should be");
		if (r == 0) {
			set_row(row, &space);
			continue;
		}
		for (int column = SIZE; column <= FREE_INODES_PERCENT; column++)
			row_unknown(row, column, arena_strdup(rows->arena, why.msg));
	}
	return 0;
}

static const struct table disk_space = {
	.name = "disk_space",
	.doc = "How full file systems are, from statvfs(3); only what is named is asked",
	.columns = columns,
	.read = read_disk_space,
	.ask = ask,
	.cost = 10,
};
TABLE(disk_space);
