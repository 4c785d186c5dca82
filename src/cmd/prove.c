/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/json.h"
#include "change/session.h"
#include "cmd/cmd.h"
#include "prove/prove.h"

#define MAX_TABLES ((size_t)256 << 20)
#define MAX_TEXT ((size_t)64 << 20)
#define MAX_OUTPUTS 16

enum { PLAN, FORMAT, SITE, ROOT, NO_INPUT };

static const struct option_doc options[] = {
	[PLAN] = {"plan", 0, NULL, "say what would be tried and what it does to the host; do nothing"},
	[FORMAT] = {"format", 'f', "FORMAT[=FILE]",
				"text (default), json or junit; may be given several times"},
	[SITE] = {"site", 0, "FILE", "what this server is for (/etc/revet/site.yaml)"},
	[ROOT] = {"root", 0, "DIR", "refused: in a tree nothing runs that could be attacked"},
	[NO_INPUT] = {"no-input", 0, NULL, "never ask (prove never does)"},
	{0},
};

struct proving_run {
	const struct experiment **experiments; /* that were asked for, by name */
	bool *named;                           /* by more than its family */
	size_t n, begun;
	struct catalogue catalogue;
	struct site site;
	struct output outputs[MAX_OUTPUTS];
	const struct proof_format *formats[MAX_OUTPUTS];
	size_t n_outputs;
	struct output tables; /* what the worker has read, in memory */
};

/* --- which ------------------------------------------------------------------------------------------ */

static const char *nearest_control(const char *word, const struct experiment *const *all, size_t n,
								   struct arena *a)
{
	struct nearest near = nearest_to(str_of(word));

	for (size_t i = 0; i < n; i++) {
		nearest_try(&near, all[i]->name);
		nearest_try(&near, str_dup(a, experiment_family(all[i])));
		for (const char *const *name = all[i]->rules; *name; name++)
			nearest_try(&near, *name);
		for (const char *const *name = all[i]->rows; *name; name++)
			nearest_try(&near, *name);
	}
	return near.name;
}

static int choose(struct proving_run *run, const struct given *g, struct arena *a)
{
	const struct experiment *const *all;
	size_t n = experiments_all(&all);
	bool *wanted = arena_new(a, bool, n), *named = arena_new(a, bool, n);

	for (int w = 0; w < g->n_words; w++) {
		bool any = false;

		for (size_t i = 0; i < n; i++) {
			const char *by = experiment_is_meant(all[i], g->words[w]);

			wanted[i] |= by != NULL;
			named[i] |= by && strcmp(by, "family") != 0;
			any |= by != NULL;
		}
		if (!any && catalogue_find(&run->catalogue, str_of(g->words[w])))
			return fail(EXIT_USAGE,
						"no experiment tries what the rule %s is about; see: revet prove --plan",
						g->words[w]);
		if (!any)
			return no_such("control", g->words[w], nearest_control(g->words[w], all, n, a),
						   "revet prove --plan");
	}
	run->experiments = arena_new(a, const struct experiment *, n);
	run->named = arena_new(a, bool, n);
	for (size_t i = 0; i < n; i++)
		if (wanted[i] || !g->n_words) {
			run->named[run->n] = named[i];
			run->experiments[run->n++] = all[i];
		}
	return 0;
}

/* --- what it will do --------------------------------------------------------------------------------- */

static void plan_as_text(const struct proving_run *run, struct buf *out)
{
	unsigned seconds = 0;

	for (size_t i = 0; i < run->n; i++) {
		const struct experiment *e = run->experiments[i];

		buf_printf(out, "%-30s %s\n  tries  %s\n  does   %s\n  takes  at most %u s\n  proves",
				   e->name, e->title, e->doc, e->does, e->seconds);
		for (const char *const *row = e->rows; *row; row++)
			buf_printf(out, " %s", *row);
		for (const char *const *rule = e->rules; *rule; rule++)
			buf_printf(out, "%s%s", rule == e->rules ? "; rules " : " ", *rule);
		buf_putc(out, '\n');
		seconds += e->seconds;
	}
	buf_printf(
		out, "%zu experiments, at most %u s together. Nothing has been tried. Next: revet prove\n",
		run->n, seconds);
}

