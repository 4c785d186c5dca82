/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz targets: each feeds an input to one parser and checks what must hold for every input. The
 * same targets are driven by libFuzzer (libfuzzer.c, `./dev fuzz`), over the corpora in the tests
 * (replay.c), and with inputs that grow, to see how the cost does (scale.c).
 */
#ifndef REVET_FUZZ_FUZZ_H
#define REVET_FUZZ_FUZZ_H

#include "base/str.h"

struct target {
	const char *name; /* its corpus is fuzz/corpus/NAME */
	const char *seeds; /* another folder of inputs, from the top of the sources; or NULL */
	size_t max;        /* bytes of an input */
	void (*run)(const struct target *, struct str input);
	const void *data; /* what run() is told */
	bool is_case;     /* the input is a text as in tests/tables */
};

/* Those of direct.c, and one for every table, which bears its name. Static. */
size_t target_all(const struct target **ret);
const struct target *target_find(const char *name); /* NULL when there is none */

/* tables.c: the target of a table; `data` is the struct table. */
void run_table(const struct target *, struct str input);
/* The snapshot as a text that parses to the same text again; judged and reported without harm. */
struct snapshot;
void check_snapshot(struct snapshot *);

/* False: leave out what takes most of the time and seldom finds anything. libFuzzer's inputs are so
 * many that every eighth will do. */
extern bool check_thoroughly;

/* direct.c and spec.c; the last one has no name. */
extern const struct target direct_targets[], spec_targets[];

/* Ends the process when something that must hold does not; NDEBUG or not. */
#define check(condition)                                                                           \
	do {                                                                                           \
		if (!(condition))                                                                          \
			check_failed(__FILE__, __LINE__, #condition);                                          \
	} while (0)
void check_failed(const char *file, int line, const char *condition) __attribute__((noreturn));

#endif
