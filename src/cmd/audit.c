/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/cmd.h"

#define MAX_REPORT ((size_t)256 << 20)
#define MAX_OUTPUTS 16
#define STATE_DIR "/var/lib/revet"
#define LAST_AUDIT STATE_DIR "/last-audit.json"

enum { FORMAT, FAIL_ON, FAMILY, RULE, ROOT, SNAPSHOT, RECORD, SINCE, PROFILE, SITE, MAP, SET, COLOR, VERBOSE, NO_INPUT };

static const struct option_doc options[] = {
	[FORMAT] = {"format", 'f', "FORMAT[=FILE]", "text (default), json and others; may be given several times"},
	[FAIL_ON] = {"fail-on", 0, "SEVERITY", "exit 2 for findings of this severity or above (high), or none"},
	[FAMILY] = {"family", 0, "NAME", "only the rules of this family; may be given several times"},
	[RULE] = {"rule", 0, "ID", "only this rule; may be given several times"},
	[ROOT] = {"root", 0, "DIR", "audit the tree, or the recording, in DIR"},
	[SNAPSHOT] = {"snapshot", 0, "FILE", "judge a snapshot made earlier"},
	[RECORD] = {"record", 0, "DIR", "also keep all that was read, for --root DIR"},
	[SINCE] = {"since", 0, "FILE", "say what is new and what is fixed since this report of -f json"},
	[PROFILE] = {"profile", 0, "NAME", "the rules of this profile (of the site file, or server)"},
	[SITE] = {"site", 0, "FILE", "what this server is for (/etc/revet/site.yaml)"},
	[MAP] = {"map", 0, "NAME", "score by the numbers of cis-debian12, ssg, anssi or lynis; sarif has them as tags"},
	[SET] = {"set", 0, "PARAMETER=VALUE", "override a rule's parameter for this run"},
	[COLOR] = {"color", 0, "WHEN", "auto, always or never"},
	[VERBOSE] = {"verbose", 'v', NULL, "also list what passed and what does not apply"},
	[NO_INPUT] = {"no-input", 0, NULL, "never ask (audit never does)"},
	{0},
};

