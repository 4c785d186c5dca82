/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read of a host at one time: for each table that was wanted its rows, or why there are
 * none. Judging works on this alone. First say what is wanted, then read once (from a host, or from
 * the JSON of an earlier snapshot); after that it is immutable and any thread may look.
 */
#ifndef REVET_HOST_SNAPSHOT_H
#define REVET_HOST_SNAPSHOT_H

#include "host/table.h"

struct snapshot;

struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *);
static inline void snapshot_freep(struct snapshot **s)
{
	snapshot_free(*s);
}
#define _cleanup_snapshot_ _cleanup_(snapshot_freep)

/* Wants the table; of tables that are read by key, this key (copied), or everything. */
void snapshot_want(struct snapshot *, const struct table *);
void snapshot_want_key(struct snapshot *, const struct table *, struct str key);
void snapshot_want_all(struct snapshot *, const struct table *);
/* All, of which only what has a key that begins with this (copied) will be looked at. */
void snapshot_want_beginning(struct snapshot *, const struct table *, struct str beginning);
/* All of all tables: for whoever cannot know yet what will be asked. */
void snapshot_want_everything(struct snapshot *);
/* Keeps the keys that were asked for, but wants no table any more. */
void snapshot_want_none(struct snapshot *);
size_t snapshot_wanted(const struct snapshot *); /* how many tables */
/* Starts the helper programs of the tables that are wanted, without waiting for any, and asks their
 * early queries. */
void snapshot_prestart(struct snapshot *, struct host *);

/* Called from a thread of snapshot_read() when a table begins (done = false) and ends. */
typedef void snapshot_progress(void *data, const struct table *, bool done);

/* Reads the wanted tables side by side. Cannot fail: what could not be read says so itself, also
 * a table that needs more memory than one may have. One at a time per process. */
void snapshot_read(struct snapshot *, struct host *, snapshot_progress *, void *data);

/* NULL: the table was not wanted, or is not in the JSON that this was read from. */
const struct rows *snapshot_rows(const struct snapshot *, const struct table *);
/* An empty table to fill in, for whoever makes up a snapshot; replaces what was there. */
struct rows *snapshot_add(struct snapshot *, const struct table *);
/* Lives as long as the snapshot. */
struct arena *snapshot_arena(struct snapshot *);

struct snapshot_facts {
	int64_t time;     /* when it was read, seconds since 1970 */
	int64_t took_us;  /* wall time of snapshot_read() */
	bool live, root;  /* of a running host; with uid 0 */
	const char *source; /* "/", the tree or the file */
};
struct snapshot_facts *snapshot_facts(struct snapshot *);
bool snapshot_is_live(const struct snapshot *); /* of a running host, or a recording of one */
/* The text of a column of the `os` table, or otherwise. */
struct str snapshot_os(const struct snapshot *, const char *column, const char *otherwise);

/* snapshot_json.c. The format is described in docs/snapshot.md. */
struct buf;
int snapshot_write(struct snapshot *, struct buf *out);
/* The snapshot must be new; text is not kept. Strict: an unknown table or column, or a cell of the
 * wrong type, is an error. */
int snapshot_parse(struct snapshot *, struct str text, const char *name, struct err *);

#endif