static void plan_as_json(const struct proving_run *run, struct buf *out)
{
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", "revet-prove-plan");
	jsonw_member_int(&j, "version", 1);
	jsonw_member_strz(&j, "revet", REVET_VERSION);
	jsonw_key(&j, "experiments");
	jsonw_array(&j);
	for (size_t i = 0; i < run->n; i++) {
		jsonw_object(&j);
		experiment_json(&j, run->experiments[i]);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	jsonw_end(&j);
	buf_putc(out, '\n');
}

static int show_plan(const struct proving_run *run)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < run->n_outputs; i++) {
		_cleanup_buf_ struct buf text = BUF(MAX_TEXT);

		if (strcmp(run->formats[i]->name, "junit") == 0)
			return fail(EXIT_USAGE, "--plan is no result: its formats are text and json");
		(strcmp(run->formats[i]->name, "json") == 0 ? plan_as_json : plan_as_text)(run, &text);
		code = output_write(&run->outputs[i], buf_get(&text));
	}
	return code;
}

/* --- the tables that they need ------------------------------------------------------------------------ */

static int write_tables(struct worker *w, void *data)
{
	struct proving_run *run = data;
	_cleanup_buf_ struct buf text = BUF(MAX_TABLES);

	if (snapshot_write(w->snapshot, &text) < 0)
		return fail(EXIT_CANNOT, "what was read of the host is larger than 256 MiB");
	return output_write(&run->tables, buf_get(&text));
}

/* Read and parsed by the confined worker; what comes back is its JSON. */
static int read_tables(struct proving_run *run, struct snapshot *ret)
{
	_cleanup_snapshot_ struct snapshot *wanted = snapshot_new();
	_cleanup_buf_ struct buf text = BUF(MAX_TABLES);
	struct worker w = {.snapshot = wanted, .use = write_tables, .data = run};
	struct err err;
	int code;

	snapshot_want(wanted, table_find(STR("os")));
	for (size_t i = 0; i < run->n; i++)
		for (const char *const *name = run->experiments[i]->tables; *name; name++)
			snapshot_want_all(wanted, table_find(str_of(*name)));
	run->tables.path = "the tables";
	run->tables.fd = memfd_create("revet-tables", MFD_CLOEXEC);
	if (run->tables.fd < 0)
		return fail(EXIT_CANNOT, "memory for the tables: %s", strerror(errno));
	code = worker_run(&w);
	if (code == 0 && lseek(run->tables.fd, 0, SEEK_SET) < 0)
		code = fail(EXIT_CANNOT, "the tables cannot be read");
	if (code == 0)
		code = read_file(run->tables.fd, "the tables", &text);
	if (code == 0 && snapshot_parse(ret, buf_get(&text), "the tables", &err) < 0)
		code = fail(EXIT_CANNOT, "%s", err.msg);
	close_fd(&run->tables.fd);
	return code;
}

/* --- running ------------------------------------------------------------------------------------------ */

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void say_progress(void *data, size_t i)
{
	struct proving_run *run = data;

	run->begun++;
	if (progress_wanted())
		fprintf(stderr, "\r%zu of %zu: %-40s", run->begun, run->n, run->experiments[i]->name);
}

static int report(struct proving_run *run, const struct proofs *proofs)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < run->n_outputs; i++) {
		_cleanup_buf_ struct buf text = BUF(MAX_TEXT);

		run->formats[i]->write(proofs, &text);
		code = text.full ? fail(EXIT_CANNOT, "the report is larger than 64 MiB")
						 : output_write(&run->outputs[i], buf_get(&text));
	}
	return code;
}

/* Not to have been tried is a result of those alone that were asked for by name; but where nothing at
 * all could be tried, nothing is proven. */
