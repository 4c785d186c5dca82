/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command: one file of cmd/ that exports one descriptor with COMMAND(). The same table is
 * dispatch and help. Only cmd/ prints, and each error once.
 */
#ifndef REVET_CMD_CMD_H
#define REVET_CMD_CMD_H

#include "change/change.h"
#include "report/report.h"
#include "rule/map.h"
#include "rule/profile.h"
#include "rule/site.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_CANNOT = 1,
	EXIT_FINDINGS = 2,
	EXIT_UNKNOWN = 3,
	EXIT_UNDONE = 4, /* applied, then reverted */
	EXIT_PENDING = 5, /* another change is in progress or waits for its confirm */
	EXIT_USAGE = 64,
	EXIT_PERMISSION = 77,
	EXIT_CONFIG = 78,
};

struct option_doc {
	const char *name; /* "family" */
	char letter;      /* or 0 */
	const char *value; /* placeholder, NULL: a flag */
	const char *doc;
};

#define MAX_GIVEN 64
/* The options that were given, by index in the command's table, in order. */
struct given {
	struct {
		int option;
		const char *value;
	} p[MAX_GIVEN];
	size_t n;
	char **words; /* what is no option */
	int n_words;
};

struct command {
	const char *name;
	const char *words; /* that are no option, as its usage has them: "[N]", or "" */
	const char *doc;
	const struct option_doc *options; /* ends with a name of NULL */
	int min_words, max_words;         /* how many words that are no option it takes */
	int (*run)(const struct given *); /* an exit code */
};

LEAF_SET(commands, struct command);
#define COMMAND(symbol) LEAF(commands, struct command, symbol)

/* "explain [OPTION...] RULE": how the command is called. */
void command_usage(const struct command *, struct buf *);
/* The last value given for option i, or NULL; flags: "". */
const char *given_value(const struct given *, int option);

/* "revet: MESSAGE" on stderr, printable whatever is in it; returns code. */
int fail(int code, const char *fmt, ...) _printf_(2, 3);
/* What fail() said last, printable, or "": where stderr is not looked at. */
const char *last_failure(void);
/* "there is no KIND 'WORD'; did you mean NEAR; see: LIST" (near may be NULL); returns EXIT_USAGE. */
int no_such(const char *kind, const char *word, const char *near, const char *list);
/* Prints the text; returns 0, or EXIT_CANNOT, having said why. */
int put_stdout(const struct buf *);
/* Flushes stdout: returns code, or EXIT_CANNOT, having said why. */
int end_stdout(int code);
/* -f of the commands that have two: text (default) and json. */
int parse_format(const char *word, bool *ret_json);
/* --fail-on: a severity (NULL: high), or above critical for none. */
int parse_fail_on(const char *word, int *ret);
/* --color: auto (NULL), always or never. Sets what goes to stdout and what goes to files; returns 0,
 * or an exit code, having said why. */
struct color {
	bool out, files;
};
int color_wanted(const char *when, struct color *ret);
/* The whole of an open file, for people as `path`, up to 256 MiB. */
int read_file(int fd, const char *path, struct buf *ret);

/* What most commands begin with: the catalogue with user rules (/etc/revet/rules.d or $REVET_RULES),
 * the profile, and what the site file (/etc/revet/site.yaml or $REVET_SITE) and --set say. The indices
 * of the options in the command's table, -1: it has none. Returns 0 or an exit code, having said why. */
struct opening {
	int set, profile, site;
	bool elsewhere; /* it is not about this machine */
};
/* opening NULL: the rules as they stand, without profile and site. */
int open_catalogue(struct catalogue *, struct site *, const struct given *, const struct opening *);

/* 0, or EXIT_USAGE when no rule is of the family. */
int check_family(const struct catalogue *, const char *name);

/* Which rules an audit or a plan is about; the options' indices in the command's table, -1: none. */
struct selecting {
	int family, rule, severity;
};
#define MAX_RULES 4096
/* Those that are selected, into ret[MAX_RULES]; 0 or an exit code, having said why. */
int select_rules(const struct given *, const struct selecting *, const struct catalogue *,
				 const struct rule **ret, size_t *ret_n);

struct source {
	const char *root, *snapshot_file, *record_dir;
	struct host *host; /* NULL with snapshot_file */
	const struct site *site; /* what tables take for the host's; NULL: its own */
};
/* Reads the snapshot, confined: forks; the child gives up its power, reads, and runs `use` with its
 * result as exit code; the parent only waits. What it writes to was opened before. */
struct worker {
	struct source source;
	struct snapshot *snapshot; /* with what is wanted */
	int (*use)(struct worker *, void *data);
	void *data;
	struct confinement confinement;
	int record_fd;
	bool quiet; /* no progress bar */
};
int worker_run(struct worker *);
/* Blocks the signals that end a program, which worker_run() then takes as they come. */
void hold_signals(void);

/* What a plan is made for. */
struct planning {
	const char *root; /* NULL: this host */
	const struct rule *const *rules;
	size_t n;
	const struct params *params;
	struct site *site; /* whose waivers hold; NULL: none do */
	bool named; /* each was asked for by its name: see plan.h */
};
/* Reads the host in a worker and makes the plan there; *ret lives in the arena. Exit code. */
int make_plan(const struct planning *, struct arena *, struct plan *ret);
/* Applies a plan, says how it goes, and waits for the confirmation when access may be cut. Exit code. */
struct apply_options {
	const char *root;  /* NULL: this host */
	unsigned wait;     /* seconds for the confirmation */
	bool no_input;     /* do not stay to watch for it */
	bool audit_again;  /* say how many of the plan's rules pass now */
};
/* Losing the terminal, or a key that is pressed there, must not stop a change half way; while it is only
 * watched, it may. */
void interruptions_ignore(bool);
int apply_plan(const struct plan *, const struct apply_options *, const struct catalogue *,
			   struct arena *);
#define APPLY_WAIT 120 /* seconds to confirm in, when nothing else is said */

/* How many of the rules fail now. Exit code. */
int count_failing(const struct planning *, size_t *ret);

/* A bar on stderr, where that is a terminal: progress_wanted(). */
struct progress;
bool progress_wanted(void);
struct progress *progress_begin(size_t tables); /* NULL: it cannot be shown */
void progress_table(void *progress, const struct table *, bool done); /* snapshot_progress */
void progress_end(struct progress *);

/* A file that is written by rename once the worker succeeded. fd -1, path NULL: stdout. */
struct output {
	const struct report *report;
	const char *path;
	char *temp;
	int fd;
	bool fresh; /* what is there in the meantime is not replaced */
};
int output_open(struct output *, const char *path);
int output_write(const struct output *, struct str);
/* Kept when the exit code is that of a result. Returns code, or EXIT_CANNOT, having said why. */
int output_end(struct output *, int code);

#endif
