/* SPDX-License-Identifier: Apache-2.0 */
/* Running experiments, and what came of each. */
#ifndef REVET_PROVE_PROVE_H
#define REVET_PROVE_PROVE_H

#include "base/buf.h"
#include "prove/experiment.h"

enum proof_kind {
	PROOF_SAW,
	PROOF_PROVEN,
	PROOF_NOT_RUN,
	PROOF_REFUTED,
	PROOF_SHADOW,
	PROOF_KINDS
};

struct proof_line {
	enum proof_kind kind;
	struct str text;
};

struct proof {
	const struct experiment *experiment;
	enum proof_kind verdict; /* PROOF_PROVEN, PROOF_NOT_RUN or PROOF_REFUTED */
	struct str reason;       /* of the verdict: the first case that has it */
	struct str shadow;       /* why some of it was tried on a copy; absent: all was tried live */
	bool live;               /* some of it was tried live */
	VEC(struct proof_line) lines;
	int64_t took_us;
};

/* What experiments are given. Borrowed. */
struct proving {
	struct snapshot *snapshot;
	const struct site *site;
	const struct params *params;
	const struct session *session;
};

/* Runs them, two at a time where their `company` allows it, and waits for their ends. What keeps one from
 * running is its verdict. `begun` is told of each, by its place, before it begins. 0, or the signal that
 * came to end this process: the experiments are ended then. Everything lives in the arena. */
int prove_run(const struct proving *, const struct experiment *const *, size_t n,
			  void (*begun)(void *data, size_t i), void *data, struct arena *, struct proof ret[]);

/* All experiments, sorted by name; static. */
size_t experiments_all(const struct experiment *const **ret);
/* Is the word its name, its family, one of its rules or of its rows? By which of them, or NULL. */
const char *experiment_is_meant(const struct experiment *, const char *word);
bool experiment_has_rule(const struct experiment *, const char *rule);
struct str experiment_family(const struct experiment *);
/* Its members, into an object that is open (json.c). */
struct jsonw;
void experiment_json(struct jsonw *, const struct experiment *);

/* The text that a trial has written, for the process that reads it (trial.c). */
void proof_parse(struct str text, struct arena *, struct proof *ret);

/* All proofs of one run. */
struct proofs {
	const struct proof *p;
	size_t n;
	const char *host;
	const char *site; /* path of the site file; NULL: there is none */
	int64_t time, took_us;
};
size_t proofs_count(const struct proofs *, enum proof_kind);
const char *proof_verdict_name(enum proof_kind); /* "proven", "refuted", "not_run" */
const char *proof_place(const struct proof *);   /* "live", "shadow", "both" */

struct proof_format {
	const char *name, *doc;
	void (*write)(const struct proofs *, struct buf *out);
};
LEAF_SET(proof_formats, struct proof_format);
#define PROOF_FORMAT(symbol) LEAF(proof_formats, struct proof_format, symbol)

#endif