static int result(const struct proving_run *run, const struct proofs *proofs)
{
	bool owed = !proofs_count(proofs, PROOF_PROVEN);

	for (size_t i = 0; i < run->n; i++)
		owed |= run->named[i] && proofs->p[i].verdict == PROOF_NOT_RUN;
	return proofs_count(proofs, PROOF_REFUTED) ? EXIT_FINDINGS : owed ? EXIT_UNKNOWN : EXIT_DONE;
}

static int run_all(struct proving_run *run, struct arena *a)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct proof *p = arena_new(a, struct proof, run->n + 1);
	struct proofs proofs = {.p = p, .n = run->n, .site = run->site.path};
	struct session session;
	const struct proving proving = {snapshot, &run->site, &run->catalogue.language.params,
									&session};
	struct err err;
	int64_t begin = now_us();
	int code = read_tables(run, snapshot);

	if (code == 0 && session_of_self(&session, &err) < 0)
		code = fail(EXIT_CANNOT, "%s", err.msg);
	if (code == 0) {
		int interrupted = prove_run(&proving, run->experiments, run->n, say_progress, run, a, p);

		code = interrupted ? 128 + interrupted : 0;
	}
	if (progress_wanted() && run->begun)
		fputs("\r\033[K", stderr);
	if (code)
		return code;
	proofs.host = str_dup(a, snapshot_os(snapshot, "hostname", "unknown"));
	proofs.time = snapshot_facts(snapshot)->time;
	proofs.took_us = now_us() - begin;
	code = report(run, &proofs);
	return code ? code : result(run, &proofs);
}

static int open_formats(const struct given *g, struct proving_run *run)
{
	for (size_t i = 0; i < g->n + 1; i++) {
		struct str file = str_of(i < g->n ? g->p[i].value : "text"), name = STR_ABSENT;
		size_t k = run->n_outputs;

		if (i < g->n ? g->p[i].option != FORMAT : k > 0)
			continue;
		(void)str_cut(&file, '=', &name);
		if (k == MAX_OUTPUTS)
			return fail(EXIT_USAGE, "more than %d outputs", MAX_OUTPUTS);
		run->outputs[k].fd = -1;
		for (const struct proof_format *const *f = LEAF_BEGIN(proof_formats);
			 f < LEAF_END(proof_formats); f++)
			if (str_is(name, (*f)->name))
				run->formats[k] = *f;
		if (!run->formats[k])
			return fail(EXIT_USAGE, "there is no format '%.*s'; there are: text, json, junit",
						STR_ARG(name));
		run->n_outputs++;
		if (file.p && output_open(&run->outputs[k], file.p))
			return EXIT_CANNOT;
	}
	return 0;
}

static int run_prove(const struct given *g)
{
	_cleanup_arena_ struct arena a = {0};
	const struct opening opening = {-1, -1, SITE, false};
	struct proving_run run = {0};
	bool plans = given_value(g, PLAN) != NULL;
	int code;

	if (given_value(g, ROOT))
		return fail(EXIT_USAGE,
					"--root: in a tree nothing runs that could be attacked; revet audit "
					"--root DIR judges it");
	code = open_catalogue(&run.catalogue, &run.site, g, &opening);
	if (code == 0)
		code = choose(&run, g, &a);
	if (code == 0 && !plans && geteuid() != 0)
		code =
			fail(EXIT_PERMISSION, "experiments make network namespaces and become other users: run "
								  "it as root; revet prove --plan says what it would try");
	if (code == 0)
		code = open_formats(g, &run);
	if (code == 0)
		code = plans ? show_plan(&run) : run_all(&run, &a);
	for (size_t i = 0; i < run.n_outputs; i++)
		code = output_end(&run.outputs[i], code);
	catalogue_done(&run.catalogue);
	return code;
}

static const struct command prove_command = {"prove",
											 "[CONTROL...]",
											 "attack this host, and show that its controls hold",
											 options,
											 0,
											 64,
											 run_prove};
COMMAND(prove_command);