struct run {
	const struct rule *rules[MAX_RULES];
	size_t n;
	struct catalogue catalogue;
	struct site site;
	struct numbering numbering;
	const struct numbering *map; /* NULL: none was asked for */
	struct output outputs[MAX_OUTPUTS];
	size_t n_outputs;
	struct output last; /* the last audit, where it is kept */
	int fail_on; /* a severity, or above critical for none */
	int64_t begin;
	const char *since; /* an earlier report, open as since_fd; NULL: none */
	int since_fd;
	bool is_whole; /* all rules of the profile are judged */
	bool keeps; /* the report as the last audit, to compare the next one with */
	struct color color;
	bool utf8, verbose;
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static bool has_option(const struct given *g, int option)
{
	return given_value(g, option) != NULL;
}

static const struct report *find_report(struct str name)
{
	for (const struct report *const *r = LEAF_BEGIN(reports); r < LEAF_END(reports); r++)
		if (str_is(name, (*r)->name))
			return *r;
	return NULL;
}

static int no_format(struct str name)
{
	_cleanup_buf_ struct buf names = BUF(4096);

	for (const struct report *const *r = LEAF_BEGIN(reports); r < LEAF_END(reports); r++)
		buf_printf(&names, "%s%s", names.n ? ", " : "", (*r)->name);
	return fail(EXIT_USAGE, "there is no format '%.*s'; there are: %s", STR_ARG(name), names.p);
}

static int open_outputs(const struct given *g, struct run *run)
{
	for (size_t i = 0; i < g->n; i++) {
		struct str file = str_of(g->p[i].value), name = STR_ABSENT;
		int code;
		struct output *o = &run->outputs[run->n_outputs];

		if (g->p[i].option != FORMAT)
			continue;
		(void)str_cut(&file, '=', &name);
		if (run->n_outputs == MAX_OUTPUTS)
			return fail(EXIT_USAGE, "more than %d outputs", MAX_OUTPUTS);
		*o = (struct output){.report = find_report(name), .fd = -1};
		if (!o->report)
			return no_format(name);
		run->n_outputs++;
		code = file.p ? output_open(o, file.p) : 0;
		if (code)
			return code;
	}
	if (!run->n_outputs)
		run->outputs[run->n_outputs++] = (struct output){.report = find_report(STR("text")), .fd = -1};
	return 0;
}

static int read_earlier(const struct run *run, struct arena *a, struct earlier *ret)
{
	_cleanup_buf_ struct buf text = BUF(MAX_REPORT);
	struct err err;
	int code = read_file(run->since_fd, run->since, &text);

	if (code == 0 && earlier_parse(ret, buf_get(&text), run->since, a, &err) < 0)
		code = fail(EXIT_CONFIG, "%s", err.msg);
	return code;
}

static int write_report(const struct run *run, struct audit *audit, const struct output *o)
{
	_cleanup_buf_ struct buf text = BUF(MAX_REPORT);

	audit->color = o->path ? run->color.files : run->color.out;
	o->report->write(audit, &text);
	if (text.full)
		return fail(EXIT_CANNOT, "the report is larger than 256 MiB");
	return output_write(o, buf_get(&text));
}

/* That the next audit has nothing to compare with, on a full disk say, is said, and does not spoil this
 * one. The parent, which has the same offset in the file, puts it in place when that is past something. */
static void write_last(const struct run *run, struct audit *audit)
{
	if (run->last.fd >= 0 && write_report(run, audit, &run->last) != 0)
		(void)lseek(run->last.fd, 0, SEEK_SET);
}

static void end_last(struct run *run, int code)
{
	bool written = run->last.fd >= 0 && lseek(run->last.fd, 0, SEEK_CUR) > 0;

	(void)output_end(&run->last, written ? code : EXIT_CANNOT);
}

static int judge_and_report(struct worker *w, void *data)
{
	struct run *run = data;
	_cleanup_arena_ struct arena arena = {0};
	struct judgement *judgements = arena_new(&arena, struct judgement, run->n + 1);
	struct audit audit = {
		.snapshot = w->snapshot,
		.judgements = judgements,
		.n = run->n,
		.profile = run->catalogue.profile,
		.site = &run->site,
		.map = run->map,
		.is_whole = run->is_whole,
		.is_here = !w->source.root && !w->source.snapshot_file,
		.confinement = w->confinement,
		.utf8 = run->utf8,
		.verbose = run->verbose,
	};
	struct earlier earlier;
	int code = EXIT_DONE;

	if (run->since) {
		code = read_earlier(run, &arena, &earlier);
		if (code && !run->keeps)
			return code;
		/* What was kept is unreadable: said, and replaced by this audit. */
		audit.since = code ? NULL : &earlier;
		code = EXIT_DONE;
	}
	for (size_t i = 0; i < run->n; i++) {
		judge(run->rules[i], w->snapshot, &run->catalogue.language.params, &arena, &judgements[i]);
		site_waive(&run->site, snapshot_facts(w->snapshot)->time, &judgements[i]);
		if (judgement_counts(&judgements[i]) &&
			(int)judgements[i].rule->severity >= run->fail_on)
			code = EXIT_FINDINGS;
	}
	audit.took_us = now_us() - run->begin;
	for (size_t i = 0; i < run->n_outputs; i++)
		if (write_report(run, &audit, &run->outputs[i]))
			return EXIT_CANNOT;
	write_last(run, &audit);
	return code;
}

/* Opened before the process confines itself, parsed after. The first audit that is kept has no
 * other to be compared with. */
static int open_since(const struct given *g, struct run *run)
{
	run->since = run->keeps ? LAST_AUDIT : given_value(g, SINCE);
	run->since_fd = run->since ? open(run->since, O_RDONLY | O_CLOEXEC) : -1;
	if (run->since_fd >= 0 || !run->since)
		return 0;
	if (!run->keeps)
		return fail(EXIT_CANNOT, "%s: %s", run->since, strerror(errno));
	run->since = NULL;
	return 0;
}

/* Root's audit of this whole host is remembered where revet has a place for it. Whoever has never
 * installed or applied anything has none, and then nothing at all is written. */
static bool keeps_last(const struct given *g)
{
	static const int others[] = {FAMILY, RULE, ROOT, SNAPSHOT, SINCE, SET, PROFILE, SITE};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (has_option(g, others[i]))
			return false;
	return geteuid() == 0 && lstat(STATE_DIR, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
		   !(st.st_mode & 022);
}

static int load_map(const struct given *g, struct run *run)
{
	const char *name = given_value(g, MAP);
	struct err err;

	if (!name)
		return 0;
	if (numbering_load(&run->numbering, &run->catalogue, name, &run->catalogue.arena, &err) < 0)
		return fail(err.errnum == ENOENT ? EXIT_USAGE : EXIT_CONFIG, "%s", err.msg);
	run->map = &run->numbering;
	return 0;
}

static int prepare(const struct given *g, struct run *run, struct worker *w)
{
	const struct table *os = table_find(STR("os"));
	const struct opening opening = {SET, PROFILE, SITE,
									has_option(g, ROOT) || has_option(g, SNAPSHOT)};
	int code = open_catalogue(&run->catalogue, &run->site, g, &opening);

	if (code == 0)
		code = select_rules(g, &(struct selecting){FAMILY, RULE, -1}, &run->catalogue, run->rules,
							&run->n);
	if (code == 0)
		code = load_map(g, run);
	if (code == 0)
		code = parse_fail_on(given_value(g, FAIL_ON), &run->fail_on);
	if (code == 0)
		code = color_wanted(given_value(g, COLOR), &run->color);
	run->keeps = keeps_last(g);
	run->is_whole = !has_option(g, FAMILY) && !has_option(g, RULE);
	if (code == 0)
		code = open_since(g, run);
	if (code == 0)
		code = open_outputs(g, run);
	if (code == 0 && run->keeps)
		(void)output_open(&run->last, LAST_AUDIT);
	for (size_t i = 0; code == 0 && i < run->n; i++)
		judge_wants(run->rules[i], &run->catalogue.language.params, w->snapshot);
	if (code == 0 && os)
		snapshot_want(w->snapshot, os);
	if (w->source.record_dir)
		snapshot_want_everything(w->snapshot);
	return code;
}

static int run_audit(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct run *run = mem_calloc(1, sizeof(*run));
	struct worker w = {
		.source = {given_value(g, ROOT), given_value(g, SNAPSHOT), given_value(g, RECORD), NULL, &run->site},
		.snapshot = snapshot,
		.use = judge_and_report,
		.data = run,
	};
	int code;

	run->begin = now_us();
	setlocale(LC_CTYPE, "");
	run->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	run->since_fd = -1;
	run->last = (struct output){.report = find_report(STR("json")), .fd = -1};
	run->verbose = has_option(g, VERBOSE);
	if (w.source.snapshot_file && (w.source.root || w.source.record_dir))
		code = fail(EXIT_USAGE, "--snapshot goes with neither --root nor --record");
	else
		code = prepare(g, run, &w);
	if (code == 0)
		code = worker_run(&w);
	for (size_t i = 0; i < run->n_outputs; i++)
		code = output_end(&run->outputs[i], code);
	end_last(run, code);
	close_fd(&run->since_fd);
	catalogue_done(&run->catalogue);
	free(run);
	return code;
}

static const struct command audit_command = {
	"audit", "", "judge this host, a tree or a snapshot by the rules", options, 0, 0,
	run_audit};
COMMAND(audit_command);
