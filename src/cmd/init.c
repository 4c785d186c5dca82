/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the site file from what is seen of the host, or says what has changed since it was written. */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "change/session.h"
#include "cmd/cmd.h"
#include "cmd/interview.h"
#include "site/compare.h"
#include "site/text.h"

#define MAX_TEXT ((size_t)1 << 20)

enum { OUTPUT, YES, NO_INPUT, CHECK, SITE, FORMAT, ROOT, SNAPSHOT };

static const struct option_doc options[] = {
	[OUTPUT] = {"output", 'o', "FILE",
				"write there instead of to /etc/revet/site.yaml; -: to standard output"},
	[YES] = {"yes", 'y', NULL, "take every guess, and ask nothing"},
	[NO_INPUT] = {"no-input", 0, NULL,
				  "ask nothing: without --yes, only print what would be written"},
	[CHECK] = {"check", 0, NULL,
			   "write nothing: say what has changed since; exit 2 when something has"},
	[SITE] = {"site", 0, "FILE", "with --check: the site file (/etc/revet/site.yaml)"},
	[FORMAT] = {"format", 'f', "FORMAT", "with --check: text (default) or json"},
	[ROOT] = {"root", 0, "DIR", "look at the tree, or the recording, in DIR"},
	[SNAPSHOT] = {"snapshot", 0, "FILE", "look at a snapshot made earlier"},
	{0},
};

struct job {
	const struct seen_session *session;
	const char *const *profiles;
	const char *path; /* where it goes to; NULL: standard output */
	bool asks, shows; /* asks the person; prints what is written */
	struct output output;
	struct site site; /* to be compared with */
	bool json;
};

/* --- this session ------------------------------------------------------------------------------ */

static void find_session(struct session *session, struct seen_session *ret)
{
	struct err ignored;

	*ret = (struct seen_session){.peer = STR_ABSENT, .uid = UINT32_MAX};
	/* Of whom nothing is known may have come from anywhere. */
	if (session_of_self(session, &ignored) < 0) {
		ret->by_ssh = true;
		return;
	}
	ret->uid = session->uid;
	ret->by_ssh = session->by_ssh || session->peer[0];
	if (session->peer[0])
		ret->peer = str_of(session->peer);
}

/* --- writing ----------------------------------------------------------------------------------- */

struct making {
	struct snapshot *snapshot;
	struct arena *arena;
	struct buf text;
};

static int make_text(struct making *m, struct seen *seen, struct err *err)
{
	struct site_file site;

	buf_clear(&m->text);
	return site_text_loads(seen, snapshot_facts(m->snapshot)->time, m->arena, &m->text, &site, err);
}

static bool loads(void *data, struct seen *seen, struct err *err)
{
	return make_text(data, seen, err) == 0;
}

static int write_in_worker(struct worker *w, void *data)
{
	const struct job *job = data;
	_cleanup_arena_ struct arena a = {0};
	struct making making = {w->snapshot, &a, BUF(MAX_TEXT)};
	struct seen seen;
	struct err err = {0};
	int code = 0;

	seen_make(w->snapshot, job->session, &a, &seen);
	if (job->asks && !interview(&(struct interview){
						 .seen = &seen,
						 .arena = &a,
						 .profiles = job->profiles,
						 .path = job->path ? job->path : "it to standard output",
						 .check = loads,
						 .data = &making,
					 }))
		code = fail(EXIT_CANNOT, "nothing was written");
	if (code == 0 && make_text(&making, &seen, &err) < 0)
		code = fail(EXIT_CANNOT, "what was seen makes no site file: %s", err.msg);
	if (code == 0 && job->path)
		code = output_write(&job->output, buf_get(&making.text));
	if (code == 0 && job->shows)
		code = put_stdout(&making.text);
	buf_done(&making.text);
	return code;
}

