/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table: one kind of fact about a host, as rows with typed columns. Each lives in one file of
 * host/tables/ that exports one descriptor with TABLE(). Rows belong to the arena of their table
 * and live as long as the snapshot; strings in cells are borrowed from the same arena, from what
 * host_read() returned, or are literals.
 *
 * What could not be read is said in one of three ways, never by leaving it out:
 *   - the whole table: read() returns an error;
 *   - some rows may be missing: rows_gap();
 *   - one cell: row_unknown().
 */
#ifndef REVET_HOST_TABLE_H
#define REVET_HOST_TABLE_H

#include "host/host.h"
#include "host/loaded_by.h"
#include "host/started.h"

enum type {
	TYPE_BOOL,
	TYPE_INT,
	TYPE_SIZE,     /* bytes */
	TYPE_DURATION, /* seconds; INT64_MAX: infinity */
	TYPE_MODE,     /* permission bits, 0 to 07777 */
	TYPE_TIME,     /* seconds since 1970, UTC */
	TYPE_STRING,
	TYPE_LIST,     /* of strings */
};
const char *type_name(enum type);

enum column_flag {
	COLUMN_KEY = 1,      /* names the row in `table.KEY` sentences */
	COLUMN_VALUE = 2,    /* judged by `table.KEY: expectation`; several may be (now, at boot) */
	COLUMN_ASKED = 4,    /* the table only holds rows for what rules ask for by this column */
	COLUMN_SETTABLE = 8, /* a fix can be derived */
	COLUMN_LABEL = 16,   /* shown by reports to name the row, in column order */
};

struct column {
	const char *name; /* as the field names it: PermitRootLogin, mode, port */
	enum type type;
	const char *doc; /* what it holds, its unit, and what absent means */
	unsigned flags;
};

struct rows;
struct row;
struct demand;
struct map;
struct wish;
struct edits;

struct table {
	const char *name;
	const char *doc;               /* one sentence: what a row is and where it is read */
	const struct column *columns;  /* ends with a column without a name */
	int (*read)(struct host *, struct rows *, struct err *);
	const struct helper *const *helpers; /* NULL-terminated, or NULL */
	/* Asks a query that Landlock would refuse; called before the process confines itself. */
	void (*early)(struct host *);
	/* The same, of a table that holds only what is asked for: asks its queries about these keys. */
	void (*ask)(struct host *, const struct demand *);
	bool (*is_key)(struct str key); /* key/value tables: does this key exist at all? NULL: any */
	bool multi;                     /* key/value tables: a key may have several rows, all judged */
	const char *fix;                /* how a wish on it would be fulfilled: one sentence, or NULL */
	/* Says what to edit so that a wish comes true (host/edit.h). NULL: read only. -ENOTSUP: not this
	 * one, err says why a person has to. */
	int (*set)(struct host *, const struct wish *, struct edits *, struct err *);
	bool can_add; /* set() takes wishes for rows that are not there, by their key */
	const struct started *started;  /* the service whose configuration it reads; NULL: none */
	const struct loaded_by *loaded; /* services that hold what it read; the last has no units */
	unsigned cost;                  /* expected milliseconds; the dear ones are started first */
};

#define TABLES_MAX 256 /* that a program may have */

LEAF_SET(tables, struct table);
#define TABLE(symbol) LEAF(tables, struct table, symbol)

const struct table *table_find(struct str name); /* NULL when there is none */
size_t table_all(const struct table *const **ret); /* sorted by name; static */
int table_column(const struct table *, struct str name); /* index, or -1 */
int table_key_column(const struct table *);              /* index, or -1 */
size_t table_columns(const struct table *);

/* Where a fact comes from: a file and line (0: the whole file), or the name of a query. */
struct from {
	const char *path;
	unsigned line;
};
#define FROM(file, number) ((struct from){(file), (unsigned)(number)})

enum value_state { VALUE_ABSENT, VALUE_SET, VALUE_UNKNOWN };

struct value {
	uint8_t state; /* enum value_state */
	uint32_t line; /* with from: provenance; NULL: the row's */
	const char *from;
	union {
		int64_t number; /* bool, int, size, duration, mode, time */
		struct str string;
		struct {
			const struct str *items;
			size_t n;
		} list;
		const char *why; /* VALUE_UNKNOWN */
	};
};

struct row {
	struct from from;
	const char *note; /* a remark on the provenance, or NULL: "effective, as sshd -T sees it" */
	struct value cells[];
};

struct rows {
	const struct table *table;
	struct arena *arena;
	const struct demand *demand;
	struct row **p;
	size_t n, cap, max;
	size_t n_columns;
	const char *gap; /* why rows may be missing; NULL: complete */
	int error;       /* negative errno when the table could not be read at all */
	const char *why; /* with error */
	int64_t took_us; /* wall time of read() */
	struct row *spare;
	struct rows_index *index; /* private: by the text of the key column; NULL: none */
};

/* The rows that may have the key: those that do, and those whose key is not known, ascending; in the
 * arena. False: there is no index, look at all. A snapshot that was read has one for each larger
 * table with a key. */
bool rows_with_key(const struct rows *, struct str key, struct arena *, const size_t **ret,
				   size_t *ret_n);
void rows_make_index(struct rows *);

/* A new row whose cells are all absent. Past rows->max (200,000), or when the table holds 40 MiB, it
 * opens a gap and returns a scratch row, so callers need not check. */
struct row *rows_add(struct rows *, struct from);
/* Of settings whose last line holds: the row that the key has among those seen, or a new one; it now
 * comes from there. The key lives as long as `seen`. */
struct row *rows_setting(struct rows *, struct map *seen, struct str key, struct from);
void rows_gap(struct rows *, const char *fmt, ...) _printf_(2, 3); /* the first reason is kept */
/* The same for settings of which the last one holds: what could not be read may have set any of them
 * to something else, so the column of the rows so far is unknown. */
void rows_unsure(struct rows *, int column, const char *why);

/* Set one cell; the value's type must be the column's. An absent str leaves the cell absent. */
void row_str(struct row *, int column, struct str);
void row_strz(struct row *, int column, const char *); /* NULL: absent */
void row_int(struct row *, int column, int64_t); /* int, size, duration, mode, time */
void row_bool(struct row *, int column, bool);
void row_list(struct row *, int column, const struct str *items, size_t n); /* items: in the arena */
void row_unknown(struct row *, int column, const char *why);                /* why: in the arena */
void row_from(struct row *, int column, struct from);

/* What the selected rules ask a table for. Tables with a COLUMN_ASKED, and key/value tables whose
 * full reading is dear, look here; the others may ignore it. */
struct demand {
	bool all; /* everything there is (`revet table`, or a rule that cannot name its keys) */
	const struct str *keys;
	size_t n;
	/* With `all`: besides the keys nobody looks at more than what begins with one of these, which a table
	 * may heed; none: at everything. */
	const struct str *beginnings;
	size_t n_beginnings;
};
bool demand_has(const struct demand *, struct str key);

#endif
