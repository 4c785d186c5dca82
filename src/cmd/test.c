/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "base/num.h"
#include "cmd/cmd.h"
#include "spec/spec.h"

#define MAX_REPORT ((size_t)256 << 20)
#define MAX_OUTPUTS 16
#define AT_ONCE 50
#define AGAIN 255 /* the worker's exit code: something failed, and there is time to try once more */

enum {
	FORMAT_OPTION,
	VARS,
	VARS_INLINE,
	PACKAGE,
	RETRY_TIMEOUT,
	SLEEP,
	MAX_CONCURRENT,
	COLOR,
	VERBOSE
};

static const struct option_doc options[] = {
	[FORMAT_OPTION] = {"format", 'f', "FORMAT[=OUT]",
					   "text (default), json, tap, junit and others; may be given several times"},
	[VARS] = {"vars", 0, "FILE",
			  "values for .Vars in templates, YAML or JSON; may be given several times"},
	[VARS_INLINE] = {"vars-inline", 0, "TEXT",
					 "the same, from the command line, over those of files"},
	[PACKAGE] = {"package", 0, "TYPE", "look for packages of deb, rpm, apk or pacman only"},
	[RETRY_TIMEOUT] = {"retry-timeout", 'r', "TIME",
					   "try again, for so long, while something fails"},
	[SLEEP] = {"sleep", 's', "TIME", "between two tries (1s)"},
	[MAX_CONCURRENT] = {"max-concurrent", 0, "NUMBER",
						"commands and servers that are asked at once (50)"},
	[COLOR] = {"color", 0, "WHEN", "auto, always or never"},
	[VERBOSE] = {"verbose", 'v', NULL, "JSON that people can read"},
	{0},
};

struct run {
	struct suite suite;
	struct suite_options options;
	struct output outputs[MAX_OUTPUTS];
	const struct format *formats[MAX_OUTPUTS];
	size_t n_outputs;
	struct color color;
	bool verbose;
	int64_t retry_us, sleep_us, begin_us;
	unsigned at_once;
	int answers_fd;
	struct results results;
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- options --------------------------------------------------------------------------------- */

static int find_format(struct str name, const struct format **ret)
{
	_cleanup_buf_ struct buf names = BUF(4096);

	for (const struct format *const *f = LEAF_BEGIN(formats); f < LEAF_END(formats); f++) {
		buf_printf(&names, "%s%s", names.n ? ", " : "", (*f)->name);
		*ret = *f;
		if (str_is(name, (*f)->name))
			return 0;
	}
	return fail(EXIT_USAGE, "there is no format '%.*s'; there are: %s", STR_ARG(name), names.p);
}

static int add_output(struct run *run, const char *value)
{
	struct str file = str_of(value), name = STR_ABSENT;
	struct output *o = &run->outputs[run->n_outputs];
	int code;

	(void)str_cut(&file, '=', &name);
	if (run->n_outputs == MAX_OUTPUTS)
		return fail(EXIT_USAGE, "more than %d outputs", MAX_OUTPUTS);
	code = find_format(name, &run->formats[run->n_outputs]);
	if (code)
		return code;
	*o = (struct output){.fd = -1};
	run->n_outputs++;
	return file.p ? output_open(o, file.p) : 0;
}

static int open_outputs(const struct given *g, struct run *run)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < g->n; i++)
		if (g->p[i].option == FORMAT_OPTION)
			code = add_output(run, g->p[i].value);
	return code == 0 && !run->n_outputs ? add_output(run, "text") : code;
}

