/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An experiment: an attack on this very host, or the exercise of a control, that shows whether it
 * holds. Each lives in one file of prove/experiments/ that exports one descriptor with EXPERIMENT().
 *
 * It runs as root in a process of its own, the first of a new PID namespace: whenever that process or
 * revet ends, however it does, the kernel kills all that it has started. Its mounts are private, too:
 * files go below `scratch` alone. Network namespaces are made without a name (change/netns.h) and are
 * gone with their last descriptor, and with them the wires into the host and what stood on those.
 * So nothing is left behind at whatever instant it is killed, as long as an experiment keeps to that:
 * what outlives its processes (a unit that systemd starts, a rule in the host's own firewall) it must
 * not make, or only as something that ends by itself. /proc is the host's: getpid() is not a name in it,
 * /proc/self is.
 */
#ifndef REVET_PROVE_EXPERIMENT_H
#define REVET_PROVE_EXPERIMENT_H

#include "base/exec.h"
#include "change/session.h"
#include "change/step.h"
#include "host/snapshot.h"
#include "rule/site.h"

struct trial;

/* What else may run at the same time. */
enum company {
	COMPANY_ANY,
	COMPANY_WIRELESS, /* it makes wires into this host (outside.h): one such at a time */
	COMPANY_NONE,     /* what others do would be taken for its own doing */
	COMPANIES
};

struct experiment {
	const char *name;          /* FAMILY.NAME, as "ssh.root-refused" */
	const char *title;         /* what holds when it is proven: "Root is refused over SSH" */
	const char *doc;           /* what it tries, one sentence */
	const char *does;          /* what it does to the host meanwhile, for --plan */
	const char *const *rows;   /* rows of the mission that it proves, up to a NULL: "I4", "L5" */
	const char *const *rules;  /* ids of rules whose `explain` names it, up to a NULL */
	unsigned seconds;          /* at most; then it is killed */
	const char *const *tables; /* of the snapshot that it is given, up to a NULL */
	void (*run)(struct trial *);
	enum company company;
};

LEAF_SET(experiments, struct experiment);
#define EXPERIMENT(symbol) LEAF(experiments, struct experiment, symbol)

#define NO_NAMES ((const char *const[]){NULL})

struct trial {
	const struct experiment *experiment;
	struct arena *arena;
	struct place place;            /* the running system */
	struct snapshot *snapshot;     /* the tables that it names: trial_rows() */
	const struct site *site;       /* its path is NULL where there is no site file */
	const struct params *params;   /* of the rules, with what profile and site file say */
	const struct session *session; /* that revet was started from */
	const char *scratch; /* an empty directory in memory, 0711, which no other process sees */
	int64_t deadline_ms; /* of CLOCK_MONOTONIC */
	int report_fd;       /* private to trial.c, as the next is */
	unsigned said;
};

/* Evidence, one line each, in the order in which it is seen: what was sent and what came back. */
void trial_saw(struct trial *, const char *fmt, ...) _printf_(2, 3);
/* The outcome of one case, with what it rests on. The verdict of the experiment is the worst of its
 * cases, REFUTED before NOT RUN before PROVEN; without any it is NOT RUN. */
void trial_proven(struct trial *, const char *fmt, ...) _printf_(2, 3);
void trial_refuted(struct trial *, const char *fmt, ...) _printf_(2, 3);
void trial_not_run(struct trial *, const char *fmt, ...) _printf_(2, 3);
/* It was tried on a copy of the control rather than on the control itself, and why. */
void trial_on_shadow(struct trial *, const char *fmt, ...) _printf_(2, 3);

/* Milliseconds until it is killed, at least 0. */
int trial_ms_left(const struct trial *);
/* The rows of a table that the experiment names; NULL where it could not be read at all, or some rows
 * may be missing, which has been said by trial_not_run() then. */
const struct rows *trial_rows(struct trial *, const char *table);
/* A cell by the name of its column: absent where it is absent or not known; a number otherwise. */
struct str trial_text(const struct rows *, const struct row *, const char *column);
int64_t trial_number(const struct rows *, const struct row *, const char *column,
					 int64_t otherwise);
/* A parameter of rules, as "ssh.ciphers"; NULL: no rule has it. */
const struct param *trial_param(const struct trial *, const char *name);
/* Runs a program (its path absolute) to its end, at most timeout_ms; ns: a network namespace or -1.
 * 0 whatever its exit status; -errno with err, -ENOENT where there is no such program. */
int trial_run(struct trial *, const char *const argv[], int ns, int timeout_ms,
			  struct exec_result *ret, struct err *);

#endif
