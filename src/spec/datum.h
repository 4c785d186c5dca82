/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value whose type is known only when it is there: what a test file says, what a template computes
 * with, what a matcher is given. The types, and how a value becomes text, are those of the programs that
 * such files were made for, which are written in Go. Everything lives in an arena; a map may be changed
 * while a template runs, and is seen changed by all who hold it.
 */
#ifndef REVET_SPEC_DATUM_H
#define REVET_SPEC_DATUM_H

#include "base/buf.h"
#include "base/yaml.h"

enum datum_kind {
	DATUM_NULL,
	DATUM_BOOL,
	DATUM_INT,
	DATUM_FLOAT,
	DATUM_TEXT,
	DATUM_LIST,
	DATUM_MAP,
};

struct datum;
struct member;
struct datum_map {
	struct member *p; /* in the order of the file */
	size_t n, cap;
};

struct datum {
	enum datum_kind kind;
	union {
		bool yes;
		int64_t number;
		double real;
		struct str text;
		struct {
			const struct datum *p;
			size_t n;
		} list;
		struct datum_map *map;
	};
};

struct member {
	struct str key;
	struct datum value;
};

#define DATUM_NOTHING ((struct datum){.kind = DATUM_NULL})
#define DATUM_YES(b) ((struct datum){.kind = DATUM_BOOL, .yes = (b)})
#define DATUM_NUMBER(i) ((struct datum){.kind = DATUM_INT, .number = (i)})
#define DATUM_REAL(f) ((struct datum){.kind = DATUM_FLOAT, .real = (f)})
#define DATUM_STR(s) ((struct datum){.kind = DATUM_TEXT, .text = (s)})

struct datum datum_list(const struct datum *, size_t n); /* borrowed */
struct datum datum_texts(struct arena *, const struct str *, size_t n);
struct datum datum_map(struct arena *);                                 /* an empty one */
const struct datum *datum_get(const struct datum *map, struct str key); /* NULL: it has none */
void datum_put(struct arena *, struct datum *map, struct str key, struct datum value);
/* The members by key, in the arena. */
const struct member *datum_sorted(const struct datum *map, struct arena *);

const char *datum_kind_name(enum datum_kind); /* "a number", "a list" */
bool datum_is_number(const struct datum *);
double datum_real(const struct datum *); /* of a number */
/* Numbers are equal when their values are, whether written with a point or not. */
bool datum_equal(const struct datum *, const struct datum *);

/* A scalar that is not quoted is true, false, null or a number where YAML 1.2 says so. */
struct datum datum_from_yaml(struct yaml_at, struct arena *);
/* Strict, one value, at most 16 MiB. */
int datum_from_json(struct str, struct arena *, struct datum *ret, struct err *);
/* A number of either kind from the whole of a text; -EINVAL: it is none. */
int datum_parse_number(struct str, struct datum *ret);

/* On one line, keys sorted, numbers as short as they can be. */
void datum_json(struct buf *, const struct datum *);
/* As a template prints it: `map[a:1]`, `[a b]`, `<nil>`. */
void datum_print(struct buf *, const struct datum *);
struct str datum_text(struct arena *, const struct datum *);

#endif