/* /etc/revet is made when it is not there; any other directory is somebody's own affair. */
static int open_target(struct output *o, const char *path, struct arena *a)
{
	const char *directory = dirname(arena_strdup(a, path));
	int code = 0;

	if (strcmp(path, SITE_FILE) == 0 && mkdir(directory, 0755) < 0 && errno != EEXIST)
		code = fail(errno == EACCES ? EXIT_PERMISSION : EXIT_CANNOT,
					"%s: %s; as root, or elsewhere: -o FILE", directory, strerror(errno));
	else if (access(directory, W_OK) < 0)
		code = fail(errno == EACCES ? EXIT_PERMISSION : EXIT_CANNOT,
					"%s: cannot be written: %s; as root, or elsewhere: -o FILE", path,
					strerror(errno));
	else if (output_open(o, path))
		code = EXIT_CANNOT;
	/* Whoever may read it sees what is open to whom, which a connection tells as well. */
	else if (fchmod(o->fd, 0644) < 0)
		code = fail(EXIT_CANNOT, "%s: %s", path, strerror(errno));
	o->fresh = true;
	return code;
}

static int check_absent(const char *path, bool by_default)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	return fail(EXIT_CANNOT,
				"%s: is there already, and is never overwritten; what has changed since: "
				"revet init --check%s%s",
				path, by_default ? "" : " --site ", by_default ? "" : path);
}

static const char *default_path(void)
{
	const char *path = getenv("REVET_SITE");

	return path ? path : SITE_FILE;
}

