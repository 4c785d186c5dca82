/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of a host that a user has written: files as goss has them (resources with what is expected of
 * each), and sentences of the rules' language under `tests`. A suite is loaded once, with all its files;
 * after that it is immutable but for the answers that are put into it.
 *
 * The one who may write such a file decides what runs with the caller's power, and so files that others
 * can change are refused.
 */
#ifndef REVET_SPEC_SPEC_H
#define REVET_SPEC_SPEC_H

#include "base/vec.h"
#include "host/snapshot.h"
#include "rule/judge.h"
#include "spec/matcher.h"

enum attribute_kind {
	EXPECTED,      /* a property that is compared with a matcher */
	EXPECTED_TEXT, /* the same, and a list is one of patterns, looked for line by line */
	SETTING_TEXT,
	SETTING_NUMBER,
	SETTING_FLAG,
	SETTING_TEXTS, /* a list */
	SETTING_ANY,
};

struct attribute {
	const char *name; /* "exit-status" */
	enum attribute_kind kind;
	bool required;
	const char *also; /* a name that older files have; or NULL */
};

struct resource;
struct finding;

/* A kind of resource: one file of spec/kinds/ that exports one descriptor with KIND(). */
struct kind {
	const char *name, *title; /* "kernel-param", "KernelParam" */
	const struct attribute
		*attributes;     /* properties in the order in which they are judged; ends without
										 * a name */
	const char *subject; /* the setting that stands in for the key; or NULL */
	bool gated; /* when the first property is false or cannot be found, the others are skipped */
	/* Says which tables it needs. NULL: none. */
	void (*want)(const struct resource *, struct snapshot *);
	/* Asks the world, from a process that is not confined, and writes the answer as bytes. NULL: what
	 * is to be found stands in tables and files. */
	void (*ask)(const struct resource *, struct buf *answer);
	/* The value of a property, by its index in `attributes`, where nothing but reading is possible. */
	int (*find)(struct finding *, int attribute, struct datum *ret, struct err *);
};

LEAF_SET(kinds, struct kind);
#define KIND(symbol) LEAF(kinds, struct kind, symbol)

struct property {
	int attribute;
	const struct matcher *matcher;
};

struct resource {
	const struct kind *kind;
	const char *id;  /* for people: the key, and what stands in for it */
	struct str name; /* what it is about: the path, the command, ... */
	struct str title;
	struct datum meta; /* a mapping, or nothing */
	bool skip;
	struct property *properties;
	size_t n_properties;
	struct datum *settings; /* by attribute; nothing where it is not set */
	struct from from;
	const struct rule *rule; /* a sentence of `tests`; kind is then the one of test_kind */
	struct str answer;       /* of kind->ask */
};

extern const struct kind test_kind;

struct suite {
	struct arena arena;
	VEC(struct resource *) resources; /* in the order of the files */
	struct catalogue *catalogue;      /* of the language, when there are sentences; or NULL */
	VEC(const char *) warnings;
	const char *directory; /* where relative paths of the tested files begin */
	const char *manager;   /* of packages: "dpkg", "rpm", ...; NULL: any */
};

struct suite_options {
	struct datum vars; /* for templates: a mapping */
	bool alone;        /* neither files that it includes nor those that its templates read */
};

/* Loads the file into the suite, with what it includes; "-" is standard input. The error has the file, the
 * line and the column. */
int suite_load(struct suite *, const char *path, const struct suite_options *, struct err *);
/* The same, of a text. */
int suite_parse(struct suite *, struct str text, const char *name, const struct suite_options *,
				struct err *);
/* {name: value} from a file, or from text, into *vars, over what it has. */
int suite_load_vars(struct suite *, const char *path, struct datum *vars, struct err *);
int suite_parse_vars(struct suite *, struct str text, const char *name, struct datum *vars,
					 struct err *);
void suite_done(struct suite *);

/* Settings by the name of the attribute. */
struct str setting_text(const struct resource *, const char *name); /* absent: not set */
int64_t setting_number(const struct resource *, const char *name, int64_t otherwise);
bool setting_flag(const struct resource *, const char *name);
const struct datum *setting(const struct resource *, const char *name); /* nothing: not set */
const struct attribute *attribute_of(const struct resource *, int attribute);

/* --- results --------------------------------------------------------------------------------- */

enum outcome { OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_SKIP };

struct result {
	const struct resource *resource;
	const char *property;
	enum outcome outcome;
	struct match_result match; /* of an error, too; of a skipped one nothing */
	int64_t took_us;
};

struct passwd_db;

struct finding {
	struct host *host;
	const struct passwd_db *users; /* NULL: they cannot be read */
	const struct snapshot *snapshot;
	const struct suite *suite;
	const struct resource *resource;
	struct arena *arena;
	void *state; /* the kind's own, from one property to the next; NULL at first */
};

struct results {
	struct result *p; /* in the order of the suite */
	size_t n;
	size_t failed, skipped;
	int64_t took_us;
	int64_t begin; /* seconds since 1970 */
};

/* Says what has to be read of the host. */
void suite_wants(const struct suite *, struct snapshot *);
/* Starts a process that asks the world for all that has to be asked, so many things at a time; *ret_pid
 * is 0 and *ret_fd -1 when there is nothing to ask. */
int suite_ask(const struct suite *, unsigned at_once, int *ret_pid, int *ret_fd, struct err *);
/* Reads what that process answers, to its end; closes fd. */
int suite_take_answers(struct suite *, int fd, struct err *);
/* Judges all, in threads. Everything in *ret lives in the arenas, of which there is one for each thread;
 * suite_results_done() releases them. */
struct suite_judging {
	struct suite *suite;
	struct host *host;
	const struct snapshot *snapshot;
	unsigned threads;
	struct results results;
	struct arena *arenas; /* private, as what follows */
	const struct passwd_db *users;
};
void suite_judge(struct suite_judging *);
void suite_judging_done(struct suite_judging *);

/* --- formats --------------------------------------------------------------------------------- */

struct format_options {
	bool color;
	bool verbose;
};

/* One file of spec/formats/ that exports one descriptor with FORMAT(). */
struct format {
	const char *name, *doc;
	void (*write)(const struct results *, const struct format_options *, struct buf *out);
};

LEAF_SET(formats, struct format);
#define FORMAT(symbol) LEAF(formats, struct format, symbol)

#endif
