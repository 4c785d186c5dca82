/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree of plain numbers: a document is an array of nodes and a pool of bytes, with no
 * pointer in it, so that the embedded catalogue is constant data that needs no parsing and no
 * relocation, and the same code reads it and a user's file.
 *
 * Strict: one document, UTF-8, no anchors, aliases, tags or merge keys, mapping keys are scalars
 * and unique, at most 32 levels, 1 MiB and 100,000 nodes. Scalars stay text; whoever reads a
 * scalar gives it a type. Every error carries file:line:column.
 */
#ifndef REVET_BASE_YAML_H
#define REVET_BASE_YAML_H

#include "base/err.h"
#include "base/str.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	uint8_t kind;
	uint8_t quoted;          /* scalar in quotes or a block: `"~"` is text, `~` is null */
	uint16_t column;         /* from 1; 65535: or more */
	uint32_t line;           /* from 1 */
	uint32_t text, text_len; /* scalar: its bytes in the pool */
	uint32_t child;          /* first item, or first key; 0: none */
	uint32_t next;           /* sibling; behind a key stands its value, behind that the next key */
};

struct yaml {
	const char *name; /* of the file, for messages */
	const struct yaml_node *nodes;
	const char *pool;
	uint32_t n_nodes, n_pool;
};

/* Parses text into *ret, whose memory is the arena's; `name` is borrowed. */
int yaml_parse(struct str text, const char *name, struct arena *, struct yaml *ret, struct err *);
/* The same with anchors, aliases and `<<`, for files that were written for other programs. What an alias
 * names is copied, and counts again. */
int yaml_parse_aliases(struct str text, const char *name, struct arena *, struct yaml *ret,
					   struct err *);

/* A node: the document and its index. The root is {doc, 0}. */
struct yaml_at {
	const struct yaml *doc;
	uint32_t i;
};
#define YAML_ROOT(document) ((struct yaml_at){(document), 0})

enum yaml_kind yaml_kind(struct yaml_at);
const char *yaml_kind_name(struct yaml_at); /* "a scalar", "a list", "a mapping" */
struct str yaml_text(struct yaml_at);       /* of a scalar; absent otherwise */
bool yaml_is_null(struct yaml_at);          /* plain `~`, `null` or nothing */
/* The value under key in a mapping; false when there is none or at is not a mapping. */
bool yaml_get(struct yaml_at, const char *key, struct yaml_at *ret);
/* Iterates: *it starts as the list or mapping itself with *started = false. */
struct yaml_iter {
	struct yaml_at key, value; /* key: of mappings only */
	struct yaml_at of;
	uint32_t next;
};
struct yaml_iter yaml_iter(struct yaml_at list_or_map);
bool yaml_next(struct yaml_iter *);
uint32_t yaml_len(struct yaml_at); /* items or pairs; 0 for a scalar */

/* -EINVAL with "FILE:LINE:COLUMN: MESSAGE". */
int yaml_err(struct yaml_at, struct err *, const char *fmt, ...) _printf_(3, 4);

/* An error for the first key of the mapping that is not among `known` (NULL-terminated), naming the
 * nearest, or when at is no mapping. */
int yaml_check_keys(struct yaml_at, const char *const known[], struct err *);
/* The nearest of `known` to a word that is none of them, for "did you mean"; or NULL. */
const char *yaml_nearest(struct str word, const char *const known[]);
/* Typed scalars; errors say what was expected. */
int yaml_str(struct yaml_at, struct str *ret, struct err *);
int yaml_bool(struct yaml_at, bool *ret, struct err *); /* true, false, yes, no */

#endif