static int list_profiles(struct arena *a, const char *const **ret)
{
	struct profile *all;
	const char **names;
	struct err err;
	size_t n;

	if (profile_list(a, PROFILE_USER_DIR, &all, &n, &err) < 0)
		return fail(EXIT_CONFIG, "%s", err.msg);
	names = arena_new(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		names[i] = all[i].name;
	*ret = names;
	return 0;
}

static int run_write(const struct given *g, struct worker *w, struct job *job)
{
	const char *named = given_value(g, OUTPUT);
	bool elsewhere = w->source.root || w->source.snapshot_file, yes = given_value(g, YES);
	_cleanup_arena_ struct arena a = {0};
	int code = list_profiles(&a, &job->profiles);

	job->asks = !yes && !given_value(g, NO_INPUT) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	/* Another host's file is no file of this one. */
	job->path = named ? named : elsewhere ? NULL : default_path();
	if (named && strcmp(named, "-") == 0)
		job->path = NULL;
	if (code == 0 && job->path)
		code = check_absent(job->path, !named);
	if (!job->asks && !yes && !named)
		job->path = NULL;
	job->shows = !job->asks || !job->path;
	if (code == 0 && job->path)
		code = open_target(&job->output, job->path, &a);
	w->use = write_in_worker;
	if (code == 0)
		code = worker_run(w);
	code = output_end(&job->output, code);
	if (code == 0 && job->path)
		fprintf(stderr, "revet: wrote %s: read it, then: revet audit, revet plan\n", job->path);
	else if (code == 0 && !elsewhere && !named)
		fputs("revet: nothing was written: with --yes it is, as it stands here\n", stderr);
	return code;
}

/* --- comparing --------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const struct comparison *c, const char *path)
{
	for (size_t i = 0; i < c->all.n; i++) {
		const struct difference *d = &c->all.p[i];

		buf_printf(out, "%-9s ", difference_name(d->kind));
		buf_printable(out, str_of(d->object));
		buf_puts(out, ": ");
		buf_printable(out, str_of(d->detail));
		if (d->line) {
			buf_puts(out, "   (");
			buf_printable(out, str_of(path));
			buf_printf(out, ":%u)", d->line);
		}
		buf_putc(out, '\n');
	}
	if (c->all.n)
		buf_printf(out, "%zu difference%s\n", c->all.n, c->all.n == 1 ? "" : "s");
	else
		buf_puts(out, c->unknown.n ? "nothing that could be compared has changed\n"
								   : "nothing has changed\n");
}

static void put_list(struct jsonw *j, const char *key, const char *const *items, size_t n)
{
	jsonw_key(j, key);
	jsonw_array(j);
	for (size_t i = 0; i < n; i++)
		jsonw_strz(j, items[i]);
	jsonw_end(j);
}

static void put_json(struct buf *out, const struct comparison *c, const char *path)
{
	struct jsonw j;

	jsonw_begin(&j, out, true);
	jsonw_object(&j);
	jsonw_member_strz(&j, "format", "revet-init-check");
	jsonw_member_int(&j, "version", 1);
	jsonw_member_strz(&j, "site", path);
	jsonw_key(&j, "differences");
	jsonw_array(&j);
	for (size_t i = 0; i < c->all.n; i++) {
		const struct difference *d = &c->all.p[i];

		jsonw_object(&j);
		jsonw_member_strz(&j, "kind", difference_name(d->kind));
		jsonw_member_strz(&j, "object", d->object);
		jsonw_member_strz(&j, "detail", d->detail);
		jsonw_key(&j, "line");
		if (d->line)
			jsonw_int(&j, d->line);
		else
			jsonw_null(&j);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	put_list(&j, "unknown", c->unknown.p, c->unknown.n);
	put_list(&j, "unsaid", c->unsaid.p, c->unsaid.n);
	jsonw_end(&j);
}

static int compare_in_worker(struct worker *w, void *data)
{
	const struct job *job = data;
	_cleanup_arena_ struct arena a = {0};
	_cleanup_buf_ struct buf out = BUF((size_t)64 << 20);
	struct comparison comparison;
	struct seen seen;
	int code;

	seen_make(w->snapshot, job->session, &a, &seen);
	site_compare(&seen, &job->site.file, job->site.text, &a, &comparison);
	(job->json ? put_json : put_text)(&out, &comparison, job->site.path);
	code = put_stdout(&out);
	for (size_t i = 0; i < comparison.unsaid.n; i++)
		fail(0, "%s: says nothing of %s, so that is not compared", job->site.path,
			 comparison.unsaid.p[i]);
	for (size_t i = 0; i < seen.unknown.n; i++)
		fail(0, "not seen: %s", seen.unknown.p[i]);
	if (code)
		return code;
	return comparison.all.n ? EXIT_FINDINGS : comparison.unknown.n ? EXIT_UNKNOWN : EXIT_DONE;
}

static int run_check(const struct given *g, struct worker *w, struct job *job)
{
	const char *named = given_value(g, SITE), *path = named ? named : default_path();
	_cleanup_arena_ struct arena a = {0};
	struct err err;
	int code = parse_format(given_value(g, FORMAT), &job->json);

	if (code == 0 && (w->source.root || w->source.snapshot_file) && !named)
		code =
			fail(EXIT_USAGE, "%s is about this host: name the other one's with --site FILE", path);
	if (code == 0 && site_read(&job->site, path, true, &a, &err) < 0)
		code = err.errnum == ENOENT ? fail(EXIT_CONFIG, "%s; write it with: revet init", err.msg)
									: fail(EXIT_CONFIG, "%s", err.msg);
	w->use = compare_in_worker;
	return code ? code : worker_run(w);
}

/* --- the command ------------------------------------------------------------------------------- */

static int run_init(const struct given *g)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct seen_session seen_session;
	struct session session;
	struct job job = {.output = {.fd = -1}};
	struct worker w = {
		.source = {.root = given_value(g, ROOT), .snapshot_file = given_value(g, SNAPSHOT)},
		.snapshot = snapshot,
		.data = &job,
	};

	if (!given_value(g, CHECK) && (given_value(g, SITE) || given_value(g, FORMAT)))
		return fail(EXIT_USAGE, "--site and --format are for --check; see: revet init --help");
	if (given_value(g, CHECK) && (given_value(g, OUTPUT) || given_value(g, YES)))
		return fail(EXIT_USAGE, "--check writes nothing: leave --output and --yes out");
	if (!w.source.root && !w.source.snapshot_file) {
		find_session(&session, &seen_session);
		job.session = &seen_session;
	}
	seen_want(snapshot);
	return given_value(g, CHECK) ? run_check(g, &w, &job) : run_write(g, &w, &job);
}

static const struct command init_command = {
	"init",
	"",
	"write the site file from what is seen here, or see what has changed since",
	options,
	0,
	0,
	run_init};
COMMAND(init_command);