/* "90s", "2m", "1.5s", "500ms": as Go writes them, and as systemd.time(7) does. */
static int parse_time(const char *text, int64_t *ret_us)
{
	struct str s = str_of(text), number;
	static const struct {
		const char *unit;
		double us;
	} units[] = {{"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}};
	struct datum d;
	int64_t seconds;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		number = s;
		if (!str_ends(s, units[i].unit))
			continue;
		number.n -= strlen(units[i].unit);
		if (datum_parse_number(number, &d) == 0 && datum_real(&d) >= 0 && datum_real(&d) < 1e7) {
			*ret_us = (int64_t)(datum_real(&d) * units[i].us);
			return 0;
		}
	}
	if (num_duration(s, &seconds) < 0 || seconds > 10000000)
		return -EINVAL;
	*ret_us = seconds * 1000000;
	return 0;
}

static int read_time(const struct given *g, int option, int64_t *ret)
{
	const char *value = given_value(g, option);

	if (!value || parse_time(value, ret) == 0)
		return 0;
	return fail(EXIT_USAGE, "--%s %s: expected a time, as 90s, 2m or 500ms", options[option].name,
				value);
}

static int read_limits(const struct given *g, struct run *run)
{
	static const char *const managers[] = {"deb", "rpm", "apk", "pacman", "dpkg"};
	const char *at_once = given_value(g, MAX_CONCURRENT), *manager = given_value(g, PACKAGE);
	uint64_t n = AT_ONCE;
	int code = read_time(g, RETRY_TIMEOUT, &run->retry_us);
	bool known = !manager;

	if (code == 0)
		code = read_time(g, SLEEP, &run->sleep_us);
	if (code == 0 && at_once && num_u64(str_of(at_once), 1, 1000, &n) < 0)
		code = fail(EXIT_USAGE, "--max-concurrent %s: expected a number from 1 to 1000", at_once);
	for (size_t i = 0; i < ARRAY_LEN(managers); i++)
		known = known || strcmp(manager, managers[i]) == 0;
	if (code == 0 && !known)
		code = fail(EXIT_USAGE, "--package %s: expected deb, rpm, apk or pacman", manager);
	run->at_once = (unsigned)n;
	run->suite.manager = manager && strcmp(manager, "deb") == 0 ? "dpkg" : manager;
	return code;
}

/* --- files ----------------------------------------------------------------------------------- */

static int not_loaded(const struct err *err)
{
	bool denied = err->errnum == EPERM || err->errnum == EACCES;

	return fail(denied ? EXIT_PERMISSION : EXIT_CONFIG, "%s", err->msg);
}

static int load_vars(const struct given *g, struct run *run)
{
	struct suite *s = &run->suite;
	struct err err;
	int r = 0;

	run->options.vars = datum_map(&s->arena);
	for (size_t i = 0; r == 0 && i < g->n; i++)
		if (g->p[i].option == VARS)
			r = suite_load_vars(s, g->p[i].value, &run->options.vars, &err);
	for (size_t i = 0; r == 0 && i < g->n; i++)
		if (g->p[i].option == VARS_INLINE)
			r = suite_parse_vars(s, str_of(g->p[i].value), "--vars-inline", &run->options.vars,
								 &err);
	return r < 0 ? not_loaded(&err) : 0;
}

static int load(const struct given *g, struct run *run)
{
	struct err err;
	int code = load_vars(g, run);

	for (int i = 0; code == 0 && i < g->n_words; i++)
		if (suite_load(&run->suite, g->words[i], &run->options, &err) < 0)
			code = fail(err.errnum == EPERM || err.errnum == EACCES ? EXIT_PERMISSION : EXIT_CONFIG,
						"%s", err.msg);
	for (size_t i = 0; code == 0 && i < run->suite.warnings.n; i++)
		(void)fail(0, "%s", run->suite.warnings.p[i]);
	if (code == 0 && !run->suite.resources.n)
		code = fail(EXIT_CONFIG, "%s: there are no tests in it", g->words[0]);
	return code;
}

/* --- a try ----------------------------------------------------------------------------------- */

static int write_reports(struct run *run)
{
	for (size_t i = 0; i < run->n_outputs; i++) {
		_cleanup_buf_ struct buf text = BUF(MAX_REPORT);
		const struct format_options o = {run->outputs[i].path ? run->color.files : run->color.out,
										 run->verbose};

		run->formats[i]->write(&run->results, &o, &text);
		if (text.full)
			return fail(EXIT_CANNOT, "the report is larger than 256 MiB");
		if (output_write(&run->outputs[i], buf_get(&text)))
			return EXIT_CANNOT;
	}
	return 0;
}

static bool may_try_again(const struct run *run)
{
	return run->results.failed && run->retry_us &&
		   now_us() - run->begin_us + run->sleep_us <= run->retry_us;
}

/* In the worker, confined. */
static int judge_all(struct worker *w, void *data)
{
	struct run *run = data;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct suite_judging j = {
		.suite = &run->suite,
		.host = w->source.host,
		.snapshot = w->snapshot,
		.threads = MIN((unsigned)MAX(processors, 1L), run->at_once),
	};
	int64_t begin = run->results.begin;
	struct err err;
	int code;

	if (run->answers_fd >= 0 && suite_take_answers(&run->suite, run->answers_fd, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	suite_judge(&j);
	run->results = j.results;
	run->results.begin = begin;
	run->results.took_us = now_us() - run->begin_us;
	code = may_try_again(run) ? AGAIN : write_reports(run);
	if (code == 0 && run->results.failed)
		code = EXIT_FINDINGS;
	suite_judging_done(&j);
	return code;
}

static int try_once(struct run *run)
{
	_cleanup_snapshot_ struct snapshot *snapshot = snapshot_new();
	struct worker w = {.snapshot = snapshot, .use = judge_all, .data = run, .quiet = true};
	struct err err;
	int pid, code;

	suite_wants(&run->suite, snapshot);
	if (suite_ask(&run->suite, run->at_once, &pid, &run->answers_fd, &err) < 0)
		return fail(EXIT_CANNOT, "%s", err.msg);
	code = worker_run(&w);
	close_fd(&run->answers_fd);
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return code;
}

/* The signal that ended it; 0: none did. */
static int rest(const struct run *run)
{
	const struct timespec time = {run->sleep_us / 1000000, run->sleep_us % 1000000 * 1000};
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sig = sigtimedwait(&set, NULL, &time);
	return sig > 0 ? sig : 0;
}

static int try_all(struct run *run)
{
	int code, sig = 0;

	run->begin_us = now_us();
	run->results.begin = time(NULL);
	while ((code = try_once(run)) == AGAIN && !sig)
		sig = rest(run);
	return sig ? 128 + sig : code;
}

static int run_test(const struct given *g)
{
	struct run *run = mem_calloc(1, sizeof(*run));
	int code = read_limits(g, run);

	run->answers_fd = -1;
	run->verbose = given_value(g, VERBOSE) != NULL;
	if (!given_value(g, SLEEP))
		run->sleep_us = 1000000;
	if (code == 0)
		code = color_wanted(given_value(g, COLOR), &run->color);
	if (code == 0)
		code = load(g, run);
	if (code == 0)
		code = open_outputs(g, run);
	if (code == 0)
		code = try_all(run);
	for (size_t i = 0; i < run->n_outputs; i++)
		code = output_end(&run->outputs[i], code);
	suite_done(&run->suite);
	free(run);
	return code;
}

static const struct command test_command = {
	"test",
	"FILE...",
	"run a user's own tests: sentences, or goss's gossfiles",
	options,
	1,
	64,
	run_test};
COMMAND(test_command);
